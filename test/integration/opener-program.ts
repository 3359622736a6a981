// A program that tries to open the store in a folder again and again. It says "ready", tries between the lines "go <path>" and "stop", and then
// says in one line of JSON how often it tried and what came of it. It takes the time that the store's holder leaves it.

import { flushCompileCache } from "node:module";
import { setPriority } from "node:os";
import { createInterface } from "node:readline";
import { createRuntime, isFailure } from "../../src/index.ts";

setPriority(5); // a third of the time that others have
let path = "";
let isOn = false;
const seen: Record<string, number> = {};

async function tryOnce(): Promise<string> {
  try {
    const runtime = await createRuntime({ scope: "test/integration", path, durability: "process" });
    await runtime.close();
    return "opened";
  } catch (error) {
    return isFailure(error) ? error.code : String(error);
  }
}

console.log("ready");
flushCompileCache(); // at the end it would be too late: it may be killed
for await (const line of createInterface(process.stdin)) {
  if (line === "stop") isOn = false;
  if (!line.startsWith("go ")) continue;
  path = line.slice("go ".length);
  void keepTrying();
}
process.exit(); // whoever started it is gone

async function keepTrying(): Promise<void> {
  isOn = true;
  for (const code of Object.keys(seen)) delete seen[code];
  let isFirst = true;
  while (isOn) {
    const outcome = await tryOnce();
    seen[outcome] = (seen[outcome] ?? 0) + 1;
    if (isFirst) console.log("tried");
    isFirst = false;
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(JSON.stringify(seen));
}
