import type Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { createLearner, rebuildScope } from "../../actors/index.ts";
import { openDatabase } from "../../actors/store/database.ts";
import { createStore } from "../../actors/store/open.ts";
import { scopeStride } from "../../actors/store/schema.ts";
import { memoryTaskId, type TaskId } from "../../src/contracts/ids.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { type Bench, createBench, createPorts, scopeName } from "../support/store.ts";

/** A bench whose journal is learned from behind the commands. With `slow`, each look at the clock takes a millisecond. */
function setup({ slow = false } = {}) {
  const ports = createPorts();
  const database = openDatabase(":memory:", { durability: "process", ids: ports.ids });
  const store = createStore(database, ":memory:", ports.random);
  onTestFinished(() => store.close());
  const logs: string[] = [];
  const logger = { log: (_level: string, message: string) => void logs.push(message) };
  const learners: ReturnType<typeof createLearner>[] = [];
  const bench: Bench = createBench({
    ports,
    store,
    onCommitted(events) {
      for (const learner of learners) learner.wake(events);
    },
  });
  let ms = 0;
  const clock: Clock = slow ? { ...toClock(bench), mono: () => (ms += 1) } : toClock(bench);
  const start = () => {
    const { persistence } = bench;
    const isStoreFailure = (error: unknown) => store.failureOf(error) !== undefined;
    const scoped = store.scope(scopeName);
    const learner = createLearner({ scope: scopeName, store: scoped, persistence, isStoreFailure, clock, logger });
    onTestFinished(() => learner.close());
    learners.splice(0, 1, learner);
    return learner;
  };
  /** Lets commands and learning come to rest. */
  const rest = () => bench.clock.advance(60_000);
  return { bench, database, store, scope: store.scope(scopeName), learner: start(), start, rest, logs };
}

function toClock({ clock }: Bench): Clock {
  return {
    now: () => clock.now(),
    mono: () => clock.mono(),
    setTimer: (ms, run) => clock.setTimer(ms, run),
    defer: (run) => clock.defer(run),
  };
}

const file = "src/payments/client.ts";

/** A task that is claimed, does a step and ends. */
async function finish(bench: Bench, brief: string, { fails = false } = {}): Promise<TaskId> {
  const checks = [{ name: "tests" }];
  const taskId = await bench.start({ brief, checks, files: [file] });
  await bench.do("tasks.claim", { taskId });
  const step = { name: "look", ordinal: 0, tool: "grep", outcome: { kind: "succeeded" as const }, files: [file] };
  await bench.do("tasks.step", { taskId, epoch: 1, step });
  if (fails) await bench.do("tasks.fail", { taskId, epoch: 1, error: "no", retryable: false });
  else {
    await bench.do("tasks.complete", { taskId, epoch: 1, return: {} });
    await bench.do("tasks.verify", { taskId, epoch: 1, results: [{ name: "tests", passed: true }] });
  }
  return taskId;
}

const briefs = [
  "The payment client charges twice",
  "A payment is charged twice by the client",
  "Payments are charged two times",
];
const moves = ({ store }: Bench) =>
  store
    .scope(scopeName)
    .events({ after: 0, count: 500 })
    .filter(({ type }) => type.startsWith("lesson."))
    .map(({ type, commandId }) => [type, commandId]);

