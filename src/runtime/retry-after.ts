// The time after which a refused caller asks again, between two bounds: it doubles from one to the next, so that an answer is encoded once for
// many callers.

const firstMs = 25;
const mostMs = 3_200;

/** The first of these times, in milliseconds, that is not below `ms`; the longest when none is. */
export function toRetryMs(ms: number): number {
  let retryMs = firstMs;
  while (retryMs < ms && retryMs < mostMs) retryMs *= 2;
  return retryMs;
}
