import { describe, expect, it } from "vitest";
import { decodeHeader } from "../../actors/index.ts";
import { openRow, sealRow } from "../../actors/sealed-row.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { StoredEvent, TaskRow } from "../../src/kernel/store.ts";
import { createBench, outcomeOf, scopeName } from "../support/store.ts";
import { eventId, pauseId, taskId, toCommand } from "../support/tasks.ts";

const step = (ordinal: number) => ({ name: "s", ordinal, outcome: { kind: "succeeded" as const } });

/** A bench with one running task, and a way to change what its store gives back. */
async function setup() {
  const bench = createBench();
  const scope = bench.store.scope(scopeName);
  const id = await bench.start();
  await bench.do("tasks.claim", { taskId: id });
  /** A second actor on the same store: it knows only what is stored. */
  const restart = () => createBench({ ports: bench, store: bench.store });
  const rewrite = (change: (saved: Record<string, unknown>) => unknown) => {
    const row = scope.task(id) as TaskRow;
    bench.store.begin();
    scope.putTask(sealRow({ ...row, snapshot: JSON.stringify(change(JSON.parse(openRow(row)))) }));
    bench.store.commit();
  };
  return { bench, scope, id, restart, rewrite };
}

describe("live tasks", () => {
  it("are bounded, and those that were let go come back equal (B2)", async () => {
    const bench = createBench();
    const ids = Array.from({ length: limits.liveTasks + 100 }, () => bench.ids.next("task"));
    const asked = ids.map((id) => bench.ask({ ...toCommand("tasks.start", { brief: "b" }), taskId: id }));
    const outcomes = Promise.all(asked.map(outcomeOf));
    await bench.clock.settle();

    expect(new Set(await outcomes)).toEqual(new Set(["ok", "OVERLOADED"]));
    for (const id of ids.slice(limits.commandQueue)) {
      await bench.do("tasks.start", { brief: "b", taskId: id } as never);
    }
    expect(bench.persistence.status().liveTasks).toBe(limits.liveTasks);

    const first = ids[0]!; // the longest unused
    const stored = bench.persistence.snapshot(scopeName, first);
    await bench.do("tasks.claim", { taskId: first });
    expect(stored?.context).toMatchObject({ id: first, revision: 1 });
    expect(bench.persistence.snapshot(scopeName, first)?.context).toMatchObject({ id: first, epoch: 1 });
    expect(bench.persistence.status().liveTasks).toBe(limits.liveTasks);
  });

  it("are read by others without being brought into memory", async () => {
    const { restart, id } = await setup();
    const second = restart();

    expect(second.persistence.snapshot(scopeName, id)?.value).toEqual({ running: "working" });
    expect(second.persistence.snapshot(scopeName, taskId(404))).toBeUndefined();
    expect(second.persistence.status().liveTasks).toBe(0);
  });
});

describe("a task that is read again", () => {
  it("is its snapshot with the events since, at every number of events", async () => {
    const { bench, scope, id, restart } = await setup();
    const saved: number[] = [];

    for (let ordinal = 0; ordinal < limits.eventsPerSnapshot * 2 + 3; ordinal += 1) {
      await bench.do("tasks.step", { taskId: id, epoch: 1, step: step(ordinal) });
      const live = bench.persistence.snapshot(scopeName, id);
      expect(restart().persistence.snapshot(scopeName, id)?.context).toEqual(live?.context);
      saved.push(scope.task(id)?.snapshotSeq ?? 0);
    }

    expect(new Set(saved)).toEqual(new Set([2, 2 + limits.eventsPerSnapshot, 2 + 2 * limits.eventsPerSnapshot]));
    expect(bench.problems()).toEqual([]);
  });

  it("is folded from its events when its snapshot is of another version or machine", async () => {
    for (const change of [{ version: "0" }, { version: "6" }, { machine: "job" }]) {
      const { bench, id, restart, rewrite } = await setup();
      await bench.do("tasks.step", { taskId: id, epoch: 1, step: step(0) });
      const before = bench.persistence.snapshot(scopeName, id);

      rewrite((saved) => ({ ...saved, ...change, value: "elsewhere", context: { other: "shape" } }));

      const second = restart();
      expect(second.persistence.snapshot(scopeName, id)?.context).toEqual(before?.context);
      await second.do("tasks.complete", { taskId: id, epoch: 1 });
      expect(second.problems()).toEqual([]);
    }
  });

  it("is TASK_UNFOLDABLE when its snapshot holds a state that does not exist, and others go on", async () => {
    const { bench, id, restart, rewrite } = await setup();
    const other = await bench.start();
    rewrite((saved) => ({ ...saved, value: "elsewhere" }));

    const second = restart();

    expect(await outcomeOf(second.do("tasks.complete", { taskId: id, epoch: 1 }))).toBe("TASK_UNFOLDABLE");
    expect(await outcomeOf(second.do("tasks.claim", { taskId: other }))).toBe("ok");
    expect(() => second.persistence.snapshot(scopeName, id)).toThrow(
      expect.objectContaining({ code: "TASK_UNFOLDABLE" }),
    );
    expect(second.problems()).toHaveLength(1); // named, not thrown
  });

  it("is TASK_UNFOLDABLE when its journal holds an event that its machine refuses, or does not know", async () => {
    const appended = [
      { type: "task.answered", facts: '{"claimableAt":1}' }, // not in running
      { type: "task.sold", facts: "{}" },
      { type: "constructor", facts: "{}" },
      { type: "task.released", facts: '{"claimableAt":"soon"}' },
      { type: "task.released", facts: "{" },
    ];

    for (const { type, facts } of appended) {
      const { bench, scope, id, restart } = await setup();
      const { task } = scope.task(id) as TaskRow;
      const common = { id: eventId(9), taskId: id, task, epoch: 1, at: 1, by: "x" };
      bench.store.begin();
      scope.append({ ...common, seq: 3, type, facts, commandId: null, content: null, causedBy: null }, "{}");
      scope.putTail(task, [{ seq: 3 }]);
      bench.store.commit();

      const failed = restart().do("tasks.complete", { taskId: id, epoch: 1 });

      await expect(failed, type).rejects.toMatchObject({ code: "TASK_UNFOLDABLE", facts: { seq: 3, type } });
    }
  });
});

describe("decodeHeader", () => {
  const stored: StoredEvent = {
    seq: 7,
    id: eventId(7),
    type: "task.paused",
    taskId: taskId(),
    task: 1,
    epoch: 2,
    at: 99,
    by: "worker-1",
    commandId: null,
    content: null,
    causedBy: null,
    facts: '{"question":true}',
    body: null,
  };

  it("turns the facts of an older shape into the present one, by a table", () => {
    const now = { pauseId: pauseId(), key: "k", asks: true, ends: true, next: "paused", withdrawn: [] };
    const table = { "task.paused": ({ question }: Record<string, unknown>) => ({ ...now, asks: question }) };

    expect(decodeHeader(stored, table)).toEqual({
      seq: 7,
      id: eventId(7),
      type: "task.paused",
      taskId: taskId(),
      epoch: 2,
      at: 99,
      by: "worker-1",
      facts: now,
    });
  });

  it("is TASK_UNFOLDABLE for a shape that nobody turns into the present one", () => {
    expect(() => decodeHeader(stored)).toThrow(
      expect.objectContaining({ code: "TASK_UNFOLDABLE", facts: { seq: 7, type: "task.paused" } }),
    );
  });
});
