// Waits
//
// How an event says when a wait ends, and how a task remembers it. An event has the moments of the wall clock as it was, with the length that
// each is the end of, and how far the steady clock was ahead; a task remembers each with the clock on which it counts.

import { type Due, type Moment, toMsUntil, toWallTime } from "../../src/contracts/due.ts";

/** Of the facts that a decision is made with. */
interface Now {
  at: number;
  leadMs: number;
}

/** The present moment on both clocks. */
export function toNow({ at, leadMs }: Now): Moment {
  return { wall: at, steady: at + leadMs };
}

/** The lead as an event says it. */
export function toLead({ leadMs }: Now): { leadMs?: number } {
  return leadMs === 0 ? {} : { leadMs };
}

/** The end of a wait that an event began: of a length it is on the steady clock, and a moment that was named is on the wall clock. */
export function toDue(at: number, { isLength, leadMs = 0 }: { isLength: boolean; leadMs?: number | undefined }): Due {
  return isLength ? { at: at + leadMs, clock: "steady" } : { at, clock: "wall" };
}

/** An expiry that was given as a moment, or as a length from now; the moment goes first. */
export function toExpiry(
  { at }: Now,
  { expiresAt, expiresInMs }: { expiresAt?: number | undefined; expiresInMs?: number | undefined },
): { expiresAt?: number; expiresInMs?: number } {
  if (expiresAt !== undefined) return { expiresAt };
  return expiresInMs === undefined ? {} : { expiresAt: at + expiresInMs, expiresInMs };
}

/** A deadline as the event that begins a task says it. */
export function toDeadline(facts: Now, due: Due | null): { deadlineAt?: number; timeoutMs?: number } {
  if (due === null) return {};
  const now = toNow(facts);
  const deadlineAt = toWallTime(due, now);
  return due.clock === "wall" ? { deadlineAt } : { deadlineAt, timeoutMs: toMsUntil(due, now) };
}
