// Task book
//
// The live task actors of a scope: a bounded map, filled from snapshot + later events, emptied of the least recently used. Owns: which
// tasks are in memory, and going back when a turn fails. Does not own: writing.
//
// Invariants:
//   B1. What is in memory is what the journal folds to (I6): an actor is changed only within a turn; a command that is refused gives
//       every actor it touched back the snapshot it had, and a turn whose outcome is unknown forgets what it touched, to be read again.
//   B2. At most `limits.liveTasks` actors are kept; none of the present turn is let go.

import { stepOf, type TaskSnapshot, taskMachine } from "../machines/index.ts";
import type { EventHeader } from "../src/contracts/events.ts";
import { AionisError } from "../src/contracts/failures.ts";
import type { TaskId } from "../src/contracts/ids.ts";
import { limits } from "../src/contracts/limits.ts";
import type { ScopeStore, TailEntry, TaskNumber, TaskRow } from "../src/kernel/store.ts";
import { decodeHeader } from "./events.ts";
import { openRow } from "./sealed-row.ts";
import { createTaskActor, type TaskActor, toSnapshot } from "./task-actor.ts";

/** A task in memory. */
export interface LiveTask {
  readonly id: TaskId;
  /** Known once its first event is written. */
  task: TaskNumber | undefined;
  readonly actor: TaskActor;
  /** Events folded since the snapshot in its row, which its index does not hold yet. Never changed in place. */
  tail: readonly TailEntry[];
}

export interface TaskBook {
  /** The task, brought into memory if needed. @throws AionisError `TASK_UNFOLDABLE` */
  get(id: TaskId): LiveTask | undefined;
  /** A task that its first event makes. */
  create(first: EventHeader<"task.created">): LiveTask;
  /** Remembers where `live` stands, to go back there; the first call of a turn counts. */
  touch(live: LiveTask): void;
  /** The snapshot of a task for a reader, without bringing it into memory. @throws AionisError `TASK_UNFOLDABLE` */
  peek(id: TaskId): TaskSnapshot | undefined;
  /** The snapshot of a task that is in memory. */
  live(id: TaskId): TaskSnapshot | undefined;
  /** Forgets what the turn touched: it is committed. */
  keep(): void;
  /** Gives back what was touched since `mark`: a command came to nothing. */
  undo(mark: Mark): void;
  /** Lets go what the turn touched: whether it is committed is not known, and the rows will tell. */
  forget(): void;
  /** Lets a task go that the turn has not touched: its rows were made again, and are to be read again. */
  letGo(id: TaskId): void;
  mark(): Mark;
  size(): number;
  close(): void;
}

/** A point within a turn, to undo one command of it. */
export type Mark = number;

interface Undo {
  live: LiveTask;
  /** Absent for a task that the turn made. */
  snapshot: TaskSnapshot | undefined;
  tail: readonly TailEntry[];
}

