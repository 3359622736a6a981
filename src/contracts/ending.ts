// Why a task ended without success, as facts, rows, views and returns say it.

import { z } from "zod";
import { AgentId } from "./ids.ts";
import { limits } from "./limits.ts";
import { sensitive } from "./sensitive.ts";
import { Line, Time } from "./values.ts";

/** Every way in which a task ends without success, with the sentence that stands where its own text was erased. */
export const endings = {
  /** Too many runs were lost that had recorded no new success. */
  WORKERS_LOST: "Its workers were lost again and again without a new success.",
  /** `lossesMax` leases were lost in one stage, whatever the runs recorded. */
  LOSSES_OVER: "Too many leases were lost in one stage.",
  /** The last attempt failed; another would have been allowed to help. */
  ATTEMPTS_OVER: "Its last attempt failed.",
  /** The work failed, and the worker said that another attempt cannot help. */
  NOT_RETRYABLE: "It failed, and another attempt cannot help.",
  /** A required check failed for good. */
  CHECKS_FAILED: "A required check failed.",
  /** The work needed one handoff more than a task may have. */
  HANDOFF_LIMIT: "It was handed over too often.",
  /** The work needed one pause more than a stage may have. */
  PAUSE_LIMIT: "It was paused too often.",
  /** A replay stopped at a step that did not do what its playbook says. */
  REPLAY_FAILED: "The replay stopped at a step.",
  /** Its deadline passed. */
  DEADLINE_PASSED: "Its deadline passed.",
  /** An agent cancelled it. */
  CANCELLED: "It was cancelled.",
  /** The task that delegated it has ended. */
  PARENT_ENDED: "The task that delegated it has ended.",
} as const;

/** The name of a way in which a task ends without success. Programs branch on it. */
export const EndCode = z.enum(Object.keys(endings) as [keyof typeof endings, ...(keyof typeof endings)[]]); // Object.keys loses the key type
export type EndCode = z.infer<typeof EndCode>;

/** The part of an ending that needs no texts: lists show it. */
export const EndMark = z.strictObject({
  code: EndCode,
  /** The agent whose act ended it; `runtime` for a lost lease, a deadline or the end of its parent. */
  by: AgentId,
  at: Time,
});
export type EndMark = z.infer<typeof EndMark>;

/** Why a task ended without success. */
export const EndReason = z.strictObject({
  ...EndMark.shape,
  /** One sentence for people, with the values that decided it. */
  message: Line,
  /** The last error that a step or an attempt of the task recorded. */
  lastError: sensitive(Line).optional(),
});
export type EndReason = z.infer<typeof EndReason>;

/** A text as it fits into a reason. The cut may go through a surrogate pair. */
export function toReasonLine(text: string): string {
  return text.slice(0, limits.lineChars).toWellFormed();
}

/** A reason in one line: what happened, and the first line of the last error. */
export function toReasonSentence({ message, lastError }: Pick<EndReason, "message" | "lastError">): string {
  const [line = ""] = (lastError ?? "").split("\n", 1);
  return toReasonLine(lastError === undefined ? message : `${message} The last error: ${line}`);
}
