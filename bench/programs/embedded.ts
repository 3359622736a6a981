// A runtime with its worker, in one process: `embedded.ts <folder> <inspect>`. With `inspect` it serves the inspection, and prints where.

import { createRuntime, type RunContext } from "../../src/index.ts";
import { liveWithStarter } from "./life.ts";

const [, , path = "", inspect = ""] = process.argv;
const scope = "bench/inspect";
const runtime = await createRuntime({ scope, path, ...(inspect === "inspect" ? { inspect: {} } : {}) });
runtime.worker({ agent: "worker", roles: ["work"], concurrency: 8 }, takeSteps);
if (runtime.inspectUrl !== undefined) console.log(runtime.inspectUrl);
liveWithStarter(() => runtime.close());

async function takeSteps(_task: unknown, ctx: RunContext): Promise<void> {
  for (let step = 0; step < 10; step += 1) await ctx.step("work", () => "x".repeat(200));
}
