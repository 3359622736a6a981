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

/**
 * What six histories of libraries and services came to, their mean to a tenth, those under .2 left out. Each measured with the mean of the
 * other five, the first file was right for .576 of the questions and not for .572, and for .467 and not .458 of the first hundred.
 */
const usual: Readonly<Record<string, number>> = {
  mentioned: 2.0,
  "class against usual": 1.3,
  "scope in path": 1.0,
  unmatched: -0.9,
  "folders rarity": 0.9,
  superseded: -0.9,
  path: 0.8,
  "age 300": 0.7,
  "name compound": 0.6,
  nearest: 0.6,
  family: 0.6,
  "words lift": 0.6,
  "age 20": 0.5,
  "path share": 0.5,
  "words any": 0.5,
  class: 0.5,
  vote: 0.5,
  overdue: -0.5,
  words: 0.5,
  extension: 0.5,
  "words any sure": 0.4,
  name: 0.4,
  scope: 0.4,
  test: -0.4,
  "name in body": 0.4,
  "words any young sure": 0.3,
  "path in body": 0.3,
  "nearest share": 0.3,
  "path and goal": 0.3,
  "word best": 0.2,
  frequency: -0.2,
  "in previous": 0.2,
  "vote sharp": 0.2,
  "folder age": 0.2,
};

/**
 * An episode does not tell what whoever did it had in hand, nor always which files there were that nobody had touched. What speaks through
 * these alone is seldom learned.
 */
const seldomLearned: Readonly<Record<string, number>> = { "beside files in hand": 2, untouched: -0.2 };

/** The weights to begin with, so that the first answers are of use. After some hundred episodes they make little difference. */
export const startWeights: readonly number[] = signalNames.map((name) => usual[name] ?? seldomLearned[name] ?? 0);

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
