import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { tablesByTask } from "../../actors/store/schema.ts";
import { createRuntime, type EmbeddedRuntime } from "../../src/embedded.ts";
import { tempFolder } from "../support/store.ts";

const scope = "acme/billing";
const journal = ["SELECT * FROM events", "SELECT * FROM bodies", "SELECT * FROM payloads"];

async function open(path: string): Promise<EmbeddedRuntime> {
  const runtime = await createRuntime({ path, scope, durability: "process", agent: "ann", leaseMs: 60_000 });
  onTestFinished(() => runtime.close());
  return runtime;
}

/** A store with rows in every table; `reopen` lets somebody else change its file in between. */
async function setup() {
  const path = tempFolder();
  const runtime = await open(path);
  const deadlineAt = Date.now() + 3_600_000;
  const { taskId } = await runtime.tasks.start({ brief: "Mend the retry", deadlineAt });
  await runtime.tasks.claim({ taskId });
  const outcome = { kind: "succeeded", output: 1 } as const;
  for (let ordinal = 0; ordinal < 70; ordinal += 1)
    await runtime.tasks.step({ taskId, epoch: 1, step: { name: "look", ordinal, outcome } });
  const packet = { brief: "Write it down", nextAction: "Read it" };
  await runtime.tasks.delegate({ taskId, epoch: 1, to: { role: "docs" }, packet });
  const done = await runtime.tasks.start({ brief: "Look at the log", files: ["src/log.ts"] });
  await runtime.tasks.claim({ taskId: done.taskId });
  await runtime.tasks.step({
    taskId: done.taskId,
    epoch: 1,
    step: { name: "read", ordinal: 0, outcome },
  });
  await runtime.tasks.complete({ taskId: done.taskId, epoch: 1 });
  await runtime.tasks.settled({ taskId: done.taskId });
  const change = <Result>(use: (database: Database.Database) => Result): Result => {
    const database = new Database(join(path, "aionis.db"));
    try {
      return use(database);
    } finally {
      database.close();
    }
  };
  const read = (queries: readonly string[]) =>
    change((database) => queries.map((sql) => database.prepare(sql).raw().all()));
  return { runtime, taskId, change, read, reopen: () => open(path) };
}

describe("store.rebuild", () => {
  for (const table of tablesByTask) {
    it(`makes the rows of ${table} again, and leaves the journal as it is`, async () => {
      const { runtime, change, read, reopen } = await setup();
      await runtime.close();
      const before = read([...journal, `SELECT * FROM ${table}`]);
      expect(change((database) => database.prepare(`DELETE FROM ${table}`).run().changes)).toBeGreaterThan(0);
      const damaged = await reopen();
      const { ok, problems } = await damaged.store.verify();
      expect([ok, problems.some((problem) => problem.table === table || problem.table === "task_events")]).toEqual([
        false,
        true,
      ]);

      const { mended } = await damaged.store.rebuild();

      expect(mended.length > 0 || table === "task_events").toBe(true); // the index is mended before it is compared
      expect(await damaged.store.verify()).toMatchObject({ ok: true, problems: [] });
      await damaged.close();
      expect(read([...journal, `SELECT * FROM ${table}`])).toEqual(before);
    });
  }

  it("learns what was learned again from the journal", async () => {
    const { runtime, change, read, reopen } = await setup();
    await runtime.close();
    const learned = ["SELECT * FROM recall", "SELECT * FROM readers"];
    const before = read([...journal, ...learned]);
    change((database) => database.exec("DELETE FROM recall WHERE kind IN (SELECT kind FROM recall LIMIT 1)"));
    const damaged = await reopen();

    await damaged.store.rebuild();

    await expect
      .poll(async () => (await damaged.taskStart({ query: "Look at the log", minPosition: 1 })).learnedTo)
      .toBeGreaterThan(0);
    await damaged.close();
    expect(read([...journal, ...learned])).toEqual(before);
  });

  it("is learned from the first event when a rebuild ended in the middle of removing what was learned", async () => {
    const { runtime, change, read, reopen } = await setup();
    await runtime.close();
    const learned = ["SELECT * FROM recall", "SELECT * FROM readers"];
    const before = read([...journal, ...learned]);
    change((database) => database.exec("DELETE FROM readers; DELETE FROM recall WHERE kind < 3"));

    const again = await reopen();

    await expect
      .poll(async () => (await again.taskStart({ query: "Look at the log", minPosition: 1 })).learnedTo)
      .toBeGreaterThan(0);
    expect((await again.store.verify()).problems).toEqual([]);
    await again.close();
    expect(read([...journal, ...learned])).toEqual(before);
  });

  it("refuses a damaged journal, naming the event, and changes nothing", async () => {
    const { runtime, change, read, reopen } = await setup();
    await runtime.close();
    change((database) =>
      database.exec("UPDATE events SET actor = 'eve' WHERE type = 'delegation.sent'; DELETE FROM steps"),
    );
    const before = read(["SELECT * FROM tasks", "SELECT * FROM steps"]);
    const damaged = await reopen();

    const rebuilt = damaged.store.rebuild();

    await expect(rebuilt).rejects.toMatchObject({
      code: "JOURNAL_DAMAGED",
      detail: expect.stringContaining("delegation.sent"),
      facts: { scope },
    });
    await damaged.close();
    expect(read(["SELECT * FROM tasks", "SELECT * FROM steps"])).toEqual(before);
  });

  it("lets commands go on, and mends the task that they change meanwhile", async () => {
    const { runtime, taskId, change, reopen } = await setup();
    await runtime.close();
    change((database) => database.exec("UPDATE tasks SET snapshot = replace(snapshot, 'ann', 'eve')"));
    const damaged = await reopen();

    const rebuilt = damaged.store.rebuild();
    const outcome = { kind: "succeeded", output: 1 } as const;
    const steps = Array.from({ length: 100 }, (_, ordinal) =>
      damaged.tasks
        .start({ brief: `More ${ordinal}` })
        .then((started) => damaged.tasks.claim({ taskId: started.taskId })),
    );
    await Promise.all([rebuilt, ...steps]);

    await damaged.tasks.step({ taskId, epoch: 1, step: { name: "last", ordinal: 0, outcome } });
    expect(await damaged.store.verify()).toMatchObject({ ok: true, problems: [] });
  });
});
