import { describe, expect, it } from "vitest";
import { openDatabase } from "../../../actors/store/database.ts";
import { createStore } from "../../../actors/store/open.ts";
import type { Moment } from "../../../src/contracts/due.ts";
import type { ClaimableRow, ScopeStore, TaskRow, TimerRow } from "../../../src/kernel/store.ts";
import { createPorts, openTestStore, scopeName } from "../../support/store.ts";
import { taskId } from "../../support/tasks.ts";

function setup() {
  const store = openTestStore();
  return { store, scope: store.scope(scopeName), other: store.scope("acme/other") };
}

function row(scope: ScopeStore, n: number, changes: Partial<TaskRow> = {}): TaskRow {
  const base = scope.name === scopeName ? 2 ** 36 : 2 ** 37;
  const common = { state: "start", kind: "task", parentId: null, title: "t", snapshot: "{}", snapshotSeq: n };
  return { task: base + n, id: taskId(n), ...common, ...changes };
}

/** A moment of which both clocks say the same. */
const both = (at: number): Moment => ({ wall: at, steady: at });

const place = (task: number, from: number, changes: Partial<ClaimableRow> = {}): ClaimableRow => ({
  task,
  target: "any",
  priority: 2,
  from,
  clock: "steady",
  ...changes,
});

describe("nextClaimable", () => {
  it("gives the highest priority first, then the longest waiting, then the oldest task", () => {
    const { scope } = setup();
    const wanted = [
      { n: 5, priority: 4, from: 900 },
      { n: 2, priority: 3, from: 100 },
      { n: 6, priority: 3, from: 200 },
      { n: 1, priority: 2, from: 50 },
      { n: 3, priority: 2, from: 50 },
      { n: 4, priority: 0, from: 0 },
    ];
    const places = wanted.map(({ n, priority, from }) => place(row(scope, n).task, from, { priority }));
    for (const { n } of wanted) scope.putTask(row(scope, n));
    for (const next of [...places].reverse()) scope.putClaimable(next);

    const order = places.map((next) => {
      const id = scope.nextClaimable(["any"], both(1_000))?.taskId;
      scope.deleteClaimable(next);
      return id;
    });

    expect(order).toEqual(wanted.map(({ n }) => taskId(n)));
    expect(scope.nextClaimable(["any"], both(1_000))).toBeUndefined();
  });

  it("looks at all of a worker's places and at no other, and not before its time", () => {
    const { scope } = setup();
    for (const n of [1, 2, 3, 4]) scope.putTask(row(scope, n));
    scope.putClaimable(place(row(scope, 1).task, 300, { target: "role:fix" }));
    scope.putClaimable(place(row(scope, 2).task, 200, { target: "agent:a" }));
    scope.putClaimable(place(row(scope, 3).task, 100, { target: "role:docs" }));
    scope.putClaimable(place(row(scope, 4).task, 1_001));
    const targets = ["any", "agent:a", "role:fix"];

    expect(scope.nextClaimable(targets, both(1_000))?.taskId).toBe(taskId(2));
    expect(scope.nextClaimable(["any", "role:fix"], both(1_000))?.taskId).toBe(taskId(1));
    expect(scope.nextClaimable(["any"], both(1_000))).toBeUndefined();
    expect(scope.nextClaimable(["any"], both(1_001))?.taskId).toBe(taskId(4));
    expect(scope.nextClaimable([], both(1_001))).toBeUndefined();
  });

  it("is right among 10,000 waiting tasks, of which most are not to be claimed yet", () => {
    const { store, scope } = setup();
    const at = 5_000;
    store.begin();
    for (let n = 1; n <= 10_000; n += 1) {
      scope.putTask(row(scope, n));
      const from = (n * 7_919) % 10_007;
      scope.putClaimable(place(row(scope, n).task, from, { priority: n % 5, target: `role:r${n % 3}` }));
    }
    store.commit();
    const all = Array.from({ length: 10_000 }, (_, index) => index + 1).map((n) => ({
      n,
      from: (n * 7_919) % 10_007,
      priority: n % 5,
      target: `role:r${n % 3}`,
    }));

    for (const roles of [["role:r0"], ["role:r1", "role:r2"], ["role:r0", "role:r1", "role:r2"]]) {
      const fitting = all.filter(({ target, from }) => roles.includes(target) && from <= at);
      fitting.sort((a, b) => b.priority - a.priority || a.from - b.from || a.n - b.n);
      expect(scope.nextClaimable(roles, both(at))?.taskId).toBe(taskId(fitting[0]!.n));
    }
  });
});

