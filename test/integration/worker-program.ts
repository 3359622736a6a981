// A worker whose steps write to a log, and which hangs where it is told to: `worker-program.ts <path> <agent> <log> [before|inside|asleep] [step]`.
//
// The log has a line `effect <key> <agent>` for each run of a step and `ack <taskId> <name>` for each that was acknowledged.

import { appendFileSync } from "node:fs";
import { connect } from "../../src/index.ts";

const [, , path = "", agent = "", log = "", where = "nowhere", at = ""] = process.argv;
const forever = (): Promise<never> => new Promise(() => {});

const connection = await connect({ scope: "test/integration", path });
connection.worker({ agent, concurrency: where === "nowhere" ? 4 : 1 }, async (task, ctx) => {
  ctx.signal.addEventListener("abort", () => console.log(`signal ${(ctx.signal.reason as { reason: string }).reason}`));
  for (let index = 0; index < Number(task.data); index += 1) {
    const name = `s${index}`;
    if (where === "before" && at === name) await hang();
    await ctx.step(name, async ({ key }) => {
      appendFileSync(log, `effect ${key} ${agent}\n`);
      if ((where === "inside" || where === "asleep") && at === name) await hang();
      return `${name} by ${agent}`;
    });
    appendFileSync(log, `ack ${task.taskId} ${name}\n`);
  }
  return agent;
});
console.log("ready");

async function hang(): Promise<void> {
  const woken = where === "asleep" ? new Promise((resolve) => process.once("SIGUSR2", resolve)) : forever();
  console.log("hanging");
  await woken;
}
