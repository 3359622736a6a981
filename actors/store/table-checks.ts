// Table checks
//
// Looks through every table for what SQLite does not tell by itself: a row that one of its indexes does not find, an entry of an index
// without its row, a row of a scope that there is not. Reads the tables as they are declared, so that a new index is checked, too. Owns: the
// walk. Does not own: what is wrong with a row by itself (table-rules.ts), or what the journal gives (actors/refold.ts, actors/relearn.ts).
//
// A part looks at a page of rows and at their entries within one moment, so that commands may come between two parts.

import Database from "better-sqlite3";
import { isFailure } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { TableProblem } from "../../src/kernel/store.ts";
import { toStoreFailure } from "./failure.ts";
import { isBehind, outOfOrder } from "./in-order.ts";
import { scopeStride } from "./schema.ts";
import { createPrepare, type Prepare } from "./statement.ts";
import { type TableRule, tableRules } from "./table-rules.ts";

type Problems = TableProblem[];
type Parts = Generator<Problems, void, void>;

const keyChars = 200;

interface Index {
  readonly name: string;
  readonly columns: readonly string[];
  /** Which rows have an entry, as a condition on one of its columns; all when absent. */
  readonly when: string | undefined;
}

interface Table {
  readonly name: string;
  readonly rule: TableRule;
  /** The columns that tell a row from the others. */
  readonly identity: readonly string[];
  readonly indexes: readonly Index[];
}

/** Looks through all tables; see `Store.checkTables`. */
export function* checkTables(database: Database.Database, mends: boolean): Parts {
  const prepare = createPrepare(database);
  for (const [name, rule] of Object.entries(tableRules)) {
    const table = readTable(prepare, name, rule);
    const check = new TableCheck(database, table, mends);
    yield* guarded(name, check.indexes());
    yield* guarded(name, check.rows());
    yield* guarded(name, check.scopes());
  }
  yield* guarded("payloads", checkUse(prepare, mends));
}

/** What cannot be read is told, and ends the walk of its table. */
function* guarded(table: string, parts: Parts): Parts {
  try {
    yield* parts;
  } catch (error) {
    if (!(error instanceof Database.SqliteError) && !isFailure(error, "JOURNAL_DAMAGED")) throw error;
    const failure = toStoreFailure(error, `The table ${table}`);
    if (failure.code !== "JOURNAL_DAMAGED") throw failure;
    yield [{ table, what: `a page of ${table} cannot be read`, mend: "backup" }];
  }
}

function readTable(prepare: Prepare, name: string, rule: TableRule): Table {
  const keyed = prepare<[string], string>("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk").pluck();
  const hasRowId = prepare<[string], number>("SELECT wr = 0 FROM pragma_table_list(?)").pluck().get(name) === 1;
  const listed = prepare<[string], { name: string; origin: string; sql: string | null }>(
    "SELECT i.name, i.origin, s.sql FROM pragma_index_list(?) i LEFT JOIN sqlite_schema s ON s.name = i.name ORDER BY i.name",
  ).all(name);
  const columnsOf = prepare<[string], string>(
    "SELECT name FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno",
  ).pluck();
  const indexes = listed
    .filter(({ origin }) => hasRowId || origin !== "pk") // without rowids, the table is that index
    .map((index) => ({
      name: index.name,
      columns: columnsOf.all(index.name),
      when: / WHERE (.*)$/s.exec(index.sql ?? "")?.[1],
    }));
  return { name, rule, identity: hasRowId ? ["rowid"] : keyed.all(name), indexes };
}

type Row = Record<string, unknown>;

class TableCheck {
  readonly #database: Database.Database;
  readonly #prepare: Prepare;
  readonly #table: Table;
  readonly #mends: boolean;

  constructor(database: Database.Database, table: Table, mends: boolean) {
    this.#database = database;
    this.#prepare = createPrepare(database);
    this.#table = table;
    this.#mends = mends;
  }

