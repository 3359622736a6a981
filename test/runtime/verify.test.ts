// Every table of the schema, damaged in the ways that a row or an index can be, as `store.verify` tells it and `store.rebuild` mends it.

import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { changeSchema, schemaVersion } from "../../actors/store/schema.ts";
import { tableRules } from "../../actors/store/table-rules.ts";
import { tempFolder, tempFolderOfFile } from "../support/store.ts";
import { copyWhole, makeWhole, openWhole } from "../support/whole-store.ts";

let whole = "";

beforeAll(async () => {
  const root = tempFolderOfFile();
  whole = join(root, "whole");
  await makeWhole(whole, join(root, "killed"));
}, 60_000);

/** Opens a copy of the store that `change` has changed. */
async function damaged(change: (database: Database.Database) => void) {
  const path = copyWhole(whole, join(tempFolder(), "store"));
  const database = new Database(join(path, "aionis.db"));
  change(database);
  database.close();
  const runtime = await openWhole(path);
  onTestFinished(() => runtime.close());
  return runtime;
}

const run =
  (sql: string) =>
  (database: Database.Database): void => {
    expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
  };

/** Takes an index away while its table is changed, and puts it back as it was. */
const behindIndex =
  (index: string, sql: string) =>
  (database: Database.Database): void => {
    database.unsafeMode(true);
    database.pragma("writable_schema = ON");
    const row = database.prepare("SELECT * FROM sqlite_schema WHERE name = ?").get(index);
    database.prepare("DELETE FROM sqlite_schema WHERE name = ?").run(index);
    database.pragma("writable_schema = RESET");
    run(sql)(database);
    database.pragma("writable_schema = ON");
    database.prepare("INSERT INTO sqlite_schema VALUES (@type, @name, @tbl_name, @rootpage, @sql)").run(row);
    database.pragma("writable_schema = RESET");
  };

type Case = [table: string, what: string, change: (database: Database.Database) => void, mend: "rebuild" | "backup"];

const scoped = 2 * 2 ** 36; // the scope under test is the store's second

