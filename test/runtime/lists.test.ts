// What one part of a list looks at does not grow with the store, and the parts together make the list that was asked for.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifyInParts } from "../../actors/index.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { StepReport } from "../../src/contracts/step.ts";
import type { ScopeStore, TaskRow } from "../../src/kernel/store.ts";
import { listEvents, listLastSteps, listPackets, listSteps, listTasks, mayHaveSteps } from "../../src/runtime/lists.ts";
import { aggregate } from "../../src/runtime/packets.ts";
import { createBench, createPorts, openTestStore, scopeName } from "../support/store.ts";
import { packetId, taskId } from "../support/tasks.ts";

const start = 2 ** 36;

function setup() {
  const ports = createPorts();
  const store = openTestStore(":memory:", ports);
  return { store, scope: store.scope(scopeName), bench: createBench({ store, ports }) };
}

const toTask = (n: number, changes: Partial<TaskRow> = {}): TaskRow => ({
  ...{ task: start + n, id: taskId(n), state: "start", kind: "task", parentId: null, title: null },
  ...{ snapshot: "{}", snapshotSeq: n, ...changes },
});

const putPacket = (scope: ScopeStore, n: number, status = "offered"): void =>
  scope.putPacket({
    ...{
      task: start + 1,
      packetId: packetId(n),
      seq: n,
      kind: "handoff",
      parentId: null,
      delegationId: null,
      family: `f${n % 3}`,
    },
    ...{ anchor: null, target: '"any"', from: '{"agent":"a"}', stage: 1, status, offeredAt: n, claimedAt: null },
    ...{ claimedBy: null, endedAt: null, outcome: null },
  });

/** The store with a count of the rows that its reads may look at, by what they were asked for. */
function watch(scope: ScopeStore): { scope: ScopeStore; looked(): number } {
  let looked = 0;
  const counted = Object.entries(scope).map(([name, value]: [string, unknown]) => {
    if (typeof value !== "function") return [name, value];
    const call = (...inputs: { count?: number; after?: number; until?: number }[]): unknown => {
      const [{ count = 1, after, until } = {}] = inputs;
      const isFiltered = typeof inputs[0] === "object" && "types" in inputs[0] && inputs[0].types !== undefined;
      looked += isFiltered ? Math.min((until ?? Number.POSITIVE_INFINITY) - (after ?? 0), 2 ** 40) : count;
      return (value as (...given: unknown[]) => unknown)(...inputs);
    };
    return [name, call];
  });
  return { scope: Object.fromEntries(counted) as ScopeStore, looked: () => looked }; // the same names
}

/** The most rows that one part looked at, how many parts there were, and what they made. */
function measure<Result>(scope: ScopeStore, make: (watched: ScopeStore) => Iterator<unknown, Result, void>) {
  const watched = watch(scope);
  const parts = make(watched.scope);
  let [most, before, count] = [0, 0, 0];
  for (;;) {
    const next = parts.next();
    count += 1;
    most = Math.max(most, watched.looked() - before);
    before = watched.looked();
    if (next.done === true) return { most, count, result: next.value };
  }
}