describe("places whose moments are on different clocks", () => {
  /** The wall clock was set back by 500: the steady clock is so much ahead. */
  const at = (wall: number): Moment => ({ wall, steady: wall + 500 });

  it("can be claimed when their own clock says so, the longest waiting first", () => {
    const { scope } = setup();
    for (const n of [1, 2, 3]) scope.putTask(row(scope, n));
    scope.putClaimable(place(row(scope, 1).task, 1_300)); // 800 on the wall clock
    scope.putClaimable(place(row(scope, 2).task, 700, { clock: "wall" }));
    scope.putClaimable(place(row(scope, 3).task, 900, { clock: "wall" }));

    const first = (wall: number) => scope.nextClaimable(["any"], at(wall))?.taskId;

    expect([first(699), first(700), first(1_000)]).toEqual([undefined, taskId(2), taskId(2)]);
    scope.deleteClaimable(place(row(scope, 2).task, 700, { clock: "wall" }));
    expect([first(799), first(800), first(1_000)]).toEqual([undefined, taskId(1), taskId(1)]);
    scope.deleteClaimable(place(row(scope, 1).task, 1_300));
    expect([first(899), first(900)]).toEqual([undefined, taskId(3)]);
  });

  it("are waited for by the length until the first of them", () => {
    const { scope } = setup();
    scope.putClaimable(place(row(scope, 1).task, 1_300));
    expect(scope.nextClaimableIn("any", at(600))).toBe(200);

    scope.putClaimable(place(row(scope, 2).task, 700, { clock: "wall" }));

    expect(scope.nextClaimableIn("any", at(600))).toBe(100);
    expect(scope.nextClaimableIn("any", at(700))).toBe(100);
    expect(scope.nextClaimableIn("any", at(800))).toBeUndefined();
    expect(scope.nextClaimableIn("role:fix", at(600))).toBeUndefined();
  });
});

describe("nextTarget", () => {
  it("leads from target to target, over places of any number and time, and over no other scope", () => {
    const { scope, other } = setup();
    for (const n of [1, 2, 3]) scope.putClaimable(place(row(scope, n).task, n * 1_000, { target: "role:fix" }));
    for (const target of ["any", "agent:é", "role:Fix"]) scope.putClaimable(place(row(scope, 1).task, 0, { target }));
    other.putClaimable(place(row(other, 1).task, 0, { target: "role:docs" }));

    const seen: string[] = [];
    for (let target = scope.nextTarget(""); target !== undefined; target = scope.nextTarget(target)) seen.push(target);

    expect(seen).toEqual(["agent:é", "any", "role:Fix", "role:fix"]);
  });
});

describe("lists of tasks", () => {
  it("are newest first, in pages, filtered by state, kind and parent", () => {
    const { scope } = setup();
    for (let n = 1; n <= 20; n += 1) {
      const parentId = n % 4 === 0 ? taskId(1) : null;
      scope.putTask(row(scope, n, { state: n % 2 ? "start" : "failed", kind: n % 3 ? "task" : "session", parentId }));
    }

    const ids = (options: Omit<Parameters<ScopeStore["tasks"]>[0], "count">, count = 50) =>
      scope.tasks({ count, ...options }).map(({ id }) => Number(id.slice(5)));
    expect(ids({}, 3)).toEqual([20, 19, 18]);
    expect(ids({ before: taskId(18) }, 3)).toEqual([17, 16, 15]);
    expect(ids({ before: taskId(1) })).toEqual([]);
    expect(ids({ states: ["failed"], kind: "session" })).toEqual([18, 12, 6]);
    expect(ids({ parentId: taskId(1) })).toEqual([20, 16, 12, 8, 4]);
    expect(ids({ states: [] })).toEqual([]);
    expect(scope.tasks({ states: ["failed"], count: 100 }).map(({ id }) => id)).toHaveLength(10);
    expect(scope.tasks({ count: 100 })).toHaveLength(20);
  });
});

