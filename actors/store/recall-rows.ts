// Recall's rows in SQLite
//
// One table for all of recall's tables: a row is found by scope, table and key. Owns: that table, and a bounded number of rows as objects.
// Does not own: how a row becomes bytes (recall-codec.ts), and transactions. Whoever rolls one back calls `forget`.

import type Database from "better-sqlite3";
import { AionisError } from "../../src/contracts/failures.ts";
import { toChecksum } from "../../src/kernel/digest.ts";
import { emptyRows, type RecallRows, type RecallTables } from "../../src/recall/index.ts";
import { decodeRow, encodeRow, type Row } from "./recall-codec.ts";
import { createPrepare } from "./statement.ts";

/** Rows on a database that somebody else opens and closes. */
export interface StoredRecallRows extends RecallRows {
  /** Writes each row that was put since the last time, once. To be called before a commit; until then they are in memory alone. */
  flush(): void;
  /** Lets go of the rows held as objects: they may be of a transaction that was rolled back. */
  forget(): void;
}

/** The table whose rows are stored under a number. */
export const toTable = (kind: number): string => tables[kind] ?? `table ${kind}`;

/** The table, for the schema. */
export const recallTable = `CREATE TABLE IF NOT EXISTS recall (
    scope INTEGER NOT NULL, kind INTEGER NOT NULL, key ANY NOT NULL, value BLOB NOT NULL, PRIMARY KEY (scope, kind, key)
  ) STRICT, WITHOUT ROWID;`;

/** How many rows of a table are held, up to twice: many of those that are small and asked for again and again, few of long lists. */
const heldOften = 4_000;
const heldSeldom = 600;
const small: ReadonlySet<string> = new Set<keyof RecallTables>(["words", "paths", "files", "episodes", "folders"]);
const tables = Object.keys(emptyRows) as (keyof RecallTables)[]; // their order is that of the stored numbers
const numberOf = new Map(tables.map((table, number) => [table, number]));

/** The rows of one scope, by its number in the store. */
export function createRecallRows(database: Database.Database, scope: number): StoredRecallRows {
  database.exec(recallTable);
  const prepare = createPrepare(database);
  const select = prepare<[number, number, string | bigint], Uint8Array>(
    "SELECT value FROM recall WHERE scope = ? AND kind = ? AND key = ?",
  ).pluck();
  const upsert = prepare(
    `INSERT INTO recall (scope, kind, key, value) VALUES (?, ?, ?, ?)
     ON CONFLICT (scope, kind, key) DO UPDATE SET value = excluded.value`,
  );
  const held = tables.map((table) => createHeld(small.has(table) ? heldOften : heldSeldom));
  const unwritten = tables.map(() => new Map<string | number, Row>());

  return {
    get(table, key) {
      const kind = numberOf.get(table) ?? 0;
      let row: Row | null | undefined = held[kind]?.get(key) ?? unwritten[kind]?.get(key);
      if (row === undefined) {
        const value = select.get(scope, kind, toKey(key));
        row = value === undefined ? null : decodeRow(table, open(kind, key, value));
        held[kind]?.set(key, row);
      }
      return (row ?? undefined) as never; // it was put under the table's own type
    },
    put(table, key, row) {
      const kind = numberOf.get(table) ?? 0;
      unwritten[kind]?.set(key, row as unknown as Row); // every row is made of numbers, lists of them, and texts
      held[kind]?.set(key, row as unknown as Row); // as above
    },
    flush() {
      for (const [kind, rows] of unwritten.entries()) {
        for (const [key, row] of rows)
          upsert.run(scope, kind, toKey(key), seal(kind, key, encodeRow(tables[kind] ?? "words", row)));
        rows.clear();
      }
    },
    forget() {
      for (const rows of [...held, ...unwritten]) rows.clear();
    },
  };
}

interface Held {
  /** Null for a row that there is not: most new words are asked for several times. */
  get(key: string | number): Row | null | undefined;
  set(key: string | number, row: Row | null): void;
  clear(): void;
}

/** The rows used last, between `max` and twice as many: when the newer ones are full, they become the older ones, and those go. */
function createHeld(max: number): Held {
  let newer = new Map<string | number, Row | null>();
  let older = new Map<string | number, Row | null>();
  const set = (key: string | number, row: Row | null): void => {
    if (newer.size >= max) {
      older = newer;
      newer = new Map();
    }
    newer.set(key, row);
  };
  return {
    get(key) {
      const row = newer.get(key);
      if (row !== undefined) return row;
      const known = older.get(key);
      if (known !== undefined) set(key, known);
      return known;
    },
    set,
    clear() {
      newer.clear();
      older.clear();
    },
  };
}

const sealBytes = 4;

/** Behind a row stands a checksum of it and of its key, so that one that was changed, or is another's, is not read. */
function seal(kind: number, key: string | number, row: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(row.byteLength + sealBytes);
  sealed.set(row);
  sealed.writeUInt32LE(toSeal(kind, key, row), row.byteLength);
  return sealed;
}

function open(kind: number, key: string | number, sealed: Uint8Array): Uint8Array {
  const end = sealed.byteLength - sealBytes;
  const row = sealed.subarray(0, Math.max(0, end));
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (end >= 0 && view.getUint32(end, true) === toSeal(kind, key, row)) return row;
  throw new AionisError(
    "JOURNAL_DAMAGED",
    `What was learned of ${toTable(kind)} ${key} is not what was written. A rebuild learns it again from the journal.`,
    { facts: { table: "recall" } },
  );
}

function toSeal(kind: number, key: string | number, row: Uint8Array): number {
  return toChecksum(row, toChecksum(`${kind}/${key}`));
}

/** SQLite's integers, so that the key column compares them as such. */
function toKey(key: string | number): string | bigint {
  return typeof key === "number" ? BigInt(key) : key;
}
