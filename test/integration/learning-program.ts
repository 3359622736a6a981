// Serves a store and imports episodes into it until it is killed: `learning-program.ts <path>`. Says `imported` when the last is recorded.

import { createRuntime } from "../../src/index.ts";
import { createImports } from "./learning-episodes.ts";

const [, , path = ""] = process.argv;
const runtime = await createRuntime({ scope: "test/integration", path });
for (const input of createImports()) await runtime.memory.import(input);
console.log("imported");
setInterval(() => {}, 60_000); // what it learns from them goes on until the end
