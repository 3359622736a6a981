import { describe, expect, it } from "vitest";
import { rebuildScope, verifyScope } from "../../actors/index.ts";
import { openDatabase } from "../../actors/store/database.ts";
import { createStore } from "../../actors/store/open.ts";
import type { TaskRow } from "../../src/kernel/store.ts";
import { createBench, createPorts, scopeName } from "../support/store.ts";
import { packet, taskId } from "../support/tasks.ts";

/** A scope with a task in each kind of row, and the database behind it. */
async function setup() {
  const ports = createPorts();
  const database = openDatabase(":memory:", { ...ports, durability: "process" });
  const store = createStore(database, ":memory:", ports.random);
  const bench = createBench({ ports, store });
  const deadlineAt = ports.clock.now() + 60_000;
  const parent = await bench.start({ deadlineAt });
  await bench.do("tasks.claim", { taskId: parent });
  await bench.do("tasks.step", {
    taskId: parent,
    epoch: 1,
    step: { name: "s", ordinal: 0, outcome: { kind: "succeeded" } },
  });
  await bench.do("tasks.delegate", { taskId: parent, epoch: 1, to: { role: "docs" }, packet });
  await bench.do("tasks.fail", { taskId: parent, epoch: 1, error: "e", retryable: false }); // owes its child a cancel
  const paused = await bench.start();
  await bench.do("tasks.claim", { taskId: paused });
  await bench.do("tasks.pause", { taskId: paused, epoch: 1, question: "?", expiresAt: deadlineAt });
  await bench.start({ brief: "Waiting\nfor a claim", deadlineAt });
  const running = await bench.start();
  await bench.do("tasks.claim", { taskId: running });
  for (const ordinal of [0, 1]) {
    const step = { name: "s", ordinal, outcome: { kind: "succeeded" } } as const;
    await bench.do("tasks.step", { taskId: running, epoch: 1, step });
  }
  expect(bench.problems()).toEqual([]);
  const scope = store.scope(scopeName);
  const verify = () => verifyScope(scope).problems.map(({ what }) => what);
  return { bench, store, scope, database, verify, paused };
}

const changes: [string, string, RegExp][] = [
  ["a task's state", "UPDATE tasks SET state = 'running' WHERE state = 'failed'", /^the row of task_/],
  ["a task's kind", "UPDATE tasks SET kind = 'session'", /^the row of task_/],
  ["a task's title", "UPDATE tasks SET title = 'Other' WHERE state = 'start'", /^the row of task_/],
  ["a task's parent", "UPDATE tasks SET parent_id = NULL", /^the row of task_/],
  ["a snapshot", `UPDATE tasks SET snapshot = replace(snapshot, '"epoch":1', '"epoch":2')`, /^the row of task_/],
  ["a snapshot's place", "UPDATE tasks SET snapshot_seq = snapshot_seq - 1", /^the row of task_/],
  ["a task's row", "DELETE FROM tasks WHERE state = 'paused'", /^the row of task_.* are absent/],
  ["a step", "UPDATE steps SET seq = 1", /^the steps of task_/],
  ["a step's row", "DELETE FROM steps", /^the steps of task_/],
  ["an index's row", "DELETE FROM task_events WHERE seq = 2", /^event 2 is neither/],
  ["a tail", "UPDATE tails SET seqs = '[1]'", /^event \d+ is neither/],
  ["a tail's row", "DELETE FROM tails", /^event \d+ is neither/],
  ["a timer's time", "UPDATE timers SET due_at = due_at + 1", /^the timers of task_/],
  ["a timer's entry", "UPDATE timers SET entry = entry + 1", /^the timers of task_/],
  ["a timer's row", "DELETE FROM timers WHERE kind = 'pause'", /^the timers of task_/],
  ["a place's target", "UPDATE claimable SET target = 'role:x' WHERE target = 'any'", /^the claimables of task_/],
  ["a place's time", "UPDATE claimable SET from_at = 0", /^the claimables of task_/],
  ["a place's priority", "UPDATE claimable SET priority = 4", /^the claimables of task_/],
  ["a place's row", "DELETE FROM claimable WHERE target = 'any'", /^the claimables of task_/],
  ["a packet's status", "UPDATE packets SET status = 'claimed'", /^the packets of task_/],
  ["a packet's row", "DELETE FROM packets", /^the packets of task_/],
  ["what is owed", "DELETE FROM outbox", /^the outbox lost what it owes task_/],
];

