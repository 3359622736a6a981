import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { verifyScope } from "../../../actors/index.ts";
import { applicationId, migrations, schemaVersion } from "../../../actors/store/schema.ts";
import { createBench, openTestStore, scopeName, tempFolder } from "../../support/store.ts";

const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";

/** A store as the first version left it: what later ones added is taken out again. */
async function setup() {
  const file = join(tempFolder(), "aionis.db");
  const store = openTestStore(file);
  const bench = createBench({ store });
  const taskId = await bench.start({ brief: "Kept" });
  bench.persistence.close();
  store.close();
  const database = new Database(file);
  for (const name of ["recall", "readers", "receipts"]) database.exec(`DROP TABLE ${name}`);
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
