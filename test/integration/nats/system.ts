// System
//
// A runtime, its workers and nats-server, each in a process of its own, and the lines between them, to be hurt by tests.
// Owns: the processes, the lines, the folder. Does not own: what is asked of them (`traffic.ts`), what was right (`verdict.ts`).

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NatsServerBinary } from "../../../scripts/nats-server.ts";
import { type Connection, connect } from "../../../src/index.ts";
import { type Line, openLine } from "../../support/line.ts";
import { type NatsServer, startNatsServer } from "../../support/nats.ts";
import { type AtEnd, type Program, startProgram } from "../../support/programs.ts";

export interface SystemOptions {
  atEnd: AtEnd;
  binary?: NatsServerBinary | undefined;
  /** How many workers there are at the start. */
  workers: number;
  /** How many tasks each works on at once; 3 if absent. */
  concurrency?: number;
  /** Further lines of the server's configuration. */
  config?: string;
}

/** A program and its line to the server. */
export interface Member {
  readonly program: Program;
  readonly line: Line;
}

export interface WorkerMember extends Member {
  readonly agent: string;
}

export const scope = "test/integration";
export const leaseMs = 1_000;

/** Starts all of it. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { atEnd, workers, concurrency = 3 } = options;
  const server = await startNatsServer({ ...toServerOptions(options), atEnd, jetstream: true });
  const folder = mkdtempSync(join(tmpdir(), "aionis-system-"));
  atEnd(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })));
  const system = new System({ server, folder, concurrency, atEnd });
  await system.start(workers);
  return system;
}

export class System {
  readonly server: NatsServer;
  /** Where the workers write down what they did and were told. */
  readonly log: string;
  readonly workers: WorkerMember[] = [];
  readonly #atEnd: AtEnd;
  readonly #folder: string;
  readonly #concurrency: number;
  #runtime: Member | undefined;
  #client: Connection | undefined;
  #launched = 0;

  constructor(parts: { server: NatsServer; folder: string; concurrency: number; atEnd: AtEnd }) {
    this.server = parts.server;
    this.log = join(parts.folder, "log");
    this.#folder = parts.folder;
    this.#concurrency = parts.concurrency;
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
    const args = [join(this.#folder, "store"), String(leaseMs), line.url];
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

  /** Loses whatever the server keeps on its disk. */
  async wipeServer(): Promise<void> {
    await this.server.kill();
    rmSync(join(this.server.folder, "store"), { recursive: true, force: true });
    await this.server.restart();
  }

  async #connect(): Promise<void> {
    const client = await connect({ scope, servers: this.server.url, agent: "driver" });
    this.#atEnd(() => client.close());
    this.#client = client;
  }

  async #startWorker(): Promise<WorkerMember> {
    this.#launched += 1;
    const agent = `worker-${this.#launched}`;
    const line = await this.#openLine();
    const program = this.#launch("worker-program.ts", [line.url, agent, this.log, String(this.#concurrency)]);
    await program.printed("ready");
    return { agent, line, program };
  }

  #openLine(): Promise<Line> {
    return openLine({ port: this.server.port, atEnd: this.#atEnd });
  }

  #launch(file: string, args: readonly string[]): Program {
    return startProgram({ script: fileURLToPath(new URL(file, import.meta.url)), args, atEnd: this.#atEnd });
  }
}

function toServerOptions({ binary, config }: SystemOptions) {
  return { ...(binary === undefined ? {} : { binary }), ...(config === undefined ? {} : { config }) };
}

function notStarted(): never {
  throw new Error("the system was not started");
}
