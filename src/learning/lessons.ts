// Lessons
//
// What was learned from finished runs and what was written by hand, in one index. Owns: which changes a run, a use or an act means (the
// judging), and what a change does to the rows (apply). Does not own: where the rows lie (RecallRows), or that a change is recorded before
// it is applied. One run is judged and applied before the next one is judged.
//
// Invariants:
//   L1. Answers depend on rows and question alone: no clock, no randomness. Equal changes in equal order give equal rows.
//   L2. Judging changes nothing. `apply` needs nothing but the change, its place and the rows.
//   L3. A run counts once, in whatever lesson.
//   L4. What is read and written for a run or a question is bounded (bounds.ts), however many lessons there are.

import type { RecallRows } from "../recall/index.ts";
import { applyChange } from "./apply.ts";
import { lessonBounds } from "./bounds.ts";
import type { LessonChange } from "./changes.ts";
import { type LessonWeights, readLearned, resetLearned, toConfidence, toWeights } from "./confidence.ts";
import {
  judgeAct,
  judgeActivation,
  judgeReplay,
  judgeRun,
  judgeUse,
  type LessonAct,
  type LessonReplay,
  type LessonUse,
} from "./judge.ts";
import { findLesson, type Lesson, toLesson } from "./lesson.ts";
import { type LessonFilter, listLessons } from "./list.ts";
import { type LessonQuery, rankLessons } from "./rank.ts";
import { type LessonRules, lessonRules } from "./rules.ts";
import type { FinishedRun } from "./run.ts";

/** A lesson with why it stands where it does. */
export interface RankedLesson {
  lesson: Lesson;
  score: number;
  /** What each signal adds to the score; they sum up to it. */
  signals: Readonly<Record<string, number>>;
}

/** An answer, best first. */
export interface RankedLessons {
  lessons: RankedLesson[];
  /** How likely the first one is right, 0 to 1; 0 without any. */
  confidence: number;
  /** The confidence from which on at least four of five answers were right lately; above 1 if there is none. */
  sureFrom: number;
  /** Whether the confidence reaches that. Whether the lesson may be acted upon is another question: see its state. */
  sure: boolean;
  /** Whether the question shares a word, a synonym, a file, an error or a family with any lesson. */
  isGrounded: boolean;
}

/** What a question may ask for besides. */
export interface RankOptions {
  /** How many lessons, 5 if absent; at most `lessonBounds.ranked`. */
  max?: number;
  /** How near a lesson's meaning is to the question, 0 to 1, if somebody can tell. Asked for the lessons that are compared, no more. */
  similarity?: (lessonId: string) => number | undefined;
}

/** The lessons of one scope. */
export interface Lessons {
  /** What a finished run means: for its own lesson if it succeeded, for those it was shown if it failed. Nothing for a run that counted already. */
  judge(run: FinishedRun): LessonChange[];
  /** What a verified replay of a playbook means for the lessons of the runs that it was compiled from: one more run, once. */
  judgeReplay(replay: LessonReplay): LessonChange[];
  /** What feedback on lessons that were shown means: failure contests them, success moves their counters alone. Unknown ids are passed over. */
  judgeUse(use: LessonUse): LessonChange[];
  /** What reporting the use of single lessons means: their counters move and nothing else, whatever the outcome. */
  judgeActivation(use: LessonUse): LessonChange[];
  /** What somebody's decision means. Nothing when the lesson does not exist or stands there already. */
  judgeAct(act: LessonAct): LessonChange[];
  /** Folds a change as the journal holds it, once for each event, in their order. @throws Error when the lesson does not take it: that is a bug. */
  apply(change: LessonChange, where: { seq: number; at: number }): void;
  rank(query: LessonQuery, options?: RankOptions): RankedLessons;
  get(id: string): Lesson | undefined;
  /** Newest first. `next` is the cursor of the following page; a page may be short, or empty, and have one. */
  list(filter?: LessonFilter): { lessons: Lesson[]; next?: number };
  /** What was learned about how sure the first lesson is. */
  weights(): LessonWeights;
  /** Forgets that, as if no answer had been compared yet; the lessons stay. */
  reset(): void;
}

const rankedDefault = 5;

/** Lessons whose state is in `rows`. Nothing else is kept. */
export function createLessons(rows: RecallRows, rules: LessonRules = lessonRules): Lessons {
  return {
    judge: (run) => judgeRun(rows, rules, run),
    judgeReplay: (replay) => judgeReplay(rows, rules, replay),
    judgeUse: (use) => judgeUse(rows, rules, use),
    judgeActivation: (use) => judgeActivation(rows, rules, use),
    judgeAct: (act) => judgeAct(rows, rules, act),
    apply: (change, where) => applyChange(rows, change, where),
    rank(query, { max = rankedDefault, similarity } = {}) {
      const { ranked, doubt, isGrounded } = rankLessons(rows, query, similarity);
      const learned = readLearned(rows);
      const confidence = doubt === undefined ? 0 : toConfidence(learned, doubt);
      return {
        lessons: ranked
          .slice(0, Math.min(max, lessonBounds.ranked))
          .map(({ row, score, signals }) => ({ lesson: toLesson(row, rules), score, signals })),
        confidence,
        sureFrom: learned.sureFrom,
        sure: confidence >= learned.sureFrom,
        isGrounded,
      };
    },
    get(id) {
      const found = findLesson(rows, id);
      return found === undefined ? undefined : toLesson(found.row, rules);
    },
    list: (filter = {}) => listLessons(rows, rules, filter),
    weights: () => toWeights(readLearned(rows)),
    reset: () => resetLearned(rows),
  };
}
