// The plan: which columns of the aligned runs become steps, and which not, by who did them. What a step's result was good for is seen later,
// when the slots are known (compile.ts).

import type { Column } from "./align.ts";
import type { CleanStep } from "./clean.ts";

/** One step of the work before it is one of the playbook. */
export interface Planned {
  /** Where it stands. */
  readonly place: number;
  /** By the run's place. */
  readonly steps: readonly (CleanStep | undefined)[];
  /** The runs that did it. */
  readonly runs: readonly number[];
  /** The last of them, which stands for all. */
  readonly last: CleanStep;
  /** `some`: it is a branch, if something says when it is taken. */
  readonly taken: "always" | "some";
}

/** A column that becomes nothing. */
interface Unplanned {
  readonly title: string;
  readonly why: string;
}

/** Sorts the columns, in their order. */
export function plan(columns: readonly Column[], count: number): { planned: Planned[]; leftOut: Unplanned[] } {
  const planned: Planned[] = [];
  const leftOut: Unplanned[] = [];
  for (const [place, { steps }] of columns.entries()) {
    const runs = [...steps.keys()].filter((run) => steps[run] !== undefined);
    const last = steps[runs.at(-1) ?? -1];
    if (last === undefined) continue;
    const verdict = judge(steps, runs, { last, count });
    if (typeof verdict === "object") leftOut.push({ title: last.title, ...verdict });
    else planned.push({ place, steps, runs, last, taken: verdict });
  }
  return { planned, leftOut };
}

function judge(
  steps: readonly (CleanStep | undefined)[],
  runs: readonly number[],
  { last, count }: { last: CleanStep; count: number },
): Planned["taken"] | { why: string } {
  const isShared = runs.length === count;
  if (steps.some((step) => step?.isDoubtful === true) && !(isShared && count > 1 && last.effect !== "reads")) {
    return { why: "it failed, and nothing came back to it" };
  }
  if (isShared) return "always";
  const share = `${runs.length} of ${count} runs`;
  if (last.effect === "reads") return { why: `only ${share} looked at it` };
  if (last.effect !== "verifies") return "some";
  return runs.length * 2 > count ? "always" : { why: `only ${share} checked it` };
}
