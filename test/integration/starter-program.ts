// A program that tries to open the store in a folder once for each line that it reads: `starter-program.ts <path>`. It says "ready", and then
// what came of each try: a failure's code, or "opened" when a task is recorded; then it holds the store until it is killed.

import { flushCompileCache } from "node:module";
import { createInterface } from "node:readline";
import { createRuntime, isFailure } from "../../src/index.ts";

const [, , path = ""] = process.argv;

async function tryOnce(): Promise<string> {
  try {
    const runtime = await createRuntime({ scope: "test/integration", path, durability: "process" });
    await runtime.tasks.start({ brief: "Order" });
    return "opened";
  } catch (error) {
    return isFailure(error) ? error.code : String(error);
  }
}

console.log("ready");
flushCompileCache(); // at the end it would be too late: it is killed
for await (const _ of createInterface(process.stdin)) console.log(await tryOnce());
process.exit(); // its starter is gone