describe("verifyScope (I6)", () => {
  for (const [what, sql, named] of changes) {
    it(`names ${what} that is not what the journal folds to, and a rebuild repairs it`, async () => {
      const { store, database, verify } = await setup();

      expect(database.prepare(sql).run().changes).toBeGreaterThan(0);

      const problems = verify();
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.some((problem) => named.test(problem))).toBe(true);
      rebuildScope(store, scopeName);
      expect(verify()).toEqual([]);
    });
  }

  it("names rows that nobody asked for", async () => {
    const { scope, store, verify } = await setup();
    const row = scope.tasks({ states: ["start"], count: 100 }).at(-1) as TaskRow;
    store.begin();
    scope.enterTail(row.task, [{ seq: 1_000, step: { stage: 1, name: "x", ordinal: 0 } }]);
    scope.putTimer({ task: row.task, kind: "handoff", dueAt: 1, clock: "steady", entry: 1 });
    scope.putClaimable({ task: row.task, target: "role:x", priority: 2, from: 0, clock: "steady" });
    scope.putOutbox({ taskId: taskId(404), command: "tasks.cancel", causedBy: "x" });
    scope.putTask({ ...row, task: row.task + 1_000, id: taskId(405) });
    store.commit();

    const problems = verify();

    expect(problems).toHaveLength(6);
    const named = [
      "the indexed of",
      "the steps of",
      "the timers of",
      "the claimables of",
      "no first event",
      "the outbox owes",
    ];
    expect(named.map((words) => problems.filter((what) => what.includes(words)).length)).toEqual([1, 1, 1, 1, 1, 1]);
    rebuildScope(store, scopeName);
    expect(verify()).toEqual([]);
  });

  it("names a task whose memory is not what its journal folds to", async () => {
    const { bench, scope, paused } = await setup();
    const other = bench.persistence.snapshot(scopeName, scope.tasks({ states: ["start"], count: 100 }).at(-1)!.id);

    const verified = verifyScope(scope, { memory: (id) => (id === paused ? other : undefined) });

    expect(verified).toMatchObject({
      ok: false,
      problems: [{ taskId: paused, what: expect.stringContaining("memory") }],
    });
  });

  it("counts what it saw", async () => {
    const { scope } = await setup();

    expect(verifyScope(scope)).toEqual({ ok: true, events: scope.head().seq, tasks: 5, problems: [] });
  });

  it("stops naming after 500 problems", async () => {
    const { bench, database, scope } = await setup();
    const asked = Array.from({ length: 600 }, () => bench.start());
    await Promise.all(asked);
    database.exec("UPDATE tasks SET kind = 'x'");

    expect(verifyScope(scope).problems).toHaveLength(500);
  });
});

describe("rebuildScope", () => {
  it("makes every row again as it was, in this scope and in no other (I11)", async () => {
    const { bench, store, database } = await setup();
    await bench.start({}, { scope: "acme/other" });
    const dump = () =>
      ["tasks", "steps", "timers", "claimable", "packets"].map((table) =>
        database.prepare(`SELECT * FROM ${table}`).all(),
      );
    const before = dump();

    rebuildScope(store, scopeName);

    expect(dump()).toEqual(before);
    expect(bench.problems("acme/other")).toEqual([]);
  });

  it("leaves everything as it was when the journal is damaged, and names the event", async () => {
    const { store, database, verify } = await setup();
    database.exec("UPDATE events SET facts = '{}' WHERE type = 'task.claimed'");
    const rows = database.prepare("SELECT * FROM tasks").all();

    expect(() => rebuildScope(store, scopeName)).toThrow(
      expect.objectContaining({ code: "JOURNAL_DAMAGED", facts: { scope: scopeName, seq: 2 } }),
    );

    expect(database.prepare("SELECT * FROM tasks").all()).toEqual(rows);
    expect(verify().length).toBeGreaterThan(0);
  });
});
