// Rounds
//
// Random faults under load. A plan is a list of rounds, each with its tasks and the one fault that hits while they are worked on; it
// follows from the seed alone. How the processes run between is not in its power.

import { rmSync } from "node:fs";
import { connect as connectSocket, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../../src/kernel/random.ts";
import { createSeededRandom } from "../../../src/kernel/seeded-random.ts";
import type { NatsServer } from "../../support/nats.ts";
import { leaseMs, type ServerRole, type System, type WorkerMember } from "./system.ts";
import type { Traffic } from "./traffic.ts";
import type { Work } from "./work.ts";

/** What a fault is drawn with. */
interface Draw {
  worker: WorkerMember;
  /** The worker's place in the system. */
  index: number;
  server: NatsServer;
  /** How long the fault lasts, if it lasts. */
  forMs: number;
}

/** Each hurts the system, and heals it before it ends. */
const faults = {
  "a worker is killed": (system: System, { index }: Draw) => system.replaceWorker(index),
  async "a worker is stopped past its lease"(_system: System, { worker, forMs }: Draw) {
    worker.program.child.kill("SIGSTOP");
    await sleep(leaseMs + forMs);
    worker.program.child.kill("SIGCONT");
  },
  async "a worker is partitioned"(_system: System, { worker: { line }, forMs }: Draw) {
    line.block();
    await sleep(leaseMs + forMs);
    line.open();
  },
  "a worker's connection breaks": (_system: System, { worker }: Draw) => worker.line.cut(),
  async "the runtime is killed"(system: System) {
    await system.runtime.program.kill();
    await system.startRuntime();
  },
  async "the runtime is partitioned"({ runtime: { line } }: System, { forMs }: Draw) {
    line.block();
    await sleep(forMs);
    line.open();
  },
  "the runtime's connection breaks": ({ runtime }: System) => runtime.line.cut(),
  async "the runtime is stopped past all leases"({ runtime }: System, { forMs }: Draw) {
    runtime.program.child.kill("SIGSTOP");
    await sleep(leaseMs + forMs);
    runtime.program.child.kill("SIGCONT");
  },
  async "nats-server is killed"(_system: System, { server, forMs }: Draw) {
    await server.kill();
    await sleep(forMs);
    await server.restart();
  },
  async "nats-server loses its data"(_system: System, { server }: Draw) {
    await server.kill();
    rmSync(join(server.folder, "store"), { recursive: true, force: true });
    await server.restart();
  },
  async "nats-server freezes"(_system: System, { server, forMs }: Draw) {
    await server.pause();
    await sleep(forMs);
    server.resume();
  },
  async "a subscriber to everything does not read"(_system: System, { server, forMs }: Draw) {
    const socket = await subscribeAndHang(server.port);
    await sleep(forMs);
    socket.destroy();
  },
} satisfies Record<string, (system: System, draw: Draw) => Promise<void> | void>;

export type Fault = keyof typeof faults;

export interface Round {
  fault: Fault;
  /** Which worker, counted round and round. */
  worker: number;
  /** Which server, if there are several. */
  server: ServerRole;
  /** When it hits, after the first task was started. */
  afterMs: number;
  forMs: number;
  works: Work[];
}

export interface PlanOptions {
  seed: number;
  rounds: number;
  tasks: number;
  /** What may happen; everything if absent. */
  among?: readonly Fault[];
}

const workEveryMs = 30;
const allFaults = Object.keys(faults) as Fault[]; // Object.keys loses the key type

/** The plan of a seed. Every fault has its turn before one comes again. */
export function planRounds({ seed, rounds, tasks, among = allFaults }: PlanOptions): Round[] {
  const random = createSeededRandom(seed);
  const below = (bound: number): number => random.u32() % bound;
  let deck: Fault[] = [];
  return Array.from({ length: rounds }, () => {
    if (deck.length === 0) deck = [...among];
    const [fault = "a worker is killed"] = deck.splice(below(deck.length), 1);
    return {
      fault,
      worker: below(1_000),
      server: below(2) === 0 ? "keeps the mirror" : "serves the runtime",
      afterMs: below(300),
      forMs: 100 + below(900),
      works: Array.from({ length: tasks }, () => drawWork(random)),
    };
  });
}

/** Plays a round, until everything in it has ended. @throws Error that names the fault. */
export async function playRound(system: System, traffic: Traffic, round: Round): Promise<void> {
  const index = round.worker % system.workers.length;
  const worker = system.workers[index];
  if (worker === undefined) throw new Error("the system has no workers");
  const strike = async (): Promise<void> => {
    await sleep(round.afterMs);
    const server = await system.findServer(round.server);
    await faults[round.fault](system, { worker, index, server, forMs: round.forMs });
  };
  try {
    await Promise.all([traffic.startAll(round.works, workEveryMs), strike()]);
    await traffic.ended();
  } catch (cause) {
    throw new Error(`after ${round.fault}: ${String(cause)}`, { cause });
  }
}

/** A client that subscribes to all that is said and never reads it. */
export async function subscribeAndHang(port: number): Promise<Socket> {
  const socket = connectSocket(port, "127.0.0.1");
  socket.on("error", () => {}); // it is thrown out when too much waits for it
  await new Promise((resolve) => socket.once("data", resolve)); // INFO
  socket.pause();
  await new Promise((resolve) => socket.write('CONNECT {"verbose":false}\r\nSUB > 1\r\n', resolve));
  return socket;
}

function drawWork(random: Random): Work {
  const kind = random.u32() % 5;
  const work = { steps: 2 + (random.u32() % 2), stepMs: 5 + (random.u32() % 60) };
  if (kind === 0) return { ...work, next: "handoff" };
  return kind === 1 ? { ...work, next: "delegation" } : work;
}
