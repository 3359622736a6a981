// Serves the store in a folder over NATS: `runtime.ts <servers> <folder> <durability> <leaseMs>`.

import { createRuntime } from "../../src/index.ts";
import { liveWithStarter } from "./life.ts";

const [, , servers = "", path = "", durability, leaseMs] = process.argv;
const runtime = await createRuntime({
  scope: "bench/nats",
  path,
  durability: durability === "process" ? "process" : "power",
  leaseMs: Number(leaseMs),
  nats: { servers },
});
liveWithStarter(() => runtime.close());
