// Are lessons found?
//
// The lessons of src/learning, asked with the labelled set: `evaluate` (families.ts) scores them. Owns: how a run of the set is told as a
// finished task, whose lesson is whose, and what time each call takes.

import { createLessons, type Lessons } from "../../src/learning/index.ts";
import { createMemoryRows } from "../../src/recall/index.ts";
import { type Run, readLabelledSet } from "../../test/recall/families.ts";
import { otherRuns } from "../../test/recall/other-runs.ts";
import { type Result, toAmount, toLatency } from "../measure.ts";
import { type Answerer, evaluate, type Moment, type Share } from "./families.ts";

/** Lessons as `evaluate` asks them, with what else is measured of them. */
export interface LessonsAnswerer extends Answerer {
  readonly judgeMs: readonly number[];
  readonly applyMs: readonly number[];
  readonly rankMs: readonly number[];
  /** The lessons that the runs of `name` met: one, if all of them are known to be the same work. */
  lessonsOf(name: string): ReadonlySet<string>;
  /** Lessons that runs of several names met. */
  shared(): string[];
}

/** An answerer over empty rows. */
export function createLessonsAnswerer(lessons: Lessons = createLessons(createMemoryRows())): LessonsAnswerer {
  const namesOf = new Map<string, Map<string, number>>();
  const lessonsOf = new Map<string, Set<string>>();
  const [judgeMs, applyMs, rankMs]: [number[], number[], number[]] = [[], [], []];
  let seq = 0;
  const timed = <Value>(times: number[], run: () => Value): Value => {
    const start = performance.now();
    const value = run();
    times.push(performance.now() - start);
    return value;
  };
  const nameOf = (lessonId: string): string | undefined =>
    [...(namesOf.get(lessonId) ?? [])].sort((left, right) => right[1] - left[1])[0]?.[0];

  return {
    ...{ judgeMs, applyMs, rankMs },
    learn(run, name) {
      seq += 1;
      const finished = toFinishedRun(run, seq);
      for (const change of timed(judgeMs, () => lessons.judge(finished))) {
        timed(applyMs, () => lessons.apply(change, { seq, at: seq }));
        const names = namesOf.get(change.lessonId) ?? new Map<string, number>();
        namesOf.set(change.lessonId, names.set(name, (names.get(name) ?? 0) + 1));
        lessonsOf.set(name, (lessonsOf.get(name) ?? new Set()).add(change.lessonId));
      }
    },
    ask(text) {
      const { lessons: ranked, sure } = timed(rankMs, () => lessons.rank({ text }));
      const first = ranked[0]?.lesson;
      const name = first === undefined ? undefined : nameOf(first.id);
      return { ...(name === undefined ? {} : { lessonOf: name }), committed: sure && first?.state === "trusted" };
    },
    lessonsOf: (name) => lessonsOf.get(name) ?? new Set(),
    shared: () => [...namesOf].filter(([, names]) => names.size > 1).map(([lessonId]) => lessonId),
  };
}

/** A run of the set as a finished task tells it. */
function toFinishedRun(run: Run, seq: number): Parameters<Lessons["judge"]>[0] {
  return {
    ...{ taskId: `task_${String(seq).padStart(20, "0")}`, seq, at: seq, goal: run.brief, files: run.files },
    steps: run.steps.map(({ does, tool, file }) => ({ name: does, tool, file })),
    ...{ checks: run.checks, errors: run.errors, shown: [] },
    outcome: run.outcome.status,
    verified: run.outcome.evidence === "verified",
  };
}

/** Both halves of the set, before and after 10,000 other runs, and the time that each call takes. */
export async function measureLessons(): Promise<Result[]> {
  const set = readLabelledSet();
  const answerer = createLessonsAnswerer();
  const { before, after } = await evaluate(answerer, set, otherRuns({ seed: 7, count: 10_000 }));
  const together = set.families.filter(({ id }) => answerer.lessonsOf(id).size === 1).length;
  return [
    ...toResults("lessons", before),
    ...(after === null ? [] : toResults("lessons.crowded", after)),
    toPercent(
      "lessons.together",
      { asked: set.families.length, hits: together, share: together / set.families.length },
      "families whose two runs met one lesson",
    ),
    toLatency("lessons.judge", answerer.judgeMs, [], "at most 2 ms"),
    toLatency("lessons.apply", answerer.applyMs, [], "at most 2 ms"),
    toLatency("lessons.rank", answerer.rankMs, [], "at most 3 ms"),
  ];
}

function toResults(name: string, { splits, runsLearned }: Moment): Result[] {
  return (["tune", "report"] as const).flatMap((half) => {
    const { ownLanguage, byWording, lookAlikeMixedUp, committed, committedRight, wrongCommits } = splits[half];
    const note = `${half} half, ${runsLearned} runs learned`;
    return [
      toPercent(`${name}.own`, ownLanguage, `${note}; at least 85`),
      toPercent(`${name}.other`, byWording.other, `${note}; at least 60`),
      toPercent(`${name}.mixed`, lookAlikeMixedUp, note),
      toPercent(`${name}.committed`, committed, note),
      toPercent(`${name}.right`, committedRight, `${note}, of those committed`),
      toPercent(`${name}.wrong`, wrongCommits, `${note}; at most 5`),
    ];
  });
}

function toPercent(name: string, { asked, share }: Share, note: string): Result {
  return {
    ...toAmount({ name, unit: "%", n: asked, value: 100 * (share ?? 0), raw: 100, note }),
    raw: null,
    ratio: null,
  };
}
