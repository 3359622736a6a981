// A program that holds the store in a folder and whose other code opens and closes the store's files: `holder-program.ts <path> <count>`.
// It says "ready", waits for a line, and for each time of <count> records a task and opens and closes every file of the folder, which drops
// the locks that SQLite has in this process. Then it says how many tasks were acknowledged, and waits to be killed.

import { once } from "node:events";
import { closeSync, openSync, readdirSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { createRuntime } from "../../src/index.ts";

const [, , path = "", count = "", ...flags] = process.argv;
const socket = !flags.includes("no-socket");
const runtime = await createRuntime({ scope: "test/integration", path, durability: "process", socket });
console.log("ready");
await once(process.stdin, "data");
process.stdin.resume().on("end", () => process.exit()); // whoever started it is gone
let acknowledged = 0;
for (let time = 0; time < Number(count); time += 1) {
  readAndClose();
  await runtime.tasks.start({ brief: `Order ${time}` });
  acknowledged += 1;
}
readAndClose();
flushCompileCache(); // at the end it would be too late: it is killed
console.log(`acknowledged ${acknowledged}`);

function readAndClose(): void {
  for (const name of readdirSync(path)) {
    try {
      closeSync(openSync(join(path, name), "r"));
    } catch (error) {
      if (name !== "runtime.sock" && !name.endsWith(".new")) throw error; // a socket cannot be opened; a file that is moved into place may be gone
    }
  }
}
