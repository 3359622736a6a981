// The runtime's process
//
// A runtime for each scope on one store, on a disk that outlives them. Death at any point throws away all of their memory and whatever was
// not committed, and with the machine's power also what was not synced; a restart begins from the bytes on the disk and the mark beside it.

import type Database from "better-sqlite3";
import { openDatabase } from "../../actors/store/database.ts";
import { createStore } from "../../actors/store/open.ts";
import type { decide } from "../../machines/index.ts";
import type { Client } from "../../sdk/client.ts";
import type { Tool } from "../../sdk/tools/tool.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { FaultPoint, Faults } from "../../src/kernel/faults.ts";
import { createIds, type Ids } from "../../src/kernel/ids.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { Durability, ScopeStore, Store, StoredEvent } from "../../src/kernel/store.ts";
import { type Runtime, startRuntime } from "../../src/runtime/start.ts";
import type { MemoryBus, Transport } from "../../transport/index.ts";
import { createDisk } from "./disk.ts";
import type { FaultSource } from "./faults.ts";
import type { Scheduler } from "./scheduler.ts";
import type { MachineLife } from "./wait-checker.ts";

/** Thrown where a process dies. */
export class ProcessDied extends Error {}

/** What dies: the process alone, or its machine with the disk's power. */
export type Death = "process" | "power";

/** A bug planted into the parts that a runtime is made of, or a worker. */
export interface PlantedBug {
  readonly decide?: typeof decide;
  readonly leaseMs?: number;
  /** What the database is opened with, whatever was promised. */
  readonly durability?: Durability;
  store?(store: Store): Store;
  /** Of workers. */
  tool?(tool: Tool): Tool;
  client?(client: Client): Client;
}

/** A journal before a power failure, and what the disk kept of it. */
export interface PowerLoss {
  readonly scope: string;
  readonly before: readonly StoredEvent[];
  readonly after: readonly StoredEvent[];
}

export interface RuntimeNode {
  start(): Promise<void>;
  /** Ends the process now, if it runs. */
  die(death: Death): void;
  isUp(): boolean;
  /** Whether the mark beside the store saw more than is in it. */
  isTruncated(): boolean;
  /** Removes the mark and starts over, as somebody does who accepts that the journal lost its end. */
  acceptLoss(): void;
  /** The parts of the running process, for the final checks. */
  store(): Store;
  /** When events were recorded and processes began, in virtual time. */
  life(): Pick<MachineLife, "recordedAt" | "starts">;
  readonly deaths: number;
  close(): Promise<void>;
}

interface NodeOptions {
  scopes: readonly string[];
  /** Whether it learns from its journals, whose order then also depends on how fast it does. */
  learns: boolean;
  durability: Durability;
  bus: MemoryBus;
  scheduler: Scheduler;
  random: Random;
  faults: FaultSource;
  bug: PlantedBug;
  /** What dies at this point, if anything. */
  deathAt(point: FaultPoint): Death | undefined;
  onDeath(): void;
  /** The store is open again after a power failure; nothing has been done with it. */
  onPowerBack?(losses: readonly PowerLoss[]): void;
  /** The runtime reported an error that no fault explains. */
  onBug(what: string): void;
}

interface Life {
  readonly database: Database.Database;
  readonly store: Store;
  readonly transports: Transport[];
  readonly runtimes: Runtime[];
}

const leaseMs = 4_000;

