import type { Uncertainty } from "../contracts/guidance.ts";
import type { Known } from "./question.ts";
import { round } from "./shown.ts";
import type { Verdict } from "./verdict.ts";

const missingNamed = 3;

/** How sure the answer is, what for, and what would make it surer. */
export function toUncertainty(known: Known, { ground, confidence, level, gate }: Verdict): Uncertainty {
  const { question, files, lessons, doubts } = known;
  const [best] = lessons.lessons;
  const reasons = [gate.reason];
  const evidenceGaps: string[] = [];
  if (ground.kind === "lesson" && best !== undefined) {
    const { runs, state } = best.lesson;
    reasons.push(`It is ${state}, learned from ${runs} run${runs === 1 ? "" : "s"}.`);
    evidenceGaps.push(...best.lesson.missing.slice(0, 3));
  }
  reasons.push(...doubts.missing.slice(0, missingNamed).map(({ reason }) => reason));
  if (known.episodes === 0) evidenceGaps.push("No finished work has been learned from in this scope.");
  if (files.files.length === 0) evidenceGaps.push("No file of earlier work fits the words.");
  if (question.context.error === undefined && level !== "low")
    evidenceGaps.push("An error's text would narrow it down (context.error).");
  if (question.context.files.length === 0 && level !== "low")
    evidenceGaps.push("Files that it is about are not named (context.files).");
  return { level, confidence: round(confidence), reasons, evidenceGaps: evidenceGaps.slice(0, 4) };
}
