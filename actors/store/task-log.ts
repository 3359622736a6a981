// Task log
//
// Reads the events of one task, through its index and its tail (see task-index.ts).

import type Database from "better-sqlite3";
import type { StoredEvent, TaskNumber } from "../../src/kernel/store.ts";
import { type EventRow, eventColumns, inOrder, joined, type ScopeKey, takePage } from "./event-row.ts";
import { scopeStride } from "./schema.ts";
import { createPrepare } from "./statement.ts";

interface Page {
  task: TaskNumber;
  count: number;
  types?: readonly string[] | undefined;
  until?: number | undefined;
  bytes?: number | undefined;
  isWhole?: boolean | undefined;
}

/** `from` and `until` are sequences; without types, `types` is null. */
type Bounds = { task: TaskNumber; start: number; from: number; until: number; types: string | null; count: number };
type Statement = Database.Statement<[Bounds], EventRow>;

export type TaskLog = ReturnType<typeof createTaskLog>;

/** Prepares the statements of the log on an open database. */
export function createTaskLog(database: Database.Database) {
  const prepare = createPrepare(database);
  const index = "task_events x";
  const tail = "(SELECT t.task, j.value AS seq FROM tails t, json_each(t.seqs) j) x";
  const after = "> @from AND x.seq <= @until";
  const forward = [prepareOn(index, after, "ASC"), prepareOn(tail, after, "ASC")];
  const backward = [prepareOn(tail, "< @from", "DESC"), prepareOn(index, "< @from", "DESC")];

  function prepareOn(table: string, range: string, order: "ASC" | "DESC"): Statement {
    return prepare(
      `SELECT ${eventColumns} FROM ${table} CROSS JOIN events e ON e.pos = @start + x.seq ${joined}
       WHERE x.task = @task AND x.seq ${range} AND (@types IS NULL OR e.type IN (SELECT value FROM json_each(@types)))
       ORDER BY x.seq ${order} LIMIT @count`,
    );
  }

  /** One after the other: the events of the tail are later than those of the index. */
  function* select(statements: readonly Statement[], scope: ScopeKey, from: number, page: Page): Iterable<EventRow> {
    const { task, types, until = scopeStride } = page;
    const bounds = {
      task,
      start: scope.number * scopeStride,
      from,
      until,
      types: types ? JSON.stringify(types) : null,
    };
    let left = page.count;
    for (const statement of statements) {
      if (left === 0) return;
      for (const row of statement.iterate({ ...bounds, count: left })) {
        left -= 1;
        yield row;
      }
    }
  }

  return {
    read: (scope: ScopeKey, page: Page & { after: number }): StoredEvent[] =>
      takePage(scope, inOrder(select(forward, scope, page.after, page), scope.number * scopeStride + page.after), page),
    readLast: (
      scope: ScopeKey,
      { before = scopeStride, ...page }: Page & { before?: number | undefined },
    ): StoredEvent[] =>
      takePage(scope, select(backward, scope, before, page), { bytes: page.bytes, isWhole: true }).reverse(),
  };
}
