// Run
//
// One claim of a worker, from its assignment until its handler has cleaned up: heartbeats, the handler, and what its return or its error
// means. Owns: why the run ends, and the grace after its end. Does not own: what the end means for calls that wait (`life.ts`), or the verbs
// that a handler calls (`context.ts`).
//
// Invariants:
//   U1. A failure of the handler is recorded once, and only while the run is on. What it returns or throws after the end counts for nothing.
//   U2. A run has settled when its handler and its steps' functions have, or when the grace after its end is over.
//   U3. A failure of the handler, which ends the run, is recorded when the steps of its other branches are, or when the grace is over: they
//       are done, and would be done again.

import { type FailureCode, isFailure } from "../src/contracts/failures.ts";
import type { TaskId } from "../src/contracts/ids.ts";
import { limits } from "../src/contracts/limits.ts";
import { createContext, type Handler } from "./context.ts";
import { toErrorText } from "./error-text.ts";
import { createLife, isLoss, recordTimeoutMs, toLoss } from "./life.ts";
import type { RunParts } from "./parts.ts";
import { createPauses } from "./pauses.ts";
import { type RunQuestion, toRunQuestion } from "./run-questions.ts";
import { createSteps, type Steps } from "./steps.ts";

/** A run as its worker sees it. */
export interface Run {
  readonly taskId: TaskId;
  /** Resolves at the end of the run, while its handler may still clean up. Never rejects. */
  readonly ended: Promise<void>;
  /** Resolves when the handler has cleaned up or its grace is over (U2); says whether the run held a slot. Never rejects. */
  readonly settled: Promise<boolean>;
  isOver(): boolean;
  /** Asks the runtime now whether the claim still stands, and for answers. */
  check(): void;
  /** Ends it because its worker has claimed the task anew, at `epoch`. */
  loseTo(epoch: number): void;
  /** What its handler failed with, if it did. */
  failure(): string | undefined;
  /** Ends it and gives the claim back to the runtime when the handler has cleaned up, so that another worker goes on at once. */
  giveBack(): Promise<void>;
  /** Ends it here without a word to the runtime. */
  abandon(): void;
}

const firstBeatMs = 20; // what has ended by then, such as a task that is only passed on, needs no sign of life

