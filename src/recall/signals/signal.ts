import type { Evidence } from "../evidence.ts";

/** A group of signals of one idea. All values lie between about 0 and 1 and do not drift as the scope grows. */
export interface SignalGroup {
  names: readonly string[];
  /** Gives the values of all candidates: one list per name, each in the order of the candidates. */
  measure(evidence: Evidence): readonly (readonly number[])[];
}

/** The values divided by the greatest. */
export function byBest(values: readonly number[]): number[] {
  const best = Math.max(0, ...values);
  return values.map((value) => (best > 0 ? value / best : 0));
}
