// Runtime
//
// The runtime in a process of its own, on a NATS server. Usage: `runtime.ts <folder of the demo> <NATS URL>`.

import { createRuntime } from "aionis";
import { endWithStdin } from "../processes/program.ts";
import { leaseMs, toPlaces } from "./places.ts";

const [folder = ".", servers = ""] = process.argv.slice(2);
const { store, scope } = toPlaces(folder);
const runtime = await createRuntime({ path: store, scope, leaseMs, nats: { servers } });
endWithStdin(runtime.close);
console.log("ready");
