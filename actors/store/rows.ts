// Rows
//
// The tables that follow from the journal: tasks, their index, timers, claimable places, packets, outbox. They are written in the commit
// of the event they follow from, and a rebuild makes them again.

import type { TaskId } from "../../src/contracts/ids.ts";
import type { ClaimableRow, OutboxRow, TaskNumber, TaskRow, TaskRows, TimerRow } from "../../src/kernel/store.ts";
import { outOfOrder } from "./in-order.ts";
import { createPackets } from "./packets.ts";
import { scopeStride } from "./schema.ts";
import type { Prepare } from "./statement.ts";
import { createTaskIndex } from "./task-index.ts";
import { createTaskLists, taskColumns } from "./task-lists.ts";

/** A row under another scope than its task's is not the task's. */
const isPlaced = `scope = task / ${scopeStride}`;
const priorities = [4, 3, 2, 1, 0];

export type Rows = ReturnType<typeof createRows>;

/** Prepares the statements of the projections on an open database. */
export function createRows(prepare: Prepare) {
  const taskById = prepare<[number, string], TaskRow>(`SELECT ${taskColumns} FROM tasks WHERE scope = ? AND id = ?`);
  const taskByNumber = prepare<[number], TaskRow>(`SELECT ${taskColumns} FROM tasks WHERE task = ? AND ${isPlaced}`);
  const putTask = prepare(
    `INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task) DO UPDATE SET
       state = excluded.state, snapshot = excluded.snapshot, snapshot_seq = excluded.snapshot_seq`,
  );
  const inState = prepare<[number, string], TaskRow>(
    `SELECT ${taskColumns} FROM tasks WHERE scope = ? AND state = ? ORDER BY task`,
  );
  const all = prepare<[number, number], TaskRow>(
    `SELECT ${taskColumns} FROM tasks WHERE task > ? AND task < ? ORDER BY task`,
  );
  const putTimer = prepare(
    "INSERT INTO timers VALUES (?, ?, ?, ?, ?) ON CONFLICT (task, kind) DO UPDATE SET due_at = excluded.due_at, entry = excluded.entry",
  );
  const deleteTimer = prepare("DELETE FROM timers WHERE task = ? AND kind = ?");
  const dueTimers = prepare<[number, number, number, number], TimerRow & { taskId: TaskId }>(
    `SELECT m.task, m.kind, m.due_at AS dueAt, m.entry, t.id AS taskId FROM timers m JOIN tasks t ON t.task = m.task
     WHERE m.scope = ? AND m.due_at <= ? ORDER BY m.due_at, m.task LIMIT ? OFFSET ?`,
  );
  const timersOf = prepare<[number], TimerRow>(
    `SELECT task, kind, due_at AS dueAt, entry FROM timers WHERE task = ? AND ${isPlaced} ORDER BY kind`,
  );
  const nextDue = prepare<[number], { dueAt: number }>(
    "SELECT m.due_at AS dueAt FROM timers m JOIN tasks t ON t.task = m.task WHERE m.scope = ? ORDER BY m.due_at LIMIT 1",
  );
  const putClaimable = prepare("INSERT INTO claimable VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
  const deleteClaimable = prepare(
    "DELETE FROM claimable WHERE scope = ? AND target = ? AND priority = ? AND from_at = ? AND task = ?",
  );
  const firstClaimable = prepare<[number, string, number, number], ClaimableRow & { taskId: TaskId }>(
    `SELECT c.task, c.target, c.priority, c.from_at AS "from", t.id AS taskId FROM claimable c JOIN tasks t ON t.task = c.task
     WHERE c.scope = ? AND c.target = ? AND c.priority = ? AND c.from_at <= ? ORDER BY c.from_at, c.task LIMIT 1`,
  );
  const laterClaimable = prepare<[number, string, number, number], { fromAt: number }>(
    `SELECT from_at AS fromAt FROM claimable
     WHERE scope = ? AND target = ? AND priority = ? AND from_at > ? ORDER BY from_at LIMIT 1`,
  );
  const targetAfter = prepare<[number, string], Pick<ClaimableRow, "target">>(
    "SELECT target FROM claimable WHERE scope = ? AND target > ? ORDER BY target LIMIT 1",
  );
  const claimablesOf = prepare<[number], ClaimableRow>(
    `SELECT task, target, priority, from_at AS "from" FROM claimable WHERE task = ? AND ${isPlaced} ORDER BY from_at, target`,
  );
  const putOutbox = prepare(
    "INSERT INTO outbox (scope, task_id, command, caused_by) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const deleteOutbox = prepare("DELETE FROM outbox WHERE scope = ? AND task_id = ?");
  const outbox = prepare<[number, number, number], OutboxRow>(
    "SELECT id, task_id AS taskId, command, caused_by AS causedBy FROM outbox WHERE scope = ? AND id > ? ORDER BY id LIMIT ?",
  );
  const owed = prepare<[number, string], 1>("SELECT 1 FROM outbox WHERE scope = ? AND task_id = ?").pluck();
  const packets = createPackets(prepare);
  const index = createTaskIndex(prepare);
  return {
    packets,
    index,
    task: (scope: number, id: TaskId) => taskById.get(scope, id),
    putTask(scope: number, row: TaskRow): void {
      putTask.run(row.task, scope, row.id, row.state, row.kind, row.parentId, row.title, row.snapshot, row.snapshotSeq);
    },
    ...createTaskLists(prepare, taskById),
    *tasksIn(scope: number, states?: readonly string[]): Iterable<TaskRow> {
      if (states === undefined) yield* all.iterate(scope * scopeStride, (scope + 1) * scopeStride);
      for (const state of states ?? []) yield* inState.iterate(scope, state);
    },

    putTimer(scope: number, row: TimerRow): void {
      putTimer.run(row.task, row.kind, scope, row.dueAt, row.entry);
    },
    deleteTimer(task: TaskNumber, kind: string): void {
      deleteTimer.run(task, kind);
    },
    timers: (scope: number, { dueUntil, count, skip = 0 }: { dueUntil: number; count: number; skip?: number }) =>
      dueTimers.all(scope, dueUntil, count, skip),
    nextDueAt: (scope: number) => toMoment("timers", nextDue.get(scope)?.dueAt),

    putClaimable(scope: number, row: ClaimableRow): void {
      putClaimable.run(scope, row.target, row.priority, row.from, row.task);
    },
    deleteClaimable(scope: number, row: ClaimableRow): void {
      deleteClaimable.run(scope, row.target, row.priority, row.from, row.task);
    },
    /** One look at the head of each place, highest priority first: it does not grow with what waits there. */
    nextClaimable(scope: number, targets: readonly string[], at: number) {
      for (const priority of priorities) {
        const heads = targets
          .map((target) => firstClaimable.get(scope, target, priority, at))
          .filter((head) => head !== undefined);
        heads.sort((left, right) => left.from - right.from || left.task - right.task);
        if (heads[0] !== undefined) return heads[0];
      }
      return undefined;
    },
    nextClaimableAt(scope: number, target: string, at: number): number | undefined {
      const moments = priorities.map((priority) =>
        toMoment("claimable", laterClaimable.get(scope, target, priority, at)?.fromAt),
      );
      const later = moments.filter((moment) => moment !== undefined);
      return later.length === 0 ? undefined : Math.min(...later);
    },
    nextTarget: (scope: number, target: string) => targetAfter.get(scope, target)?.target,

    putOutbox(scope: number, row: Omit<OutboxRow, "id">): void {
      putOutbox.run(scope, row.taskId, row.command, row.causedBy);
    },
    deleteOutbox(scope: number, taskId: TaskId): void {
      deleteOutbox.run(scope, taskId);
    },
    outbox: (scope: number, options: { after: number; count: number }) =>
      outbox.all(scope, options.after, options.count),
    isOwed: (scope: number, taskId: TaskId) => owed.get(scope, taskId) !== undefined,

    rowsOf(task: TaskNumber): TaskRows {
      return {
        packets: packets.ofTask(task),
        row: taskByNumber.get(task),
        ...index.of(task),
        timers: timersOf.all(task),
        claimables: claimablesOf.all(task),
      };
    },
  };
}

/** A page of another table has what it has, and a timer that is set to it would fire at once, again and again. */
function toMoment(table: string, at: unknown): number | undefined {
  if (at === undefined || typeof at === "number") return at;
  throw outOfOrder(table);
}
