// Turns
//
// Of all works that go on in short slices, one has a slice in each turn of the event loop. The runtimes of a process share the turns, and
// each serves one scope: so a slice of one scope comes after a slice of the other, however much is asked for in one of them. Owns: the order
// of those that have something to do, and how much of the present turn is used. Does not own: whose work of a scope goes on, and how long a slice is.

import type { Clock } from "../kernel/clock.ts";

/** The turns that some works share. */
export interface Turns {
  /** Milliseconds of the present turn that were used. */
  spentMs: number;
  /** Calls `take` once, in a turn of its own; when that has nothing to do and says so, the turn is the next one's. */
  ask(take: () => boolean): void;
}

/** Turns on a clock, for no other works. */
export function createTurns(clock: Pick<Clock, "defer">): Turns {
  let waiting: (() => boolean)[] = [];
  const turns: Turns = {
    spentMs: 0,
    ask(take) {
      waiting.push(take);
      if (waiting.length === 1) clock.defer(open);
    },
  };

  function open(): void {
    turns.spentMs = 0;
    const asked = waiting;
    waiting = [];
    const taken = asked.findIndex((take) => take());
    const left = taken === -1 ? [] : asked.slice(taken + 1);
    const isDue = waiting.length > 0; // one that was called has asked again
    waiting = [...left, ...waiting];
    if (!isDue && waiting.length > 0) clock.defer(open);
  }

  return turns;
}

const shared = new WeakMap<object, { quick: Turns; slow: Turns }>();

/** The turns of all runtimes on one clock: of what most calls ask, and of what looks at a whole store. */
export function turnsOf(clock: Pick<Clock, "defer">): { quick: Turns; slow: Turns } {
  const known = shared.get(clock) ?? { quick: createTurns(clock), slow: createTurns(clock) };
  shared.set(clock, known);
  return known;
}
