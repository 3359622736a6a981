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

/** A part of a task's events, between two sequences. */
export interface LookOptions {
  task: TaskNumber;
  after: number;
  before: number;
  /** How many events of the index are looked at; a tail is short. */
  count: number;
  isBackward: boolean;
}

/** The place of a step that the index does not hold yet, as `toStepPlace` makes it. */
const placeName = "iif(e.facts ->> 'key' IS NULL, '', (e.facts ->> 'key') || char(31)) || (e.facts ->> 'name')";
const placeOrdinal = "iif(e.facts ->> 'key' IS NULL, e.facts ->> 'ordinal', -1)";

/** Events that are steps, and those that are of no type that is known. */
const isStep = "(e.type LIKE 'step.%' OR e.type NOT IN (SELECT value FROM json_each(@types)))";
const types = JSON.stringify(Object.keys(eventTypes));

type FoundStep = Omit<StepRow, "task">;
/** An event of the index. Without `isStep` its event is missing, without `latest` it has no step there. */
type IndexedStep = FoundStep & { isStep: 0 | 1 | null; latest: number | null };
type LookBounds = Omit<LookOptions, "isBackward"> & { start: number; types: string };

/** An event of a task, as it was found in its index or its tail. */
export interface StepLook {
  seq: number;
  /** Whether it is its step's latest event, or one that is passed over (X3), whose step the index may have lost. */
  kind: "latest" | "passed" | "lost";
  /** That of its step; absent of an event without one. */
  stage?: number;
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
    prepare<[LookBounds], IndexedStep>(
      `SELECT x.seq, ${isStep} AS isStep, s.seq AS latest, s.stage, s.name, s.ordinal
       FROM task_events x LEFT JOIN events e ON e.pos = @start + x.seq
       LEFT JOIN steps s ON s.task = x.task AND s.stage = e.facts ->> 'stage' AND s.name = ${placeName} AND s.ordinal = ${placeOrdinal}
       WHERE x.task = @task AND x.seq > @after AND x.seq < @before ORDER BY x.seq ${order} LIMIT @count`,
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

  /** The steps of the tail. */
  function lookAtTail(scope: number, task: TaskNumber): { looks: StepLook[]; known: ReadonlySet<string> } {
    const found = stepsOfTail.all({ task, start: scope * scopeStride, types });
    const latest = new Map(found.map((step) => [toIdentity(step), step.seq]));
    const looks = found.map((step): StepLook => {
      const kind = latest.get(toIdentity(step)) === step.seq ? "latest" : "passed";
      return { seq: step.seq, kind, stage: step.stage };
    });
    return { looks, known: new Set(latest.keys()) };
  }

  /** A step that went on in the tail is the tail's. */
  function toLook(step: IndexedStep, known: ReadonlySet<string>): StepLook[] {
    const { seq, latest, isStep: is, stage } = step;
    if (is === 0) return [];
    if (is === null || latest === null) return [{ seq, kind: "lost" }];
    if (latest !== seq) return [{ seq, kind: latest < seq ? "lost" : "passed", stage }];
    return [{ seq, kind: known.has(toIdentity(step)) ? "passed" : "latest", stage }];
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
    /** What the next events of a task are to its steps, in the order in which they are looked at, and behind which one to go on. */
    look(scope: number, { isBackward, ...options }: LookOptions): { looks: StepLook[]; next: number | undefined } {
      const { looks, known } = lookAtTail(scope, options.task);
      const tail = looks.filter(({ seq }) => seq > options.after && seq < options.before);
      const rows = (isBackward ? backward : forward)?.all({ ...options, start: scope * scopeStride, types }) ?? [];
      const indexed = rows.flatMap((row) => toLook(row, known));
      const next = rows.length === options.count ? rows.at(-1)?.seq : undefined;
      if (isBackward) return { looks: [...tail.reverse(), ...indexed], next };
      return { looks: next === undefined ? [...indexed, ...tail] : indexed, next };
    },
    /** The first event that may be the latest of a step of a stage. */
    firstOfStage(scope: number, task: TaskNumber, stage: number): number | undefined {
      const tail = lookAtTail(scope, task).looks.find((look) => look.kind === "latest" && look.stage === stage);
      return firstOfStage.get(task, stage) ?? tail?.seq;
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