describe("a part of a list", () => {
  it("looks at as many rows of a large store as of a small one, also when nothing fits", () => {
    const { scope } = setup();
    for (let n = 1; n <= 3_000; n += 1) scope.putTask(toTask(n, { kind: n === 7 ? "rare" : "task" }));
    for (let n = 1; n <= 2_000; n += 1) putPacket(scope, n);
    const page = { before: undefined, pageSize: 500 };
    const show = ({ id }: TaskRow) => id;

    const tasks = [
      measure(scope, (watched) => listTasks(watched, { ...page, exceptKinds: ["task"] }, show)),
      measure(scope, (watched) => listTasks(watched, { ...page, kind: "task", states: ["failed"] }, show)),
      measure(scope, (watched) => listTasks(watched, page, show)),
    ];
    const packets = [
      measure(scope, (watched) => listPackets(watched, { ...page, kind: "handoff", target: '{"role":"x"}' })),
      measure(scope, (watched) => aggregate(watched, { by: "family" })),
    ];

    expect(tasks.map(({ result }) => result.items.length)).toEqual([1, 0, 500]);
    for (const { most, count } of [...tasks, ...packets]) {
      expect(most).toBeLessThanOrEqual(limits.partRows + 1); // and the task that is shown
      expect(count).toBeGreaterThan(10);
    }
  });

  it("looks along a bounded piece of the journal for events of a type that is not there", async () => {
    const { scope, bench } = setup();
    for (let n = 0; n < limits.partSequences * 2 + 10; n += 1) await bench.start();
    const head = scope.head().seq;

    const rare = measure(scope, (watched) =>
      listEvents(watched, { after: 0, head, types: ["session.closed"], pageSize: 500 }),
    );
    const common = measure(scope, (watched) => listEvents(watched, { after: 0, head, pageSize: 500 }));

    expect([rare.result, rare.count]).toEqual([[], 4]);
    expect(rare.most).toBeLessThanOrEqual(limits.partSequences);
    expect(common.result.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    expect(common.most).toBeLessThanOrEqual(limits.partRows);
  });

  it("of a verification reads few bytes, whatever the bodies", async () => {
    const { scope, bench } = setup();
    const chars = 100_000;
    for (let n = 0; n < 40; n += 1) await bench.start({ brief: "x".repeat(chars) });

    const { count, result } = measure(scope, (watched) => verifyInParts(watched));

    expect(result).toMatchObject({ ok: true, events: 40 });
    const largest = Math.ceil(limits.partBytes / chars); // events that one part reads
    expect(count).toBeGreaterThan((2 * 40) / largest);
  });
});

describe("the parts of a list of tasks", () => {
  const task = fc.record({
    state: fc.constantFrom("start", "running", "failed"),
    kind: fc.constantFrom("task", "session", "rare"),
    isChild: fc.boolean(),
  });
  const filter = fc.record(
    {
      states: fc.subarray(["start", "running", "failed"]),
      kind: fc.constantFrom("task", "rare"),
      exceptKinds: fc.constant<string[]>(["session"]),
      parentId: fc.constant(taskId(1)),
    },
    { requiredKeys: [] },
  );

  it("are together what a look at every task finds, newest first, whatever the pages", () => {
    fc.assert(
      fc.property(
        fc.array(task, { maxLength: 40 }),
        filter,
        fc.integer({ min: 1, max: 7 }),
        (tasks, asked, pageSize) => {
          const { store, scope } = setup();
          const rows = tasks.map(({ state, kind, isChild }, index) =>
            toTask(index + 2, { state, kind, parentId: isChild ? taskId(1) : null }),
          );
          for (const row of rows) scope.putTask(row);
          const { states, kind, exceptKinds, parentId } = asked;
          const expected = rows
            .filter((row) => states === undefined || states.includes(row.state))
            .filter((row) => (kind === undefined ? exceptKinds?.includes(row.kind) !== true : row.kind === kind))
            .filter((row) => parentId === undefined || row.parentId === parentId)
            .map(({ id }) => id)
            .reverse();

          const seen: string[] = [];
          for (let before: number | undefined; ; ) {
            const { result } = measure(scope, (watched) =>
              listTasks(watched, { ...asked, before, pageSize }, ({ id }) => id),
            );
            seen.push(...result.items);
            expect(result.items.length).toBeLessThanOrEqual(pageSize);
            if (result.cursor === undefined) break;
            before = scope.task(result.cursor)?.task;
          }

          expect(seen).toEqual(expected);
          store.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("leave a task out that no longer fits when it is its turn", () => {
    const { scope } = setup();
    for (const n of [1, 2, 3]) scope.putTask(toTask(n));
    const parts = listTasks(scope, { states: ["start"], before: undefined, pageSize: 10 }, ({ id }) => id);

    parts.next(); // the newest is shown
    scope.putTask(toTask(2, { state: "running" }));
    const ends = [parts.next(), parts.next(), parts.next(), parts.next()];

    expect(ends.find(({ done }) => done)?.value).toMatchObject({ items: [taskId(3), taskId(1)] });
  });
});

/** A task of `failures` events of one step that failed, behind one that succeeded, and with another one behind them. */
async function setupFailing(failures: number) {
  const { scope, bench } = setup();
  const failing = await bench.start();
  await bench.do("tasks.claim", { taskId: failing });
  const record = (name: string, outcome: StepReport["outcome"]) =>
    bench.do("tasks.step", { taskId: failing, epoch: 1, step: { name, ordinal: 0, outcome } });
  await record("first", { kind: "succeeded" });
  for (let n = 0; n < failures; n += 1) await record("bad", { kind: "failed", error: "no", retryable: true });
  await record("last", { kind: "succeeded" });
  return { scope, taskId: failing, task: scope.task(failing)?.task ?? 0 };
}

describe("a part of a task's steps", () => {
  it("looks at no more events for having been tried often, and the page is whole all the same", async () => {
    const { scope, task } = await setupFailing(1_000);

    const { most, count, result } = measure(scope, (watched) => listSteps(watched, { task, pageSize: 500 }));
    const last = measure(scope, (watched) => listLastSteps(watched, { task, stage: 1, count: 500 }));

    expect(most).toBeLessThanOrEqual(limits.partRows);
    expect(last.most).toBeLessThanOrEqual(limits.partRows + 1); // and where the stage begins
    expect(count).toBeGreaterThan(1_000 / limits.partRows);
    expect(result.steps.map(({ name }) => name)).toEqual(["first", "bad", "last"]);
    expect(result.next).toBeUndefined();
    expect(last.result.map(({ seq }) => seq)).toEqual(result.steps.map(({ seq }) => seq));
  });

  it("ends a page that has looked at enough, which says where to go on", async () => {
    const { scope, task } = await setupFailing(limits.partRows * limits.pageParts);

    const first = measure(scope, (watched) => listSteps(watched, { task, pageSize: 500 }));
    const second = measure(scope, (watched) => listSteps(watched, { task, after: first.result.next, pageSize: 500 }));

    expect(first.count).toBeLessThanOrEqual(limits.pageParts + 1);
    expect(first.result.steps.map(({ name }) => name)).toEqual(["first"]);
    expect(second.result.steps.map(({ name }) => name)).toEqual(["bad", "last"]);
    expect(second.result.next).toBeUndefined();
  });

  it("tells whether a claim finds steps by a look at a few events", async () => {
    const { scope, task } = await setupFailing(1_000);
    const watched = watch(scope);

    expect(mayHaveSteps(watched.scope, { task, stage: 1 })).toBe(true);
    expect(mayHaveSteps(watched.scope, { task, stage: 2 })).toBe(false);
    expect(watched.looked()).toBeLessThan(limits.partRows);
  });

  it("holds as many bytes as a part may, and the page as many as a page", async () => {
    const { scope, bench } = setup();
    const large = await bench.start();
    await bench.do("tasks.claim", { taskId: large });
    const output = "x".repeat(100_000);
    for (let n = 0; n < 30; n += 1)
      await bench.do("tasks.step", {
        taskId: large,
        epoch: 1,
        step: { name: `s${n}`, ordinal: 0, outcome: { kind: "succeeded", output } },
      });
    const task = scope.task(large)?.task ?? 0;

    const part = scope.stepsWithin({ task, after: 0, count: 500 });
    const page = measure(scope, (watched) => listSteps(watched, { task, pageSize: 500 }));

    expect(part.steps).toHaveLength(Math.ceil(limits.partBytes / 100_000));
    expect(part.next).toBe(part.steps.at(-1)?.seq);
    expect(page.result.steps).toHaveLength(Math.ceil(limits.pageBytes / 100_000));
    expect(page.result.next).toBe(page.result.steps.at(-1)?.seq);
  });
});
