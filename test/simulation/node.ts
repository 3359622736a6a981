// The runtime's process
//
// A runtime on a disk that outlives it. Death at any point throws away all of its memory and whatever was not committed; a restart begins
// from the bytes on the disk and the mark beside it.

import type Database from "better-sqlite3";
import { openDatabase } from "../../actors/store/database.ts";
import { createStore } from "../../actors/store/open.ts";
import type { decide } from "../../machines/index.ts";
import type { FaultPoint, Faults } from "../../src/kernel/faults.ts";
import { createIds } from "../../src/kernel/ids.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { Store } from "../../src/kernel/store.ts";
import { type Runtime, startRuntime } from "../../src/runtime/start.ts";
import type { MemoryBus, Transport } from "../../transport/index.ts";
import type { FaultSource } from "./faults.ts";
import type { Scheduler } from "./scheduler.ts";

/** Thrown where a process dies. */
export class ProcessDied extends Error {}

/** A bug planted into the parts that a runtime is made of. */
export interface PlantedBug {
  readonly decide?: typeof decide;
  readonly leaseMs?: number;
  store?(store: Store): Store;
}

export interface RuntimeNode {
  start(): Promise<void>;
  /** Ends the process now, if it runs. */
  die(): void;
  isUp(): boolean;
  /** The parts of the running process, for the final checks. */
  store(): Store;
  readonly deaths: number;
  close(): Promise<void>;
}

export const scopeName = "sim/project";
const leaseMs = 4_000;

export function createRuntimeNode(options: {
  bus: MemoryBus;
  scheduler: Scheduler;
  random: Random;
  faults: FaultSource;
  bug: PlantedBug;
  /** Whether the process dies at this point. */
  diesAt(point: FaultPoint): boolean;
  onDeath(): void;
  /** The runtime reported an error that no fault explains. */
  onBug(what: string): void;
}): RuntimeNode {
  const { bus, scheduler, random, faults, bug } = options;
  let image: Buffer | undefined;
  let markText: string | undefined;
  let life: { database: Database.Database; store: Store; transport: Transport; runtime?: Runtime } | undefined;
  let generation = 0;
  let deaths = 0;

  async function start(): Promise<void> {
    generation += 1;
    const mine = generation;
    const isAlive = (): boolean => mine === generation;
    const clock = scheduler.clock(isAlive);
    const ids = createIds(clock, random);
    const database = openDatabase(":memory:", { durability: "power", ids, image });
    const real = createStore(database, ":memory:", random);
    const store = withWriteErrors(bug.store?.(real) ?? real, faults);
    const transport = bus.connect();
    life = { database, store, transport };
    const dieSometimes: Faults = {
      at(point) {
        if (!isAlive() || !options.diesAt(point)) return;
        die();
        throw new ProcessDied();
      },
    };
    const runtime = await startRuntime({
      scope: scopeName,
      store,
      transport,
      markFile: {
        read: () => Promise.resolve(markText),
        write(text) {
          if (isAlive()) markText = text;
          return Promise.resolve();
        },
      },
      clock,
      ids,
      random,
      faults: dieSometimes,
      logger: {
        log(level, message, fields) {
          if (level === "error" && isAlive() && !isPlanned(fields))
            options.onBug(`${message} ${JSON.stringify(fields)}`);
        },
      },
      leaseMs: bug.leaseMs ?? leaseMs,
      decide: bug.decide,
    });
    if (life?.transport === transport) life.runtime = runtime;
  }

  function die(): void {
    if (life === undefined) return;
    const { database, transport } = life;
    life = undefined;
    generation += 1;
    deaths += 1;
    bus.kill(transport);
    if (database.inTransaction) database.exec("ROLLBACK");
    image = database.serialize(); // what was committed is on the disk (durability "power")
    database.close();
    options.onDeath();
  }

  return {
    start,
    die,
    isUp: () => life !== undefined,
    store: () => life?.store ?? missing(),
    get deaths() {
      return deaths;
    },
    async close() {
      const ending = life?.runtime?.close();
      for (let steps = 0; steps < 1_000 && (await scheduler.step()); steps += 1);
      await ending;
    },
  };
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
