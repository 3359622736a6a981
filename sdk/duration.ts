import { fromDuration } from "../src/contracts/duration.ts";
import { AionisError } from "../src/contracts/failures.ts";
import { limits } from "../src/contracts/limits.ts";

/** A length of time: milliseconds, or a number with a unit such as `"90s"`, `"2h"`, `"1.5d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** @throws AionisError `INPUT_INVALID` when it is no length of time, or longer than `limits.waitMs`. */
export function toMs(duration: Duration): number {
  const ms = typeof duration === "number" ? duration : fromDuration(duration);
  if (ms !== undefined && ms >= 0 && ms <= limits.waitMs) return Math.round(ms);
  throw new AionisError(
    "INPUT_INVALID",
    `"${duration}" is no length of time up to a year; write milliseconds, or "90s", "2h".`,
  );
}
