// The steady clock
//
// Wall time plus a lead, which changes when the wall clock is set: so that lengths of time that are kept over restarts neither grow nor are
// skipped. Owns: the lead. Does not own: which waits there are, and where the lead is kept between two processes.
//
// Invariants:
//   S1. While it lives it goes on with the monotonic clock, to within `slackMs`.
//   S2. Over a restart it goes on by the time that the wall clock says has passed, and never back: what was left of a wait does not grow.

import type { Moment } from "../contracts/due.ts";
import type { Clock } from "./clock.ts";

export interface SteadyClock {
  /** The present moment on both clocks. The steady one is the wall clock plus `leadMs`, in whole milliseconds. */
  now(): Moment;
}

/** Both clocks disagree by parts of a millisecond always, and by more where the wall clock is slewed. */
const slackMs = 100;

export interface SteadyOptions {
  clock: Pick<Clock, "now" | "mono">;
  /** The last moment that is known of the time before this process; nothing where no wait goes on from then. */
  last?: Moment | undefined;
  /** Called with the present moment when the lead has changed: the wall clock was set, or the machine slept. */
  onShift?: ((now: Moment) => void) | undefined;
}

/** Goes on from `last`, or begins with the wall clock. */
export function createSteadyClock({ clock, last, onShift }: SteadyOptions): SteadyClock {
  const startWall = clock.now();
  const startSteady = last === undefined ? startWall : last.steady + Math.max(startWall - last.wall, 0); // S2
  const startMono = clock.mono();
  let leadMs = startSteady - startWall;

  return {
    now() {
      const wall = clock.now();
      const wanted = startSteady + clock.mono() - startMono;
      const hasShifted = Math.abs(wanted - wall - leadMs) > slackMs; // S1
      if (hasShifted) leadMs = Math.round(wanted - wall);
      const now = { wall, steady: wall + leadMs };
      if (hasShifted) onShift?.(now);
      return now;
    },
  };
}
