// Life
//
// Whether a run is on, and what its end means for whatever waits. Owns: the signal, the calls that wait, what still works after the end.
// Does not own: why a run ends (`run.ts`, `context.ts`).
//
// Invariants:
//   R1. At the end of the run the signal fires, each call of its context that waits rejects with `RunEnded`, and so does each later one. The
//       completion, handoff or failure that ended it resolves, so that a handler can return; a pause rejects, for its answer comes to a
//       later run.
//   R2. A call of the context that is awaited by nothing is no unhandled rejection when the run ends.

import { type AionisError, isFailure, withoutStack } from "../src/contracts/failures.ts";
import { limits } from "../src/contracts/limits.ts";
import { type Calls, createCalls } from "./calls.ts";
import { createOngoing } from "./ongoing.ts";
import { RunEnded, type RunEndReason } from "./run-ended.ts";

/** How a run ends, and the sentence that says why. */
export interface RunEnd {
  reason: RunEndReason;
  why: string;
  cause?: unknown;
}

/** Whether a run is on, as all its parts see it. */
export interface RunLife {
  readonly signal: AbortSignal;
  /** Resolves at the end of the run. */
  readonly ended: Promise<void>;
  /** Ends the run; the first end counts. */
  end(end: RunEnd): void;
  isOver(): boolean;
  /** A call of the context: settles as `work` does, or rejects with `RunEnded` as soon as the run ends (R1, R2). */
  call<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Its calls that are in flight. */
  readonly calls: Calls;
  /** A call that ends the run when `work` succeeds, and resolves all the same (R1). */
  lastCall(work: () => Promise<RunEnd>): Promise<void>;
  /** The result of `ask`, unless the run is over by then; a lost claim ends the run. */
  hold<Result>(ask: () => Promise<Result>): Promise<Result>;
  /** The same for a command that ends the claim: its own reply says whether it did, and no heartbeat that comes back before it. */
  holdLast<Result>(ask: () => Promise<Result>): Promise<Result>;
  /** Whether a reply is awaited that may say that this run has ended itself. */
  isEnding(): boolean;
  /** Notes that `work` goes on, whatever becomes of the call that it belongs to. */
  track<Result>(work: Promise<Result>): Promise<Result>;
  /** Resolves when nothing of the tracked work goes on. */
  idle(): Promise<unknown>;
}

/** How long a worker tries to have something recorded: until its claim is lost, not until a reply is late. */
export const recordTimeoutMs = limits.waitMs;

const nothing = (): void => {};

/** The life of one run; `onCallEnd` hears of each call of its context that has settled. */
export function createLife(run: { taskId: string; epoch: number }, onCallEnd: () => void = nothing): RunLife {
  const controller = new AbortController();
  const { promise: ended, resolve: settleEnded } = Promise.withResolvers<void>();
  const calls = createCalls(onCallEnd);
  const waiting = new Set<(why: RunEnded) => void>();
  const working = createOngoing();
  let over: RunEnded | undefined;
  let endings = 0;

  function end(how: RunEnd): void {
    if (over !== undefined) return;
    over = withoutStack(() => new RunEnded(run, how)); // one for all calls, from a place that says nothing of them
    controller.abort(over);
    for (const refuse of waiting) refuse(over);
    waiting.clear();
    settleEnded();
  }

  function refuseOver(): void {
    if (over !== undefined) throw over;
  }

  /** `work` is given a way to leave the calls that the end rejects. */
  function begin<Result>(work: (leave: () => void) => Promise<Result>): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const refuse = (why: RunEnded): void => {
      void promise.catch(nothing); // R2
      reject(why);
    };
    if (over !== undefined) {
      refuse(over);
      return promise;
    }
    const call = calls.begin();
    const leave = (): void => void waiting.delete(refuse);
    const settle = (): void => {
      leave();
      calls.end(call);
    };
    waiting.add(refuse);
    calls
      .run(call, () => start(work, leave))
      .then(
        (result) => {
          settle();
          resolve(result);
        },
        (error: unknown) => {
          settle();
          if (RunEnded.is(error)) refuse(error);
          else reject(error);
        },
      );
    return promise;
  }

  async function hold<Result>(ask: () => Promise<Result>): Promise<Result> {
    refuseOver();
    try {
      const result = await ask();
      refuseOver();
      return result;
    } catch (error) {
      if (isLoss(error)) end(toLoss(error));
      refuseOver();
      throw error;
    }
  }

  async function holdLast<Result>(ask: () => Promise<Result>): Promise<Result> {
    endings += 1;
    try {
      return await hold(ask);
    } finally {
      endings -= 1;
    }
  }

  return {
    signal: controller.signal,
    ended,
    end,
    isOver: () => over !== undefined,
    call: begin,
    calls,
    lastCall: (work) =>
      begin(async (leave) => {
        const how = await work();
        leave();
        end(how);
      }),
    hold,
    holdLast,
    isEnding: () => endings > 0,
    track: working.add,
    idle: working.settled,
  };
}

/** `work` that is no promise but throws is one that rejects. */
function start<Result>(work: (leave: () => void) => Promise<Result>, leave: () => void): Promise<Result> {
  try {
    return work(leave);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Whether `error` says that the claim is gone: another epoch, no such task, or a task that was ended or moved on from outside. */
export function isLoss(error: unknown): error is AionisError {
  if (isFailure(error, "EPOCH_STALE", "TASK_NOT_FOUND", "TRANSPORT_CLOSED")) return true;
  return isFailure(error, "TASK_STATE_CONFLICT") && !["running", "verifying"].includes(String(error.facts.state));
}

/** The end of a run whose claim is gone as `error` says. */
export function toLoss(error: AionisError): RunEnd {
  const reason =
    error.code === "TRANSPORT_CLOSED" ? "closed" : error.facts.state === "cancelled" ? "cancelled" : "lost";
  return { reason, why: error.detail.replace(/\.$/, ""), cause: error };
}
