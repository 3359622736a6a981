// Learning scratch
//
// Room to learn a journal again beside what was learned, and the comparison of the two. The rows are in a database of their own, which
// SQLite keeps in the folder for temporary files and removes: they may be as many as the store's own.

import Database from "better-sqlite3";
import type { LearnedCursor, LearnedPage, LearningScratch } from "../../src/kernel/store.ts";
import { toStoreFailure } from "./failure.ts";
import { isBehind, outOfOrder } from "./in-order.ts";
import { createRecallRows, toTable } from "./recall-rows.ts";
import { createPrepare } from "./statement.ts";

type Differing = LearnedPage["differing"][number];

interface KeptRow {
  kind: number;
  key: unknown;
  value: Uint8Array;
}

/** Room beside the rows of the scope with this number, in the store's `database`. */
export function openLearningScratch(database: Database.Database, scope: number): LearningScratch {
  const again = new Database(database.memory ? ":memory:" : ""); // the empty name: a file without a name, gone with its closing
  again.pragma("journal_mode = OFF");
  again.pragma("synchronous = OFF");
  const rows = createRecallRows(again, scope);
  const sides = { kept: createSide(database, scope), again: createSide(again, scope) };

  /** `kept` shows what is changed or unexpected, `again` what is missing. */
  function look(of: LearnedCursor["of"], { kind, key, value }: KeptRow): Differing | undefined {
    const other = sides[of === "kept" ? "again" : "kept"].get(kind, key);
    const named = { table: toTable(kind), key: toName(key) };
    if (other === undefined) return { ...named, is: of === "kept" ? "unexpected" : "missing" };
    return of === "again" || Buffer.compare(value, other) === 0 ? undefined : { ...named, is: "changed" };
  }

  function compare(after: LearnedCursor | undefined, count: number): LearnedPage {
    const { of, kind, key } = after ?? first("kept");
    const page = sides[of].page(kind, key, count);
    const differing = page.map((row) => look(of, row)).filter((found) => found !== undefined);
    const last = page.at(-1);
    if (last !== undefined && !isBehind([last.kind, last.key], [kind, key])) throw outOfOrder("recall");
    if (last !== undefined) return { differing, next: { of, kind: last.kind, key: last.key } };
    return { differing, next: of === "kept" ? first("again") : undefined };
  }

  const guard = <Result>(run: () => Result): Result => {
    try {
      return run();
    } catch (error) {
      throw error instanceof Database.SqliteError ? toStoreFailure(error, "What was learned") : error;
    }
  };
  return {
    rows: rows as unknown as LearningScratch["rows"], // the rows are known by name here
    keep: () => guard(rows.flush),
    undo: rows.forget,
    compare: ({ after, count }) => guard(() => compare(after, count)),
    close: () => void again.close(),
  };
}

function first(of: LearnedCursor["of"]): LearnedCursor {
  return { of, kind: -1, key: 0 };
}

function createSide(database: Database.Database, scope: number) {
  const prepare = createPrepare(database);
  const page = prepare<[number, number, unknown, number], KeptRow>(
    "SELECT kind, key, value FROM recall WHERE scope = ? AND (kind, key) > (?, ?) ORDER BY kind, key LIMIT ?",
  );
  const one = prepare<[number, number, unknown], Uint8Array>(
    "SELECT value FROM recall WHERE scope = ? AND kind = ? AND key = ?",
  ).pluck();
  return {
    page: (kind: number, key: unknown, count: number) => page.all(scope, kind, toBound(key), count),
    get: (kind: number, key: unknown) => one.get(scope, kind, toBound(key)),
  };
}

function toBound(key: unknown): unknown {
  return typeof key === "number" && Number.isInteger(key) ? BigInt(key) : key;
}

function toName(key: unknown): string | number {
  return typeof key === "number" ? key : String(key);
}
