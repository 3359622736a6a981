// Asks the runtime of a folder in turn, a start and then a get, every few milliseconds: `asker.ts <folder>`. It asks between the lines
// `begin` and `end`, and then prints how many milliseconds each call took, as JSON.

import { createInterface } from "node:readline";
import { connect } from "../../src/index.ts";

const [, , path = ""] = process.argv;
const pauseMs = 3;
const connection = await connect({ scope: "bench/stalls", path, agent: "asker" });
let round: { latencies: number[]; isOver: boolean; done: Promise<void> } | undefined;

async function ask(latencies: number[], isOver: () => boolean): Promise<void> {
  const timed = async <Value>(call: () => Promise<Value>): Promise<Value> => {
    const from = performance.now();
    const value = await call();
    latencies.push(performance.now() - from);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    return value;
  };
  while (!isOver()) {
    const { taskId } = await timed(() => connection.tasks.start({ brief: "in turn", to: { role: "later" } }));
    await timed(() => connection.tasks.get({ taskId }));
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    if (line === "begin") {
      const begun = { latencies: [], isOver: false };
      round = { ...begun, done: Promise.resolve() };
      const own = round;
      own.done = ask(own.latencies, () => own.isOver); // a failure shows as an unhandled rejection
    } else if (round !== undefined) {
      const { latencies, done } = round;
      round.isOver = true;
      void done.then(() => console.log(JSON.stringify(latencies)));
    }
  })
  .on("close", () => void connection.close().finally(() => process.exit()));
console.log("ready");
