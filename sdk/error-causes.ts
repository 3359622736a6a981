const errorsMax = 32;

/**
 * `error` and those that it was made from, itself first: its `cause`, what an `AggregateError` holds (`Promise.any` makes one), and both of a
 * `SuppressedError` (a disposal that failed after the work did). The first 32 of them. Anything can be thrown; this does not throw.
 */
export function listErrors(error: unknown): unknown[] {
  const found = [error];
  for (const next of found) {
    found.push(...listInner(next));
    if (found.length > errorsMax) break;
  }
  return found.slice(0, errorsMax);
}

const single = ["cause", "error", "suppressed"] as const;

function listInner(error: unknown): unknown[] {
  try {
    if (!(error instanceof Error)) return [];
    const inner = single.map((field): unknown => Reflect.get(error, field));
    const several: unknown = Reflect.get(error, "errors");
    if (Array.isArray(several)) inner.push(...(several as readonly unknown[]).slice(0, errorsMax));
    return inner.filter((item) => typeof item === "object" && item !== null);
  } catch {
    return []; // a getter or a proxy that throws
  }
}
