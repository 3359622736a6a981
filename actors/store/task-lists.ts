// Task lists
//
// Lists of tasks, newest first. Each goes along one index, in which it finds its tasks in that order; what else is asked for is compared
// task by task. So a part of a list looks at a fixed number of rows, whatever the store holds.

import type Database from "better-sqlite3";
import type { TaskId } from "../../src/contracts/ids.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { TaskFilter, TaskKey, TaskNumber, TaskRow } from "../../src/kernel/store.ts";
import { scopeStride } from "./schema.ts";
import type { Prepare } from "./statement.ts";

export const taskColumns = "task, id, state, kind, parent_id AS parentId, title, snapshot, snapshot_seq AS snapshotSeq";
const keyColumns = "task, id, state, kind, parent_id AS parentId";

type PartOptions = TaskFilter & { before?: TaskNumber | undefined; count: number };

/** Prepares the lists on an open database. */
export function createTaskLists(prepare: Prepare, byId: Database.Statement<[number, string], TaskRow>) {
  const along = (index: string, column: string) =>
    prepare<[number, string, number, number], TaskKey>(
      `SELECT ${keyColumns} FROM tasks INDEXED BY ${index} WHERE scope = ? AND ${column} = ? AND task < ? ORDER BY task DESC LIMIT ?`,
    );
  const [ofParent, ofKind, inState] = [
    along("tasks_by_parent", "parent_id"),
    along("tasks_by_kind", "kind"),
    along("tasks_by_state", "state"),
  ];
  const all = prepare<[number, number, number], TaskKey>(
    `SELECT ${keyColumns} FROM tasks NOT INDEXED WHERE task > ? AND task < ? ORDER BY task DESC LIMIT ?`,
  );
  const child = prepare<[number, string, number], TaskKey>(
    `SELECT ${keyColumns} FROM tasks INDEXED BY tasks_by_parent WHERE scope = ? AND parent_id = ? AND task > ? ORDER BY task LIMIT 1`,
  );

  function look(scope: number, { before, count, states, kind, parentId }: PartOptions): TaskKey[] {
    const from = before ?? (scope + 1) * scopeStride;
    if (parentId !== undefined) return ofParent.all(scope, parentId, from, count);
    if (kind !== undefined) return ofKind.all(scope, kind, from, count);
    if (states === undefined) return all.all(scope * scopeStride, from, count);
    const found = [...new Set(states)].flatMap((state) => inState.all(scope, state, from, count));
    return found.sort((left, right) => right.task - left.task).slice(0, count);
  }

  function tasksWithin(scope: number, options: PartOptions): { tasks: TaskKey[]; next: TaskNumber | undefined } {
    const looked = look(scope, options);
    const last = looked.length === options.count ? looked.at(-1) : undefined;
    return { tasks: looked.filter((key) => fits(key, options)), next: last?.task };
  }

  return {
    tasksWithin,
    tasks(scope: number, { before, count, ...filter }: TaskFilter & { before?: TaskId | undefined; count: number }) {
      const rows: TaskRow[] = [];
      let from = before === undefined ? undefined : (byId.get(scope, before)?.task ?? 0);
      do {
        const { tasks, next } = tasksWithin(scope, { ...filter, before: from, count: limits.partRows });
        for (const { id } of tasks.slice(0, count - rows.length)) {
          const row = byId.get(scope, id);
          if (row !== undefined) rows.push(row);
        }
        from = next;
      } while (from !== undefined && rows.length < count);
      return rows;
    },
    nextChild: (scope: number, parentId: TaskId, after: TaskNumber) => child.get(scope, parentId, after),
  };
}

function fits({ state, kind, parentId }: TaskKey, filter: TaskFilter): boolean {
  if (filter.states?.includes(state) === false) return false;
  if (filter.parentId !== undefined && filter.parentId !== parentId) return false;
  return filter.kind === undefined ? filter.exceptKinds?.includes(kind) !== true : filter.kind === kind;
}
