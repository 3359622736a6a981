// Worker
//
// A worker in a process of its own, which reaches the runtime over the socket beside its store, or over NATS. The demo kills a fixer in the
// middle of its work and starts another; neither knows of the other. Usage: `worker.ts <folder of the demo> <agent> <role> [<NATS URL>]`.

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "aionis";
import { endWithStdin } from "../processes/program.ts";
import { createAgents, type Role } from "./agents.ts";
import { toAddress, toPlaces } from "./places.ts";
import { openRepository } from "./repository.ts";

const [folder = ".", agent = "fixer", role = "fix", servers] = process.argv.slice(2);
const places = toPlaces(folder);
const agents = createAgents({
  repository: openRepository(places.repository),
  effectsLog: places.effectsLog,
  midway: async () => {
    while (!existsSync(places.gate)) await sleep(20);
  },
});

endWithStdin();
const connection = await connect({ ...toAddress(places, servers), scope: places.scope, agent });
connection.worker({ agent, roles: [role], cwd: places.repository }, agents[role as Role]); // the demo names no other
console.log("ready");
