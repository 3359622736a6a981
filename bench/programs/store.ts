// Holds the store in a folder for others: `store.ts <folder>`. Prints where it is shown.

import { createRuntime } from "../../src/index.ts";
import { liveWithStarter } from "./life.ts";

const [, , path = ""] = process.argv;
const runtime = await createRuntime({ scope: "bench/stalls", path, durability: "process", inspect: {} });
console.log(runtime.inspectUrl);
liveWithStarter(() => runtime.close());
