// Similar episodes vote for the files that they touched.

import type { Evidence, Neighbour } from "../evidence.ts";
import { byBest, type SignalGroup } from "./signal.ts";

const nearCount = 20;

export const votes: SignalGroup = {
  names: [
    ...["vote", "vote sharp", "vote young", "vote wide", "vote of goals", "vote of goals young"],
    ...["nearest", "nearest share", "nearest sure", "nearest goal"],
  ],
  measure(evidence) {
    const { nearest, nearestGoals, likeness, now } = evidence;
    const all = nearest.slice(0, nearCount).reduce((sum, { score }) => sum + score ** 3, 0);
    const [vote, sharp, young, wide, share] = poll(evidence, nearest, ({ number, row, score }, rank) => {
      const [age, size] = [now - number, Math.sqrt(row.files.length)];
      const even = score ** 2 / size;
      const near = rank < nearCount ? score ** 3 / (all || 1) : 0;
      return [
        even * (0.5 + 0.5 * Math.exp(-age / 150)),
        score ** 4 / size,
        even * Math.exp(-age / 60),
        score / size,
        near,
      ];
    });
    const [goals, youngGoals] = poll(evidence, nearestGoals, ({ number, row, score }) => {
      const each = score ** 3 / Math.sqrt(row.files.length);
      return [each, each * Math.exp(-(now - number) / 60), 0, 0, 0];
    });
    const closest = findClosest(evidence, nearest);
    return [
      ...[vote, sharp, young, wide, goals, youngGoals].map(byBest),
      ...[closest, share, closest.map((score) => score * likeness), findClosest(evidence, nearestGoals)],
    ];
  },
};

type Five = [number, number, number, number, number];

/** Sums what the neighbours are worth to each candidate, in five ways at once. */
function poll(
  { candidates, indexOf }: Evidence,
  neighbours: readonly Neighbour[],
  worth: (neighbour: Neighbour, rank: number) => Five,
): [number[], number[], number[], number[], number[]] {
  const zeros = (): number[] => candidates.map(() => 0);
  const columns: ReturnType<typeof poll> = [zeros(), zeros(), zeros(), zeros(), zeros()];
  for (const [rank, neighbour] of neighbours.entries()) {
    const worths = worth(neighbour, rank);
    for (const file of neighbour.row.files) {
      const index = indexOf.get(file);
      if (index === undefined) continue;
      for (const [column, each] of worths.entries()) {
        const values = columns[column] ?? [];
        values[index] = (values[index] ?? 0) + each;
      }
    }
  }
  return columns;
}

/** The best score of a neighbour that touched each candidate. */
function findClosest({ candidates, indexOf }: Evidence, neighbours: readonly Neighbour[]): number[] {
  const closest = candidates.map(() => 0);
  for (const { row, score } of neighbours) {
    for (const file of row.files) {
      const index = indexOf.get(file);
      if (index !== undefined) closest[index] = Math.max(closest[index] ?? 0, score);
    }
  }
  return closest;
}
