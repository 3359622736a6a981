// A clock that tests own
//
// Time stands still until `advance`. What a test starts on it (timers, deferred work, promises between them) runs in a fixed order,
// so that the same test does the same thing every time. Real I/O is not waited for.

import type { CancelTimer, Clock } from "../../src/kernel/clock.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

const roundsMax = 100_000; // deferred work that always defers more would hang the test

export class FakeClock implements Clock {
  #mono = 0;
  readonly #startedAt: number;
  #deferred: (() => void)[] = [];
  readonly #timers = new Set<Timer>(); // in the order of setting, which decides between those due at once

  constructor(startedAt = Date.UTC(2026, 0, 1)) {
    this.#startedAt = startedAt;
  }

  now(): number {
    return this.#startedAt + this.#mono;
  }

  mono(): number {
    return this.#mono;
  }

  setTimer(delayMs: number, run: () => void): CancelTimer {
    const timer = { at: this.#mono + Math.max(delayMs, 0), run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  defer(run: () => void): void {
    this.#deferred.push(run);
  }

  /** How many timers are set. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Runs deferred work, and the promises that follow from it, until there is none. Time stands still. */
  async settle(): Promise<void> {
    for (let round = 0; round < roundsMax; round += 1) {
      await new Promise(setImmediate); // promises that are ready go on first
      if (this.#deferred.length === 0) return;
      const batch = this.#deferred;
      this.#deferred = [];
      for (const run of batch) run();
    }
    throw new Error(`The clock does not settle: work was deferred ${roundsMax} times.`);
  }

  /** Lets `ms` pass: runs what comes due, in order and each at its own time, with all that follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms;
    await this.settle();
    for (let timer = this.#nextTimer(end); timer !== undefined; timer = this.#nextTimer(end)) {
      this.#mono = timer.at;
      this.#timers.delete(timer);
      timer.run();
      await this.settle();
    }
    this.#mono = end;
  }

  /** Lets time pass until no timer is set. */
  async runAll(): Promise<void> {
    await this.settle();
    for (let round = 0; round < roundsMax; round += 1) {
      const timer = this.#nextTimer(Infinity);
      if (timer === undefined) return;
      await this.advance(timer.at - this.#mono);
    }
    throw new Error(`The clock does not run out of timers: ${roundsMax} have fired.`);
  }

  #nextTimer(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }
}
