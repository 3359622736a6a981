import { limits } from "../src/contracts/limits.ts";

/** Whether a run is on, as all its parts see it. */
export interface RunLife {
  readonly signal: AbortSignal;
  /** Ends the run; what is awaited of its context never settles (R1). */
  end(why: string): void;
  isOver(): boolean;
  /** The result of `ask`, unless the run is over by then; a lost claim ends the run. */
  hold<Result>(ask: () => Promise<Result>): Promise<Result>;
  /** Waits without a slot. */
  withoutSlot<Result>(wait: () => Promise<Result>): Promise<Result>;
}

/** How long a worker tries to have something recorded: until its claim is lost, not until a reply is late. */
export const recordTimeoutMs = limits.waitMs;