describe("timers", () => {
  it("are one a kind and task, due in order", () => {
    const { scope } = setup();
    for (const n of [1, 2, 3]) scope.putTask(row(scope, n));
    const timer = (n: number, dueAt: number, kind = "pause", clock: TimerRow["clock"] = "steady") => ({
      ...{ task: row(scope, n).task, kind, dueAt, clock, entry: 1 },
    });

    scope.putTimer(timer(1, 300));
    scope.putTimer(timer(2, 100));
    scope.putTimer(timer(3, 200));
    scope.putTimer(timer(3, 250, "deadline"));
    scope.putTimer(timer(1, 50)); // replaces

    expect(scope.nextDue()).toEqual([{ at: 50, clock: "steady" }]);
    expect(scope.timers({ now: both(200), count: 10 }).map(({ taskId: id, dueAt }) => [id, dueAt])).toEqual([
      [taskId(1), 50],
      [taskId(2), 100],
      [taskId(3), 200],
    ]);
    expect(scope.timers({ now: both(1_000), count: 2 })).toHaveLength(2);
    for (const n of [1, 2, 3]) scope.deleteTimer(row(scope, n).task, { kind: "pause", clock: "steady" });
    expect(scope.nextDue()).toEqual([{ at: 250, clock: "steady" }]);
  });
});

describe("timers on different clocks", () => {
  it("are due by their own, and one task has one of a kind on each", () => {
    const { scope } = setup();
    scope.putTask(row(scope, 1));
    const timer = { task: row(scope, 1).task, kind: "pause", entry: 1 };
    scope.putTimer({ ...timer, dueAt: 1_300, clock: "steady" });
    scope.putTimer({ ...timer, dueAt: 700, clock: "wall", entry: 2 });

    const due = (now: Moment) => scope.timers({ now, count: 10 }).map(({ clock, entry }) => [clock, entry]);

    expect(scope.nextDue()).toEqual([
      { at: 1_300, clock: "steady" },
      { at: 700, clock: "wall" },
    ]);
    expect(due({ wall: 800, steady: 1_299 })).toEqual([["wall", 2]]);
    expect(due({ wall: 600, steady: 1_300 })).toEqual([["steady", 1]]);
    expect(due({ wall: 700, steady: 1_300 })).toHaveLength(2);
    scope.deleteTimer(timer.task, { kind: "pause", clock: "wall" });
    expect(scope.nextDue()).toEqual([{ at: 1_300, clock: "steady" }]);
  });
});

describe("the outbox", () => {
  it("holds what is owed to a task once, until it is taken out", () => {
    const { scope } = setup();

    scope.putOutbox({ taskId: taskId(1), command: "tasks.cancel", causedBy: "a" });
    scope.putOutbox({ taskId: taskId(1), command: "tasks.cancel", causedBy: "b" });
    scope.putOutbox({ taskId: taskId(2), command: "tasks.cancel", causedBy: "c" });

    const rows = scope.outbox({ after: 0, count: 10 });
    expect(rows.map(({ taskId: id, causedBy }) => [id, causedBy])).toEqual([
      [taskId(1), "a"],
      [taskId(2), "c"],
    ]);
    expect(scope.outbox({ after: rows[0]!.id, count: 10 })).toHaveLength(1);
    scope.deleteOutbox(taskId(1));
    expect(scope.outbox({ after: 0, count: 10 })).toHaveLength(1);
  });
});

