import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { verifyScope } from "../../../actors/index.ts";
import { openRow } from "../../../actors/sealed-row.ts";
import { applicationId, migrations, schemaVersion } from "../../../actors/store/schema.ts";
import type { TaskRow } from "../../../src/kernel/store.ts";
import { createBench, openTestStore, scopeName, tempFolder } from "../../support/store.ts";

const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";

/** Tables that later versions made anew, with the columns that they had. */
const changed = {
  timers: "task, kind, scope, due_at, entry",
  claimable: "scope, target, priority, from_at, task",
};

/** What the first version made of a table: itself, then its indexes. */
function statementsOf(table: string): string[] {
  const made = (migrations[0] ?? "").split(";").filter((sql) => new RegExp(`(TABLE|ON) ${table} \\(`).test(sql));
  return made.map((sql) => sql.trim());
}

/** A store as the first version left it: what later ones added is taken out again. */
async function setup() {
  const file = join(tempFolder(), "aionis.db");
  const store = openTestStore(file);
  const bench = createBench({ store });
  const taskId = await bench.start({ brief: "Kept", deadlineAt: bench.clock.now() + 60_000 });
  bench.persistence.close();
  store.close();
  const database = new Database(file);
  for (const name of ["recall", "readers", "receipts", "clocks"]) database.exec(`DROP TABLE ${name}`);
  database.exec("UPDATE tasks SET snapshot = substr(snapshot, 9)"); // without its checksum
  for (const [name, columns] of Object.entries(changed)) {
    database.exec(`ALTER TABLE ${name} RENAME TO later`);
    database.exec(statementsOf(name)[0] ?? "");
    database.exec(`INSERT INTO ${name} SELECT ${columns} FROM later; DROP TABLE later`);
    for (const index of statementsOf(name).slice(1)) database.exec(index);
  }
  database.pragma("user_version = 1");
  const before = database.prepare(tables).pluck().all();
  database.close();
  return { file, taskId, before };
}

describe("a store of an older version", () => {
  it("is brought to this one with everything in it, and kept as it was beside itself", async () => {
    const { file, taskId, before } = await setup();

    const store = openTestStore(file);

    const scope = store.scope(scopeName);
    expect(scope.task(taskId)).toMatchObject({ state: "start" });
    expect(() => openRow(scope.task(taskId) as TaskRow)).not.toThrow();
    expect(verifyScope(scope)).toMatchObject({ ok: true });
    expect(scope.learnedTo()).toEqual({ seq: 0, part: 0, taught: 0 });
    const copy = new Database(`${file}.schema-1`, { readonly: true });
    expect(copy.pragma("user_version", { simple: true })).toBe(1);
    expect(copy.pragma("application_id", { simple: true })).toBe(applicationId);
    expect(copy.prepare(tables).pluck().all()).toEqual(before);
    copy.close();
  });

  it("is kept anew when an earlier migration did not end", async () => {
    const { file } = await setup();
    new Database(`${file}.schema-1`).exec("CREATE TABLE half (x)").close();

    openTestStore(file).close();

    const copy = new Database(`${file}.schema-1`, { readonly: true });
    expect(copy.prepare(tables).pluck().all()).not.toContain("half");
    copy.close();
  });

  it("has the very tables of a new one", async () => {
    const { file } = await setup();
    const fresh = join(tempFolder(), "aionis.db");

    for (const path of [file, fresh]) openTestStore(path).close();

    const [migrated, made] = [file, fresh].map((path) => {
      const database = new Database(path, { readonly: true });
      const sql = database.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").all();
      database.close();
      return sql;
    });
    expect(migrated).toEqual(made);
    expect(migrations).toHaveLength(schemaVersion);
  });

  it("makes no copy of a new store", () => {
    const file = join(tempFolder(), "aionis.db");

    openTestStore(file).close();

    expect(existsSync(`${file}.schema-0`)).toBe(false);
  });
});
