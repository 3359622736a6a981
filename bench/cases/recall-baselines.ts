// What recall is held against: the most touched files, the last touched files, and the vote of the 30 nearest episodes by SQLite's own BM25.

import Database from "better-sqlite3";
import type { RecallEpisode } from "../../src/recall/index.ts";

/** A way to guess five files. */
export interface Baseline {
  rank(goal: string): string[];
  learn(episode: RecallEpisode): void;
}

const filesAsked = 5;
const votersMax = 30;

export function createBaselines(): Record<"popular" | "recent" | "bm25Vote", Baseline> {
  return { popular: createPopular(), recent: createRecent(), bm25Vote: createVote() };
}

function createPopular(): Baseline {
  const counts = new Map<string, number>();
  return {
    rank: () => strongestOf(counts),
    learn({ files }) {
      for (const file of files) counts.set(file, (counts.get(file) ?? 0) + 1);
    },
  };
}

function createRecent(): Baseline {
  const newestLast = new Set<string>();
  return {
    rank: () => [...newestLast].slice(-filesAsked).reverse(),
    learn({ files }) {
      for (const file of files) {
        newestLast.delete(file);
        newestLast.add(file);
      }
    },
  };
}

function createVote(): Baseline {
  const database = new Database(":memory:");
  database.exec("CREATE VIRTUAL TABLE episodes USING fts5(goal, paths)");
  const insert = database.prepare("INSERT INTO episodes (rowid, goal, paths) VALUES (?, ?, ?)");
  const nearest = database.prepare<[string, number], { rowid: number; score: number }>(
    "SELECT rowid, -bm25(episodes) AS score FROM episodes WHERE episodes MATCH ? ORDER BY bm25(episodes) LIMIT ?",
  );
  const learned: (readonly string[])[] = [];
  return {
    rank(goal) {
      const words = [...new Set(toWords(goal).split(" "))].filter((word) => word.length > 1);
      if (words.length === 0) return [];
      const votes = new Map<string, number>();
      for (const { rowid, score } of nearest.all(words.map((word) => `"${word}"`).join(" OR "), votersMax)) {
        for (const file of learned[rowid] ?? []) votes.set(file, (votes.get(file) ?? 0) + score);
      }
      return strongestOf(votes);
    },
    learn({ goal, files }) {
      insert.run(learned.length, toWords(goal), toWords(files.join(" ")));
      learned.push(files);
    },
  };
}

/** Parts of identifiers and paths, in lower case. */
function toWords(text: string): string {
  const parts = text
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  return (parts ?? []).join(" ");
}

function strongestOf(scores: ReadonlyMap<string, number>): string[] {
  return [...scores]
    .sort(([, left], [, right]) => right - left)
    .slice(0, filesAsked)
    .map(([file]) => file);
}
