// What speaks for a file's folder, for the named part of the project, and for the family of the task.

import type { WordRow } from "../rows.ts";
import { addTo } from "../scores.ts";
import { byBest, type SignalGroup } from "./signal.ts";

const pseudoCounts = 1.5;

/** `votes` and `words`: what similar episodes and words give each candidate. */
export function measureFolders(
  evidence: Parameters<SignalGroup["measure"]>[0],
  { votes, words }: { votes: readonly number[]; words: readonly number[] },
): number[][] {
  const { candidates, scope, family, totals, folderOf, now } = evidence;
  const sum = (values: readonly number[]): number[] => {
    const sums = new Map<number, number>();
    for (const [index, { row }] of candidates.entries()) addTo(sums, row.folder, values[index] ?? 0);
    return byBest(candidates.map(({ row }) => sums.get(row.folder) ?? 0));
  };
  /** P(file | mark); 0 for all when the goal has no such mark. */
  const shareWith = (mark: WordRow | undefined): number[] => {
    if (mark === undefined) return candidates.map(() => 0);
    const counts = new Map(mark.files.map((file, at) => [file, mark.masses[at] ?? 0]));
    return candidates.map(({ file, row }) => {
      const usual = row.count / Math.max(1, totals.episodes);
      return ((counts.get(file) ?? 0) + pseudoCounts * usual) / (mark.mass + pseudoCounts);
    });
  };
  return [
    sum(votes),
    sum(words),
    shareWith(scope),
    candidates.map(({ row }) => Math.exp(-(now - (folderOf(row.folder)?.last ?? 0)) / 30)),
    shareWith(family),
  ];
}

export const folderNames = ["folder votes", "folder words", "scope", "folder age", "family of tasks"] as const;
