// Rows
//
// The tables that follow from the journal: tasks, their index, timers, claimable places, packets, outbox. They are written in the commit
// of the event they follow from, and a rebuild makes them again.

import type { Due, Moment } from "../../src/contracts/due.ts";
import type { TaskId } from "../../src/contracts/ids.ts";
import type {
  ClaimableRow,
  ClockMark,
  OutboxRow,
  TaskNumber,
  TaskRow,
  TaskRows,
  TimerRow,
} from "../../src/kernel/store.ts";
import { clockOf, clocks, createClaimables, toOnWall, toTime } from "./claimables.ts";
import { createPackets } from "./packets.ts";
import { scopeStride } from "./schema.ts";
import type { Prepare } from "./statement.ts";
import { createTaskIndex } from "./task-index.ts";
import { createTaskLists, taskColumns } from "./task-lists.ts";

/** A row under another scope than its task's is not the task's. */
const isPlaced = `scope = task / ${scopeStride}`;

export type Rows = ReturnType<typeof createRows>;

/** Prepares the statements of the projections on an open database. */
export function createRows(prepare: Prepare) {
  const taskById = prepare<[number, string], TaskRow>(`SELECT ${taskColumns} FROM tasks WHERE scope = ? AND id = ?`);
  const taskByNumber = prepare<[number], TaskRow>(`SELECT ${taskColumns} FROM tasks WHERE task = ? AND ${isPlaced}`);
  const putTask = prepare(
    `INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task) DO UPDATE SET
       state = excluded.state, snapshot = excluded.snapshot, snapshot_seq = excluded.snapshot_seq`,
  );
  const putTimer = prepare(
    "INSERT INTO timers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (task, kind, on_wall) DO UPDATE SET due_at = excluded.due_at, entry = excluded.entry",
  );
  const deleteTimer = prepare("DELETE FROM timers WHERE task = ? AND kind = ? AND on_wall = ?");
  const due = (onWall: 0 | 1): string =>
    `SELECT m.task AS task, m.kind, m.due_at AS dueAt, ${clockOf("m.")}, m.entry, t.id AS taskId FROM timers m JOIN tasks t ON t.task = m.task
     WHERE m.scope = ? AND m.on_wall = ${onWall} AND m.due_at <= ?`;
  const dueTimers = prepare<[number, number, number, number, number, number], TimerRow & { taskId: TaskId }>(
    `${due(0)} UNION ALL ${due(1)} ORDER BY dueAt, task LIMIT ? OFFSET ?`, // each part in the order of the index, merged
  );
  const timersOf = prepare<[number], TimerRow>(
    `SELECT task, kind, due_at AS dueAt, ${clockOf()}, entry FROM timers WHERE task = ? AND ${isPlaced} ORDER BY kind, on_wall`,
  );
  const nextDue = prepare<[number, number], { at: unknown }>(
    "SELECT m.due_at AS at FROM timers m JOIN tasks t ON t.task = m.task WHERE m.scope = ? AND m.on_wall = ? ORDER BY m.due_at LIMIT 1",
  );
  const targetAfter = prepare<[number, string], Pick<ClaimableRow, "target">>(
    "SELECT target FROM claimable WHERE scope = ? AND target > ? ORDER BY target LIMIT 1",
  );
  const claimablesOf = prepare<[number], ClaimableRow>(
    `SELECT task, target, priority, from_at AS "from", ${clockOf()} FROM claimable WHERE task = ? AND ${isPlaced} ORDER BY from_at, target`,
  );
  const claimables = createClaimables(prepare);
  const clockMark = prepare<[number], ClockMark>("SELECT seq, wall, steady FROM clocks WHERE scope = ?");
  const putClockMark = prepare(
    `INSERT INTO clocks VALUES (?, ?, ?, ?)
     ON CONFLICT (scope) DO UPDATE SET seq = excluded.seq, wall = excluded.wall, steady = excluded.steady`,
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
    putTimer(scope: number, row: TimerRow): void {
      putTimer.run(row.task, row.kind, toOnWall(row), scope, row.dueAt, row.entry);
    },
    deleteTimer(task: TaskNumber, timer: Pick<TimerRow, "kind" | "clock">): void {
      deleteTimer.run(task, timer.kind, toOnWall(timer));
    },
    timers: (scope: number, { now, count, skip = 0 }: { now: Moment; count: number; skip?: number }) =>
      dueTimers.all(scope, now.steady, scope, now.wall, count, skip),
    nextDue: (scope: number): Due[] =>
      clocks.flatMap((clock) => {
        const at = toTime("timers", nextDue.get(scope, toOnWall({ clock }))?.at);
        return at === undefined ? [] : [{ at, clock }];
      }),
    ...claimables,
    nextTarget: (scope: number, target: string) => targetAfter.get(scope, target)?.target,

    clockMark(scope: number): ClockMark | undefined {
      const mark = clockMark.get(scope);
      for (const part of mark === undefined ? [] : [mark.seq, mark.wall, mark.steady]) toTime("clocks", part);
      return mark;
    },
    putClockMark(scope: number, { seq, wall, steady }: ClockMark): void {
      putClockMark.run(scope, seq, wall, steady);
    },

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
