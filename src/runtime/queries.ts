// Queries
//
// The reading operations. They run between turns, so they see what is committed and nothing else.

import type { Leases } from "../../actors/index.ts";
import { isOpen, type TaskSnapshot } from "../../machines/index.ts";
import { AionisError } from "../contracts/failures.ts";
import type { TaskId } from "../contracts/ids.ts";
import type { OperationName, OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import { memoryKind, playbookKind, sessionKind } from "../contracts/values.ts";
import type { Clock } from "../kernel/clock.ts";
import type { SteadyClock } from "../kernel/steady-clock.ts";
import type { ScopeStore, Store, TaskNumber, TaskRow } from "../kernel/store.ts";
import type { Caller } from "./caller.ts";
import { listEvents, listSteps, listTasks } from "./lists.ts";
import { createAwaitLearning, createMemoryQueries, type MemoryOptions, type MemoryQueries } from "./memory.ts";
import { aggregate, listRecords, readTree, recover } from "./packets.ts";
import { createPlaybookFinding, type PlaybookCommandParts, type PlaybookFinding } from "./playbook-commands.ts";
import { createPlaybookQueries, listPlaybooks, type PlaybookQueries } from "./playbooks.ts";
import { listSessionEvents, mustBeSession, toSession, toStates } from "./sessions.ts";
import type { Parts, Slices } from "./slices.ts";
import { createStoreWorks, type StoreWorks, type StoreWorksOptions } from "./store-works.ts";
import { given, readContent, toExplanation, toTask } from "./views.ts";
import type { Waiting } from "./waiting.ts";

type QueryName = Extract<
  OperationName,
  | "tasks.get"
  | "tasks.watch"
  | "tasks.list"
  | "tasks.explain"
  | "tasks.steps"
  | "handoff.recover"
  | "handoff.list"
  | "delegation.find"
  | "delegation.aggregate"
  | "delegation.tree"
  | "sessions.events"
  | "sessions.list"
  | "playbooks.list"
  | "events.read"
  | "runtime.status"
>;

export type Queries = StoreWorks &
  MemoryQueries &
  PlaybookQueries &
  PlaybookFinding & {
    [Name in QueryName]: (
      input: OperationParsed<Name>,
      caller?: Caller,
    ) => OperationOutput<Name> | Promise<OperationOutput<Name>>;
  };

export interface QueryOptions extends Omit<StoreWorksOptions, "store" | "tables" | "slices" | "wants" | "learner"> {
  store: Store;
  leases: Leases;
  waiting: Waiting;
  clock: Clock;
  time: SteadyClock;
  memory: MemoryOptions;
  playbooks: PlaybookCommandParts;
  /** Take what lists or looks at much, and what looks at the whole store. */
  slices: { quick: Slices; slow: Slices };
  /** Whether the runtime serves, and is not closing. */
  isServing(): boolean;
}

/** The queries of one scope. */
export function createQueries(options: QueryOptions): Queries {
  const { persistence, leases, clock, time } = options;
  const store = options.store.scope(options.scope);

  const packetParts = { scope: options.scope, store, persistence, leases, time };

  function find(taskId: TaskId): { row: TaskRow; snapshot: TaskSnapshot } {
    return { row: findRow(taskId), snapshot: snapshotOf(taskId) };
  }

  function snapshotOf(taskId: TaskId): TaskSnapshot {
    const snapshot = persistence.snapshot(options.scope, taskId);
    if (snapshot === undefined) throw notFound(taskId);
    return snapshot;
  }

  function findRow(taskId: TaskId): TaskRow {
    const row = store.task(taskId);
    if (row === undefined) throw notFound(taskId);
    return row;
  }

  const wants = (caller: Caller | undefined) => (): boolean =>
    options.isServing() && (caller === undefined || caller.isWanted());

  /** A list: quick for most, and in slices for those that look at much. */
  function inSlices<Result>(caller: Caller | undefined, parts: Parts<Result>): Result | Promise<Result> {
    return options.slices.quick.take(parts, { party: caller?.by ?? "", isWanted: wants(caller) });
  }

  return {
    ...createMemoryQueries(options.memory),
    ...createPlaybookQueries(options.playbooks),
    ...createPlaybookFinding(options.playbooks, createAwaitLearning(options.memory)),
    ...createStoreWorks({
      ...options,
      store,
      tables: options.store,
      wants,
      learner: options.memory.learner,
      slices: options.slices.slow,
    }),
    "tasks.get"({ taskId }, caller) {
      const { row, snapshot } = find(taskId);
      const now = time.now();
      const task = toTask(snapshot, row.title, now);
      return then(inSlices(caller, readContent(store, snapshot, now)), (content) => ({ task, content }));
    },
    async "tasks.watch"({ taskId, afterRevision, untilEnded, waitMs }, caller) {
      const isMet = (snapshot: TaskSnapshot): boolean =>
        untilEnded ? !isOpen(snapshot) : snapshot.context.revision > afterRevision;
      if (!isMet(find(taskId).snapshot)) await options.waiting.changed(taskId, isMet, waitMs);
      const { row, snapshot } = find(taskId);
      const hasEnded = !isOpen(snapshot);
      const now = time.now();
      const task = toTask(snapshot, row.title, now);
      if (!hasEnded) return { task, hasEnded };
      return { task, hasEnded, content: await inSlices(caller, readContent(store, snapshot, now)) };
    },
    "tasks.list"({ states, kind, parentId, pageSize, cursor }, caller) {
      const before = toTaskNumber(store, cursor);
      const filter = { states, kind, parentId, exceptKinds: [memoryKind, playbookKind], before, pageSize };
      const now = time.now();
      const parts = listTasks(store, filter, ({ id, title }) => toTask(snapshotOf(id), title, now));
      return then(inSlices(caller, parts), ({ items: tasks, cursor: next }) => ({ tasks, ...given({ cursor: next }) }));
    },
    "tasks.explain"({ taskId }) {
      const { snapshot } = find(taskId);
      return toExplanation(store, snapshot, { now: time.now(), leaseUntil: leases.until(options.scope, taskId) });
    },
    "tasks.steps"({ taskId, ...range }, caller) {
      const { row } = find(taskId);
      return inSlices(caller, listSteps(store, { ...range, task: row.task }));
    },
    "handoff.recover": (input, caller) => inSlices(caller, recover(packetParts, input)),
    "handoff.list": (input, caller) => inSlices(caller, listRecords(store, "handoff", input)),
    "delegation.find": (input, caller) => inSlices(caller, listRecords(store, "delegation", input)),
    "delegation.aggregate": (input, caller) => inSlices(caller, aggregate(store, input)),
    "delegation.tree": (input, caller) => inSlices(caller, readTree(packetParts, input)),
    "playbooks.list": (input, caller) => inSlices(caller, listPlaybooks(options.playbooks, input)),
    "sessions.events"(input, caller) {
      const { row, snapshot } = find(input.sessionId);
      mustBeSession(snapshot);
      return inSlices(caller, listSessionEvents(store, row.task, input));
    },
    "sessions.list"({ status, pageSize, cursor }, caller) {
      const filter = { states: toStates(status), kind: sessionKind, before: toTaskNumber(store, cursor), pageSize };
      const parts = listTasks(store, filter, ({ id, title }) => toSession(store, snapshotOf(id), title));
      return then(inSlices(caller, parts), ({ items: sessions, cursor: next }) => ({
        sessions,
        ...given({ cursor: next }),
      }));
    },
    async "events.read"({ from, taskId, types, pageSize, waitMs }, caller) {
      const task = taskId === undefined ? undefined : findRow(taskId).task; // one that cannot be folded can be read
      if (from > store.head().seq + 1) throw pastTheEnd(from, store.head().seq);
      const endsAt = clock.mono() + waitMs;
      for (let after = from - 1; ; ) {
        const head = store.head().seq;
        const events = await inSlices(caller, listEvents(store, { after, head, task, types, pageSize }));
        const last = events.at(-1)?.seq;
        const next = (last ?? head) + 1;
        const isDone = events.length > 0 || (await options.waiting.grown(endsAt - clock.mono())) === "over";
        if (isDone) return { events, next, head };
        after = next - 1; // what has been looked through is not looked through again
      }
    },
    "runtime.status"() {
      const { state, reason, waiting, liveTasks } = persistence.status();
      return {
        storeId: options.store.id,
        state: state === "ready" ? "ready" : "readOnly",
        ...(reason === null ? {} : { reason }),
        head: store.head().seq,
        at: clock.now(),
        liveTasks,
        waitingCommands: waiting,
        works: options.works.list(),
      };
    },
  };
}

/** What `make` makes of a value, at once if the value is there. */
function then<Value, Made>(value: Value | Promise<Value>, make: (value: Value) => Made): Made | Promise<Made> {
  return value instanceof Promise ? value.then(make) : make(value);
}

function pastTheEnd(from: number, head: number): AionisError {
  return new AionisError(
    "CURSOR_INVALID",
    `The journal ends at ${head}, and ${from - 1} was never in it; read again from 1.`,
    {
      facts: { head },
    },
  );
}

function toTaskNumber(store: ScopeStore, cursor: string | undefined): TaskNumber | undefined {
  if (cursor === undefined) return undefined;
  const row = store.task(cursor as TaskId); // whatever it is, it is only looked up
  if (row !== undefined) return row.task;
  throw new AionisError("CURSOR_INVALID", `"${cursor.slice(0, 80)}" is no cursor of this list; start without one.`);
}

function notFound(taskId: TaskId): AionisError {
  return new AionisError(
    "TASK_NOT_FOUND",
    `There is no task ${taskId} in this scope; list tasks to see those there are.`,
  );
}
