// Fix worker
//
// A worker in a process of its own, which reaches the runtime over the socket beside its store. The demo kills it in the middle of its work and
// starts another; neither knows of the other. Usage: `fix-worker.ts <folder of the demo> <agent> <role> …`.

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "aionis";
import { createAgents } from "./agents.ts";
import { toPlaces } from "./places.ts";
import { openRepository } from "./repository.ts";

const [folder = ".", agent = "fixer", ...roles] = process.argv.slice(2);
const places = toPlaces(folder);
const { fix } = createAgents({
  repository: openRepository(places.repository),
  effectsLog: places.effectsLog,
  midway: async () => {
    while (!existsSync(places.gate)) await sleep(20);
  },
});

const connection = await connect({ path: places.store, scope: places.scope, agent });
connection.worker({ agent, roles }, fix);
process.stdin.resume().on("end", () => process.exit(0)); // nobody is left to work for
