// Timers
//
// Fires the due timers of a scope as commands. Owns: when to look, never what a firing means: the task decides, and the row goes in the
// same commit.
//
// Invariants:
//   T1. A timer that was due fires after any restart (I9): rows are the only memory.
//   T2. At most one sweep is under way, `limits.timersPerSweep` timers at a time; a firing that failed holds up no other, and is tried again a
//       second later.

import { type Due, toMsUntil } from "../src/contracts/due.ts";
import type { TaskId } from "../src/contracts/ids.ts";
import { limits } from "../src/contracts/limits.ts";
import type { CancelTimer, Clock } from "../src/kernel/clock.ts";
import type { SteadyClock } from "../src/kernel/steady-clock.ts";
import type { ScopeStore, TimerRow } from "../src/kernel/store.ts";

export interface Timers {
  /** Looks at the rows again: call it when they may have changed. */
  arm(): void;
  close(): void;
}

const retryMs = 1_000;
const pagesPerSweep = 64;
const lookAgainMs = 60_000; // the wall clock may jump, and a timer's length is fixed when it is set

export function createTimers(options: {
  clock: Pick<Clock, "setTimer">;
  time: SteadyClock;
  store: Pick<ScopeStore, "timers" | "nextDue">;
  /** Says whether the firing did something. */
  fire(timer: TimerRow & { taskId: TaskId }): Promise<boolean>;
  /** The rows could not be read; what is due stays due. */
  onError(error: unknown): void;
}): Timers {
  const { clock, time, store, fire } = options;
  let cancel: CancelTimer | undefined;
  let armedFor: readonly Due[] = [];
  let isSweeping = false;
  let isClosed = false;

  function arm(notBeforeMs = 0): void {
    if (isSweeping || isClosed) return;
    const due = store.nextDue();
    if (isSame(due, armedFor) && cancel !== undefined) return;
    cancel?.();
    cancel = undefined;
    armedFor = due;
    if (due.length === 0) return;
    const now = time.now();
    const delay = Math.max(notBeforeMs, Math.min(...due.map((each) => toMsUntil(each, now)), lookAgainMs), 0);
    cancel = clock.setTimer(delay, () => {
      cancel = undefined;
      sweep().catch(options.onError);
    });
  }

  async function sweep(): Promise<void> {
    isSweeping = true;
    let failed = 0;
    let hasRead = false;
    try {
      for (let page = 0; page < pagesPerSweep && !isClosed; page += 1) {
        const due = store.timers({ now: time.now(), count: limits.timersPerSweep, skip: failed });
        hasRead = true;
        if (due.length === 0) break; // also when the timer came a moment before the wall clock's time
        const fired = await Promise.all(due.map((timer) => fire(timer).catch(() => false)));
        failed += fired.filter((isFired) => !isFired).length; // T2: those behind them come next
      }
    } finally {
      isSweeping = false;
      arm(hasRead && failed === 0 ? 0 : retryMs);
    }
  }

  return {
    arm: () => arm(),
    close() {
      isClosed = true;
      cancel?.();
    },
  };
}

function isSame(left: readonly Due[], right: readonly Due[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ at, clock }, index) => right[index]?.at === at && right[index].clock === clock)
  );
}
