import { AionisError } from "../src/contracts/failures.ts";
import { limits } from "../src/contracts/limits.ts";

/** A length of time: milliseconds, or a number with a unit such as `"90s"`, `"2h"`, `"1.5d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @throws AionisError `INPUT_INVALID` when it is no length of time, or longer than `limits.waitMs`. */
export function toMs(duration: Duration): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? [];
  const ms = typeof duration === "number" ? duration : Number(amount) * units[unit as keyof typeof units]; // NaN without a match
  if (ms >= 0 && ms <= limits.waitMs) return Math.round(ms);
  throw new AionisError(
    "INPUT_INVALID",
    `"${duration}" is no length of time up to a year; write milliseconds, or "90s", "2h".`,
  );
}
