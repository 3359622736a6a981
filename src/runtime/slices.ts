// Slices
//
// Long work in short slices, between which everything else has its turn: a caller never waits for more than one of them. Owns: how long a
// slice is, and when the work is given up. Does not own: the work.

import { AionisError } from "../contracts/failures.ts";
import type { Clock } from "../kernel/clock.ts";

/** Milliseconds that a slice takes, and the part that was begun when they were over. */
const sliceMs = 4;

export interface SliceOptions {
  clock: Pick<Clock, "mono" | "defer">;
  /** Whether the work is still to be done: its caller is there, and the runtime is not closing. */
  isWanted(): boolean;
  /** Runs a slice in a turn of its own; without it a slice runs as it is. */
  inTurn?: ((slice: () => void) => Promise<void>) | undefined;
}

/** Takes all of `parts`. @throws AionisError `RUNTIME_CLOSED` when it is not wanted any more, and what a part throws. */
export async function takeInSlices<Result>(
  parts: Iterator<unknown, Result, void>,
  { clock, isWanted, inTurn }: SliceOptions,
): Promise<Result> {
  let end: { value: Result } | undefined;
  const slice = (): void => {
    const endsAt = clock.mono() + sliceMs;
    do {
      const next = parts.next();
      if (next.done === true) end = { value: next.value };
    } while (end === undefined && clock.mono() < endsAt);
  };
  try {
    for (;;) {
      if (!isWanted())
        throw new AionisError("RUNTIME_CLOSED", "It was given up: its caller has gone, or the runtime closes.");
      if (inTurn === undefined) slice();
      else await inTurn(slice);
      if (end !== undefined) return end.value;
      await new Promise<void>((resolve) => clock.defer(resolve));
    }
  } finally {
    parts.return?.();
  }
}
