// Alignment
//
// Lays the steps of several runs beside one another: one column a step of the work, with each run's own step in it or nothing. The runs are
// added one after the other to what is aligned already (Needleman and Wunsch, without a cost for a gap). Owns: which steps belong together.
//
// Invariants:
//   N1. A run's steps stand in its own order, but for steps that another order has brought apart: those meet in the earlier column.
//   N2. Steps of different tools never share a column.

import type { CleanStep } from "./clean.ts";
import { compareSketches, type Sketch, toSketch } from "./similar.ts";

/** One step of the work: each run's own, by the run's place. */
export interface Column {
  readonly steps: readonly (CleanStep | undefined)[];
}

/** From here on two steps may be the same. */
const alike = 0.4;
/** From here on they are the same in another order too. */
const moved = 0.75;

interface Draft {
  steps: (CleanStep | undefined)[];
  sketches: Sketch[];
}

/** The columns of `runs`, in the order of the run at `base`; every run's other steps stand between them. */
export function alignRuns(runs: readonly (readonly CleanStep[])[], base: number): Column[] {
  let columns: Draft[] = [];
  for (const index of [base, ...[...runs.keys()].filter((each) => each !== base)]) {
    columns = addRun(columns, runs[index] ?? [], { index, count: runs.length });
  }
  return joinMoved(columns).map(({ steps }) => ({ steps }));
}

function addRun(
  columns: readonly Draft[],
  steps: readonly CleanStep[],
  run: { index: number; count: number },
): Draft[] {
  const sketches = steps.map(toSketch);
  const width = steps.length + 1;
  const gains = new Float64Array(columns.length * width);
  const best = new Float64Array((columns.length + 1) * width);
  const bestAt = (row: number, place: number): number => best[row * width + place] ?? 0;
  for (let row = columns.length - 1; row >= 0; row--) {
    for (let place = steps.length - 1; place >= 0; place--) {
      const gain = compareColumn(columns[row]?.sketches ?? [], sketches[place]);
      gains[row * width + place] = gain;
      const taken = gain < alike ? 0 : gain + bestAt(row + 1, place + 1);
      best[row * width + place] = Math.max(taken, bestAt(row + 1, place), bestAt(row, place + 1));
    }
  }
  const aligned: Draft[] = [];
  const push = (column: Draft | undefined, place: number | undefined): void => {
    const empty = Array.from({ length: run.count }, (): CleanStep | undefined => undefined);
    const draft: Draft = column ?? { steps: empty, sketches: [] };
    const step = place === undefined ? undefined : steps[place];
    const sketch = place === undefined ? undefined : sketches[place];
    if (step === undefined || sketch === undefined) return void aligned.push(draft);
    aligned.push({ steps: draft.steps.with(run.index, step), sketches: [...draft.sketches, sketch] });
  };
  let [row, place] = [0, 0];
  while (row < columns.length && place < steps.length) {
    const gain = gains[row * width + place] ?? 0;
    if (gain >= alike && bestAt(row, place) === gain + bestAt(row + 1, place + 1)) push(columns[row++], place++);
    else if (bestAt(row, place) === bestAt(row + 1, place)) push(columns[row++], undefined);
    else push(undefined, place++);
  }
  while (row < columns.length) push(columns[row++], undefined);
  while (place < steps.length) push(undefined, place++);
  return aligned;
}

/** The mean over the column's first and last step: what is in between is like these. */
function compareColumn(column: readonly Sketch[], sketch: Sketch | undefined): number {
  const [first, last] = [column[0], column.at(-1)];
  if (first === undefined || last === undefined || sketch === undefined) return 0;
  return (
    (compareSketches(first, sketch) +
      (first === last ? compareSketches(first, sketch) : compareSketches(last, sketch))) /
    2
  );
}

/** Runs that did two things in another order have one of them in a column of its own: it joins the one it is like. */
function joinMoved(columns: readonly Draft[]): Draft[] {
  const joined: Draft[] = [];
  for (const column of columns) {
    const like = joined.find((each) => canJoin(each, column));
    if (like === undefined) joined.push({ ...column });
    else {
      like.steps = like.steps.map((step, index) => step ?? column.steps[index]);
      like.sketches = [...like.sketches, ...column.sketches];
    }
  }
  return joined;
}

function canJoin(left: Draft, right: Draft): boolean {
  if (left.steps.some((step, index) => step !== undefined && right.steps[index] !== undefined)) return false;
  const [one, two] = [left.sketches[0], right.sketches[0]];
  return one !== undefined && two !== undefined && compareSketches(one, two) >= moved;
}
