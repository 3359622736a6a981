// Queries
//
// The reading operations. They run between turns, so they see what is committed and nothing else.

import { isAbsolute } from "node:path";
import {
  type Desk,
  type Leases,
  type Persistence,
  rebuildInParts,
  toJournalEvent,
  toReceipt,
  verifyInParts,
} from "../../actors/index.ts";
import { isOpen, type TaskSnapshot } from "../../machines/index.ts";
import { AionisError } from "../contracts/failures.ts";
import type { TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationName, OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import { memoryKind, playbookKind, sessionKind } from "../contracts/values.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ScopeStore, Store, TaskRow } from "../kernel/store.ts";
import { createAwaitLearning, createMemoryQueries, type MemoryOptions, type MemoryQueries } from "./memory.ts";
import { aggregate, listRecords, readTree, recover } from "./packets.ts";
import { createPlaybookFinding, type PlaybookCommandParts, type PlaybookFinding } from "./playbook-commands.ts";
import { createPlaybookQueries, type PlaybookQueries } from "./playbooks.ts";
import { takeReadable } from "./readable.ts";
import { mustBeSession, readSessionEvents, toSession, toStates } from "./sessions.ts";
import { takeInSlices } from "./slices.ts";
import { toContent, toExplanation, toTask } from "./views.ts";
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
  | "events.read"
  | "store.verify"
  | "store.rebuild"
  | "store.backup"
  | "runtime.status"
>;

export type Queries = MemoryQueries &
  PlaybookQueries &
  PlaybookFinding & {
    [Name in QueryName]: (
      input: OperationParsed<Name>,
      caller?: Caller,
    ) => OperationOutput<Name> | Promise<OperationOutput<Name>>;
  };

/** Whoever asks; without one the answer is wanted until the end. */
export interface Caller {
  isWanted(): boolean;
}

export interface QueryOptions {
  scope: string;
  store: Store;
  persistence: Persistence;
  leases: Leases;
  waiting: Waiting;
  clock: Clock;
  memory: MemoryOptions;
  playbooks: PlaybookCommandParts;
  /** Why the store does not reach its high-water mark, if it does not. */
  checkMark(): Promise<AionisError | undefined>;
  /** Copies the store and verifies the copy; says how many events it holds. */
  backUp(path: string, isWanted: () => boolean): Promise<{ bytes: number; events: number }>;
  /** Whether it learns from its journal; what was learned is made again only then. */
  learns: boolean;
  /** Whether the runtime serves, and is not closing. */
  isServing(): boolean;
  /** Called when rows were made again: what follows from them is to be looked at anew. */
  onRebuilt(): void;
}

/** The queries of one scope. */
export function createQueries(options: QueryOptions): Queries {
  const { persistence, leases, clock } = options;
  const store = options.store.scope(options.scope);

  const packetParts = { scope: options.scope, store, persistence, leases };

  function find(taskId: TaskId): { row: TaskRow; snapshot: TaskSnapshot } {
    const row = findRow(taskId);
    const snapshot = persistence.snapshot(options.scope, taskId);
    if (snapshot === undefined) throw notFound(taskId);
    return { row, snapshot };
  }

  function findRow(taskId: TaskId): TaskRow {
    const row = store.task(taskId);
    if (row === undefined) throw notFound(taskId);
    return row;
  }

  const wants = (caller: Caller | undefined) => (): boolean =>
    options.isServing() && (caller === undefined || caller.isWanted());
  const inTurn = (slice: () => void): Promise<void> => persistence.chore(options.scope, slice);

  return {
    ...createMemoryQueries(options.memory),
    ...createPlaybookQueries(options.playbooks),
    ...createPlaybookFinding(options.playbooks, createAwaitLearning(options.memory)),
    "tasks.get"({ taskId }) {
      const { row, snapshot } = find(taskId);
      return { task: toTask(snapshot, row.title), content: toContent(store, snapshot) };
    },
    async "tasks.watch"({ taskId, afterRevision, untilEnded, waitMs }) {
      const isMet = (snapshot: TaskSnapshot): boolean =>
        untilEnded ? !isOpen(snapshot) : snapshot.context.revision > afterRevision;
      if (!isMet(find(taskId).snapshot)) await options.waiting.changed(taskId, isMet, waitMs);
      const { row, snapshot } = find(taskId);
      const hasEnded = !isOpen(snapshot);
      const task = toTask(snapshot, row.title);
      return hasEnded ? { task, hasEnded, content: toContent(store, snapshot) } : { task, hasEnded };
    },
    "tasks.list"({ states, kind, parentId, pageSize, cursor }) {
      const rows = store.tasks({
        ...{ before: toTaskId(store, cursor), count: pageSize, states, kind, parentId },
        exceptKinds: [memoryKind, playbookKind],
      });
      const tasks = takeReadable(rows, (row) => toTask(find(row.id).snapshot, row.title));
      return { tasks, ...toCursor(rows, { pageSize, shown: tasks.length }) };
    },
    "tasks.explain"({ taskId }) {
      const { snapshot } = find(taskId);
      return toExplanation(store, snapshot, { at: clock.now(), leaseUntil: leases.until(options.scope, taskId) });
    },
    "tasks.steps"({ taskId, stage, after, pageSize }) {
      const { row } = find(taskId);
      const stored = store.stepsOf({ task: row.task, stage, after: after ?? 0, count: pageSize });
      const steps = takeReadable(stored, toReceipt);
      const last = steps.at(-1)?.seq;
      const hasMore = last !== undefined && store.hasStepAfter({ task: row.task, stage, after: last });
      return { steps, ...(hasMore ? { next: last } : {}) };
    },
    "handoff.recover": (input) => recover(packetParts, input),
    "handoff.list": (input) => listRecords(store, "handoff", input),
    "delegation.find": (input) => listRecords(store, "delegation", input),
    "delegation.aggregate": (input) => aggregate(store, input),
    "delegation.tree": (input) => readTree(packetParts, input),
    "sessions.events"(input) {
      const { row, snapshot } = find(input.sessionId);
      mustBeSession(snapshot);
      return readSessionEvents(store, row.task, input);
    },
    "sessions.list"({ status, pageSize, cursor }) {
      const states = toStates(status);
      const rows = store.tasks({ before: toTaskId(store, cursor), count: pageSize, states, kind: sessionKind });
      const sessions = takeReadable(rows, (row) => toSession(store, find(row.id).snapshot, row.title));
      return { sessions, ...toCursor(rows, { pageSize, shown: sessions.length }) };
    },
    async "events.read"({ from, taskId, types, pageSize, waitMs }) {
      const task = taskId === undefined ? undefined : findRow(taskId).task; // one that cannot be folded can be read
      if (from > store.head().seq + 1) throw pastTheEnd(from, store.head().seq);
      const endsAt = clock.mono() + waitMs;
      for (let after = from - 1; ; ) {
        const head = store.head().seq;
        const events = takeReadable(store.events({ after, count: pageSize, task, types }), toJournalEvent);
        const last = events.at(-1)?.seq;
        const next = (last ?? head) + 1;
        const isDone = events.length > 0 || (await options.waiting.grown(endsAt - clock.mono())) === "over";
        if (isDone) return { events, next, head };
        after = next - 1; // what has been looked through is not looked through again
      }
    },
    async "store.verify"(_input, caller) {
      const memory = (id: TaskId) => persistence.live(options.scope, id);
      const verified = await takeInSlices(verifyInParts(store, { memory }), { clock, isWanted: wants(caller) });
      const damage = await options.checkMark();
      if (damage === undefined) return verified;
      const problems = [{ what: damage.detail }, ...verified.problems].slice(0, limits.listItems);
      return { ...verified, ok: false, problems };
    },
    async "store.rebuild"(_input, caller) {
      const resume = options.learns ? await options.memory.learner.pause() : undefined;
      try {
        let desk: Desk | undefined;
        const parts = rebuildInParts(store, { onMended: (id) => desk?.letGo(id) });
        const rebuilt = await takeInSlices(parts, {
          clock,
          isWanted: wants(caller),
          inTurn: (slice) =>
            persistence.chore(options.scope, (given) => {
              desk = given;
              slice();
            }),
        });
        if (options.learns) await takeInSlices(forgetLearned(store), { clock, isWanted: wants(caller), inTurn });
        return { events: rebuilt.events, tasks: rebuilt.tasks, mended: rebuilt.problems };
      } finally {
        resume?.();
        options.onRebuilt();
      }
    },
    async "store.backup"({ path }, caller) {
      if (isAbsolute(path)) return { path, ...(await options.backUp(path, wants(caller))) };
      throw new AionisError("INPUT_INVALID", `"${path.slice(0, 200)}" is not an absolute path; a backup goes to one.`);
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
      };
    },
  };
}

/** Removes what was learned, a part at a time; the learner reads the journal again from its start. */
function* forgetLearned(store: ScopeStore): Generator<void, void, void> {
  while (store.clearLearned(limits.pageRows)) yield;
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

/** Where the next page of tasks begins; a page that is not full, and shows all its rows, is the last. */
function toCursor(
  rows: readonly TaskRow[],
  { pageSize, shown }: { pageSize: number; shown: number },
): { cursor?: string } {
  const last = rows.length === pageSize || shown < rows.length ? rows[shown - 1] : undefined;
  return last === undefined ? {} : { cursor: last.id };
}

function toTaskId(store: ScopeStore, cursor: string | undefined): TaskId | undefined {
  if (cursor === undefined) return undefined;
  const row = store.task(cursor as TaskId); // whatever it is, it is only looked up
  if (row !== undefined) return row.id;
  throw new AionisError("CURSOR_INVALID", `"${cursor.slice(0, 80)}" is no cursor of this list; start without one.`);
}

function notFound(taskId: TaskId): AionisError {
  return new AionisError(
    "TASK_NOT_FOUND",
    `There is no task ${taskId} in this scope; list tasks to see those there are.`,
  );
}
