/**
 * The one list of expected failures. Status, retry decision and documentation are made from it.
 * `retryable` says whether the same call, repeated unchanged with the same command id, can succeed later.
 */
export const failures = {
  INPUT_INVALID: { status: 400, retryable: false, title: "The input does not fit the operation" },
  VALUE_INVALID: { status: 400, retryable: false, title: "A value holds a part that JSON cannot carry" },
  MESSAGE_INVALID: { status: 400, retryable: false, title: "The message cannot be decoded" },
  MESSAGE_TOO_LARGE: { status: 413, retryable: false, title: "The message is larger than the limit" },
  OPERATION_UNKNOWN: { status: 404, retryable: false, title: "There is no such operation" },
  CURSOR_INVALID: { status: 400, retryable: false, title: "The cursor was not made by this list" },

  SCOPE_ALREADY_SERVED: { status: 409, retryable: true, title: "Another runtime serves the scope" },
  SCOPE_NOT_FOUND: { status: 404, retryable: false, title: "The store does not have the scope" },
  TASK_NOT_FOUND: { status: 404, retryable: false, title: "There is no such task in this scope" },
  PACKET_NOT_FOUND: { status: 404, retryable: false, title: "There is no such packet in this scope" },
  LESSON_NOT_FOUND: { status: 404, retryable: false, title: "There is no such lesson in this scope" },
  RECEIPT_NOT_FOUND: { status: 404, retryable: false, title: "No answer is remembered under this receipt" },
  PLAYBOOK_NOT_FOUND: {
    status: 404,
    retryable: false,
    title: "There is no such playbook, or version of it, in this scope",
  },
  PLAYBOOK_STATE_CONFLICT: { status: 409, retryable: false, title: "The playbook is in another state" },
  PLAYBOOK_BLOCKED: { status: 409, retryable: false, title: "The playbook may not run now" },
  EVIDENCE_MISSING: { status: 409, retryable: false, title: "There is not enough evidence for the promotion" },
  PARAMETERS_MISSING: { status: 400, retryable: false, title: "The playbook has parameters that nobody gave" },
  PARAMETERS_INVALID: { status: 400, retryable: false, title: "The parameters do not fit the playbook" },
  RUN_UNUSABLE: { status: 422, retryable: false, title: "No playbook can be made of these runs" },
  LEARNING_BEHIND: { status: 503, retryable: true, title: "Learning has not come to the position asked for" },
  TASK_STATE_CONFLICT: { status: 409, retryable: false, title: "The task is in another state" },
  TASK_UNFOLDABLE: { status: 500, retryable: false, title: "The task's journal holds an event its machine refuses" },
  EPOCH_STALE: { status: 409, retryable: false, title: "Another claim has replaced this one" },
  CLAIM_LOST: { status: 409, retryable: false, title: "Another worker has claimed it" },
  RUN_ENDED: { status: 409, retryable: false, title: "The run that a handler works in has ended" },
  NOT_ADDRESSED: { status: 403, retryable: false, title: "It is addressed to somebody else" },
  IDEMPOTENCY_CONFLICT: { status: 409, retryable: false, title: "The command id was used for another content" },

  STEP_DIVERGED: { status: 409, retryable: false, title: "The step was recorded with another tool or input" },
  PART_DIVERGED: { status: 409, retryable: false, title: "A part was given away with another content" },
  STEP_AMBIGUOUS: { status: 409, retryable: false, title: "Two branches of a handler make a step of one name" },
  STEP_TIMEOUT: { status: 504, retryable: true, title: "The step was not done in its time" },
  STEP_OUTCOME_UNKNOWN: { status: 409, retryable: false, title: "The step began once and its outcome is not known" },
  ANSWER_INVALID: { status: 400, retryable: false, title: "The answer does not fit the question" },
  QUESTION_OVER: { status: 409, retryable: false, title: "The question, or the pause, is over" },
  PAUSE_AMBIGUOUS: { status: 409, retryable: false, title: "It is not clear which pause is meant" },
  PAUSE_NOT_FOUND: { status: 404, retryable: false, title: "The task has no such pause" },
  PAUSE_EXPIRED: { status: 409, retryable: false, title: "The pause ended without an answer" },
  CHECKS_FAILED: { status: 409, retryable: false, title: "A required check failed" },
  CHECKS_UNKNOWN: { status: 400, retryable: false, title: "The check results do not match the task's checks" },
  PATH_OUTSIDE: { status: 403, retryable: false, title: "The path leaves the workspace" },
  TOOL_FAILED: { status: 422, retryable: true, title: "The tool could not do it" },
  TOOL_UNAVAILABLE: { status: 409, retryable: false, title: "No worker has the tool" },
  TOOL_INPUT_INVALID: { status: 400, retryable: false, title: "The input does not fit the tool" },
  HANDOFF_LIMIT: { status: 409, retryable: false, title: "The task was handed over too often" },
  PAUSE_LIMIT: { status: 409, retryable: false, title: "The task was paused too often in this stage" },
  CHILDREN_OPEN: { status: 409, retryable: false, title: "What the task delegated has not ended" },
  DELEGATION_REFUSED: { status: 409, retryable: false, title: "The delegation does not fit into its parent's budget" },

  OVERLOADED: { status: 503, retryable: true, title: "Too many calls are waiting" },
  OUTCOME_UNKNOWN: { status: 500, retryable: true, title: "The command may or may not have been recorded" },
  RUNTIME_CLOSED: { status: 503, retryable: true, title: "The runtime is closed" },
  RUNTIME_FAULT: { status: 500, retryable: false, title: "The runtime met a bug of its own" },
  STORE_IN_USE: { status: 503, retryable: true, title: "Another process holds the store" },
  STORE_FULL: { status: 507, retryable: true, title: "There is no room left for the store" },
  STORE_FAILED: { status: 500, retryable: false, title: "The store failed to read or write" },
  STORE_READ_ONLY: { status: 403, retryable: false, title: "The store can be read here and not written" },
  STORE_DENIED: { status: 403, retryable: false, title: "This user may not use the store" },
  STORE_FOREIGN: { status: 409, retryable: false, title: "The file is not a store of this runtime" },
  STORE_NEWER: { status: 409, retryable: false, title: "The store was written by a newer version" },
  JOURNAL_DAMAGED: { status: 500, retryable: false, title: "The journal does not match its own chain" },
  JOURNAL_TRUNCATED: { status: 500, retryable: false, title: "The journal ends before its recorded high-water mark" },

  TRANSPORT_TIMEOUT: { status: 504, retryable: true, title: "No reply before the deadline" },
  TRANSPORT_UNROUTED: { status: 503, retryable: true, title: "Nobody serves the subject" },
  TRANSPORT_CLOSED: { status: 503, retryable: false, title: "The transport is closed" },
  TRANSPORT_UNREACHABLE: { status: 503, retryable: true, title: "Nobody can be reached at the address" },
  TRANSPORT_DENIED: { status: 403, retryable: false, title: "The broker does not permit it" },
  TRANSPORT_IN_USE: { status: 503, retryable: true, title: "Somebody else listens at the address" },
  TRANSPORT_INCOMPATIBLE: {
    status: 502,
    retryable: false,
    title: "The other side speaks another version of the protocol",
  },
  REMOTE_FAULT: { status: 502, retryable: false, title: "The other side failed while it served the request" },
  RUNTIME_CHANGED: { status: 409, retryable: false, title: "Another store serves the scope now" },
  GIT_UNUSABLE: { status: 500, retryable: false, title: "Git is missing or too old" },
  NODE_TOO_OLD: { status: 500, retryable: false, title: "This version of Node.js is too old" },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>;

/** A stable name that callers branch on. The texts beside it may change. */
export type FailureCode = keyof typeof failures;

/** A failure as it travels: what a reply holds instead of a result. */
export interface FailureView {
  code: FailureCode;
  /** One sentence that names the values and says what to do. */
  detail: string;
  /** Facts for programs, by code: the task's state, its owner, the allowed commands. */
  facts?: Record<string, unknown> | undefined;
}

/** Every expected failure of the product. Branch on `code`; `retryable` says whether repeating can help. */
export class AionisError extends Error {
  override readonly name: string = "AionisError";
  readonly code: FailureCode;
  readonly detail: string;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: FailureCode, detail: string, options: { cause?: unknown; facts?: Record<string, unknown> } = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.facts = options.facts ?? {};
  }

  /** Whether the same call with the same command id may succeed later. */
  get retryable(): boolean {
    return failures[this.code].retryable;
  }

  /** The failure as plain data, for a reply. The cause stays here. */
  toView(): FailureView {
    const view: FailureView = { code: this.code, detail: this.detail };
    return Object.keys(this.facts).length === 0 ? view : { ...view, facts: { ...this.facts } };
  }

  static from({ code, detail, facts = {} }: FailureView): AionisError {
    return code === "OVERLOADED"
      ? withoutStack(() => new AionisError(code, detail, { facts }))
      : new AionisError(code, detail, { facts });
  }
}

/**
 * What is refused because too much waits, with a time in milliseconds after which to ask again. It has no stack: with ten times the calls
 * that can be answered, most of the time would go into stacks.
 */
export function overloaded(detail: string, retryAfterMs = 100): AionisError {
  return AionisError.from({ code: "OVERLOADED", detail, facts: { retryAfterMs } });
}

/** What `make` gives, whose errors have no stacks: capturing one takes longer than all else about an expected failure. */
export function withoutStack<Made>(make: () => Made): Made {
  const { stackTraceLimit } = Error;
  if (!Reflect.set(Error, "stackTraceLimit", 0)) return make(); // the program has frozen it
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Whether `error` says that something in the journal cannot be read any more: one event or one task, never the whole store. */
export function isUnreadable(error: unknown): error is AionisError {
  return isFailure(error, "JOURNAL_DAMAGED", "TASK_UNFOLDABLE");
}

/** Whether `error` is an expected failure, optionally with one of `codes`. */
export function isFailure(error: unknown, ...codes: FailureCode[]): error is AionisError {
  return error instanceof AionisError && (codes.length === 0 || codes.includes(error.code));
}
