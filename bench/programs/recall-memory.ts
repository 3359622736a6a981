// What recall holds in memory: `recall-memory.ts <file> <episodes> [small]` asks and teaches the scope in the file, and prints megabytes as
// JSON; with `small` under the heap settings of `aionis serve --small-heap`.
//
// `beyond`: resident memory after the work without what the process had when all modules were loaded. `heap`: what of that V8 has
// committed. `live`: heap in use, external memory and buffers after a collection, again without what there was before.

import Database from "better-sqlite3";
import { createRecallRows } from "../../actors/store/recall-rows.ts";
import { keepHeapSmall } from "../../src/cli/small-heap.ts";
import { createRecall } from "../../src/recall/index.ts";
import { createEpisodes } from "../cases/recall-episodes.ts";

const rounds = 1_500;
const [, , file = "", episodes = "0", heap] = process.argv;
if (heap === "small") keepHeapSmall();

const before = measure();
const database = new Database(file);
database.pragma("synchronous = OFF");
const rows = createRecallRows(database, 1);
const recall = createRecall(rows);
const next = createEpisodes(Number(episodes));
const serve = database.transaction(() => {
  const episode = next();
  recall.rank(episode);
  recall.learn(episode);
  rows.flush();
});
for (let round = 0; round < rounds; round += 1) serve();
const { resident, committed } = measure();
globalThis.gc?.();
const live = measure().live - before.live;
process.stdout.write(JSON.stringify({ beyond: resident - before.resident, live, heap: committed - before.committed }));

function measure(): { resident: number; committed: number; live: number } {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage(); // external holds the buffers
  return { resident: rss / 1e6, committed: heapTotal / 1e6, live: (heapUsed + external) / 1e6 };
}
