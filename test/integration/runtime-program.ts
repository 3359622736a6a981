// Serves the store in a folder until it is killed: `runtime-program.ts <path> <leaseMs> [servers]`, on NATS too if there are servers.

import { createRuntime } from "../../src/index.ts";

const [, , path = "", leaseMs = "", servers] = process.argv;
await createRuntime({
  scope: "test/integration",
  path,
  durability: "process",
  leaseMs: Number(leaseMs),
  ...(servers === undefined ? {} : { nats: { servers: servers.split(",") } }),
});
console.log("ready");
process.stdin.resume().on("end", () => process.exit()); // whoever started it is gone