/** Starts the handler on a claim. */
export function startRun(parts: RunParts, handler: Handler): Run {
  const { client, clock, logger, options, task } = parts;
  const { taskId, epoch } = task;
  const owned = { agent: options.agent, timeoutMs: recordTimeoutMs };
  const life = createLife({ taskId, epoch }, () => pauses.changed());
  const slot = createSlot(parts.slot, life.isOver);
  const everyMs = Math.max(task.leaseMs / 3, 10);
  const graceMs = options.graceMs ?? limits.runGraceMs;
  let steps: Steps | undefined;
  let failure: string | undefined;
  let isGivenBack = false;
  let cancelBeat = (): void => {};
  const pauses = createPauses(parts, life, graceMs);

  function beat(): void {
    if (life.isOver() && !isGivenBack) return;
    cancelBeat();
    client.tasks.heartbeat({ taskId, epoch }, { agent: options.agent, timeoutMs: everyMs }).catch((error: unknown) => {
      // The reply to what ended the run may have come with this one, and goes first: it says how the run ended.
      if (isLoss(error)) clock.defer(() => void (life.isEnding() || life.end(toLoss(error))));
    }); // no answer: the next beat asks again, and the lease decides
    cancelBeat = clock.setTimer(everyMs, beat);
  }

  async function handle(): Promise<void> {
    try {
      const { before } = parts;
      if (before !== undefined) await life.call(() => before);
      steps = await life.call(() => life.hold(() => createSteps(parts, life, pauses)));
      const ctx = createContext({ ...parts, withoutSlot: slot.without }, life, { steps, pauses });
      const result = await handler(task, ctx);
      if (!life.isOver()) await ctx.complete(toResult(result));
    } catch (error) {
      if (!life.isOver()) await letStepsEnd(); // U3
      if (!life.isOver()) await recordFailure(error); // U1
    }
  }

  function recordFailure(error: unknown): Promise<void> {
    const asked = toRunQuestion(error);
    if (asked !== undefined) return ask(asked);
    const input = {
      taskId,
      epoch,
      error: toErrorText(error, "stack"),
      retryable: isRetryable(error),
      ...(isFailure(error) ? { code: error.code } : {}),
    };
    failure = toErrorText(error, "message");
    return life.lastCall(async () => {
      await life.holdLast(() => client.tasks.fail(input, owned));
      return { reason: "failed", why: "its handler failed" };
    });
  }

  /** Other code or a person lets the task go on; no attempt is used up. */
  function ask({ key, input, why }: RunQuestion): Promise<void> {
    return life.lastCall(async () => {
      await pauses.endWith(key, input);
      return { reason: "paused", why };
    });
  }

  /** U3 */
  async function letStepsEnd(): Promise<void> {
    if (steps === undefined) return;
    await withinGrace(Promise.race([steps.settled(), life.ended]));
  }

  /** Whether `work` is done before the grace is over. */
  async function withinGrace(work: Promise<unknown>): Promise<boolean> {
    let cancel = (): void => {};
    const late = new Promise<boolean>((resolve) => {
      cancel = clock.setTimer(graceMs, () => resolve(false));
    });
    const isDone = await Promise.race([work.then(() => true), late]);
    cancel();
    return isDone;
  }

  /** Waits for what the handler still does, as long as the grace lasts (U2). */
  async function settle(handled: Promise<void>): Promise<boolean> {
    await life.ended;
    if (!isGivenBack) cancelBeat();
    const isClean = await withinGrace(Promise.all([handled, life.idle()]));
    cancelBeat();
    if (!isClean) logger.log("warn", "a handler goes on after its run has ended", { taskId, epoch, graceMs });
    return slot.isHeld();
  }

  cancelBeat = clock.setTimer(Math.min(firstBeatMs, everyMs), beat);
  const handled = handle().catch((error: unknown) => {
    if (!life.isOver()) logger.log("error", "a run's failure could not be recorded", { taskId, error: String(error) });
    life.end({ reason: "lost", why: "its end could not be recorded", cause: error });
  });
  const settled = settle(handled);
  return {
    taskId,
    ended: life.ended,
    settled,
    isOver: life.isOver,
    check() {
      pauses.look();
      beat();
    },
    loseTo: (later) => life.end({ reason: "lost", why: `its worker claimed the task anew, at epoch ${later}` }),
    failure: () => failure,
    async giveBack() {
      if (life.isOver()) return void (await settled);
      isGivenBack = true;
      life.end({ reason: "drained", why: "the worker was drained" });
      await settled;
      await client.tasks
        .release({ taskId, epoch, reason: "The worker was drained." }, { agent: options.agent })
        .catch((error: unknown) => {
          logger.log("warn", "a claim could not be given back; its lease runs out", { taskId, error: String(error) });
        });
    },
    abandon: () => life.end({ reason: "stopped", why: "the worker was stopped" }),
  };
}

/** The place that a run takes among those of its worker; a run that only waits gives its own back for that time. */
function createSlot(slot: RunParts["slot"], isOver: () => boolean) {
  let isHeld = true;
  let waits = 0;

  function giveBack(): void {
    if (!isHeld) return;
    isHeld = false;
    slot.release();
  }

  function take(): void {
    if (isHeld || isOver()) return; // what a run does after its end is not counted
    isHeld = true;
    slot.acquire();
  }

  return {
    isHeld: () => isHeld,
    async without<Result>(wait: () => Promise<Result>): Promise<Result> {
      waits += 1;
      giveBack();
      try {
        return await wait();
      } finally {
        waits -= 1;
        if (waits === 0) take(); // of several waits the last one does
      }
    },
  };
}

/** What a handler returns without calling `ctx.complete`: data, which must be JSON. */
function toResult(result: unknown): { data?: unknown } {
  return result === undefined ? {} : { data: result };
}

/** What the same handler would meet again on each try. */
const permanent: readonly FailureCode[] = [
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