const cases: Case[] = [
  ["meta", "a key that nothing reads", run("INSERT INTO meta VALUES ('other', 'x')"), "backup"],
  ["scopes", "a name that no scope has", run("UPDATE scopes SET name = 'other' WHERE number = 1"), "backup"],
  ["events", "a changed header", run("UPDATE events SET actor = 'eve' WHERE type = 'task.paused'"), "backup"],
  ["events", "a command that its index lost", (database) => {
    const command = database.prepare("SELECT command FROM events WHERE type = 'task.paused'").pluck().get();
    run("UPDATE events SET command = 'x' WHERE type = 'task.paused'")(database);
    behindIndex("events_by_command", `UPDATE events SET command = '${command}' WHERE type = 'task.paused'`)(database);
  }, "rebuild"],
  ["bodies", "a body that was removed without having been erased", run("DELETE FROM bodies WHERE pos = (SELECT pos FROM events WHERE type = 'task.paused')"), "backup"],
  ["bodies", "a body of no event", run(`INSERT INTO bodies SELECT pos + 1000, salt, body, payload FROM bodies WHERE pos = ${scoped + 1}`), "backup"],
  ["payloads", "bytes that do not fit their hash", run("UPDATE payloads SET bytes = x'00'"), "backup"],
  ["payloads", "a payload of no event", run("INSERT INTO payloads VALUES (2, x'6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', x'00')"), "rebuild"],
  ["task_events", "an entry that is missing", run("DELETE FROM task_events WHERE seq = 5"), "rebuild"],
  ["tails", "a tail that is missing", run("DELETE FROM tails"), "rebuild"],
  ["steps", "a step's row at another event", run("UPDATE steps SET seq = seq - 1 WHERE ordinal = 3"), "rebuild"],
  ["tasks", "a task that was moved to another scope", run("UPDATE tasks SET scope = 1 WHERE state = 'start'"), "rebuild"],
  ["tasks", "a task of a scope that there is not", run("UPDATE tasks SET scope = 9 WHERE state = 'start'"), "rebuild"],
  ["tasks", "a title", run("UPDATE tasks SET title = 'Other' WHERE state = 'start'"), "rebuild"],
  ["tasks", "a state that its index does not know", behindIndex("tasks_by_state", "UPDATE tasks SET state = 'running' WHERE state = 'paused'"), "rebuild"],
  ["timers", "a timer that was moved to another scope", run("UPDATE timers SET scope = 1"), "rebuild"],
  ["claimable", "a place that was copied to another scope", run("INSERT INTO claimable SELECT 1, target, priority, on_wall, from_at, task FROM claimable WHERE scope = 2 LIMIT 1"), "rebuild"],
  ["packets", "a packet's sender", run("UPDATE packets SET sender = '{}'"), "rebuild"],
  ["packets", "a packet that an index does not find", behindIndex("packets_by_status", "UPDATE packets SET status = 'claimed' WHERE kind = 'handoff'"), "rebuild"],
  ["outbox", "what nothing owes", run("INSERT INTO outbox (scope, task_id, command, caused_by) SELECT 2, id, 'tasks.cancel', 'x' FROM tasks WHERE state = 'start' AND scope = 2 LIMIT 1"), "rebuild"],
  ["recall", "a row that was changed", run("UPDATE recall SET value = CAST(value || x'00' AS BLOB) WHERE kind = 0"), "rebuild"],
  ["recall", "a row that is missing", run("DELETE FROM recall WHERE kind = 2"), "rebuild"],
  ["recall", "a row that nothing teaches", run("INSERT INTO recall SELECT scope, kind, 'neverseen', value FROM recall WHERE kind = 0 LIMIT 1"), "rebuild"],
  ["recall", "a row of a scope that there is not", run("UPDATE recall SET scope = 9 WHERE kind = 2"), "rebuild"],
  ["readers", "a cursor that is ahead of the journal", run("UPDATE readers SET seq = 100000"), "rebuild"],
  ["readers", "a cursor that lost what was taught last", run("UPDATE readers SET taught = 1"), "rebuild"],
  ["readers", "a reader that there is not", run("INSERT INTO readers VALUES (2, 'other', 1, 0, 1)"), "rebuild"],
  ["clocks", "a time behind the journal's end", run("INSERT INTO clocks VALUES (2, 100000, 1, 1)"), "rebuild"],
  ["receipts", "a receipt that is not the one that was kept", run("UPDATE receipts SET body = replace(body, 'log', 'lot')"), "rebuild"],
]; // biome-ignore format: a table

describe("store.verify", () => {
  it("has something to say of every table of the schema", () => {
    const database = new Database(":memory:");
    changeSchema(database, { from: 0, to: schemaVersion });
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all();
    database.close();

    expect(Object.keys(tableRules).sort()).toEqual(tables);
    expect([...new Set(cases.map(([table]) => table))].sort()).toEqual(tables);
  });

  it("finds nothing in a store that nobody touched", async () => {
    const runtime = await damaged(() => {});

    expect(await runtime.store.verify()).toMatchObject({ ok: true, problems: [] });
  });

  for (const [table, what, change, mend] of cases) {
    it(`tells ${what}, in ${table}, and what puts it right: a ${mend}`, async () => {
      const runtime = await damaged(change);

      const { ok, problems } = await runtime.store.verify();

      const told = problems.filter((problem) => problem.table === (table === "tails" ? "task_events" : table)); // which lists they lack
      expect(ok).toBe(false);
      expect(told.map((problem) => problem.mend)).toContain(mend);
      for (const problem of told) expect(problem).toMatchObject({ key: expect.any(String), what: expect.any(String) });
      if (mend === "backup") return;
      await runtime.store.rebuild();
      await expect.poll(() => runtime.store.verify(), { timeout: 10_000 }).toMatchObject({ ok: true, problems: [] });
    });
  }

  it("names the row, and nothing else", async () => {
    const runtime = await damaged(run("UPDATE receipts SET body = 'x'"));

    const { problems } = await runtime.store.verify();

    expect(problems.map(({ table, key }) => [table, key?.slice(0, 4)])).toEqual([["receipts", "rcp_"]]);
  });
});
