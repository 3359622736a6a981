// Task index
//
// Finds the events and the steps of one task. Owns: `task_events` and `steps`, in which events are entered together with their task's
// snapshot, and `tails`, which lists those that are not entered yet.
//
// Invariants:
//   X1. Each event of a task is in its index or in its tail, never in both; those of the tail are the later ones.
//   X2. A tail holds less than `limits.eventsPerSnapshot` events; its task's actor has them in memory.
//   X3. An event of a task that is passed over because another one is its step's latest, or because its type is none, is told to the caller, who
//       checks that it is what was written: a damaged one would else be missing without a word.

import { eventTypes } from "../../src/contracts/events.ts";
import type { ScopeStore, StepRow, TailEntry, TaskNumber, TaskRows } from "../../src/kernel/store.ts";
import { isBehind, outOfOrder } from "./in-order.ts";
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
const placeOrdinal = "iif(e.facts ->> 'key' IS NULL, e.facts ->> 'ordinal', -1)";

/** Events that are steps, and those that are of no type that is known. */
const isStep = "(e.type LIKE 'step.%' OR e.type NOT IN (SELECT value FROM json_each(@types)))";
const types = JSON.stringify(Object.keys(eventTypes));

type FoundStep = Omit<StepRow, "task">;
/** An event of the index. Without `latest` it has no step there. */
type IndexedStep = FoundStep & { latest: number | null };
type StepBounds = { task: TaskNumber; start: number; stage: number | null; after: number; types: string };

/** Events by their sequences. */
export interface StepSequences {
  /** The latest events of steps. */
  found: number[];
  /** Others that were met on the way (X3), and whether the index has no later event of their step. */
  passed: { seq: number; isLost: boolean }[];
}

function toIdentity({ stage, name, ordinal }: FoundStep): string {
  return JSON.stringify([stage, name, ordinal]);
}

