// Judging: which changes something that happened means. Reads rows and changes nothing (L2).

import {
  decideLesson,
  foldLesson,
  type LessonDecision,
  type LessonEvidence,
  type LessonFact,
  listMissing,
} from "../../machines/lesson.ts";
import type { LessonRow, RecallRows } from "../recall/index.ts";
import { lessonBounds as bounds } from "./bounds.ts";
import type { LessonChange, LessonContent } from "./changes.ts";
import { contentOfRun } from "./content.ts";
import { agree, findSameWork, readRun } from "./identity.ts";
import { findLesson, kindOf, readEvidence, readLessonText, toSnapshot } from "./lesson.ts";
import type { LessonRules } from "./rules.ts";
import type { FinishedRun } from "./run.ts";
import { readWords } from "./words.ts";

/** What somebody reports of lessons that were shown: a receipt's outcome, or that of single lessons. */
export interface LessonUse {
  lessonIds: readonly string[];
  outcome: "succeeded" | "failed";
  /** The event that tells it, and its time in seconds since 1970. */
  seq: number;
  at: number;
  /** Whether the runtime's verifier saw the outcome. */
  verified: boolean;
}

/** A strict replay that passed, verified. */
export interface LessonReplay {
  replayId: string;
  /** The tasks that its playbook was compiled from. */
  sources: readonly string[];
  seq: number;
}

/** A decision of somebody who may: retire a lesson, or bring it back to begin anew. */
export interface LessonAct {
  lessonId: string;
  act: "retire" | "reactivate";
}

export function judgeRun(rows: RecallRows, rules: LessonRules, run: FinishedRun): LessonChange[] {
  if (rows.get("lessonRuns", run.taskId) !== undefined) return []; // L3
  const content = contentOfRun(run);
  if (content.files.length === 0 && content.steps.length === 0 && readWords(content.goal).length === 0) return [];
  const strength = run.imported === true ? "imported" : run.verified ? "verified" : "self";
  const evidence: LessonEvidence = { seq: run.seq, strength, outcome: run.outcome };
  return run.outcome === "failed"
    ? judgeFailure(rows, rules, { run, content, evidence })
    : judgeSuccess(rows, rules, { run, content, evidence });
}

interface Judged {
  run: FinishedRun;
  content: LessonContent;
  evidence: LessonEvidence;
}

/** The lessons that it was shown did not help, as far as it was their kind of work. */
function judgeFailure(rows: RecallRows, rules: LessonRules, { run, content, evidence }: Judged): LessonChange[] {
  const compared = readRun(rows, content);
  return [...new Set(run.shown)].slice(0, bounds.ranked).flatMap((id) => {
    const row = findLesson(rows, id)?.row;
    if (row === undefined || agree(compared, row) < rules.sameWorkShown) return [];
    const change = toChange(row, decideLesson(toSnapshot(row), evidence, rules), evidence);
    return change.map((each) => ({ ...each, run: run.taskId }));
  });
}

function judgeSuccess(rows: RecallRows, rules: LessonRules, { run, content, evidence }: Judged): LessonChange[] {
  const [best] = findSameWork(rows, content);
  if (best !== undefined && best.agreement >= rules.sameWork) {
    const change = toChange(best.row, decideLesson(toSnapshot(best.row), evidence, rules), evidence);
    return change.map((each) => ({ ...each, run: run.taskId, content }));
  }
  const decision = decideLesson(undefined, evidence, rules);
  if (decision === undefined) return [];
  const { fact, to, missing } = decision;
  const lessonId = `les_${run.taskId.replace(/^task_/, "")}`;
  return [
    {
      ...{ lessonId, kind: "workflow", change: fact, from: null, to },
      ...{ run: run.taskId, evidence: [evidence], missing, content },
    },
  ];
}

/** A replay whose checks the runtime saw pass is one more run of the work that its playbook was compiled from. */
export function judgeReplay(
  rows: RecallRows,
  rules: LessonRules,
  { replayId, sources, seq }: LessonReplay,
): LessonChange[] {
  if (rows.get("lessonRuns", replayId) !== undefined) return []; // L3
  const evidence: LessonEvidence = { seq, strength: "verified", outcome: "succeeded" };
  const own = new Set(sources.map((run) => rows.get("lessonRuns", run)?.lesson));
  return [...own].slice(0, bounds.ranked).flatMap((lesson) => {
    const row = lesson === undefined ? undefined : rows.get("lessons", lesson);
    if (row === undefined || toSnapshot(row).value === "retired") return [];
    const change = toChange(row, decideLesson(toSnapshot(row), evidence, rules), evidence);
    return change.map((each) => ({ ...each, run: replayId }));
  });
}

export function judgeUse(rows: RecallRows, rules: LessonRules, use: LessonUse): LessonChange[] {
  if (use.outcome === "succeeded") return judgeActivation(rows, rules, use);
  return judgeEach(rows, use, (row, evidence) => decideLesson(toSnapshot(row), evidence, rules));
}

export function judgeActivation(rows: RecallRows, rules: LessonRules, use: LessonUse): LessonChange[] {
  return judgeEach(rows, use, (row, evidence) => decideFact(row, "activated", rules, evidence));
}

function judgeEach(
  rows: RecallRows,
  { lessonIds, seq, verified, outcome }: LessonUse,
  decide: (row: LessonRow, evidence: LessonEvidence) => LessonDecision | undefined,
): LessonChange[] {
  const evidence: LessonEvidence = { seq, strength: verified ? "verified" : "self", outcome };
  return [...new Set(lessonIds)].slice(0, bounds.ranked).flatMap((id) => {
    const row = findLesson(rows, id)?.row;
    return row === undefined ? [] : toChange(row, decide(row, evidence), evidence);
  });
}

export function judgeAct(rows: RecallRows, rules: LessonRules, { lessonId, act }: LessonAct): LessonChange[] {
  const row = findLesson(rows, lessonId)?.row;
  if (row === undefined || (toSnapshot(row).value === "retired") === (act === "retire")) return [];
  return toChange(row, decideFact(row, act === "retire" ? "retired" : "reactivated", rules, undefined), undefined);
}

/** A change that no rule has to allow. */
function decideFact(
  row: LessonRow,
  fact: LessonFact,
  rules: LessonRules,
  evidence: LessonEvidence | undefined,
): LessonDecision {
  const after = foldLesson(toSnapshot(row), { type: `lesson.${fact}`, evidence });
  return { fact, to: after.value, missing: listMissing(after, rules) };
}

function toChange(
  row: LessonRow,
  decision: LessonDecision | undefined,
  evidence: LessonEvidence | undefined,
): LessonChange[] {
  if (decision === undefined) return [];
  const { fact, to, missing } = decision;
  return [
    {
      ...{ lessonId: readLessonText(row).id, kind: kindOf(row), change: fact, from: toSnapshot(row).value, to },
      evidence: evidence === undefined ? [] : [...readEvidence(row), evidence].slice(-bounds.evidence),
      missing,
    },
  ];
}
