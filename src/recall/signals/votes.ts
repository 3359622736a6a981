// Similar episodes vote for the files that they touched.

import type { Neighbour } from "../evidence.ts";
import { addTo } from "../scores.ts";
import { byBest, type SignalGroup } from "./signal.ts";

export const votes: SignalGroup = {
  names: [
    ...["vote", "vote sharp", "vote young", "vote wide", "vote of goals", "vote of goals young"],
    ...["nearest", "nearest share", "nearest sure", "nearest goal"],
  ],
  measure({ candidates, nearest, nearestGoals, likeness, now }) {
    const poll = (neighbours: readonly Neighbour[], worth: (neighbour: Neighbour, age: number) => number): number[] => {
      const scores = new Map<number, number>();
      for (const neighbour of neighbours) {
        const each = worth(neighbour, now - neighbour.number);
        for (const file of neighbour.row.files) addTo(scores, file, each);
      }
      return candidates.map(({ file }) => scores.get(file) ?? 0);
    };
    const best = (neighbours: readonly Neighbour[]): number[] => {
      const scores = new Map<number, number>();
      for (const { row, score } of neighbours) {
        for (const file of row.files) scores.set(file, Math.max(scores.get(file) ?? 0, score));
      }
      return candidates.map(({ file }) => scores.get(file) ?? 0);
    };
    const size = ({ row }: Neighbour): number => Math.sqrt(row.files.length);
    const near = nearest.slice(0, 20);
    const all = near.reduce((sum, { score }) => sum + score ** 3, 0);
    const closest = best(nearest);
    return [
      byBest(poll(nearest, (each, age) => (each.score ** 2 / size(each)) * (0.5 + 0.5 * Math.exp(-age / 150)))),
      byBest(poll(nearest, (each) => each.score ** 4 / size(each))),
      byBest(poll(nearest, (each, age) => (each.score ** 2 / size(each)) * Math.exp(-age / 60))),
      byBest(poll(nearest, (each) => each.score / size(each))),
      byBest(poll(nearestGoals, (each) => each.score ** 3 / size(each))),
      byBest(poll(nearestGoals, (each, age) => (each.score ** 3 / size(each)) * Math.exp(-age / 60))),
      closest,
      poll(near, ({ score }) => score ** 3 / (all || 1)),
      closest.map((score) => score * likeness),
      best(nearestGoals),
    ];
  },
};
