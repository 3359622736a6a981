// The kind of work against the class of file: docs are changed in documents, tests in tests.

import type { Evidence } from "../evidence.ts";
import { kinds } from "../kinds.ts";
import { fileClasses } from "../paths.ts";

const kindPseudoCounts = 6;
const wordPseudoCounts = 4;
const tellingWords = 5;
const wordTrust = 0.6; // words of one goal are not independent

export const kindNames = ["class", "class against usual", "kind", "test", "family"] as const;

/** `strength`: what votes, words and path give each candidate, for its family. */
export function measureKinds(evidence: Evidence, strength: readonly number[]): number[][] {
  const { candidates, totals, goal } = evidence;
  const ofKind = evidence.kind?.goals ?? 0;
  const kind = kinds.indexOf(goal.kind);
  const { shares, usual } = shareClasses(evidence);
  const families = new Map<string, [best: number, second: number]>();
  for (const [index, { path }] of candidates.entries()) {
    const value = strength[index] ?? 0;
    const [best, second] = families.get(path.family) ?? [0, 0];
    families.set(path.family, value > best ? [value, best] : [best, Math.max(second, value)]);
  }
  return [
    candidates.map(({ path }) => shares[path.fileClass] ?? 0),
    candidates.map(({ path }) => {
      const ratio = Math.log((shares[path.fileClass] ?? 0) / (usual[path.fileClass] ?? 1));
      return Math.max(-1, Math.min(1, ratio / 3));
    }),
    candidates.map(({ row }) => {
      const ofFile = row.count / Math.max(1, totals.episodes);
      return ((row.kinds[kind] ?? 0) + kindPseudoCounts * ofFile) / (ofKind + kindPseudoCounts);
    }),
    candidates.map(({ path }) => (path.isTest ? 1 : 0)),
    candidates.map(({ path }, index) => {
      const [best, second] = families.get(path.family) ?? [0, 0];
      return ((strength[index] ?? 0) === best ? second : best) / 3;
    }),
  ];
}

/** P(class | kind, words) by naive Bayes, and P(class). */
function shareClasses({ terms, totals, kind }: Evidence): { shares: number[]; usual: number[] } {
  const smooth = (counts: readonly number[], mass: number, prior: readonly number[], pseudo: number): number[] =>
    prior.map((share, index) => ((counts[index] ?? 0) + pseudo * share) / (mass + pseudo));
  const even = fileClasses.map(() => 1 / fileClasses.length);
  const usual = smooth(totals.classes, totals.episodes, even, 1);
  const logs = smooth(kind?.classes ?? [], kind?.mass ?? 0, usual, kindPseudoCounts).map(Math.log);
  const telling = terms
    .filter(({ row }) => row.mass > 0)
    .map(({ row, weight }) => {
      const ratios = smooth(row.classes, row.mass, usual, wordPseudoCounts).map((share, index) =>
        Math.log(share / (usual[index] ?? 1)),
      );
      return { ratios, weight, worth: weight * Math.max(...ratios.map(Math.abs)) };
    })
    .sort((left, right) => right.worth - left.worth)
    .slice(0, tellingWords);
  for (const { ratios, weight } of telling) {
    for (const [index, ratio] of ratios.entries()) logs[index] = (logs[index] ?? 0) + wordTrust * weight * ratio;
  }
  const most = Math.max(...logs);
  const parts = logs.map((log) => Math.exp(log - most));
  const sum = parts.reduce((left, right) => left + right, 0);
  return { shares: parts.map((part) => part / sum), usual };
}
