import { onTestFinished } from "vitest";
import type { Connection, Handler, Worker, WorkerOptions } from "../../../sdk/index.ts";
import type { EventType, JournalEvent } from "../../../src/contracts/events.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import type { OperationInput } from "../../../src/contracts/operations/index.ts";
import type { Task, TaskState } from "../../../src/contracts/task.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import { patienceMs } from "../../support/patience.ts";

/** A runtime and the ways to it. */
export interface SdkFabric {
  /** A connection to the runtime as it runs now. */
  connect(): Promise<Connection>;
  /** Ends the runtime and starts it again on the same folder. */
  restart(): Promise<void>;
  /** Ends everything. Safe to call while workers work. */
  close(): Promise<void>;
}

/** Opens a runtime; without `leaseMs` its leases are longer than any test. */
export type OpenSdk = (options: { leaseMs: number; logger: Logger }) => Promise<SdkFabric>;

export type Setup = (options?: { leaseMs?: number }) => Promise<World>;

/** What a test holds: one runtime of its own, a client, and a way to start workers that end with the test. */
export interface World {
  fabric: SdkFabric;
  client: Connection;
  /** Errors that nobody awaited, as they were logged. */
  errors: string[];
  work(options: Partial<WorkerOptions>, handler: Handler, connection?: Connection): Worker;
}

const leaseMsLong = 60_000;
const graceMs = 20; // a handler that hangs holds no test up

export function createSetup(open: OpenSdk): Setup {
  return async ({ leaseMs = leaseMsLong } = {}) => {
    const errors: string[] = [];
    const logger: Logger = { log: (level, message) => void (level === "error" && errors.push(message)) };
    const fabric = await open({ leaseMs, logger });
    const workers: Worker[] = [];
    onTestFinished(async () => {
      for (const worker of workers) void worker.stop();
      await fabric.close();
    });
    const client = await fabric.connect();
    const work = (options: Partial<WorkerOptions>, handler: Handler, connection = client): Worker => {
      const worker = connection.worker({ agent: "worker-1", graceMs, ...options }, handler);
      workers.push(worker);
      return worker;
    };
    return { fabric, client, errors, work };
  };
}

/** Tries again soon, so that a test of retries takes no time. */
export const soon = { attemptsMax: 3, backoffMs: 5, backoffMaxMs: 10 };

export async function start(
  client: Connection,
  input: Partial<OperationInput<"tasks.start">> = {},
): Promise<OperationInput<"tasks.get">["taskId"]> {
  return (await client.tasks.start({ brief: "Do the work", retry: soon, ...input })).taskId;
}

/** The task once it is in `state`. */
export async function reached(client: Connection, taskId: TaskId, state: TaskState): Promise<Task> {
  const endsAt = performance.now() + patienceMs;
  let { task } = await client.tasks.watch({ taskId, waitMs: 0 });
  while (task.state !== state) {
    if (performance.now() > endsAt) throw new Error(`${taskId} is ${task.state} and did not become ${state}`);
    ({ task } = await client.tasks.watch({ taskId, afterRevision: task.revision, waitMs: 1_000 }));
  }
  return task;
}

/** The task with its texts once it has ended. */
export async function ended(client: Connection, taskId: TaskId): Promise<{ task: Task; outcome: unknown }> {
  const endsAt = performance.now() + patienceMs;
  for (;;) {
    const { task, hasEnded, content } = await client.tasks.watch({ taskId, untilEnded: true, waitMs: 10_000 });
    if (hasEnded) return { task, outcome: content?.outcome };
    if (performance.now() > endsAt) throw new Error(`${taskId} is ${task.state} and did not end`);
  }
}

/** The events of a task so far. */
export async function journal(client: Connection, taskId: TaskId, ...types: EventType[]): Promise<JournalEvent[]> {
  const filter = types.length === 0 ? {} : { types };
  return (await client.events.read({ taskId, pageSize: 500, ...filter })).events;
}

/** Waits until the journal holds `count` events of one type for the task. */
export async function recorded(
  client: Connection,
  taskId: TaskId,
  type: EventType,
  count = 1,
): Promise<JournalEvent[]> {
  const endsAt = performance.now() + patienceMs;
  for (let afterRevision = 0; ; ) {
    const events = await journal(client, taskId, type);
    if (events.length >= count) return events;
    if (performance.now() > endsAt) throw new Error(`${taskId} has ${events.length} of ${count} ${type}`);
    ({
      task: { revision: afterRevision },
    } = await client.tasks.watch({ taskId, afterRevision, waitMs: 1_000 }));
  }
}

/** A promise to be settled from elsewhere, such as from inside a handler. */
export function gate<Value = void>(): { promise: Promise<Value>; open: (value: Value) => void } {
  let open: (value: Value) => void = () => {};
  const promise = new Promise<Value>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

/** Never settles: a handler that hangs. */
export const forever = (): Promise<never> => new Promise(() => {});

/** `promise`, or an error that says what did not come. */
export async function within<Value>(promise: Promise<Value>, what: string, timeoutMs = patienceMs): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come`)), timeoutMs);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
