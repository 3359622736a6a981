// Task index
//
// Finds the events and the steps of one task. Owns: `task_events` and `steps`, in which events are entered together with their task's
// snapshot, and `tails`, which lists those that are not entered yet.
//
// Invariants:
//   X1. Each event of a task is in its index or in its tail, never in both; those of the tail are the later ones.
//   X2. A tail holds less than `limits.eventsPerSnapshot` events; its task's actor has them in memory.

import type { StepRow, TailEntry, TaskNumber, TaskRows } from "../../src/kernel/store.ts";
import { scopeStride } from "./schema.ts";
import type { Prepare } from "./statement.ts";

/** A page of a task's steps. */
export interface StepPage {
  task: TaskNumber;
  stage?: number | undefined;
  after: number;
  count: number;
}

/** The place of a step that the index does not hold yet, as `toStepPlace` makes it. */
const placeName = "iif(e.facts ->> 'key' IS NULL, '', (e.facts ->> 'key') || char(31)) || (e.facts ->> 'name')";

/** Prepares the statements of the index on an open database. */
export function createTaskIndex(prepare: Prepare) {
  const putTail = prepare("INSERT INTO tails VALUES (?, ?) ON CONFLICT (task) DO UPDATE SET seqs = excluded.seqs");
  const deleteTail = prepare("DELETE FROM tails WHERE task = ?");
  const enterEvent = prepare("INSERT INTO task_events VALUES (?, ?)");
  const enterStep = prepare(
    "INSERT INTO steps VALUES (?, ?, ?, ?, ?) ON CONFLICT (task, stage, name, ordinal) DO UPDATE SET seq = excluded.seq",
  );
  const step = prepare<[number, number, string, number], { seq: number }>(
    "SELECT seq FROM steps WHERE task = ? AND stage = ? AND name = ? AND ordinal = ?",
  );
  const stepSequences = prepare<[StepPage & { start: number; stage: number | null }], { seq: number }>(
    `SELECT max(seq) AS seq FROM (
       SELECT stage, name, ordinal, seq FROM steps WHERE task = @task
       UNION ALL SELECT e.facts ->> 'stage', ${placeName}, iif(e.facts ->> 'key' IS NULL, e.facts ->> 'ordinal', -1), j.value
         FROM tails t, json_each(t.seqs) j JOIN events e ON e.pos = @start + j.value
         WHERE t.task = @task AND e.type LIKE 'step.%')
     WHERE @stage IS NULL OR stage = @stage
     GROUP BY stage, name, ordinal HAVING max(seq) > @after ORDER BY 1 LIMIT @count`,
  );
  const indexOf = prepare<[number], number>("SELECT seq FROM task_events WHERE task = ? ORDER BY seq").pluck();
  const tailOf = prepare<[number], number>(
    "SELECT j.value FROM tails t, json_each(t.seqs) j WHERE t.task = ? ORDER BY j.value",
  ).pluck();
  const stepsOf = prepare<[number], StepRow>(
    "SELECT task, stage, name, ordinal, seq FROM steps WHERE task = ? ORDER BY stage, name, ordinal",
  );
  const clearing = ["task_events", "tails", "steps"].map((table) =>
    prepare<[number, number]>(`DELETE FROM ${table} WHERE task > ? AND task < ?`),
  );

  return {
    putTail(task: TaskNumber, tail: readonly TailEntry[]): void {
      putTail.run(task, JSON.stringify(tail.map(({ seq }) => seq)));
    },
    enterTail(task: TaskNumber, tail: readonly TailEntry[]): void {
      for (const { seq, step } of tail) {
        enterEvent.run(task, seq);
        if (step !== undefined) enterStep.run(task, step.stage, step.name, step.ordinal, seq);
      }
      if (tail.length > 1) deleteTail.run(task); // a tail of one was never put
    },
    step: (identity: Omit<StepRow, "seq">) =>
      step.get(identity.task, identity.stage, identity.name, identity.ordinal)?.seq,
    stepSequences: (scope: number, { stage = null as never, ...page }: StepPage): number[] =>
      stepSequences.all({ ...page, stage, start: scope * scopeStride }).map(({ seq }) => seq),
    of: (task: TaskNumber): Pick<TaskRows, "indexed" | "tail" | "steps"> => ({
      indexed: indexOf.all(task),
      tail: tailOf.all(task),
      steps: stepsOf.all(task),
    }),
    clear(from: number, to: number): void {
      for (const statement of clearing) statement.run(from, to);
    },
  };
}
