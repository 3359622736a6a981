import type { MissingFile, OfferedPlaybook } from "../contracts/guidance.ts";
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
  /** What the checkout says against it. */
  doubts: Doubts;
}

/** What is known and not where it was: what is shown of it, and which of the first choices it concerns. */
export interface Doubts {
  missing: readonly MissingFile[];
  /** The file that the caller named first. */
  named?: MissingFile | undefined;
  /** The file that earlier work points to most. */
  file?: MissingFile | undefined;
  /** By their id, the lessons that are no reason to proceed, each with the file for which it is so. */
  lessons: ReadonlyMap<string, MissingFile>;
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
