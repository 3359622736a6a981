import type { Clock } from "../kernel/clock.ts";

/** The longest that is waited between two events, however long nothing happened. */
const pauseMsMax = 2_000;
/** Shorter waits are put together: a timer is not that exact. */
const waitMsMin = 4;

/** Gives a replay the rhythm in which its events were recorded. */
export class Pace {
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #speed: number;
  readonly #signal: AbortSignal | undefined;
  #last: number | undefined;
  #owedMs = 0;

  /** `speed` is how many times as fast as it was; `Infinity` waits for nothing. */
  constructor(clock: Pick<Clock, "setTimer">, speed: number, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#speed = speed;
    this.#signal = signal;
  }

  /** How long to wait before an event of that time is shown; 0 for the first. */
  next(at: number): number {
    const passedMs = Math.max(at - (this.#last ?? at), 0); // wall time can go back
    this.#last = at;
    this.#owedMs += Math.min(passedMs / this.#speed, pauseMsMax);
    if (this.#owedMs < waitMsMin) return 0;
    const waitMs = this.#owedMs;
    this.#owedMs = 0;
    return waitMs;
  }

  /** Rejects with the signal's reason at once when it fires. */
  wait(ms: number): Promise<void> {
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason as Error); // whatever it is, it is handed on
      };
      const cancel = this.#clock.setTimer(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