  /** Each entry of an index has its row. */
  *indexes(): Parts {
    const { name, identity, indexes } = this.#table;
    for (const index of indexes) {
      const columns = [...new Set([...index.columns, ...identity])];
      const isSame = columns.map((column) => `r.${column} IS x.${column}`).join(" AND ");
      const what = `EXISTS (SELECT 1 FROM ${name} r NOT INDEXED WHERE ${isSame}) AS found`;
      const from = `${name} x INDEXED BY ${index.name} WHERE ${index.when ?? "1"}`;
      yield* this.#walk({ what, from, of: "x", columns }, (rows) => {
        const stray = rows.find(({ found }) => found !== 1);
        if (stray === undefined) return [];
        return [this.#mismatch(index.name, columns.map((_, at) => toText(stray[`at${at}`])).join("/"))];
      });
    }
  }

  /** Each row is found through each index, and is not wrong by itself. */
  *rows(): Parts {
    const { name, rule, identity: columns, indexes } = this.#table;
    if (indexes.length === 0 && rule.wrong === undefined && rule.look === undefined) return;
    const key = rule.key ?? columns.map((column) => `r.${column}`).join(" || '/' || ");
    const found = indexes.map((index, at) => `${this.#isFound(index)} AS found${at}`);
    const looked = rule.look === undefined ? [] : [rule.look.columns];
    const what = [`${key} AS named`, `${rule.wrong?.[0] ?? "0"} AS wrong`, ...found, ...looked].join(", ");
    yield* this.#walk({ what, from: `${name} r NOT INDEXED WHERE 1`, of: "r", columns }, (rows) =>
      rows.flatMap((row) => this.#look(row)),
    );
  }

  /** Whether an index has the entry of the row `r`, or needs none. */
  #isFound({ name: index, columns, when }: Index): string {
    const { name, identity } = this.#table;
    const isEqual = [...new Set([...columns, ...identity])].map((column) => `x.${column} = r.${column}`).join(" AND ");
    const has = `EXISTS (SELECT 1 FROM ${name} x INDEXED BY ${index} WHERE`;
    return when === undefined ? `${has} ${isEqual})` : `(NOT (r.${when}) OR ${has} x.${when} AND ${isEqual}))`;
  }

  #look(row: Row): Problems {
    const { name, rule, identity, indexes } = this.#table;
    const key = toText(row.named).slice(0, keyChars);
    const lost = indexes.find((_, at) => row[`found${at}`] !== 1);
    if (lost !== undefined) return [this.#mismatch(lost.name, key)];
    const why = row.wrong === 1 ? rule.wrong?.[1] : rule.look?.why(row);
    if (why === undefined) return [];
    if (this.#mends && rule.mend === "rebuild") {
      const where = identity.map((column) => `${column} = ?`).join(" AND ");
      this.#prepare(`DELETE FROM ${name} WHERE ${where}`).run(...identity.map((_, at) => toBound(row[`at${at}`])));
    }
    return [{ table: name, key, what: `the row ${key} of ${name} ${why}`, mend: rule.mend }];
  }

  /** A rebuild makes every index of the table again: that is one part, however long it takes. */
  #mismatch(index: string, named: string): TableProblem {
    const { name } = this.#table;
    if (this.#mends) this.#database.exec(`REINDEX ${name}`);
    const key = named.slice(0, keyChars);
    return { table: name, key, what: `${index} and the rows of ${name} differ at ${key}`, mend: "rebuild" };
  }

  /** Rows of scopes that the store does not have; one look for each scope. */
  *scopes(): Parts {
    const { name, rule } = this.#table;
    const { place } = rule;
    if (place === undefined) return;
    const stride = place === "scope" ? 1 : scopeStride;
    const next = this.#prepare<[number], number | null>(
      `SELECT min(${place}) FROM ${name} WHERE ${place} >= ?`,
    ).pluck();
    const isKnown = this.#prepare<[number], 1>("SELECT 1 FROM scopes WHERE number = ?").pluck();
    const remove = this.#prepare(`DELETE FROM ${name} WHERE ${place} >= ? AND ${place} < ? LIMIT ${limits.partRows}`);
    for (let from = -(2 ** 52); ; ) {
      const first = next.get(from) ?? null;
      if (first === null) return;
      if (typeof first !== "number" || first < from) {
        // a page of another table
        yield [{ table: name, what: `${name} has rows whose ${place} is out of place`, mend: "backup" }];
        return;
      }
      const scope = Math.floor(first / stride);
      const until = (scope + 1) * stride;
      if (isKnown.get(scope) === undefined) {
        const what = `${name} has rows of a scope (${scope}) that is not there`;
        yield [{ table: name, key: String(first), what, mend: rule.mend }];
        if (this.#mends && rule.mend === "rebuild") while (remove.run(from, until).changes > 0) yield [];
      }
      from = until;
    }
  }

  /** Pages of the rows `of`, in the order of `columns`; each is looked at in a part of its own. */
  *#walk({ what, from, of, columns }: Walk, look: (rows: readonly Row[]) => Problems): Parts {
    const { rows: count = limits.partRows } = this.#table.rule;
    const places = columns.map((column) => `${of}.${column}`);
    const picked = places.map((place, at) => `${place} AS at${at}`).join(", ");
    const order = `ORDER BY ${places.join(", ")} LIMIT ${count}`;
    const behind = `(${places.join(", ")}) > (${places.map(() => "?").join(", ")})`;
    const later = this.#prepare<unknown[], Row>(`SELECT ${picked}, ${what} FROM ${from} AND ${behind} ${order}`);
    let page = this.#prepare<unknown[], Row>(`SELECT ${picked}, ${what} FROM ${from} ${order}`).all();
    let before: unknown[] | undefined;
    for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
      const key = columns.map((_, at) => toBound(last?.[`at${at}`]));
      yield look(page);
      if (before !== undefined && !isBehind(key, before)) throw outOfOrder(this.#table.name);
      before = key;
      page = later.all(...key);
    }
  }
}

