// Uses the library in all its parts, then writes to a file what it did to the process: `quiet-program.ts <path> <file>`.
// It says nothing itself and ends by itself.

import { writeFileSync } from "node:fs";

const [, , path = "", file = ""] = process.argv;
const events = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "exit",
  "beforeExit",
  "uncaughtException",
  "unhandledRejection",
  "warning",
];
const count = (): number[] => events.map((event) => process.listenerCount(event));

const before = count();
const { connect, createRuntime } = await import("../../src/index.ts");
const runtime = await createRuntime({ scope: "test/integration", path, durability: "process" });
const connection = await connect({ scope: "test/integration", path });
const retry = { attemptsMax: 2, backoffMs: 1, backoffMaxMs: 1 };
connection.worker({ agent: "far" }, async (_task, ctx) => {
  ctx.progress("live");
  await ctx.run("version", [process.execPath, "--version"]);
  throw new Error("as it happens");
});
const { taskId } = await connection.tasks.start({ brief: "Fail twice", retry });
const { task } = await connection.tasks.watch({ taskId, untilEnded: true, waitMs: 10_000 });
const near = runtime.worker({ agent: "near" }, () => "done");
const during = count();
await near.drain();
void near.stop();
await near.drain();
await connection.close();
await connection.close();
await runtime.close();
await runtime.close();
writeFileSync(file, JSON.stringify({ state: task.state, before, during, after: count() }));
