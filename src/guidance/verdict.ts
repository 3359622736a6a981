// Verdict
//
// How far what is known can be relied on, and so how to go on: the gate, and which lesson or file the first action rests on. Owns: the
// order in which evidence counts. Does not own: confidence itself, which recall and lessons have learned.
//
// Invariants:
//   G1. `proceed` needs confidence above the threshold that was learned, or files that the caller named.
//   G2. What a tool printed, a contested lesson or a retired one is never what an action rests on.
//   G3. What the checkout does not hold where it was is no reason to proceed (checkout.ts).

import type { Gate } from "../contracts/guidance.ts";
import type { RankedLesson } from "../learning/index.ts";
import { type Known, toLine } from "./question.ts";

/** What the first action rests on. */
export type Ground = { kind: "lesson"; lesson: RankedLesson } | { kind: "file"; path: string } | { kind: "nothing" };

export interface Verdict {
  gate: Gate;
  ground: Ground;
  /** How likely the first action is right; 0 without a ground. */
  confidence: number;
  level: "low" | "medium" | "high";
}

const lookFrom = { lesson: 0.1, files: 0.15 }; // below, what was found is more likely chance than not worth looking at
const queryChars = 200;

/** Weighs what is known. */
export function judge(known: Known): Verdict {
  const { question, files, lessons, doubts } = known;
  const [best] = lessons.lessons;
  const [file] = files.files;
  const query = toLine(question.query, queryChars);
  const isSure = best !== undefined && lessons.sure;
  const doubt = best === undefined ? undefined : doubts.lessons.get(best.lesson.id); // G3, as the other doubts

  if (isSure && canCarry(best) && best.lesson.state === "trusted" && doubt === undefined) {
    return proceed(
      { kind: "lesson", lesson: best },
      lessons.confidence,
      "A trusted lesson fits, surer than the threshold.",
    );
  }
  if (isSure && best.lesson.state === "contested") {
    const gate: Gate = {
      action: "request_operator_review",
      reason: "The lesson that fits best is contested: what it says was tried again and failed.",
      clearWith: { operation: "memory.review", input: { id: best.lesson.id, act: "retire" } },
    };
    return { gate, ground: toFileGround(known), confidence: 0, level: "high" };
  }
  const named = question.context.files[0];
  if (doubts.named?.to !== undefined) {
    const path = doubts.named.to;
    const gate = toLook(query, `The file that the caller named is not there: ${doubts.named.reason}`, [path]);
    return { gate, ground: { kind: "file", path }, confidence: 0, level: "medium" };
  }
  if (named !== undefined && doubts.named === undefined) {
    const probability = files.files.find(({ path }) => path === named)?.probability ?? 0;
    const reason = "The caller named the files that it is about.";
    return { ...proceed({ kind: "file", path: named }, probability, reason), level: "medium" };
  }
  if (file !== undefined && files.confidence >= files.sureFrom && doubts.file === undefined) {
    return proceed(
      { kind: "file", path: file.path },
      files.confidence,
      "Earlier work points to this file, surer than the threshold.",
    );
  }
  if (isSure && isCut(best)) {
    const gate: Gate = {
      action: "rehydrate_payload",
      reason: "What fits best is longer than what is shown here; read it whole first.",
      clearWith: { operation: "memory.get", input: { id: best.lesson.id } },
    };
    return { gate, ground: toFileGround(known), confidence: lessons.confidence, level: "medium" };
  }
  if (best !== undefined && canCarry(best) && lessons.confidence >= Math.max(lookFrom.lesson, files.confidence)) {
    const files = best.lesson.files;
    const reason =
      doubt === undefined
        ? `${best.lesson.state === "trusted" ? "A lesson may fit, but not surely" : "What fits is not trusted yet"}; look at it first.`
        : `A lesson fits, but not all that it names is there: ${doubt.reason} Look first.`;
    return {
      gate: toLook(query, reason, files),
      ground: { kind: "lesson", lesson: best },
      confidence: lessons.confidence,
      level: "medium",
    };
  }
  if (file !== undefined && files.confidence >= lookFrom.files) {
    const reason =
      doubts.file === undefined
        ? "Earlier work points to these files, but not surely; look at them first."
        : `Earlier work points to a file that is not there: ${doubts.file.reason} Look first.`;
    const paths = files.files.map(({ path }) => path);
    return {
      gate: toLook(query, reason, paths),
      ground: { kind: "file", path: file.path },
      confidence: files.confidence,
      level: "medium",
    };
  }
  return { gate: toWiden(known, query), ground: toFileGround(known), confidence: 0, level: "high" };
}

/** G2 */
export function canCarry({ lesson }: RankedLesson): boolean {
  const { kind, state, source, steps, files } = lesson;
  const isUsable = state === "trusted" || state === "candidate" || state === "observed";
  return isUsable && source !== "tool" && kind !== "evidence" && (steps.length > 0 || files.length > 0);
}

/** Texts up to here are shown whole at the usual depth. */
export const textShownChars = 240;

/** Whether a written text is longer than what an answer shows of it. */
export function isCut({ lesson }: RankedLesson): boolean {
  return (lesson.text?.length ?? 0) > textShownChars;
}

function proceed(ground: Ground, confidence: number, reason: string): Verdict {
  return { gate: { action: "proceed", reason }, ground, confidence, level: "low" };
}

/** Whoever has looked says which files are right, and is let through. */
function toLook(query: string, reason: string, files: readonly string[]): Gate {
  const context = files[0] === undefined ? {} : { context: { files: files.slice(0, 1) } };
  return { action: "inspect_context", reason, clearWith: { operation: "taskStart", input: { query, ...context } } };
}

function toWiden({ episodes, files, lessons, doubts }: Known, query: string): Gate {
  const [missing] = doubts.missing;
  if (missing !== undefined) {
    const reason = `${missing.reason} Nothing else that is known fits well enough; search wider, or name files or an error.`;
    return { action: "widen_recall", reason, clearWith: { operation: "memory.recall", input: { query, max: 20 } } };
  }
  if (episodes + lessons.lessons.length > 0) {
    const reason =
      files.isGrounded || lessons.isGrounded
        ? "Nothing that is known fits well enough; search wider, or name files or an error."
        : "Nothing that is known shares a word, a file, an error or a family with it; search wider, or name files or an error.";
    return { action: "widen_recall", reason, clearWith: { operation: "memory.recall", input: { query, max: 20 } } };
  }
  const reason =
    "Nothing has been learned in this scope yet; a repository's history can be imported (aionis import git).";
  return {
    action: "widen_recall",
    reason,
    clearWith: { operation: "taskStart", input: { query, context: { files: [] } } },
  };
}

function toFileGround({ files }: Known): Ground {
  const path = files.files[0]?.path;
  return path === undefined ? { kind: "nothing" } : { kind: "file", path };
}
