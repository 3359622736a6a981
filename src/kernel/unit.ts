import type { Random } from "./random.ts";

/** A number in [0, 1). */
export function toUnit(random: Pick<Random, "u32">): number {
  return random.u32() / 2 ** 32;
}