describe("the learner", () => {
  it("learns from a task that ended, and records what it moved under an id of the end's sequence (W3)", async () => {
    const { bench, scope, learner, rest } = setup();

    const taskId = await finish(bench, briefs[0]!);
    await rest();

    const end = scope.events({ after: 0, count: 100, types: ["checks.passed"] })[0]!;
    expect(moves(bench)).toEqual([["lesson.observed", `runtime:learn:${end.seq}:0`]]);
    expect(learner.learnedTo()).toBe(end.seq);
    expect(learner.readTo()).toBe(scope.head().seq);
    const lesson = learner.knowledge().lessons.get(`les_${taskId.slice(5)}`);
    expect(lesson).toMatchObject({
      state: "candidate",
      files: [file],
      evidence: [{ seq: end.seq, strength: "verified" }],
    });
    expect(bench.problems()).toEqual([]);
  });

  it("learns nothing from tasks that were cancelled, from sessions, and from its own events", async () => {
    const { bench, learner, scope, rest } = setup();
    const taskId = await bench.start({ brief: briefs[0]! });

    await bench.do("tasks.cancel", { taskId });
    await bench.do("sessions.create", { title: briefs[0]! });
    await rest();

    expect(moves(bench)).toEqual([]);
    expect(learner.learnedTo()).toBe(0);
    expect(learner.readTo()).toBe(scope.head().seq);
  });

  it("says when it has come to an event, and gives up when it does not in time", async () => {
    const { bench, learner } = setup();

    const never = learner.reached(1_000, 50);
    const soon = learner.reached(6, 1_000);
    await finish(bench, briefs[0]!);
    await bench.clock.advance(50);

    expect(await Promise.all([never, soon])).toEqual([false, true]);
  });

  it("learns everything once when its commit fails (W2)", async () => {
    const { bench, scope, learner, start, rest } = setup();
    const taskId = await bench.start({ brief: briefs[0]!, files: [file] });
    await bench.do("tasks.claim", { taskId });
    await learner.close();
    await bench.do("tasks.complete", { taskId, epoch: 1, return: {} });
    bench.faultsAt.add("commit.before");

    const again = start();
    again.wake([]);
    await rest();

    expect(moves(bench).map(([type]) => type)).toEqual(["lesson.observed"]);
    expect(bench.faultsAt.size).toBe(0); // it was met
    expect(again.knowledge().recall.episodes()).toBe(1);
    expect(again.readTo()).toBe(scope.head().seq);
    expect(bench.problems()).toEqual([]);
  });

  it("comes to the same rows when they are made again from the journal, and to the same after a restart (W1)", async () => {
    const { bench, database, store, start, learner, rest } = setup();
    for (const brief of briefs) await finish(bench, brief);
    await bench.do("tasks.cancel", { taskId: await bench.start() });
    await rest();
    const before = moves(bench);
    const learned = dump(database);

    await learner.close();
    rebuildScope(store, scopeName);
    expect(dump(database)).toEqual([]);
    const again = start();
    again.wake([]);
    await rest();

    expect(learned.length).toBeGreaterThan(10);
    expect(dump(database)).toEqual(learned);
    expect(moves(bench)).toEqual(before); // nothing was judged a second time
  });

  it("lets commands through between its slices (W4)", async () => {
    const { bench, learner, rest } = setup({ slow: true });
    const episodes = Array.from({ length: 100 }, (_, n) => ({
      at: n * 1_000,
      goal: `change ${n}`,
      files: [`src/${n}.ts`],
    }));
    const order: string[] = [];

    const asked = [
      bench.ask({ name: "memory.open", taskId: memoryTaskId }),
      bench.ask({ name: "memory.import", taskId: memoryTaskId, input: { source: "git:1", episodes } }),
    ];
    await bench.clock.settle();
    void learner.reached(2, 60_000).then(() => order.push("learned"));
    const parts = learner.knowledge().recall.episodes();
    asked.push(bench.ask({ roles: [] }).finally(() => order.push("answered")));
    await rest();
    await Promise.all(asked);

    expect(order).toEqual(["answered", "learned"]);
    expect(parts).toBeLessThan(10);
    expect(learner.knowledge().recall.episodes()).toBe(100);
    expect(learner.imports("git:1")).toEqual({ episodes: 100, seq: 2 });
  });

  it("passes over an event that it cannot learn from, logs it once, and goes on (W5)", async () => {
    const { bench, learner, logs, scope, rest } = setup();
    const taskId = await finish(bench, briefs[0]!);
    await rest();
    const id = `les_${taskId.slice(5)}` as const;
    const content = { goal: "x", text: "x", files: [], tools: [], steps: [], checks: [], errors: [] };
    const facts = {
      lessonId: id,
      kind: "note" as const,
      from: null,
      to: "observed" as const,
      evidence: [],
      missing: [],
    };
    const event = { type: "lesson.written" as const, epoch: 0, facts, body: { content } };
    const asked = bench.ask({ name: "memory.learn", taskId: memoryTaskId, event }); // of a lesson that is no note

    await rest();
    await asked;
    await finish(bench, briefs[1]!);
    await rest();

    expect(logs.filter((line) => line.includes("passed over"))).toHaveLength(1);
    expect(learner.readTo()).toBe(scope.head().seq);
    expect(learner.knowledge().lessons.get(id)).toMatchObject({ state: "trusted" });
  });

  for (const [what, type, sql] of [
    ["body", "task.created", "UPDATE bodies SET body = body || ' ' WHERE pos = ?"],
    ["header", "checks.passed", "UPDATE events SET actor = 'eve' WHERE pos = ?"],
  ] as const) {
    it(`passes over a run with a ${what} that is damaged, and learns from those behind it (W5)`, async () => {
      const { bench, database, learner, start, logs, scope, rest } = setup();
      await learner.close();
      await finish(bench, briefs[0]!);
      const { seq } = scope.events({ after: 0, count: 1, types: [type] })[0]!;
      const taskId = await finish(bench, briefs[1]!);
      database.prepare(sql).run(scopeStride + seq);
      const next = start();

      next.wake([]);
      await rest();

      expect(logs.filter((line) => line.includes("passed over"))).toHaveLength(1);
      expect(next.readTo()).toBe(scope.head().seq);
      expect(next.knowledge().lessons.get(`les_${taskId.slice(5)}`)).toMatchObject({ state: "candidate" });
    });
  }

  it("goes on where it was after a restart, with what a dead process left", async () => {
    const { bench, learner, start, rest } = setup();
    const taskId = await finish(bench, briefs[0]!);
    await rest();
    await learner.close();
    await finish(bench, briefs[1]!); // nobody learns from it any more
    const next = start();

    next.wake([]);
    await rest();

    expect(moves(bench).map(([type]) => type)).toEqual(["lesson.observed", "lesson.trusted"]);
    expect(next.knowledge().lessons.get(`les_${taskId.slice(5)}`)).toMatchObject({ state: "trusted" });
  });
});

