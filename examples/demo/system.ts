// System
//
// What the scenario is played on: the runtime and the workers but the fixers, in this process; or, over NATS, each of them in a process of its
// own. The fixers have processes of their own either way. Owns: all of these, until it is disposed of.

import { type Connection, connect, createRuntime } from "aionis";
import { type Program, startProgram } from "../processes/program.ts";
import { createAgents } from "./agents.ts";
import { watchTools } from "./effects.ts";
import { leaseMs, toAddress, type toPlaces } from "./places.ts";
import type { Repository } from "./repository.ts";

export interface Ground {
  folder: string;
  places: ReturnType<typeof toPlaces>;
  repository: Repository;
  /** The NATS server that everything goes over; without one nothing but the fixers leaves this process. */
  servers: string | undefined;
  signal: AbortSignal;
}

export interface System extends AsyncDisposable {
  /** Starts all but the fixers, and gives the demo's own connection. @throws when it cannot, or the signal is aborted. */
  start(): Promise<Connection>;
  /** Connects somebody else. */
  connect(agent: string): Promise<Connection>;
  startFixer(agent: string): Program;
}

const workers = { "triage-1": "triage", "docs-1": "docs", "review-1": "review" } as const;

export function createSystem({ folder, places, repository, servers, signal }: Ground): System {
  const started = new AsyncDisposableStack();

  /** All in this process. */
  async function startHere(): Promise<Connection> {
    const runtime = started.use(await createRuntime({ path: places.store, scope: places.scope, leaseMs }));
    const agents = createAgents(repository.path);
    for (const [agent, role] of Object.entries(workers)) {
      const tools = watchTools({ log: places.effectsLog, agent });
      runtime.worker({ agent, roles: [role], tools, cwd: repository.path }, agents[role]);
    }
    return runtime;
  }

  /** Each in a process of its own. */
  async function startApart(url: string): Promise<Connection> {
    await untilReady(started.use(startProgram(new URL("runtime.ts", import.meta.url), [folder, url], signal)));
    const programs = Object.entries(workers).map(([agent, role]) => startWorker(agent, role));
    await Promise.all(programs.map(untilReady));
    return await reach("demo");
  }

  function startWorker(agent: string, role: string): Program {
    const argv = [folder, agent, role, ...(servers === undefined ? [] : [servers])];
    return started.use(startProgram(new URL("worker.ts", import.meta.url), argv, signal));
  }

  async function reach(agent: string): Promise<Connection> {
    return started.use(await connect({ ...toAddress(places, servers), scope: places.scope, agent }));
  }

  return {
    start: () => (servers === undefined ? startHere() : startApart(servers)),
    connect: reach,
    startFixer: (agent) => startWorker(agent, "fix"),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function untilReady({ firstLine }: Program): Promise<void> {
  if ((await firstLine) === undefined) throw new Error("a process of the demo ended before it was ready");
}
