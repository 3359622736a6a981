// The time of a scope
//
// Goes on with the steady clock of a scope where its last process left it, and writes down where it stands when the wall clock was set. Owns:
// that row. Does not own: the clock itself, and what waits by it.

import type { Moment } from "../contracts/due.ts";
import type { Clock } from "../kernel/clock.ts";
import { createSteadyClock, type SteadyClock } from "../kernel/steady-clock.ts";
import type { ScopeStore } from "../kernel/store.ts";

export interface ScopeTime {
  readonly clock: SteadyClock;
  /** Within an open transaction, behind its events: writes the lead down if it has changed. */
  write(): void;
  /** What was written last is committed. */
  committed(): void;
}

/** `onShift` is called when there is something to write that no command may bring soon. */
export function createScopeTime(options: {
  clock: Pick<Clock, "now" | "mono">;
  store: Pick<ScopeStore, "clockMark" | "putClockMark" | "head" | "event" | "nextDue" | "nextTarget">;
  onShift(): void;
}): ScopeTime {
  const { store } = options;
  const before = tryTo(() => store.clockMark());
  const clock = createSteadyClock({ ...options, last: tryTo(() => findLast(store)) });
  let keptMs = before === undefined ? 0 : before.steady - before.wall;
  let writtenMs = keptMs;

  return {
    clock,
    write() {
      const now = clock.now();
      writtenMs = now.steady - now.wall;
      if (writtenMs !== keptMs) store.putClockMark({ seq: store.head().seq, ...now });
    },
    committed() {
      keptMs = writtenMs;
    },
  };
}

/** The last moment that the store tells of; nothing when nothing waits in it, so that the steady clock may begin with the wall clock. */
function findLast(
  store: Pick<ScopeStore, "clockMark" | "head" | "event" | "nextDue" | "nextTarget">,
): Moment | undefined {
  if (store.nextDue().length === 0 && store.nextTarget("") === undefined) return undefined;
  const mark = store.clockMark();
  const { seq } = store.head();
  if (mark !== undefined && mark.seq >= seq) return mark;
  const wall = store.event(seq)?.at;
  return wall === undefined ? mark : { wall, steady: wall + (mark === undefined ? 0 : mark.steady - mark.wall) };
}

/** A store that cannot be read says so to the part of the runtime that needs it. */
function tryTo<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
