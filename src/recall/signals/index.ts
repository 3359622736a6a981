// All signals of a candidate, in a fixed order: the ranker keeps a weight for each.

import type { Evidence } from "../evidence.ts";
import { associations } from "./associations.ts";
import { folderNames, measureFolders } from "./folders.ts";
import { kindNames, measureKinds } from "./kinds.ts";
import { pathMatch } from "./path-match.ts";
import { times } from "./times.ts";
import { votes } from "./votes.ts";

const direct = [votes, associations, pathMatch, times];

export const signalNames: readonly string[] = [...direct.flatMap(({ names }) => names), ...folderNames, ...kindNames];

/** The position of a signal that is read by name. */
export function signalAt(name: string): number {
  const at = signalNames.indexOf(name);
  if (at === -1) throw new Error(`There is no signal ${name}.`);
  return at;
}

const [vote, word, path] = [signalAt("vote"), signalAt("words any"), signalAt("path")];

/** The signals of each candidate, one list per candidate, in the order of `signalNames`. */
export function measureSignals(evidence: Evidence): Float64Array[] {
  const columns: (readonly number[])[] = direct.flatMap((group) => group.measure(evidence));
  const [votesOf, wordsOf, pathsOf] = [columns[vote] ?? [], columns[word] ?? [], columns[path] ?? []];
  columns.push(...measureFolders(evidence, { votes: votesOf, words: wordsOf }));
  const strength = evidence.candidates.map((_, at) => (votesOf[at] ?? 0) + (wordsOf[at] ?? 0) + (pathsOf[at] ?? 0));
  columns.push(...measureKinds(evidence, strength));
  return evidence.candidates.map((_, at) => {
    const values = new Float64Array(columns.length);
    for (let signal = 0; signal < columns.length; signal += 1) values[signal] = columns[signal]?.[at] ?? 0;
    return values;
  });
}
