import type { OfferedPlaybook } from "../contracts/guidance.ts";
import type { OperationParsed } from "../contracts/operations/index.ts";
import type { RankedLessons } from "../learning/index.ts";
import type { Recalled } from "../recall/index.ts";

/** What task start is asked. */
export type Question = OperationParsed<"taskStart"> | OperationParsed<"planningContext">;

/** What is known about a question, ranked. */
export interface Known {
  question: Question;
  files: Recalled;
  lessons: RankedLessons;
  /** One that fits and may be run. */
  playbook?: OfferedPlaybook | undefined;
  /** Episodes that were learned from, runs and imported ones together; 0 in an empty scope. */
  episodes: number;
  /** The last event that was learned from. */
  learnedTo: number;
}

/** How much of each list an answer shows. */
export interface Extent {
  files: number;
  lessons: number;
  tools: number;
  /** Characters of a lesson's text. */
  textChars: number;
  bytes: number;
}

/** The text without line breaks and controls, at most `chars` characters, for a place where a line is shown. */
export function toLine(text: string, chars: number): string {
  const line = text
    .slice(0, 2 * chars + 100)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, " ")
    .replaceAll(/ {2,}/g, " ")
    .trim();
  return line.length <= chars ? line.toWellFormed() : `${line.slice(0, chars - 1).toWellFormed()}…`;
}
