// Stores and persistence for tests
//
// Real ones, on a clock and a randomness that the test owns.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import {
  type Committed,
  createPersistence,
  openStore,
  type Persistence,
  type Recorded,
  type Submission,
  verifyScope,
} from "../../actors/index.ts";
import type { Command, TaskOperation } from "../../machines/index.ts";
import type { AgentId, TaskId } from "../../src/contracts/ids.ts";
import type { OperationInput } from "../../src/contracts/operations/index.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import type { FaultPoint } from "../../src/kernel/faults.ts";
import type { Ids } from "../../src/kernel/ids.ts";
import { createIds } from "../../src/kernel/index.ts";
import type { Random } from "../../src/kernel/random.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import { createSteadyClock, type SteadyClock } from "../../src/kernel/steady-clock.ts";
import type { Durability, JournalDamage, ScopeStore, Store } from "../../src/kernel/store.ts";
import { FakeClock } from "./fake-clock.ts";
import { toCommand } from "./tasks.ts";

export const scopeName = "acme/billing";

/** A clock whose wall time can jump while its monotonic time goes on. */
export class JumpingClock extends FakeClock {
  jumpMs = 0;
  override now(): number {
    return super.now() + this.jumpMs;
  }
}

/** A folder that is gone when the test is. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aionis-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder that is gone when the tests of the file are over. */
export function tempFolderOfFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "aionis-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Ports {
  clock: JumpingClock;
  time: SteadyClock;
  random: Random;
  ids: Ids;
}

export function createPorts(seed = 1): Ports {
  const clock = new JumpingClock();
  const random = createSeededRandom(seed);
  return { clock, time: createSteadyClock({ clock }), random, ids: createIds(clock, random) };
}

/** An open store that is closed when the test ends. */
export function openTestStore(file = ":memory:", ports = createPorts(), durability: Durability = "process"): Store {
  const store = openStore(file, { ...ports, durability });
  onTestFinished(() => store.close());
  return store;
}

type Input<Name extends TaskOperation> = Omit<OperationInput<Name>, "taskId" | "sessionId"> & { taskId?: TaskId };

export interface Asking {
  by?: AgentId | undefined;
  commandId?: string | undefined;
  scope?: string | undefined;
  /** What the idempotency of the command is told by; its input if absent. */
  content?: string | undefined;
}

export interface Bench extends Ports {
  store: Store;
  persistence: Persistence;
  committed: Committed[];
  failures: unknown[];
  logs: string[];
  /** Fault points at which the next turn throws. */
  faultsAt: Set<FaultPoint>;
  /** Submits a command without letting the turn run. */
  ask(command: Submission["command"], asking?: Asking): Promise<Recorded | undefined>;
  /** Submits an operation and lets the turn run. */
  do<Name extends TaskOperation>(name: Name, input: Input<Name>, asking?: Asking): Promise<Recorded>;
  /** Starts a task and gives its id. */
  start(input?: Partial<Input<"tasks.start">>, asking?: Asking): Promise<TaskId>;
  /** Verifies rows, chain and memory of the scope. */
  problems(scope?: string): string[];
}

export type BenchOptions = Partial<Parameters<typeof createPersistence>[0]> & { ports?: Ports };

/** A persistence actor on a store in memory, or on another. */
export function createBench(options: BenchOptions = {}): Bench {
  const ports = options.ports ?? createPorts();
  const { clock } = ports;
  const store = options.store ?? openTestStore(":memory:", ports);
  const committed: Committed[] = [];
  const failures: unknown[] = [];
  const logs: string[] = [];
  const faultsAt = new Set<FaultPoint>();
  const persistence = createPersistence({
    ...ports,
    store,
    faults: {
      at(point) {
        if (faultsAt.delete(point)) throw new Error(`fault at ${point}`);
      },
    },
    logger: { log: (_level, message) => void logs.push(message) },
    onCommitted: (events) => void committed.push(...events),
    onFailed: (failure) => void failures.push(failure),
    leaseUntil: () => undefined,
    ...options,
  });
  onTestFinished(() => persistence.close());

  const ask: Bench["ask"] = (command, asking = {}) =>
    persistence.submit({
      scope: asking.scope ?? scopeName,
      by: asking.by ?? "worker-1",
      command,
      ...(asking.commandId === undefined
        ? {}
        : { commandId: asking.commandId, content: sha256(asking.content ?? JSON.stringify(command)).subarray(0, 16) }),
    });

  return {
    ...ports,
    store,
    persistence,
    committed,
    failures,
    logs,
    faultsAt,
    ask,
    async do(name, input, asking) {
      const taskId = input.taskId ?? ports.ids.next("task");
      const asked = ask(toCommand(name, { ...input, taskId } as never) as Command, asking);
      asked.catch(() => {}); // it is awaited below
      await clock.settle();
      const recorded = await asked;
      if (recorded === undefined) throw new Error(`${name} recorded nothing`);
      return recorded;
    },
    async start(input = {}, asking) {
      const taskId = ports.ids.next("task");
      await this.do("tasks.start", { brief: "Fix the build", ...input, taskId } as never, asking);
      return taskId;
    },
    problems(scope = scopeName) {
      const verified = verifyScope(store.scope(scope), {
        memory: (id) => persistence.snapshot(scope, id),
        tables: store,
      });
      if (verified.ok !== (verified.problems.length === 0)) throw new Error("ok and problems disagree");
      return verified.problems.map(({ what }) => what);
    },
  };
}

/** What is wrong with the journal itself, oldest first. */
export function findDamage(scope: ScopeStore): JournalDamage[] {
  const found: JournalDamage[] = [];
  const until = scope.head().seq;
  for (let after = 0; after < until; ) {
    const { damage, next } = scope.checkEvents({ after, until, count: 3 }); // pages that end among what was damaged
    found.push(...damage);
    after = next;
  }
  return found;
}

/** A promise's failure code, or what it resolved with. */
export async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "ok",
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
}