/** What was learned, as the database has it. */
function dump(database: Database.Database): unknown[] {
  return database.prepare("SELECT scope, kind, key, hex(value) FROM recall ORDER BY 1, 2, 3").raw().all();
}

describe("a learner whose memory cannot be read (W6)", () => {
  const waits = "learning waits: what it rests on cannot be read";

  /** A first task moved a lesson; then the runtime starts anew on the store, of which `sql` has changed something. */
  async function damaged(sql: string) {
    const { bench, database, store, scope, logs, rest: first } = setup();
    await finish(bench, briefs[0]!);
    await first();
    bench.persistence.close();
    expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
    const learners: ReturnType<typeof createLearner>[] = [];
    const again = createBench({ ports: bench, store, onCommitted: (events) => void learners[0]?.wake(events) });
    const { persistence } = again;
    const logger = { log: (_level: string, message: string) => void logs.push(message) };
    const isStoreFailure = (error: unknown) => store.failureOf(error) !== undefined;
    const parts = { scope: scopeName, store: scope, persistence, isStoreFailure, clock: toClock(again), logger };
    learners.push(createLearner(parts));
    onTestFinished(() => learners[0]?.close());
    return { again, database, scope, logs, rest: () => again.clock.advance(60_000) };
  }

  it("waits for its task instead of passing over the moves of later events, and goes on when it can be read", async () => {
    const { again, database, scope, logs, rest } = await damaged(
      "UPDATE events SET actor = 'eve' WHERE type = 'lesson.observed'",
    );

    await finish(again, briefs[1]!);
    await rest();

    expect(scope.learnedTo().seq).toBe(scope.head().seq - 1); // the end of the second task moves a lesson
    expect(logs.filter((line) => line === waits)).toHaveLength(1);
    database.exec("UPDATE events SET actor = 'runtime' WHERE type = 'lesson.observed'");
    await rest();
    expect(scope.learnedTo().taught).toBe(scope.head().seq - 1); // behind it stands the move
    expect(moves(again)).toHaveLength(2);
  });
});
