// Serves the store in a folder until it is killed: `runtime-program.ts <path> <leaseMs>`.

import { createRuntime } from "../../src/index.ts";

const [, , path = "", leaseMs = ""] = process.argv;
await createRuntime({ scope: "test/integration", path, durability: "process", leaseMs: Number(leaseMs) });
console.log("ready");
