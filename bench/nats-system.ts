// NATS system
//
// What the cases over NATS measure: a nats-server, a runtime, workers, and the bare pieces beside them, each in a process of its own.
// Owns: those processes, the connections of this one, and the folder. Does not own: what is asked of them (cases/nats-*.ts).
//
// Invariants:
//   B1. Whatever was started here has ended when `withSystem` settles, also when the case fails, and the folder is gone.

import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect as connectBare, type NatsConnection } from "@nats-io/transport-node";
import { type Connection, connect } from "aionis";
import { startNatsServer } from "../test/support/nats.ts";
import { startProgram } from "../test/support/programs.ts";
import { withFolder } from "./measure.ts";
import { toMoment } from "./moment.ts";
import type { CallerVerbs } from "./programs/caller.ts";

/** A program of bench/programs. */
export interface Part {
  readonly pid: number;
  /** What it has used since its start. */
  cpuMs(): Promise<number>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Lets it close what it has open. Safe to call twice. */
  end(): Promise<void>;
}

export interface RuntimeOptions {
  /** `power` if absent. */
  durability?: "power" | "process";
  /** 10 s if absent. */
  leaseMs?: number;
  /** The name of its store's folder; `store` if absent. */
  store?: string;
}

/** The bare pieces, as this process sees them. Each method resolves when the other process has answered. */
export interface Bare extends Part {
  /** One request and its reply. */
  echo(payload: Uint8Array): Promise<void>;
  /** One request that is committed, together with what comes at the same time, before it is answered. */
  commit(payload: Uint8Array): Promise<void>;
  /** How many milliseconds a message takes to another process. */
  push(): Promise<number>;
}

export interface System {
  /** Where the stores lie, in a folder each; the bare one's is `bare`. */
  readonly folder: string;
  startRuntime(options?: RuntimeOptions): Promise<Part>;
  /** One process for all of `agents`. */
  startWorkers(options: { role: string; agents: readonly string[]; concurrency?: number }): Promise<Part>;
  startBare(): Promise<Bare>;
  connect(): Promise<Connection>;
  /** A process that calls as it is told; it ends with the system. */
  startCaller(): Promise<CallerVerbs>;
}

const timeoutMs = 10_000;

/** Runs `use` with a NATS server on which nothing runs yet. With `--jetstream` it has JetStream, so that journals are mirrored. */
export function withSystem<Value>(use: (system: System) => Promise<Value>): Promise<Value> {
  return withFolder(async (folder) => {
    const stops: (() => Promise<unknown>)[] = [];
    const atEnd = (stop: () => Promise<unknown>): unknown => stops.unshift(stop);
    try {
      const server = await startNatsServer({ atEnd, jetstream: process.argv.includes("--jetstream") });
      return await use(createSystem({ folder, servers: server.url, atEnd }));
    } finally {
      for (const stop of stops) await stop().catch((error: unknown) => console.error(error)); // B1: the others still must
    }
  });
}

/** The bytes of all files in a folder. */
export function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

interface Place {
  folder: string;
  servers: string;
  atEnd: (stop: () => Promise<unknown>) => unknown;
}

function createSystem(place: Place): System {
  const { folder, servers, atEnd } = place;
  return {
    folder,
    startRuntime: ({ durability = "power", leaseMs = 10_000, store = "store" } = {}) =>
      startPart("runtime.ts", [join(folder, store), durability, String(leaseMs)], place),
    startWorkers: ({ role, agents, concurrency = 1 }) =>
      startPart("worker.ts", [role, String(concurrency), ...agents], place),
    async startBare() {
      const part = await startPart("bare.ts", [join(folder, "bare")], place);
      const connection = await connectBare({ servers });
      atEnd(() => connection.close());
      return { ...part, ...askBare(connection) };
    },
    startCaller: () => startCaller([servers], atEnd),
    async connect() {
      const connection = await connect({ scope: "bench/nats", servers, agent: "driver" });
      atEnd(() => connection.close());
      return connection;
    },
  };
}

/** A process that calls as it is told: over `servers`, or, where that is `-`, a runtime of its own in a folder. */
export async function startCaller(args: readonly string[], atEnd: Place["atEnd"]): Promise<CallerVerbs> {
  const script = join(import.meta.dirname, "programs", "caller.ts");
  const { child, printed } = startProgram({ script, args, atEnd });
  await printed("ready");
  const waiting = new Map<number, (output: unknown) => void>();
  if (child.stdin === null || child.stdout === null) throw new Error("caller.ts has no pipes");
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, output } = JSON.parse(line) as { id: number; output: unknown };
    waiting.get(id)?.(output);
  });
  let last = 0;
  const ask = (verb: string) => (input: object) =>
    new Promise((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      child.stdin?.write(`${JSON.stringify({ id: last, verb, input })}\n`);
    });
  const names = ["closed", "open", "turns", "memory", "journal"] satisfies (keyof CallerVerbs)[];
  return Object.fromEntries(names.map((name) => [name, ask(name)])) as unknown as CallerVerbs; // the program has each of them
}

function askBare(connection: NatsConnection): Omit<Bare, keyof Part> {
  return {
    async echo(payload) {
      await connection.request("bare.echo", payload, { timeout: timeoutMs });
    },
    async commit(payload) {
      await connection.request("bare.commit", payload, { timeout: timeoutMs });
    },
    async push() {
      const reply = await connection.request("bare.age", String(toMoment()), { timeout: timeoutMs });
      return Number(reply.string());
    },
  };
}

/** Starts a program and waits until it is ready. */
async function startPart(file: string, args: readonly string[], { servers, atEnd }: Place): Promise<Part> {
  const script = join(import.meta.dirname, "programs", file);
  const program = startProgram({ script, args: [servers, ...args], atEnd });
  const { stdin, stdout } = program.child;
  if (stdin === null || stdout === null) throw new Error(`${file} has no pipes`);
  await program.printed("ready");
  const lines = createInterface({ input: stdout });
  return {
    pid: program.pid,
    async cpuMs() {
      const answer = once(lines, "line");
      stdin.write("cpu\n");
      return Number((await answer)[0]);
    },
    kill: () => program.kill(),
    async end() {
      stdin.end();
      await program.exited;
    },
  };
}
