// All signals of a candidate, in a fixed order: the ranker keeps a weight for each.

import type { Evidence } from "../evidence.ts";
import { associations } from "./associations.ts";
import { beside } from "./beside.ts";
import { folderNames, measureFolders } from "./folders.ts";
import { kindNames, measureKinds } from "./kinds.ts";
import { pathMatch } from "./path-match.ts";
import { times } from "./times.ts";
import { votes } from "./votes.ts";

const direct = [votes, associations, pathMatch, times, beside];

export const signalNames: readonly string[] = [...direct.flatMap(({ names }) => names), ...folderNames, ...kindNames];

const begin: Readonly<Record<string, number>> = {
  ...{ vote: 0.4, "words any": 0.4, path: 0.4, mentioned: 0.8 },
  // An episode does not tell what whoever did it had in hand, nor always which files there were that nobody had touched. What speaks
  // through these alone is seldom learned.
  ...{ "beside files in hand": 2, untouched: -0.2 },
};

/** The weights to begin with: those of a few signals, so that the first episodes are of some use. After some hundred it makes no difference. */
export const startWeights: readonly number[] = signalNames.map((name) => begin[name] ?? 0);

/** The position of a signal that is read by name. */
export function signalAt(name: string): number {
  const at = signalNames.indexOf(name);
  if (at === -1) throw new Error(`There is no signal ${name}.`);
  return at;
}

const [vote, word, path] = [signalAt("vote"), signalAt("words any"), signalAt("path")];

/** The signals of each candidate, one list per candidate, in the order of `signalNames`. */
export function measureSignals(evidence: Evidence): number[][] {
  const columns: (readonly number[])[] = direct.flatMap((group) => group.measure(evidence));
  const [votesOf, wordsOf, pathsOf] = [columns[vote] ?? [], columns[word] ?? [], columns[path] ?? []];
  columns.push(...measureFolders(evidence, { votes: votesOf, words: wordsOf }));
  const strength = evidence.candidates.map((_, at) => (votesOf[at] ?? 0) + (wordsOf[at] ?? 0) + (pathsOf[at] ?? 0));
  columns.push(...measureKinds(evidence, strength));
  return evidence.candidates.map((_, at) => columns.map((column) => column[at] ?? 0));
}