export function createTaskBook(store: ScopeStore): TaskBook {
  const live = new Map<TaskId, LiveTask>();
  const undos: Undo[] = [];
  const busy = new Set<LiveTask>(); // those of `undos`

  function load(row: TaskRow): LiveTask {
    const { snapshot, later } = restoreFrom(store, row);
    const first = later[0];
    const isFresh = first?.type === "task.created";
    const actor = createTaskActor(isFresh ? { first } : { snapshot: snapshot ?? unfoldable(row) });
    for (const event of isFresh ? later.slice(1) : later) actor.fold(event);
    return {
      id: row.id,
      task: row.task,
      actor,
      tail: later.filter(({ seq }) => seq > row.snapshotSeq).map(toTailEntry),
    };
  }

  function insert(entry: LiveTask): LiveTask {
    live.set(entry.id, entry);
    if (live.size > limits.liveTasks) letOldestGo();
    return entry;
  }

  /** B2: the map keeps the order of use; the first that the turn has not touched goes. */
  function letOldestGo(): void {
    for (const [id, entry] of live) {
      if (busy.has(entry)) continue;
      entry.actor.stop();
      live.delete(id);
      return;
    }
  }

  return {
    get(id) {
      const known = live.get(id);
      if (known !== undefined) {
        live.delete(id);
        live.set(id, known); // most recently used
        return known;
      }
      const row = store.task(id);
      return row === undefined ? undefined : insert(load(row));
    },
    create(first) {
      const entry: LiveTask = {
        id: first.taskId,
        task: undefined,
        actor: createTaskActor({ first }),
        tail: [],
      };
      undos.push({ live: entry, snapshot: undefined, tail: [] });
      busy.add(entry);
      return insert(entry);
    },
    touch(entry) {
      undos.push({ live: entry, snapshot: entry.actor.snapshot(), tail: entry.tail });
      busy.add(entry);
    },
    peek(id) {
      const known = live.get(id);
      if (known !== undefined) return known.actor.snapshot();
      const row = store.task(id);
      if (row === undefined) return undefined;
      const { actor } = load(row);
      const snapshot = actor.snapshot();
      actor.stop();
      return snapshot;
    },
    live: (id) => live.get(id)?.actor.snapshot(),
    keep() {
      undos.length = 0;
      busy.clear();
    },
    mark: () => undos.length,
    undo(mark) {
      if (undos.length === mark) return; // most refusals touch nothing
      for (const { live: entry, snapshot, tail } of undos.splice(mark).reverse()) {
        if (snapshot === undefined) {
          entry.actor.stop();
          live.delete(entry.id);
        } else {
          entry.actor.restore(snapshot);
          entry.tail = tail;
        }
      }
      busy.clear();
      for (const undo of undos) busy.add(undo.live);
    },
    forget() {
      busy.clear();
      for (const { live: entry } of undos.splice(0)) {
        entry.actor.stop();
        live.delete(entry.id);
      }
    },
    letGo(id) {
      live.get(id)?.actor.stop();
      live.delete(id);
    },
    size: () => live.size,
    close() {
      for (const entry of live.values()) entry.actor.stop();
      live.clear();
    },
  };
}

/** An event as a tail lists it. */
function toTailEntry(event: EventHeader): TailEntry {
  return { seq: event.seq, step: stepOf(event) };
}

interface Restored {
  /** Absent when the row's snapshot is of another machine version; `later` then holds all events. */
  snapshot: TaskSnapshot | undefined;
  later: EventHeader[];
}

/** A snapshot of another machine version is not used: the task is folded again from its events. */
function restoreFrom(store: ScopeStore, row: TaskRow): Restored {
  const saved = parseSnapshot(row);
  const isCurrent = saved.machine === taskMachine.id && saved.version === taskMachine.version;
  const after = isCurrent ? row.snapshotSeq : 0;
  const later = readAll(store, row.task, after);
  return { snapshot: isCurrent ? toSnapshot(saved) : undefined, later };
}

function parseSnapshot(row: TaskRow): { machine: string; version: string; value: unknown; context: unknown } {
  const snapshot = openRow(row);
  try {
    return JSON.parse(snapshot) as ReturnType<typeof parseSnapshot>; // written by encodeSnapshot
  } catch (cause) {
    throw new AionisError("TASK_UNFOLDABLE", `The snapshot of ${row.id} is no JSON; verify the store.`, { cause });
  }
}

function readAll(store: ScopeStore, task: TaskNumber, after: number): EventHeader[] {
  const headers: EventHeader[] = [];
  let from = after;
  for (;;) {
    const page = store.events({ after: from, count: limits.pageRows, task });
    for (const event of page) headers.push(decodeHeader(event));
    const last = page.at(-1);
    if (last === undefined) return headers;
    from = last.seq;
  }
}

function unfoldable(row: TaskRow): never {
  throw new AionisError("TASK_UNFOLDABLE", `${row.id} has no first event; verify the store.`);
}
