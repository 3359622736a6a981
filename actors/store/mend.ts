// Mending
//
// Puts what the journal says in the place of rows that follow from it, a page at a time. Owns: the statements that nothing but a rebuild
// needs. Does not own: what the rows should be (refold.ts).

import type { StepRow, TaskNumber, TaskRows } from "../../src/kernel/store.ts";
import { isBehind, outOfOrder } from "./in-order.ts";
import type { Rows } from "./rows.ts";
import { scopeStride, tablesByTask } from "./schema.ts";
import type { Prepare } from "./statement.ts";

interface Listed {
  readonly task: TaskNumber;
  readonly seq: number;
}

/** Prepares the statements on an open database. */
export function createMending(prepare: Prepare, rows: Rows) {
  const isEvent = prepare<[number, number], 1>("SELECT 1 FROM events WHERE pos = ? AND task = ?").pluck();
  const isBegin = prepare<[number], 1>("SELECT 1 FROM events WHERE pos = ? AND type = 'task.created'").pluck();
  const isIndexed = prepare<[number, number], 1>("SELECT 1 FROM task_events WHERE task = ? AND seq = ?").pluck();
  const tails = prepare<[number, number, number], { task: TaskNumber; seqs: string }>(
    "SELECT task, seqs FROM tails WHERE task > ? AND task < ? ORDER BY task LIMIT ?",
  );
  const putTail = prepare("UPDATE tails SET seqs = ? WHERE task = ?");
  const indexed = prepare<[number, number, number, number], Listed>(
    "SELECT task, seq FROM task_events WHERE (task, seq) > (?, ?) AND task < ? ORDER BY task, seq LIMIT ?",
  );
  const leaveIndex = prepare("DELETE FROM task_events WHERE task = ? AND seq = ?");
  const enterIndex = prepare("INSERT INTO task_events VALUES (?, ?) ON CONFLICT DO NOTHING");
  const deleteById = prepare("DELETE FROM tasks WHERE scope = ? AND id = ?");
  const putStep = prepare(
    "INSERT INTO steps VALUES (?, ?, ?, ?, ?) ON CONFLICT (task, stage, name, ordinal) DO UPDATE SET seq = excluded.seq",
  );
  const deleteStep = prepare("DELETE FROM steps WHERE task = ? AND stage = ? AND name = ? AND ordinal = ?");
  const nextTask = new Map(
    tablesByTask.map((table) => [
      table,
      prepare<[number, number], TaskNumber | null>(
        `SELECT min(task) FROM ${table} WHERE task > ? AND task < ?`,
      ).pluck(),
    ]),
  );
  const clearing = new Map(tablesByTask.map((table) => [table, prepare(`DELETE FROM ${table} WHERE task = ?`)]));

  const end = (scope: number): number => (scope + 1) * scopeStride;

  return {
    hasBegun: (task: TaskNumber): boolean => isBegin.get(task) !== undefined,
    nextTaskIn(scope: number, table: (typeof tablesByTask)[number], after: TaskNumber): TaskNumber | undefined {
      const next = nextTask.get(table)?.get(Math.max(after, scope * scopeStride), end(scope)) ?? undefined;
      if (next !== undefined && !isBehind([next], [after])) throw outOfOrder(table);
      return next;
    },

    /** What a tail lists beside events of its task that are not in the index goes; what it lacks is entered by the caller. */
    mendTails(scope: number, { after, count }: { after: TaskNumber; count: number }): TaskNumber | undefined {
      const page = tails.all(Math.max(after, scope * scopeStride), end(scope), count);
      for (const { task, seqs } of page) {
        const kept = readSequences(seqs).filter(
          (seq) => isEvent.get(scope * scopeStride + seq, task) !== undefined && isIndexed.get(task, seq) === undefined,
        );
        const text = JSON.stringify(kept.sort((left, right) => left - right));
        if (kept.length === 0) clearing.get("tails")?.run(task);
        else if (text !== seqs) putTail.run(text, task);
      }
      return page.at(-1)?.task;
    },
    mendIndex(scope: number, { after, count }: { after: Listed; count: number }): Listed | undefined {
      const from = Math.max(after.task, scope * scopeStride);
      const page = indexed.all(from, after.seq, end(scope), count);
      for (const { task, seq } of page)
        if (isEvent.get(scope * scopeStride + seq, task) === undefined) leaveIndex.run(task, seq);
      return page.at(-1);
    },
    enterEvent: ({ task, seq }: Listed): void => void enterIndex.run(task, seq),

    replaceRows(scope: number, task: TaskNumber, next: TaskRows): void {
      for (const { task: listed, seq } of readSequencesOf(task)) enterIndex.run(listed, seq);
      for (const table of ["tasks", "tails", "timers", "claimable", "packets"] as const) clearing.get(table)?.run(task);
      for (const seq of next.tail) leaveIndex.run(task, seq);
      if (next.tail.length > 0)
        rows.index.putTail(
          task,
          next.tail.map((seq) => ({ seq })),
        );
      if (next.row !== undefined) {
        deleteById.run(scope, next.row.id);
        rows.putTask(scope, next.row);
      }
      for (const row of next.timers) rows.putTimer(scope, row);
      for (const row of next.claimables) rows.putClaimable(scope, row);
      for (const row of next.packets) rows.packets.put(scope, row);
    },
    putStep: ({ task, stage, name, ordinal, seq }: StepRow): void => void putStep.run(task, stage, name, ordinal, seq),
    deleteStep: ({ task, stage, name, ordinal }: StepRow): void => void deleteStep.run(task, stage, name, ordinal),
    clearTask(task: TaskNumber): void {
      for (const statement of clearing.values()) statement.run(task);
    },
  };

  function readSequencesOf(task: TaskNumber): Listed[] {
    const found = tails.all(task - 1, task + 1, 1)[0];
    return found === undefined ? [] : readSequences(found.seqs).map((seq) => ({ task, seq }));
  }
}

export type Mending = ReturnType<typeof createMending>;

/** The sequences that a tail lists; none when it cannot be read. */
function readSequences(text: string): number[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter(isSequence) : [];
  } catch {
    return []; // whoever asks finds the events in the journal
  }
}

function isSequence(item: unknown): item is number {
  return Number.isSafeInteger(item);
}
