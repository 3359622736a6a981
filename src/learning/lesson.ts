// A lesson as its row holds it and as a reader sees it.

import {
  type LessonContext,
  type LessonEvidence,
  type LessonSnapshot,
  type LessonState,
  listMissing,
} from "../../machines/lesson.ts";
import type { LessonRow, RecallRows } from "../recall/index.ts";
import { lessonBounds as bounds } from "./bounds.ts";
import type { LessonContent, LessonKind, LessonSource } from "./changes.ts";
import { unique } from "./content.ts";
import type { LessonRules } from "./rules.ts";
import type { RunStep } from "./run.ts";

/** What a lesson says. */
export interface LessonText {
  id: string;
  /** What it is about: of a workflow the newest brief, of an entry its title. */
  title: string;
  /** Of an entry alone. */
  text?: string;
  /** The newest briefs of a workflow, newest last. */
  goals: string[];
  family?: string;
  /** Newest first. */
  files: string[];
  /** Those of the newest run that had any: the way it is done. */
  steps: RunStep[];
  tools: string[];
  checks: string[];
  errors: string[];
  source?: LessonSource;
  links: string[];
}

/** A lesson as readers see it. */
export interface Lesson extends LessonText {
  kind: LessonKind;
  state: LessonState;
  /** Runs that it was learned from. */
  runs: number;
  /** How often it was reported to have helped. */
  used: number;
  /** The newest ones, oldest first. */
  evidence: LessonEvidence[];
  /** What the rule still asks for before it is trusted. */
  missing: string[];
  /** Seconds since 1970, and the event. */
  madeAt: number;
  madeSeq: number;
  changedAt: number;
  changedSeq: number;
}

const kinds: readonly LessonKind[] = ["workflow", "note", "fact", "procedure", "evidence"]; // an index here is stored
const states: readonly LessonState[] = ["observed", "candidate", "trusted", "contested", "retired"];
const strengths = ["none", "self", "verified", "imported"] as const;

/** The lesson with that id: its number and its row. */
export function findLesson(rows: RecallRows, id: string): { lesson: number; row: LessonRow } | undefined {
  const lesson = rows.get("lessonIds", id)?.lesson;
  const row = lesson === undefined ? undefined : rows.get("lessons", lesson);
  return lesson === undefined || row === undefined ? undefined : { lesson, row };
}

export function toLesson(row: LessonRow, rules: LessonRules): Lesson {
  const { runs, used, madeAt, madeSeq, changedAt, changedSeq } = row;
  return {
    ...readLessonText(row),
    kind: kindOf(row),
    state: stateOf(row),
    ...{ runs, used, evidence: readEvidence(row), missing: listMissing(toSnapshot(row), rules) },
    ...{ madeAt, madeSeq, changedAt, changedSeq },
  };
}

export function readLessonText(row: LessonRow): LessonText {
  return JSON.parse(row.text) as LessonText; // written by `takeOver` alone
}

export function stateOf(row: LessonRow): LessonState {
  return states[row.state] ?? "observed";
}

export function kindOf(row: LessonRow): LessonKind {
  return kinds[row.kind] ?? "note";
}

export function toKindCode(kind: LessonKind): number {
  return kinds.indexOf(kind);
}

/** Where the row's machine stands. */
export function toSnapshot(row: LessonRow): LessonSnapshot {
  const { successes, verified, failures, used } = row;
  const context: LessonContext = { written: kindOf(row) !== "workflow", successes, verified, failures, used };
  return { value: stateOf(row), context };
}

/** Writes where the machine stands into the row. */
export function putSnapshot(row: LessonRow, { value, context }: LessonSnapshot): void {
  const { successes, verified, failures, used } = context;
  Object.assign(row, { state: states.indexOf(value), successes, verified, failures, used });
}

export function readEvidence({ evidence }: LessonRow): LessonEvidence[] {
  const list: LessonEvidence[] = [];
  for (let at = 0; at < evidence.length; at += 3) {
    const outcome = evidence[at + 2] === 1 ? "succeeded" : "failed";
    list.push({ seq: evidence[at] ?? 0, strength: strengths[evidence[at + 1] ?? 0] ?? "none", outcome });
  }
  return list;
}

export function addEvidence(row: LessonRow, { seq, strength, outcome }: LessonEvidence): void {
  row.evidence.push(seq, strengths.indexOf(strength), outcome === "succeeded" ? 1 : 0);
  if (row.evidence.length > 3 * bounds.evidence) row.evidence.splice(0, 3);
}

/** What a lesson says after it has learned from `content`; without `before`, of a new one. */
export function takeOver(before: LessonText | undefined, id: string, content: LessonContent): LessonText {
  const family = content.family ?? before?.family;
  const text = content.text ?? before?.text;
  const source = content.source ?? before?.source;
  const earlier = before?.goals.filter((goal) => goal !== content.goal && goal !== "") ?? [];
  return {
    id,
    title: content.goal,
    ...(text === undefined ? {} : { text }),
    goals: content.text === undefined ? [...earlier, content.goal].slice(-bounds.goals) : [],
    ...(family === undefined ? {} : { family }),
    files: unique([...content.files, ...(before?.files ?? [])]).slice(0, bounds.files),
    steps: content.steps.length > 0 ? content.steps : (before?.steps ?? []),
    tools: unique([...content.tools, ...(before?.tools ?? [])]).slice(0, bounds.tools),
    checks: unique([...content.checks, ...(before?.checks ?? [])]).slice(0, bounds.checks),
    errors: unique([...content.errors, ...(before?.errors ?? [])]).slice(0, bounds.errors),
    ...(source === undefined ? {} : { source }),
    links: content.links ?? before?.links ?? [],
  };
}
