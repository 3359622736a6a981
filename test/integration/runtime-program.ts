// Serves the store in a folder until it is killed: `runtime-program.ts <path> <leaseMs> [<scope> <servers>]`, on NATS too if there are servers.

import { flushCompileCache } from "node:module";
import { createRuntime } from "../../src/index.ts";

const [, , path = "", leaseMs = "", scope = "test/integration", servers] = process.argv;
await createRuntime({
  scope,
  path,
  durability: "process",
  leaseMs: Number(leaseMs),
  ...(servers === undefined ? {} : { nats: { servers: servers.split(",") } }),
});
console.log("ready");
flushCompileCache(); // at the end it would be too late: most are killed
process.stdin.resume().on("end", () => process.exit()); // whoever started it is gone
