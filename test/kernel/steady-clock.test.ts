import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Moment } from "../../src/contracts/due.ts";
import { createSteadyClock } from "../../src/kernel/steady-clock.ts";

/** Clocks that a test sets: what the wall clock says, and how much time has passed. */
function setup(last?: Moment, wall = 1_000_000) {
  const hands = { wall, mono: 0 };
  const shifts: Moment[] = [];
  const clock = { now: () => hands.wall, mono: () => hands.mono };
  const steady = createSteadyClock({ clock, last, onShift: (now) => void shifts.push(now) });
  const pass = (ms: number): void => {
    hands.wall += ms;
    hands.mono += ms;
  };
  return { hands, shifts, steady, pass };
}

const hour = 3_600_000;

describe("the steady clock", () => {
  it("says what the wall clock says as long as that is not set", () => {
    const { steady, pass, shifts } = setup();

    pass(24 * hour);

    expect(steady.now()).toEqual({ wall: 1_000_000 + 24 * hour, steady: 1_000_000 + 24 * hour });
    expect(shifts).toEqual([]);
  });

  it("goes on by the time that passes when the wall clock is set back or ahead, and tells of it once (S1)", () => {
    for (const jump of [-hour, hour]) {
      const { hands, steady, pass, shifts } = setup();
      pass(10);
      hands.wall += jump;
      pass(10);

      const now = steady.now();
      steady.now();

      expect(now).toEqual({ wall: 1_000_020 + jump, steady: 1_000_020 });
      expect(shifts).toEqual([now]);
    }
  });

  it("does not count the time for which the machine slept", () => {
    const { hands, steady, pass } = setup();
    pass(10);
    hands.wall += 8 * hour; // the monotonic clock stands still meanwhile
    pass(10);

    expect(steady.now().steady).toBe(1_000_020);
  });

  it("follows a wall clock that is slewed, so that both do not part by fractions", () => {
    const { hands, steady, pass, shifts } = setup();
    pass(1_000);
    hands.wall += 40;

    expect(steady.now()).toEqual({ wall: 1_001_040, steady: 1_001_040 });
    expect(shifts).toEqual([]);
  });

  it("goes on after a restart by what the wall clock says has passed, and by nothing when that is earlier (S2)", () => {
    const last = { wall: 1_000_000, steady: 5_000_000 };

    expect(setup(last, 1_000_700).steady.now()).toEqual({ wall: 1_000_700, steady: 5_000_700 });
    expect(setup(last, 1_000_000 - hour).steady.now()).toEqual({ wall: 1_000_000 - hour, steady: 5_000_000 });
  });

  it("is never further from the time that passed than its slack, whatever is done to the wall clock (S1)", () => {
    const move = fc.record({ passMs: fc.nat(10_000), jumpMs: fc.integer({ min: -2 * hour, max: 2 * hour }) });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        const { hands, steady, pass } = setup();
        for (const { passMs, jumpMs } of moves) {
          pass(passMs);
          hands.wall += jumpMs;
          const { wall, steady: said } = steady.now();
          expect(Math.abs(said - (1_000_000 + hands.mono))).toBeLessThanOrEqual(100);
          expect(wall).toBe(hands.wall);
        }
      }),
    );
  });
});
