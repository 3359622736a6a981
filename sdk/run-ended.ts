import { AionisError } from "../src/contracts/failures.ts";

/**
 * How a run ended. `completed`, `failed`, `paused` and `handed over`: by its own handler. `cancelled`: from outside. `lost`: another claim
 * has the task, or its deadline has passed. `drained`, `stopped` and `closed`: the worker or its connection ended.
 */
export type RunEndReason =
  | "completed"
  | "failed"
  | "paused"
  | "handed over"
  | "cancelled"
  | "lost"
  | "drained"
  | "stopped"
  | "closed";

const brand = Symbol.for("aionis.RunEnded"); // one for every copy of the package in a process

/**
 * The run that a handler works in has ended: each call of its context that waits, and each later one, rejects with this. Let it pass, so
 * that `finally` and `await using` run; what a handler does or throws after it is not recorded. Its code is `RUN_ENDED`.
 * `instanceof RunEnded` holds for an error of another copy of the package, too.
 */
export class RunEnded extends AionisError {
  override readonly name = "RunEnded";
  readonly taskId: string;
  readonly epoch: number;
  readonly reason: RunEndReason;

  constructor(run: { taskId: string; epoch: number }, end: { reason: RunEndReason; why: string; cause?: unknown }) {
    const { taskId, epoch } = run;
    const { reason, why, cause } = end;
    super("RUN_ENDED", `The run of ${taskId} at epoch ${epoch} has ended: ${why}.`, {
      facts: { taskId, epoch, reason, why },
      cause,
    });
    this.taskId = taskId;
    this.epoch = epoch;
    this.reason = reason;
  }

  /** Whether `error` says that a run has ended, whichever copy of the package made it. */
  static is(error: unknown): error is RunEnded {
    return typeof error === "object" && error !== null && brand in error;
  }

  static override [Symbol.hasInstance](error: unknown): boolean {
    return RunEnded.is(error);
  }
}

Object.defineProperty(RunEnded.prototype, brand, { value: true }); // once, and not for each run
