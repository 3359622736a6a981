// What speaks for a file's folder and for the named part of the project.

import { addTo } from "../scores.ts";
import { byBest, type SignalGroup } from "./signal.ts";

const pseudoCounts = 1.5;

/** `votes` and `words`: what similar episodes and words give each candidate. */
export function measureFolders(
  evidence: Parameters<SignalGroup["measure"]>[0],
  { votes, words }: { votes: readonly number[]; words: readonly number[] },
): number[][] {
  const { candidates, scopeRow, totals, folderOf, now } = evidence;
  const sum = (values: readonly number[]): number[] => {
    const sums = new Map<number, number>();
    for (const [index, { row }] of candidates.entries()) addTo(sums, row.folder, values[index] ?? 0);
    return byBest(candidates.map(({ row }) => sums.get(row.folder) ?? 0));
  };
  const scopeCounts = new Map<number, number>();
  for (let at = 0; at < (scopeRow?.files.length ?? 0); at += 4) {
    scopeCounts.set(scopeRow?.files[at] ?? -1, scopeRow?.files[at + 1] ?? 0);
  }
  return [
    sum(votes),
    sum(words),
    candidates.map(({ file, row }) => {
      if (scopeRow === undefined) return 0;
      const usual = row.count / totals.episodes;
      return ((scopeCounts.get(file) ?? 0) + pseudoCounts * usual) / (scopeRow.mass + pseudoCounts);
    }),
    candidates.map(({ row }) => Math.exp(-(now - (folderOf(row.folder)?.last ?? 0)) / 30)),
  ];
}

export const folderNames = ["folder votes", "folder words", "scope", "folder age"] as const;
