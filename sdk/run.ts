// Run
//
// One claim of a worker, from its assignment to its end: heartbeats, the handler, and what its return or its error means. Owns: whether the
// run is still on. Does not own: the verbs that a handler calls (`context.ts`).
//
// Invariants:
//   R1. When the run has ended - by pause, handoff, completion, failure, a lost epoch or a stop - the signal fires and no call of its
//       context settles any more: a handler cannot go on after its claim. The completion, handoff or failure that ended it does settle,
//       so that a handler can return; a pause does not, for its answer comes to a later run.
//   R2. A failure of the handler is recorded once, and only while the run is on.

import { AionisError, type FailureCode, isFailure } from "../src/contracts/failures.ts";
import { createContext, type Handler } from "./context.ts";
import { toErrorText } from "./error-text.ts";
import { type RunLife, recordTimeoutMs } from "./life.ts";
import type { RunParts } from "./parts.ts";
import { createSteps } from "./steps.ts";

/** A run as its worker sees it. */
export interface Run {
  /** Resolves at the end of the run; says whether it held a slot then. Never rejects. */
  readonly ended: Promise<boolean>;
  /** Asks the runtime now whether the claim still stands. */
  check(): void;
  /** What its handler failed with, if it did. */
  failure(): string | undefined;
  /** Gives the claim back to the runtime, so that another worker goes on at once. */
  giveBack(): Promise<void>;
  /** Ends it here without a word. */
  abandon(): void;
}

const firstBeatMs = 20; // what has ended by then, such as a task that is only passed on, needs no sign of life

const never = new Promise<never>(() => {});

/** Starts the handler on a claim. */
export function startRun(parts: RunParts, handler: Handler): Run {
  const { client, clock, logger, options, task } = parts;
  const { taskId, epoch } = task;
  const asAgent = { agent: options.agent };
  const controller = new AbortController();
  let hasSlot = true;
  let waits = 0;
  let failure: string | undefined;
  const everyMs = Math.max(task.leaseMs / 3, 10);
  let cancelBeat = (): void => {};
  let settleEnded: (heldSlot: boolean) => void = () => {};
  const ended = new Promise<boolean>((resolve) => {
    settleEnded = resolve;
  });

  const life: RunLife = {
    signal: controller.signal,
    isOver: () => controller.signal.aborted,
    end(why) {
      if (controller.signal.aborted) return;
      const detail = `The run of ${taskId} at epoch ${epoch} has ended: ${why}.`;
      controller.abort(new AionisError("EPOCH_STALE", detail, { facts: { why } }));
      cancelBeat();
      settleEnded(hasSlot);
    },
    async hold(ask) {
      if (life.isOver()) return never;
      try {
        const result = await ask();
        return life.isOver() ? await never : result;
      } catch (error) {
        if (isLoss(error)) life.end(error.detail);
        if (life.isOver()) return never;
        throw error;
      }
    },
    async withoutSlot(wait) {
      waits += 1;
      giveSlotBack();
      try {
        return await wait();
      } finally {
        waits -= 1;
        if (waits === 0) takeSlot(); // of several waits the last one does
      }
    },
  };

  function giveSlotBack(): void {
    if (!hasSlot) return;
    hasSlot = false;
    parts.slot.release();
  }

  function takeSlot(): void {
    if (hasSlot || life.isOver()) return; // a run that has ended was counted out by then
    hasSlot = true;
    parts.slot.acquire();
  }

  function beat(): void {
    if (life.isOver()) return;
    cancelBeat();
    client.tasks.heartbeat({ taskId, epoch }, { ...asAgent, timeoutMs: everyMs }).catch((error: unknown) => {
      // The reply to what ended the run may have come with this one, and goes first: it says how the run ended.
      if (isLoss(error)) clock.defer(() => life.end(error.detail));
    }); // no answer: the next beat asks again, and the lease decides
    cancelBeat = clock.setTimer(everyMs, beat);
  }

  async function handle(): Promise<void> {
    try {
      const steps = await life.hold(() => createSteps(parts, life));
      const ctx = createContext(parts, life, steps);
      const result = await handler(task, ctx);
      if (!life.isOver()) await ctx.complete(toResult(result));
    } catch (error) {
      if (!life.isOver()) await recordFailure(error); // R2
    }
  }

  async function recordFailure(error: unknown): Promise<void> {
    if (isFailure(error, "STEP_OUTCOME_UNKNOWN")) return askAbout(error);
    const input = {
      taskId,
      epoch,
      error: toErrorText(error, "stack"),
      retryable: isRetryable(error),
    };
    failure = toErrorText(error, "message");
    await life.hold(() => client.tasks.fail(input, { ...asAgent, timeoutMs: recordTimeoutMs }));
    life.end("its handler failed");
  }

  /** A step that began once and whose outcome nobody knows becomes a question: only a person can look. */
  async function askAbout(error: AionisError): Promise<void> {
    const question = `${error.detail} Did it take effect? "done" records it as done, "again" runs it again.`;
    const answerSchema = { type: "string", enum: ["done", "again"] };
    const about = String(error.facts.about);
    await life.hold(() =>
      client.tasks.pause({ taskId, epoch, question, answerSchema, about }, { ...asAgent, timeoutMs: recordTimeoutMs }),
    );
    life.end("a step's outcome is not known");
  }

  cancelBeat = clock.setTimer(Math.min(firstBeatMs, everyMs), beat);
  handle().catch((error: unknown) => {
    if (!life.isOver()) logger.log("error", "a run's failure could not be recorded", { taskId, error: String(error) });
    life.end("its end could not be recorded");
  });
  return {
    ended,
    check: beat,
    failure: () => failure,
    async giveBack() {
      if (life.isOver()) return;
      life.end("the worker was drained");
      await client.tasks
        .release({ taskId, epoch, reason: "The worker was drained." }, asAgent)
        .catch((error: unknown) => {
          logger.log("warn", "a claim could not be given back; its lease runs out", { taskId, error: String(error) });
        });
    },
    abandon: () => life.end("the worker was stopped"),
  };
}

/** What a handler returns without calling `ctx.complete`: data, which must be JSON. */
function toResult(result: unknown): { data?: unknown } {
  return result === undefined ? {} : { data: result };
}

/** Whether `error` says that the claim is gone: another epoch, no such task, or a task that was ended or moved on from outside. */
function isLoss(error: unknown): error is AionisError {
  if (isFailure(error, "EPOCH_STALE", "TASK_NOT_FOUND", "TRANSPORT_CLOSED")) return true;
  return isFailure(error, "TASK_STATE_CONFLICT") && !["running", "verifying"].includes(String(error.facts.state));
}

/** What the same handler would meet again on each try. */
const permanent: readonly FailureCode[] = [
  "STEP_DIVERGED",
  "IDEMPOTENCY_CONFLICT", // of a delegation: it comes with another content than before
  "INPUT_INVALID",
  "TOOL_INPUT_INVALID",
  "PATH_OUTSIDE",
  "MESSAGE_INVALID",
  "MESSAGE_TOO_LARGE",
  "HANDOFF_LIMIT",
  "PAUSE_LIMIT",
  "DELEGATION_REFUSED",
];

/** An error says by `retryable: false` that trying again cannot help; our own failures know it by their code. */
function isRetryable(error: unknown): boolean {
  if (isFailure(error)) return !permanent.includes(error.code);
  return !(typeof error === "object" && error !== null && "retryable" in error && error.retryable === false);
}
