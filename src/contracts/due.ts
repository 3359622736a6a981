// Due moments
//
// A wait ends at a moment of one of two clocks. The wall clock has the moments that a caller names, such as a deadline at noon: when the clock
// is set, they come sooner or later. The steady clock has the ends of lengths, such as a backoff of a second: it goes on by the time that
// passes, however the wall clock is set.

import { z } from "zod";
import { Time } from "./values.ts";

/** The moment at which a wait ends, in milliseconds, and on which clock. */
export const Due = z.strictObject({ at: Time, clock: z.enum(["steady", "wall"]) });
export type Due = z.infer<typeof Due>;

/** One moment as both clocks say it, in milliseconds. */
export interface Moment {
  readonly wall: number;
  readonly steady: number;
}

/** Milliseconds from `now` until `due`; negative when it has passed. */
export function toMsUntil(due: Due, now: Moment): number {
  return due.at - now[due.clock];
}

/** Whether `due` has come. */
export function isDue(due: Due, now: Moment): boolean {
  return toMsUntil(due, now) <= 0;
}

/** When the wall clock will say that `due` has come, if it is not set until then. */
export function toWallTime(due: Due, now: Moment): number {
  return due.clock === "wall" ? due.at : Math.max(due.at - now.steady + now.wall, 0);
}
