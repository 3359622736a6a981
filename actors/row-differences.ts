// Row differences
//
// What is said of a task's rows that are not what its journal folds to.

import type { TaskId } from "../src/contracts/ids.ts";
import { isSameJson } from "../src/contracts/json.ts";
import type { TaskRow, TaskRows } from "../src/kernel/store.ts";
import type { Problem } from "./problem.ts";

const tableOf = {
  row: "tasks",
  indexed: "task_events",
  tail: "tails",
  timers: "timers",
  claimables: "claimable",
  packets: "packets",
} as const satisfies Record<keyof TaskRows, string>;

/** Each kind of rows of a task that is not what its journal folds to. */
export function compareRows(taskId: TaskId, kept: TaskRows, folded: TaskRows): Problem[] {
  return (Object.keys(tableOf) as (keyof TaskRows)[]) // has every name of its type
    .filter((name) => !isSameJson(inOrder(kept[name]), inOrder(folded[name])))
    .map((name) => differs(taskId, name, kept[name], folded[name]));
}

/** That rows are not what the journal folds to. */
export function differs(taskId: TaskId, name: keyof TaskRows | "steps", kept: unknown, folded: unknown): Problem {
  return {
    what: `the ${name} of ${taskId} are ${excerpt(kept)}; its journal folds to ${excerpt(folded)}`,
    table: name === "steps" ? name : tableOf[name],
    key: taskId,
    taskId,
    mend: "rebuild",
  };
}

/** Rows of a table have no order of their own. */
function inOrder(rows: TaskRow | number | undefined | readonly (object | number)[]): unknown {
  if (!isList(rows)) return rows;
  return rows.map((row) => (typeof row === "number" ? `${row}` : JSON.stringify(Object.entries(row).sort()))).sort();
}

function isList(rows: unknown): rows is readonly (object | number)[] {
  return Array.isArray(rows);
}

function excerpt(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 600) ?? "absent";
}
