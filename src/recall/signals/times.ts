// When and how often a file was touched.

import { decay, halfLives } from "../scores.ts";
import type { SignalGroup } from "./signal.ts";

const sessionSeconds = 21_600;

export const times: SignalGroup = {
  names: [
    ...["frequency", "frequency of age", "active 3", "active 10", "active 40", "active 160", "age 20", "age 300"],
    ...["in previous", "in second previous", "in this session", "recent alike", "superseded", "overdue"],
  ],
  measure({ candidates, totals, now, at, recent, episodeScores }) {
    const [previous, second] = recent;
    const gap = previous === undefined ? 0 : Math.max(0, at - previous.at);
    const session = Math.exp(-gap / sessionSeconds);
    const newestFirst = new Map<string, number>();
    for (const { row, path } of candidates) {
      newestFirst.set(path.base, Math.max(newestFirst.get(path.base) ?? 0, row.first));
    }
    const rows = candidates.map(({ file, row, path }) => {
      const age = now - row.last;
      const interval = (row.last - row.first) / Math.max(1, row.count - 1);
      const active = halfLives.map((halfLife, index) => (row.decayed[index] ?? 0) * decay(age, halfLife));
      const alike = recent.map((episode, back) => (episode.files.includes(file) ? (episodeScores.get(back) ?? 0) : 0));
      return [
        Math.log1p(row.count) / Math.log1p(totals.episodes),
        Math.min(1, row.count / (now - row.first + 5)),
        ...active.map((count) => count / (count + 2)),
        Math.exp(-age / 20),
        Math.exp(-age / 300),
        previous?.files.includes(file) === true ? 1 : 0,
        second?.files.includes(file) === true ? 1 : 0,
        previous?.files.includes(file) === true ? session : 0,
        Math.max(0, ...alike),
        (newestFirst.get(path.base) ?? 0) > row.last ? 1 : 0,
        row.count > 2 ? Math.min(1, age / (interval + 1) / 8) : 0,
      ];
    });
    return Array.from({ length: 14 }, (_, column) => rows.map((row) => row[column] ?? 0));
  },
};