interface Walk {
  /** What is read beside the columns. */
  readonly what: string;
  readonly from: string;
  readonly of: "r" | "x";
  readonly columns: readonly string[];
}

/** Bodies that hold a payload have it, and each payload is some body's. Payloads of later commands are not looked at. */
function* checkUse(prepare: Prepare, mends: boolean): Parts {
  const newest = prepare<[], number | null>("SELECT max(rowid) FROM payloads").pluck().get() ?? 0;
  if (newest === 0) return;
  const used = new Set<string>(); // 90 bytes for each payload, of which each is over 64 KiB
  const bodies = prepare<[number], { pos: number; hash: string | null }>(
    `SELECT pos, hex(payload) AS hash FROM bodies WHERE pos > ? ORDER BY pos LIMIT ${limits.partRows}`,
  );
  for (let after = -1, page = bodies.all(after); page.length > 0; page = bodies.all(after)) {
    for (const { pos, hash } of page) if (hash) used.add(`${Math.floor(pos / scopeStride)}/${hash}`);
    after = step("bodies", after, page.at(-1)?.pos);
    yield [];
  }
  const payloads = prepare<[number, number], { number: number; scope: number; hash: string }>(
    `SELECT rowid AS number, scope, hex(hash) AS hash FROM payloads WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ${limits.partRows}`,
  );
  const remove = prepare<[number]>("DELETE FROM payloads WHERE rowid = ?");
  for (let after = -1, page = payloads.all(after, newest); page.length > 0; page = payloads.all(after, newest)) {
    after = step("payloads", after, page.at(-1)?.number);
    const stray = page.filter(({ scope, hash }) => !used.has(`${scope}/${hash}`));
    if (mends) for (const { number } of stray) remove.run(number);
    yield stray.map(({ hash: key }) => ({
      table: "payloads",
      key,
      what: `the payload ${key} is no event's`,
      mend: "rebuild",
    }));
  }
}

/** The place of the last row of a page, from which the next one goes on. */
function step(table: string, after: number, last: number | undefined): number {
  if (last === undefined || !isBehind([last], [after])) throw outOfOrder(table);
  return last;
}

/** As SQLite takes it back: its integers are whole, and a number of ours would be a float in a column of any type. */
function toBound(value: unknown): unknown {
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
}

function toText(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value);
}
