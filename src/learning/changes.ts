import type { LessonEvidence, LessonFact, LessonState } from "../../machines/lesson.ts";
import type { RunStep } from "./run.ts";

export type { LessonState };

/** What a lesson is: learned from runs, or written by hand. */
export type LessonKind = "workflow" | "note" | "fact" | "procedure" | "evidence";

/** Who says it. What came out of a tool is never more than something to look at. */
export type LessonSource = "agent" | "operator" | "tool" | "import";

/** What a lesson takes over from one run or one entry. Bounded by `lessonBounds`. */
export interface LessonContent {
  /** Of a run: its brief. Of an entry: its title. */
  goal: string;
  /** Of an entry alone. */
  text?: string;
  family?: string;
  files: string[];
  steps: RunStep[];
  tools: string[];
  checks: string[];
  errors: string[];
  /** Of an entry alone. */
  source?: LessonSource;
  /** Of an entry alone: ids of events, tasks or lessons that it belongs to. */
  links?: string[];
}

/** What became of a lesson, as the journal holds it. Plain JSON, with everything that folding it needs. */
export interface LessonChange {
  lessonId: string;
  kind: LessonKind;
  change: LessonFact;
  from: LessonState | null;
  to: LessonState;
  /** The task whose run this is about: it counts once. */
  run?: string;
  /** What the state rests on, oldest first, the newest ones. The last is new. Empty for what somebody wrote or decided. */
  evidence: LessonEvidence[];
  /** Sentences: what the rule still asks for before the lesson is trusted. */
  missing: string[];
  /** What it learns. Absent when it learns nothing new. */
  content?: LessonContent;
}