describe("two scopes in one file (I11)", () => {
  it("share no row, even with the same ids", () => {
    const { scope, other } = setup();
    scope.putTask(row(scope, 1));
    scope.putClaimable(place(row(scope, 1).task, 0));
    scope.putTimer({ task: row(scope, 1).task, kind: "pause", dueAt: 1, clock: "steady", entry: 1 });
    scope.putOutbox({ taskId: taskId(1), command: "tasks.cancel", causedBy: "a" });
    scope.enterTail(row(scope, 1).task, [{ seq: 1, step: { stage: 1, name: "a", ordinal: 0 } }]);
    scope.putTail(row(scope, 1).task, [{ seq: 2 }]);

    const empty = () => ({
      task: other.task(taskId(1)),
      list: other.tasks({ count: 10 }),
      inState: other.tasks({ count: 10, states: ["start"] }),
      next: other.nextClaimable(["any"], both(10)),
      timers: other.timers({ now: both(10), count: 10 }),
      due: other.nextDue(),
      outbox: other.outbox({ after: 0, count: 10 }),
    });
    expect(empty()).toEqual({ list: [], inState: [], timers: [], due: [], outbox: [] });
    other.putTask(row(other, 1, { title: "other" }));
    expect(scope.task(taskId(1))?.title).toBe("t");
    other.clearTask(row(other, 1).task);
    other.deleteOutbox(taskId(1));
    expect(scope.task(taskId(1))).toBeDefined();
    expect(scope.outbox({ after: 0, count: 10 })).toHaveLength(1);
    expect(scope.rowsOf(row(scope, 1).task)).toMatchObject({ indexed: 1, tail: [2] });
    scope.clearTask(row(scope, 1).task);
    expect(scope.rowsOf(row(scope, 1).task)).toEqual({
      row: undefined,
      indexed: 0,
      tail: [],
      timers: [],
      claimables: [],
      packets: [],
    });
  });
});

describe("the plan of every statement", () => {
  it("finds its rows through a key or an index; none reads a table", () => {
    const ports = createPorts();
    const database = openDatabase(":memory:", { ...ports, durability: "process" });
    const seen: string[] = [];
    const prepare = database.prepare.bind(database);
    database.prepare = ((sql: string) => {
      seen.push(sql);
      return prepare(sql);
    }) as typeof database.prepare; // the same function, watched
    const store = createStore(database, ":memory:", ports.random);
    const scope = store.scope(scopeName);
    const parentId = taskId(1);
    scope.tasks({ count: 1 });
    scope.tasks({ count: 1, states: ["start"], kind: "task", parentId });
    scope.tasks({ count: 1, parentId });
    scope.tasks({ count: 1, states: ["start"] });
    scope.tasks({ count: 1, kind: "task" });
    for (const kind of ["handoff", "delegation"] as const) {
      scope.packetsWithin({ count: 1, kind });
      scope.packetsWithin({ count: 1, kind, status: "offered", target: "any", parentId });
      scope.packetsWithin({ count: 1, kind, status: "offered" });
    }

    const plans = new Map<string, string[]>();
    for (const sql of seen.filter((text) => /^\s*(SELECT|DELETE|UPDATE)/.test(text))) {
      const plan = prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
      const named = [...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, 1]);
      const values = named.length > 0 ? [Object.fromEntries(named)] : Array(sql.split("?").length - 1).fill(1);
      const details = plan.all(...values).map(({ detail }) => detail);
      plans.set(sql, details);
    }
    database.close();

    expect(plans.size).toBeGreaterThan(25);
    const scans = [...plans].filter(([sql, details]) => {
      const small = sql.includes("FROM scopes"); // read once, when the store is opened
      return !small && details.some((detail) => detail.startsWith("SCAN") && !/VIRTUAL TABLE|\(subquery/.test(detail));
    });
    expect(scans).toEqual([]);
    const sorts = [...plans].filter(([, details]) => details.some((detail) => detail.includes("TEMP B-TREE")));
    const few =
      /FROM tails t, json_each|json_each\(t\.seqs\) j\) x|FROM (steps|claimable|packets p) WHERE (p\.)?task = \+\?|FROM outbox/; // of one task, or owed
    expect(sorts.map(([sql]) => sql).filter((sql) => !few.test(sql))).toEqual([]);
  });
});
