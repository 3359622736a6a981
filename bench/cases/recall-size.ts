// Recall at size
//
// A synthetic scope under a seed. What is timed are questions and episodes that are new to the scope. Memory is that of processes which do
// nothing but ask the finished scope and teach it: the one that filled it holds what filling left behind.

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { createRecallRows } from "../../actors/store/recall-rows.ts";
import { createRecall, type RecallEpisode } from "../../src/recall/index.ts";
import { type Result, toAmount, toLatency, withFolder } from "../measure.ts";
import { createEpisodes } from "./recall-episodes.ts";

const sizes = [100, 1_000, 10_000, 100_000];
const freshCount = 300;
const batch = 64;
const memoryMax = 150;

/** Time to answer and to learn at each size with the rows in SQLite, and at the last one memory and the bytes of the file. */
export function measureRecallSize(): Promise<Result[]> {
  return withFolder((folder) => {
    const file = join(folder, "recall.db");
    const database = new Database(file);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = OFF"); // the disk's own time is the commit's, which others measure
    const { results, learned } = measureSizes(database);
    database.pragma("wal_checkpoint(TRUNCATE)");
    database.close();
    const at = `at ${learned} episodes`;
    return Promise.resolve([
      ...results,
      toAmount({
        ...{ name: "recall.disk", unit: "KB", n: learned, raw: 3, note: `an episode ${at}; raw: at most` },
        value: statSync(file).size / 1e3 / learned,
      }),
      ...measureMemory(file, learned),
    ]);
  });
}

function measureSizes(database: Database.Database): { results: Result[]; learned: number } {
  const next = createEpisodes(7);
  const rows = createRecallRows(database, 1);
  const recall = createRecall(rows);
  const results: Result[] = [];
  let learned = 0;
  let before: number[] = [];
  const learnMany = database.transaction((count: number) => {
    for (let index = 0; index < count; index += 1) recall.learn(next());
    rows.flush();
  });
  for (const size of sizes) {
    for (; learned < size; learned += batch) learnMany(Math.min(batch, size - learned));
    learned = size;
    const fresh = Array.from({ length: freshCount }, next);
    const time = database.transaction((run: (episode: RecallEpisode) => void): number[] =>
      fresh.map((episode) => {
        const start = performance.now();
        run(episode);
        return performance.now() - start;
      }),
    );
    const rank = time((episode) => void recall.rank(episode));
    const learn = time((episode) => {
      recall.learn(episode);
      rows.flush();
    });
    learned += freshCount;
    results.push(
      toLatency("recall.rank", rank, before, `${size} episodes; raw: with a tenth of them; at most 8 ms`),
      toLatency("recall.learn", learn, [], `${size} episodes, with the answer it is compared with; at most 2 ms`),
    );
    before = rank;
  }
  return { results, learned };
}

/** Resident memory beyond that of the same process before it opened the scope, as V8 sizes its heap and as `aionis serve --small-heap` lets it. */
function measureMemory(file: string, learned: number): Result[] {
  const program = fileURLToPath(import.meta.resolve("../programs/recall-memory.ts"));
  return ["as it is", "small"].map((setting) => {
    const args = [...process.execArgv, "--expose-gc", program, file, String(learned), setting];
    const said = execFileSync(process.execPath, args, { encoding: "utf8" });
    const { beyond, live, heap } = JSON.parse(said) as Record<"beyond" | "live" | "heap", number>; // our own program
    const parts = `heap committed ${heap.toFixed(0)}, live after collecting ${live.toFixed(0)}`;
    const note = `resident beyond the modules, ${learned} episodes, heap ${setting}; ${parts}; raw: at most`;
    return toAmount({ name: "recall.memory", unit: "MB", n: learned, value: beyond, raw: memoryMax, note });
  });
}
