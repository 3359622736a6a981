/** Takes a scheduled call back. Safe to call twice and after the call ran. */
export type CancelTimer = () => void;

/** Time, as everything below `src/kernel` sees it. Tests own it; nothing else reads the machine's clock. */
export interface Clock {
  /** Wall time in milliseconds since 1970, for facts that people read. May jump. */
  now(): number;
  /** Monotonic milliseconds from an arbitrary start, for lengths of time. Never jumps back. */
  mono(): number;
  /** Calls `run` once after `delayMs` (0 or more). A pending timer keeps the process alive: somebody waits for it, or cancels it. */
  setTimer(delayMs: number, run: () => void): CancelTimer;
  /** Calls `run` after the work at hand and pending I/O, without the delay of a timer. Keeps the process alive. */
  defer(run: () => void): void;
}

const timerMsMax = 2 ** 31 - 1; // setTimeout fires at once beyond this

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  setTimer(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), timerMsMax));
    return () => clearTimeout(timer);
  },
  defer(run) {
    setImmediate(run);
  },
};
