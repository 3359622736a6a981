import type { Random } from "./random.ts";

/** Randomness that depends on `seed` alone (mulberry32), for tests and simulations. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  const u32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return { u32, bytes: (length) => Uint8Array.from({ length }, () => u32() & 255) };
}
