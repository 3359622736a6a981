// Recall at size
//
// A synthetic scope under a seed: words and files as frequent as Zipf's law has them, each file with words of its own, and a few files
// that are worked on at a time. What is timed are questions and episodes that are new to the scope.

import { statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { createRecallRows } from "../../actors/store/recall-rows.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import { createRecall, type RecallEpisode } from "../../src/recall/index.ts";
import { type Result, toAmount, toLatency, withFolder } from "../measure.ts";

const sizes = [100, 1_000, 10_000, 100_000];
const freshCount = 300;
const batch = 64;
const vocabulary = 30_000;
const filesMax = 12_000;

/** Time to answer and to learn at each size with the rows in SQLite, and at the last one the memory of this process and the bytes of the file. */
export function measureRecallSize(): Promise<Result[]> {
  return withFolder((folder) => {
    const file = join(folder, "recall.db");
    const database = new Database(file);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = OFF"); // the disk's own time is the commit's, which others measure
    const megabytesBefore = process.memoryUsage().rss / 1e6;
    const { results, learned } = measureSizes(database);
    const megabytes = process.memoryUsage().rss / 1e6;
    database.pragma("wal_checkpoint(TRUNCATE)");
    const kilobytes = statSync(file).size / 1e3 / learned;
    database.close();
    const at = `at ${learned} episodes`;
    const memory = `the whole process ${at}; raw: before the first; at most 150 MB`;
    return Promise.resolve([
      ...results,
      toAmount({ name: "recall.memory", unit: "MB", n: learned, value: megabytes, raw: megabytesBefore, note: memory }),
      toAmount({
        name: "recall.disk",
        unit: "KB",
        n: learned,
        value: kilobytes,
        raw: 3,
        note: `an episode ${at}; raw: at most`,
      }),
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

/** Episodes without end, the same for the same seed. */
function createEpisodes(seed: number): () => RecallEpisode {
  const random = createSeededRandom(seed);
  const uniform = (): number => random.u32() / 2 ** 32;
  const zipf = (count: number): number => Math.floor(count ** uniform()) - 1; // density as 1 / rank
  const word = (rank: number): string => `w${(rank * 7_919).toString(36)}x`;
  const path = (file: number): string =>
    `src/${word(file % 40)}/${word(file % 700)}-${word(file)}.${file % 3 === 0 ? "test." : ""}ts`;
  let at = 1.6e9;
  let focus = 0;
  return () => {
    at += Math.floor(uniform() * 20_000);
    if (uniform() < 0.2) focus = zipf(filesMax);
    const files = Array.from({ length: 1 + zipf(8) }, () => (uniform() < 0.6 ? focus + zipf(6) : zipf(filesMax)));
    const own = files.flatMap((file) => [word(file), word(5_000 + ((file * 31) % 20_000))]);
    const others = Array.from({ length: 18 }, () => word(zipf(vocabulary)));
    const words = [...own.slice(0, 3), ...others.slice(0, 4)].join(" ");
    return { goal: `fix: ${words} — ${others.slice(4).join(" ")}`, at, files: [...new Set(files.map(path))] };
  };
}
