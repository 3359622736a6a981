// Worker
//
// A worker in a process of its own, which reaches the runtime over the socket beside its store, or over NATS. The demo kills a fixer in the
// middle of its work and starts another; neither knows of the other. Usage: `worker.ts <folder of the demo> <agent> <role> [<NATS URL>]`.

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "aionis";
import { endWithStdin } from "../processes/program.ts";
import { createAgents, type Role, secondEdit } from "./agents.ts";
import { watchTools } from "./effects.ts";
import { toAddress, toPlaces } from "./places.ts";

const [folder = ".", agent = "fixer", role = "fix", servers] = process.argv.slice(2);
const places = toPlaces(folder);
const midway = async (key: string): Promise<void> => {
  while (key.includes(secondEdit) && !existsSync(places.gate)) await sleep(20);
};

endWithStdin();
const connection = await connect({ ...toAddress(places, servers), scope: places.scope, agent });
const tools = watchTools({ log: places.effectsLog, agent, midway });
const agents = createAgents(places.repository);
connection.worker({ agent, roles: [role], tools, cwd: places.repository }, agents[role as Role]); // the demo names no other
console.log("ready");
