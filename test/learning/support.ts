import { createLessons, type FinishedRun, type LessonChange, type Lessons } from "../../src/learning/index.ts";
import { createMemoryRows, type MemoryRows, type RecallRows } from "../../src/recall/index.ts";

type Content = NonNullable<LessonChange["content"]>;

/** Lessons over rows in memory, and a journal of what was applied. */
export interface Bench {
  readonly rows: MemoryRows;
  readonly lessons: Lessons;
  readonly journal: { change: LessonChange; seq: number; at: number }[];
  /** Judges a run and applies what it means; the changes. */
  finish(run: Partial<FinishedRun>): LessonChange[];
  /** Applies changes as the next event. */
  record(changes: readonly LessonChange[]): LessonChange[];
}

export function setup(): Bench {
  const rows = createMemoryRows();
  const lessons = createLessons(rows);
  const journal: Bench["journal"] = [];
  const record: Bench["record"] = (changes) => {
    for (const change of changes) {
      const where = { seq: journal.length + 1, at: 1_000 + journal.length };
      journal.push({ change: structuredClone(change), ...where });
      lessons.apply(change, where);
    }
    return [...changes];
  };
  let runs = 0;
  const finish: Bench["finish"] = (run) => {
    runs += 1;
    return record(lessons.judge(aRun({ taskId: `task_${runs}`, seq: runs, at: runs, ...run })));
  };
  return { rows, lessons, journal, finish, record };
}

/** Applies a journal to other rows. */
export function replay(journal: Bench["journal"], rows: RecallRows): void {
  const lessons = createLessons(rows);
  for (const { change, seq, at } of journal) lessons.apply(structuredClone(change), { seq, at });
}

/** A successful, unverified run about the retry of a payment client. */
export function aRun(run: Partial<FinishedRun> = {}): FinishedRun {
  return {
    ...{ taskId: "task_1", seq: 1, at: 1, goal: "Stop the retry of the payment client after a timeout" },
    files: ["packages/payments/src/http-client.ts", "packages/payments/src/backoff.ts"],
    steps: [{ name: "find the attempt counter", tool: "grep", file: "packages/payments/src/http-client.ts" }],
    ...{ checks: ["vitest run packages/payments"], errors: ["DuplicateChargeError: charge ch_81 already captured"] },
    ...{ shown: [], outcome: "succeeded", verified: false },
    ...run,
  };
}

/** Another run of the same kind of work, in other words. */
export const reworded: Partial<FinishedRun> = {
  goal: "The payment client charges twice when its retry follows a late answer",
  errors: ["DuplicateChargeError: charge ch_97 already captured"],
};

/** A lesson that two runs made trusted; its id is `les_1`. */
export function trust(bench: Bench): void {
  bench.finish({ verified: true });
  bench.finish(reworded);
}

/** An entry as a writer's own event has it. */
export function toWritten(
  lessonId: string,
  kind: LessonChange["kind"],
  content: Partial<Content> & Pick<Content, "goal">,
): LessonChange {
  const empty = { files: [], steps: [], tools: [], checks: [], errors: [] };
  const rest = { change: "written", from: null, to: "observed" } as const;
  return { lessonId, kind, ...rest, evidence: [], missing: [], content: { ...empty, ...content } };
}
