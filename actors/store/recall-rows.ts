// Recall's rows in SQLite
//
// One table for all of recall's tables: a row is found by scope, table and key and holds its numbers as bytes. Owns: that table, which it
// makes itself, and a bounded number of rows as objects. Does not own: transactions. Whoever rolls one back calls `forget`.
//
// JSON would be read three times as slowly, and columns for each list would be as many overflow chains.

import type Database from "better-sqlite3";
import { emptyRows, type RecallRows, type RecallTables } from "../../src/recall/index.ts";
import { createPrepare } from "./statement.ts";

/** Rows on a database that somebody else opens and closes. */
export interface StoredRecallRows extends RecallRows {
  /** Writes each row that was put since the last time, once. To be called before a commit; until then they are in memory alone. */
  flush(): void;
  /** Lets go of the rows held as objects: they may be of a transaction that was rolled back. */
  forget(): void;
}

const heldMax = 1_500; // of each table: some 20 MB at most, mostly of common words
const tables = Object.keys(emptyRows) as (keyof RecallTables)[]; // their order is that of the stored numbers

/** The rows of one scope, by its number in the store. */
export function createRecallRows(database: Database.Database, scope: number): StoredRecallRows {
  database.exec(`CREATE TABLE IF NOT EXISTS recall (
    id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, kind INTEGER NOT NULL, key ANY NOT NULL, value BLOB NOT NULL,
    UNIQUE (scope, kind, key)
  ) STRICT`);
  const prepare = createPrepare(database);
  const select = prepare<[number, number, string | bigint], { value: Uint8Array }>(
    "SELECT value FROM recall WHERE scope = ? AND kind = ? AND key = ?",
  );
  const upsert = prepare(
    `INSERT INTO recall (scope, kind, key, value) VALUES (?, ?, ?, ?)
     ON CONFLICT (scope, kind, key) DO UPDATE SET value = excluded.value`,
  );
  const held = tables.map(() => new Map<string | number, Row>());
  const unwritten = tables.map(() => new Map<string | number, Row>());
  const hold = (kind: number, key: string | number, row: Row): void => {
    const rows = held[kind];
    rows?.set(key, row);
    // The one that came first goes, used or not: to keep the order of use would cost each reading two writes.
    if (rows !== undefined && rows.size > heldMax) for (const oldest of rows.keys()) return void rows.delete(oldest);
  };

  return {
    get(table, key) {
      const kind = tables.indexOf(table);
      let row = unwritten[kind]?.get(key) ?? held[kind]?.get(key);
      if (row === undefined) {
        const value = select.get(scope, kind, toKey(key))?.value;
        row = value === undefined ? undefined : decode(table, value);
        if (row !== undefined) hold(kind, key, row);
      }
      return row as never; // it was put under the table's own type
    },
    put(table, key, row) {
      unwritten[tables.indexOf(table)]?.set(key, row as unknown as Row); // every row is made of numbers, lists of them, and texts
    },
    flush() {
      for (const [kind, rows] of unwritten.entries()) {
        for (const [key, row] of rows) {
          upsert.run(scope, kind, toKey(key), encode(tables[kind] ?? "words", row));
          hold(kind, key, row);
        }
        rows.clear();
      }
    },
    forget() {
      for (const rows of [...held, ...unwritten]) rows.clear();
    },
  };
}

type Row = Record<string, number | string | number[]>;

/** SQLite's integers, so that the key column compares them as such. */
function toKey(key: string | number): string | bigint {
  return typeof key === "number" ? BigInt(key) : key;
}

/** The numbers in the order of the table's fields, a list behind its length; a text's bytes behind all of them. */
function encode(table: keyof RecallTables, row: Row): Uint8Array {
  const names = Object.keys(emptyRows[table]);
  let count = 0;
  for (const name of names) {
    const value = row[name];
    count += typeof value === "object" ? 1 + value.length : 1; // one too many for a text
  }
  const numbers = new Float64Array(count);
  let at = 0;
  let text = "";
  for (const name of names) {
    const value = row[name] ?? 0;
    if (typeof value === "number") numbers[at++] = value;
    else if (typeof value === "string") text = value;
    else {
      numbers[at] = value.length;
      numbers.set(value, at + 1);
      at += 1 + value.length;
    }
  }
  const bytes = new Uint8Array(numbers.buffer, 0, 8 * at);
  return text === "" ? bytes : Buffer.concat([bytes, Buffer.from(text)]);
}

function decode(table: keyof RecallTables, bytes: Uint8Array): Row {
  const numbers = new Float64Array(new Uint8Array(bytes.subarray(0, bytes.length - (bytes.length % 8))).buffer); // a copy: aligned
  const row: Row = {};
  let at = 0;
  for (const [name, empty] of Object.entries(emptyRows[table])) {
    if (typeof empty === "string")
      row[name] = ""; // keeps the order of the fields
    else if (typeof empty === "number") row[name] = numbers[at++] ?? 0;
    else {
      const length = numbers[at] ?? 0;
      const list = new Array<number>(length);
      for (let index = 0; index < length; index += 1) list[index] = numbers[at + 1 + index] ?? 0; // Array.from takes ten times as long
      row[name] = list;
      at += 1 + length;
    }
  }
  const text = Buffer.from(bytes.subarray(8 * at)).toString();
  for (const name of Object.keys(row)) if (row[name] === "") row[name] = text;
  return row;
}
