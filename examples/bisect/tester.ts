// Tester
//
// A worker that tests commits, in a process and a clone of its own. Usage: `tester.ts <agent> <scope> <folder of the store, or NATS URL>
// <folder of the repository> <folder for the clone> <command> …`.

import { connect } from "aionis";
import { endWithStdin } from "../processes/program.ts";
import { createTester } from "./agents.ts";
import { makeClone } from "./git.ts";

const [agent = "", scope = "", place = "", repository = "", clone = "", ...command] = process.argv.slice(2);
let stop = (): void => {};
endWithStdin(() => stop());
await makeClone({ folder: repository }, clone);
const connection = await connect({ ...(place.includes("://") ? { servers: place } : { path: place }), scope, agent });
const worker = connection.worker({ agent, roles: ["test"], cwd: clone }, createTester(clone, command));
stop = () => void worker.stop(); // and with it the command that runs
