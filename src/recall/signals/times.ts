// When and how often a file was touched.

import { decay, halfLives } from "../scores.ts";
import type { SignalGroup } from "./signal.ts";

const sessionHours = 6;

export const times: SignalGroup = {
  names: [
    ...["frequency", "frequency of age", "active 3", "active 10", "active 40", "active 160", "age 20", "age 300"],
    ...["in previous", "in second previous", "in this session", "recent alike", "superseded", "overdue", "untouched"],
  ],
  measure({ candidates, totals, now, gapHours, recent, recentScores }) {
    const session = Math.exp(-gapHours / sessionHours);
    const newestFirst = new Map<string, number>();
    for (const { row, path } of candidates) {
      newestFirst.set(path.base, Math.max(newestFirst.get(path.base) ?? 0, row.first));
    }
    const touched = recent.map(({ files }) => new Set(files));
    const rows = candidates.map(({ file, row, path }) => {
      const age = now - row.last;
      const interval = (row.last - row.first) / Math.max(1, row.count - 1);
      const active = halfLives.map((halfLife, index) => (row.decayed[index] ?? 0) * decay(age, halfLife));
      const [inPrevious, inSecond] = [touched[0]?.has(file) === true, touched[1]?.has(file) === true];
      let alike = 0;
      for (const [back, files] of touched.entries())
        if (files.has(file)) alike = Math.max(alike, recentScores[back] ?? 0);
      return [
        Math.log1p(row.count) / Math.log1p(Math.max(1, totals.episodes)),
        Math.min(1, row.count / (now - row.first + 5)),
        ...active.map((count) => count / (count + 2)),
        Math.exp(-age / 20),
        Math.exp(-age / 300),
        inPrevious ? 1 : 0,
        inSecond ? 1 : 0,
        inPrevious ? session : 0,
        alike,
        row.count > 0 && (newestFirst.get(path.base) ?? 0) > row.last ? 1 : 0,
        row.count > 2 ? Math.min(1, age / (interval + 1) / 8) : 0,
        row.count === 0 ? 1 : 0,
      ];
    });
    return Array.from({ length: 15 }, (_, column) => rows.map((row) => row[column] ?? 0));
  },
};