export function createRuntimeNode(options: NodeOptions): RuntimeNode {
  const { bus, scheduler, random, faults, bug } = options;
  const disk = createDisk(random);
  let markText: string | undefined;
  let life: Life | undefined;
  let beforeLoss: ReadonlyMap<string, readonly StoredEvent[]> | undefined;
  let generation = 0;
  let deaths = 0;
  let isClosing = false;
  const recordedAt = new Map<string, number>();
  const starts: number[] = [];

  /** Notes when each event is recorded. */
  function notingTimes(scope: ScopeStore): ScopeStore {
    return {
      ...scope,
      append(event, body) {
        recordedAt.set(event.id, scheduler.time());
        return scope.append(event, body);
      },
    };
  }

  async function start(): Promise<void> {
    starts.push(scheduler.time());
    generation += 1;
    const mine = generation;
    const isAlive = (): boolean => mine === generation;
    const clock = scheduler.clock(isAlive);
    const ids = createIds(clock, random);
    const { store, transports, runtimes } = open(ids, isAlive);
    for (const scope of options.scopes) {
      const transport = bus.connect();
      transports.push(transport);
      runtimes.push(await serve({ scope, store, transport, clock, ids, isAlive }));
      if (!isAlive()) return;
    }
  }

  function open(ids: Ids, isAlive: () => boolean): Life {
    const durability = bug.durability ?? options.durability;
    const database = openDatabase(":memory:", { durability, ids, image: disk.image });
    const onDisk = createStore(database, ":memory:", random);
    for (const scope of options.scopes) onDisk.scope(scope);
    disk.mount(database);
    if (beforeLoss !== undefined) options.onPowerBack?.(compare(beforeLoss, onDisk));
    beforeLoss = undefined;
    const watched: Store = {
      ...onDisk,
      scope: (name) => notingTimes(onDisk.scope(name)),
      commit() {
        onDisk.commit();
        disk.committed();
      },
    };
    const store: Store = {
      ...withWriteErrors(bug.store?.(watched) ?? watched, faults),
      close() {
        if (isAlive() && !isClosing) die("process"); // a runtime that closes by itself ends its process
      },
    };
    life = { database, store, transports: [], runtimes: [] };
    return life;
  }

  function serve(parts: {
    scope: string;
    store: Store;
    transport: Transport;
    clock: Clock;
    ids: Ids;
    isAlive(): boolean;
  }): Promise<Runtime> {
    const { isAlive, ...rest } = parts;
    const dieSometimes: Faults = {
      at(point) {
        const death = isAlive() ? options.deathAt(point) : undefined;
        if (death === undefined) return;
        die(death);
        throw new ProcessDied();
      },
    };
    return startRuntime({
      ...rest,
      markFile: {
        read: () => Promise.resolve(markText),
        write(text) {
          if (isAlive()) markText = text;
          return Promise.resolve();
        },
      },
      random,
      faults: dieSometimes,
      logger: {
        log(level, message, fields) {
          if (level === "error" && isAlive() && !isPlanned(fields))
            options.onBug(`${message} ${JSON.stringify(fields)}`);
        },
      },
      leaseMs: bug.leaseMs ?? leaseMs,
      learns: options.learns,
      decide: bug.decide,
    });
  }

  function die(death: Death): void {
    if (life === undefined) return;
    const { database, store, transports } = life;
    life = undefined;
    generation += 1;
    deaths += 1;
    for (const transport of transports) bus.kill(transport);
    if (database.inTransaction) database.exec("ROLLBACK");
    if (death === "power") {
      beforeLoss = new Map(options.scopes.map((name) => [name, readJournal(store.scope(name))]));
      disk.powerFails();
    } else {
      disk.processDies();
    }
    database.close();
    options.onDeath();
  }

  return {
    start,
    die,
    isUp: () => life !== undefined,
    isTruncated() {
      const heads = life?.store.heads() ?? {};
      return Object.entries(readMark(markText)).some(([scope, { seq }]) => seq > (heads[scope]?.seq ?? 0));
    },
    acceptLoss() {
      markText = undefined;
      die("process");
    },
    store: () => life?.store ?? missing(),
    life: () => ({ recordedAt, starts }),
    get deaths() {
      return deaths;
    },
    async close() {
      isClosing = true;
      const ending = Promise.all(life?.runtimes.map((runtime) => runtime.close()) ?? []);
      for (let steps = 0; steps < 1_000 && (await scheduler.step()); steps += 1);
      await ending;
      life?.database.close();
    },
  };
}

function compare(before: ReadonlyMap<string, readonly StoredEvent[]>, store: Store): PowerLoss[] {
  return [...before].map(([scope, events]) => ({ scope, before: events, after: readJournal(store.scope(scope)) }));
}

/** Every event of a scope, in order. */
export function readJournal(scope: ScopeStore): StoredEvent[] {
  const events: StoredEvent[] = [];
  for (let page = scope.events({ after: 0, count: 500 }); page.length > 0; ) {
    events.push(...page);
    page = scope.events({ after: page.at(-1)?.seq ?? 0, count: 500 });
  }
  return events;
}

function readMark(text: string | undefined): Record<string, { seq: number }> {
  return text === undefined ? {} : (JSON.parse(text) as { heads: Record<string, { seq: number }> }).heads; // the runtime wrote it
}

const writeError = "the write failed";

function isPlanned(fields: Readonly<Record<string, unknown>> | undefined): boolean {
  return String(fields?.error).includes(writeError);
}

function missing(): never {
  throw new Error("the runtime is not up");
}

/** Commits that fail without the process dying: callers do not learn what became of their commands. */
function withWriteErrors(store: Store, faults: FaultSource): Store {
  return {
    ...store,
    commit() {
      if (faults.happens("write")) throw new Error(writeError);
      store.commit();
    },
  };
}
