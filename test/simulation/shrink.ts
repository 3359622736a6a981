import { type RunOptions, type RunResult, simulate } from "./simulate.ts";

/**
 * Finds a short list of faults with which the seed still fails: halves first, then ever smaller parts (delta debugging). The result is one
 * of which no single fault can be left out, unless `runsMax` ended the search.
 */
export async function shrink(options: RunOptions & { runsMax: number }): Promise<RunResult> {
  let best = await simulate(options);
  let parts = 2;
  for (let runs = 1; best.faults.length > 0 && runs < options.runsMax; ) {
    const size = Math.ceil(best.faults.length / parts);
    let isSmaller = false;
    for (let start = 0; start < best.faults.length && runs < options.runsMax; start += size, runs += 1) {
      const plan = new Set(best.faults.filter((_, index) => index < start || index >= start + size));
      const result = await simulate({ ...options, plan });
      if (result.violations.length === 0 || result.faults.length >= best.faults.length) continue;
      best = result;
      isSmaller = true;
      break;
    }
    if (!isSmaller && size === 1) return best;
    parts = isSmaller ? Math.max(2, parts - 1) : Math.min(best.faults.length, parts * 2);
  }
  return best;
}
