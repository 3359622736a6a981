/** The time in milliseconds, on a scale that the processes of one machine share: each has a `performance.now()` of its own. */
export function toMoment(): number {
  return performance.timeOrigin + performance.now();
}