function toKey({ stage, name, ordinal }: Pick<StepRow, "stage" | "name" | "ordinal">): unknown[] {
  return [stage, name, ordinal];
}

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
  const countStage = prepare<[number, number], number>(
    "SELECT count(*) FROM steps WHERE task = ? AND stage = ?",
  ).pluck();
  const firstOfStage = prepare<[number, number], number | null>(
    "SELECT min(seq) FROM steps WHERE task = ? AND stage = ?",
  ).pluck();
  const stepsOfTail = prepare<[{ task: number; start: number; types: string }], FoundStep>(
    `SELECT j.value AS seq, e.facts ->> 'stage' AS stage, ${placeName} AS name, ${placeOrdinal} AS ordinal
     FROM tails t, json_each(t.seqs) j JOIN events e ON e.pos = @start + j.value
     WHERE t.task = @task AND ${isStep} ORDER BY j.value`,
  );
  const [forward, backward] = (["ASC", "DESC"] as const).map((order) =>
    prepare<[StepBounds], IndexedStep>(
      `SELECT x.seq, s.seq AS latest, s.stage, s.name, s.ordinal FROM task_events x CROSS JOIN events e ON e.pos = @start + x.seq
       LEFT JOIN steps s ON s.task = x.task AND s.stage = e.facts ->> 'stage' AND s.name = ${placeName} AND s.ordinal = ${placeOrdinal}
       WHERE x.task = @task AND x.seq > @after AND ${isStep} AND (@stage IS NULL OR s.stage IS NULL OR s.stage = @stage)
       ORDER BY x.seq ${order}`,
    ),
  );
  const countIndexed = prepare<[number], number>("SELECT count(*) FROM task_events WHERE task = ?").pluck();
  const tailOf = prepare<[number], number>(
    "SELECT j.value FROM tails t, json_each(t.seqs) j WHERE t.task = ? ORDER BY j.value",
  ).pluck();
  const stepPage = prepare<[number, number, string, number, number], StepRow>(
    `SELECT task, stage, name, ordinal, seq FROM steps WHERE task = ? AND (stage, name, ordinal) > (?, ?, ?)
     ORDER BY stage, name, ordinal LIMIT ?`,
  );

  /** The steps of the tail, each at its latest event, and where the index is to be read: not before the stage began. */
  function lookForSteps(scope: number, { task, stage, after }: Omit<StepPage, "count">) {
    const start = scope * scopeStride;
    const all = stepsOfTail.all({ task, start, types });
    const latest = new Map(all.map((step) => [toIdentity(step), step]));
    const tail = [...latest.values()].filter((step) => stage === undefined || step.stage === stage);
    const others = all.filter((step) => !tail.includes(step)); // a tail is short
    const passed = others.map(({ seq }) => ({ seq, isLost: false }));
    const from = stage === undefined || stage === 1 ? 1 : firstOfStage.get(task, stage);
    const bounds =
      from == null ? undefined : { task, start, types, stage: stage ?? null, after: Math.max(after, from - 1) };
    return { tail: tail.sort((left, right) => left.seq - right.seq), passed, bounds };
  }

  /** Of the index; a step that went on in the tail is the tail's. */
  function take(
    statement: typeof forward,
    { tail, bounds, count }: { tail: readonly FoundStep[]; bounds: StepBounds | undefined; count: number },
  ): StepSequences {
    const sequences: StepSequences = { found: [], passed: [] };
    if (bounds === undefined || statement === undefined || count <= 0) return sequences;
    const known = new Set(tail.map(toIdentity));
    for (const step of statement.iterate(bounds)) {
      const { seq, latest } = step;
      if (latest === seq && !known.has(toIdentity(step))) sequences.found.push(seq);
      else sequences.passed.push({ seq, isLost: latest === null || latest < seq });
      if (sequences.found.length === count) break;
    }
    return sequences;
  }

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
    /** The sequences of the latest events of a task's steps after `after`, in the order of the journal. */
    stepSequences(scope: number, { task, stage, after, count }: StepPage): StepSequences {
      const { tail, passed, bounds } = lookForSteps(scope, { task, stage, after });
      const later = tail.filter(({ seq }) => seq > after).map(({ seq }) => seq);
      const indexed = take(forward, { tail, bounds, count });
      return { found: [...indexed.found, ...later].slice(0, count), passed: [...indexed.passed, ...passed] };
    },
    /** The last `count` of them, in the order of the journal. */
    lastStepSequences(scope: number, { task, stage, count }: Omit<StepPage, "after">): StepSequences {
      const { tail, passed, bounds } = lookForSteps(scope, { task, stage, after: 0 });
      const newest = tail.map(({ seq }) => seq).slice(-count);
      const indexed = take(backward, { tail, bounds, count: count - newest.length });
      return { found: [...indexed.found.reverse(), ...newest], passed: [...indexed.passed, ...passed] };
    },
    countSteps({ task, stage }: { task: TaskNumber; stage: number }): number {
      const start = Math.floor(task / scopeStride) * scopeStride;
      const latest = new Map(stepsOfTail.all({ task, start, types }).map((found) => [toIdentity(found), found]));
      const ofTail = [...latest.values()].filter((found) => found.stage === stage);
      const isNew = (found: FoundStep): boolean => step.get(task, stage, found.name, found.ordinal) === undefined;
      return (countStage.get(task, stage) ?? 0) + ofTail.filter(isNew).length;
    },
    of: (task: TaskNumber): Pick<TaskRows, "indexed" | "tail"> => ({
      indexed: countIndexed.get(task) ?? 0,
      tail: tailOf.all(task),
    }),
    stepRows: ({
      task,
      after = { stage: -1, name: "", ordinal: -1 },
      count,
    }: Parameters<ScopeStore["stepRowsOf"]>[0]): StepRow[] => {
      const page = stepPage.all(task, after.stage, after.name, after.ordinal, count);
      const last = page.at(-1);
      if (last !== undefined && !isBehind(toKey(last), toKey(after))) throw outOfOrder("steps");
      return page;
    },
  };
}
