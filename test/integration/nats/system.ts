// System
//
// A runtime and its workers, each in a process of its own, over NATS, and the lines between them, to be hurt by tests.
// Owns: the processes, the lines, the folder, its scope. Does not own: the servers, which may serve several systems, one after another;
// what is asked of them (`traffic.ts`), what was right (`verdict.ts`).

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Connection, connect } from "../../../src/index.ts";
import { type Line, openLine } from "../../support/line.ts";
import type { NatsServer } from "../../support/nats.ts";
import { type AtEnd, type Program, startProgram } from "../../support/programs.ts";
import { createMirrorStream, findMirrorKeeper } from "./mirror.ts";

export interface SystemOptions {
  atEnd: AtEnd;
  /** One, or the members of a cluster; with JetStream. */
  servers: readonly NatsServer[];
  /** How many workers there are at the start. */
  workers: number;
  /** How many tasks each works on at once; 3 if absent. */
  concurrency?: number;
  /** How long the runtime's leases last; `leaseMs` if absent. */
  leaseMs?: number;
  /** How many members of the cluster keep the mirror; one if absent. */
  replicas?: number;
}

/** A program and its line to the server. */
export interface Member {
  readonly program: Program;
  readonly line: Line;
}

export interface WorkerMember extends Member {
  readonly agent: string;
}

/** What singles out a server of several. */
export type ServerRole = "keeps the mirror" | "serves the runtime";

export const leaseMs = 1_000;
const compileCache = join(tmpdir(), "aionis-compile-cache"); // with it a program starts in half the time

/** Starts all of it. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { atEnd, servers, workers, concurrency = 3, replicas } = options;
  const lease = options.leaseMs ?? leaseMs;
  const folder = mkdtempSync(join(tmpdir(), "aionis-system-"));
  atEnd(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })));
  const system = new System({ servers, folder, concurrency, leaseMs: lease, atEnd });
  if (replicas !== undefined) await createMirrorStream(system, replicas);
  await system.start(workers);
  return system;
}

export class System {
  /** Its own, so that nothing of an earlier system on these servers is met. */
  readonly scope = `test/${randomUUID()}`;
  readonly servers: readonly NatsServer[];
  /** Where the workers write down what they did and were told. */
  readonly log: string;
  readonly workers: WorkerMember[] = [];
  readonly #atEnd: AtEnd;
  readonly #folder: string;
  readonly #concurrency: number;
  readonly #leaseMs: number;
  #runtime: Member | undefined;
  #client: Connection | undefined;
  #launched = 0;

  constructor(parts: {
    servers: readonly NatsServer[];
    folder: string;
    concurrency: number;
    leaseMs: number;
    atEnd: AtEnd;
  }) {
    this.servers = parts.servers;
    this.log = join(parts.folder, "log");
    this.#folder = parts.folder;
    this.#concurrency = parts.concurrency;
    this.#leaseMs = parts.leaseMs;
    this.#atEnd = parts.atEnd;
  }

  /** A client beside them all, on a line of its own that nobody hurts. */
  get client(): Connection {
    return this.#client ?? notStarted();
  }

  get runtime(): Member {
    return this.#runtime ?? notStarted();
  }

  async start(workers: number): Promise<void> {
    const starts = Array.from({ length: workers }, () => this.addWorker());
    await Promise.all([this.startRuntime(), this.#connect(), ...starts]);
  }

  /** After a kill, on the same store. */
  async startRuntime(): Promise<void> {
    const line = this.#runtime?.line ?? (await this.#openLine());
    const args = [join(this.#folder, "store"), String(this.#leaseMs), this.scope, line.urls.join(",")];
    this.#runtime = { line, program: this.#launch("../runtime-program.ts", args) };
    await this.#runtime.program.printed("ready");
  }

  async addWorker(): Promise<WorkerMember> {
    const worker = await this.#startWorker();
    this.workers.push(worker);
    return worker;
  }

  /** Kills a worker. Its successor has another name: nothing is kept for it. */
  async replaceWorker(index: number): Promise<void> {
    await this.workers[index]?.program.kill();
    this.workers[index] = await this.#startWorker();
  }

  /** The server that has the role now. */
  async findServer(role: ServerRole): Promise<NatsServer> {
    if (role === "keeps the mirror") return await findMirrorKeeper(this);
    const port = this.runtime.line.oldestPort(); // the runtime connects to serve first, then for its mirror
    return this.servers.find((server) => server.port === port) ?? notStarted();
  }

  async #connect(): Promise<void> {
    const client = await connect({ scope: this.scope, servers: this.servers.map(({ url }) => url), agent: "driver" });
    this.#atEnd(() => client.close());
    this.#client = client;
  }

  async #startWorker(): Promise<WorkerMember> {
    this.#launched += 1;
    const agent = `worker-${this.#launched}`;
    const line = await this.#openLine();
    const args = [this.scope, line.urls.join(","), agent, this.log, String(this.#concurrency)];
    const program = this.#launch("worker-program.ts", args);
    await program.printed("ready");
    return { agent, line, program };
  }

  #openLine(): Promise<Line> {
    return openLine({ ports: this.servers.map(({ port }) => port), atEnd: this.#atEnd });
  }

  #launch(file: string, args: readonly string[]): Program {
    const script = fileURLToPath(new URL(file, import.meta.url));
    return startProgram({
      script,
      args,
      atEnd: this.#atEnd,
      env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? compileCache },
    });
  }
}

function notStarted(): never {
  throw new Error("the system was not started");
}
