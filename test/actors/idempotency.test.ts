import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Store } from "../../src/kernel/store.ts";
import { createBench, createPorts, openTestStore, outcomeOf, scopeName, tempFolder } from "../support/store.ts";
import { toCommand } from "../support/tasks.ts";

const start = (brief: string) => toCommand("tasks.start", { brief });

describe("a repeat with the same command id", () => {
  it("is answered from the first one's event: in the same turn, later, and after a restart", async () => {
    const ports = createPorts();
    const file = join(tempFolder(), "aionis.db");
    const store = openTestStore(file, ports);
    const bench = createBench({ ports, store });
    const first = { ...start("a"), taskId: ports.ids.next("task") };
    const again = () => bench.ask({ ...start("a"), taskId: ports.ids.next("task") }, { commandId: "c", content: "a" });

    const asked = [bench.ask(first, { commandId: "c", content: "a" }), again(), again()];
    await bench.clock.settle();
    const later = again();
    await bench.clock.settle();
    bench.persistence.close();
    store.close();
    const second = createBench({ ports, store: openTestStore(file, ports) });
    const restarted = second.ask(first, { commandId: "c", content: "a" });
    await bench.clock.settle();

    const recorded = await Promise.all([...asked, later, restarted]);
    for (const answer of recorded) expect(answer).toEqual(JSON.parse(JSON.stringify(recorded[0])));
    expect(second.store.scope(scopeName).head().seq).toBe(1);
    expect(second.problems()).toEqual([]);
  });

  it("is answered even when the task has gone on, or has ended", async () => {
    const bench = createBench();
    const taskId = await bench.start();
    const claim = () => bench.do("tasks.claim", { taskId }, { commandId: "claim" });

    const first = await claim();
    await bench.do("tasks.complete", { taskId, epoch: 1 });

    expect((await claim()).header).toEqual(first.header);
  });

  it("and another content is IDEMPOTENCY_CONFLICT, with the event that used it", async () => {
    const bench = createBench();
    await bench.start({}, { commandId: "c", content: "a" });

    const other = bench.start({}, { commandId: "c", content: "b" });

    await expect(other).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT", facts: { seq: 1 } });
    expect(bench.store.scope(scopeName).head().seq).toBe(1);
  });

  it("in another scope is another command (I11)", async () => {
    const bench = createBench();

    await bench.start({ brief: "one" }, { commandId: "c" });
    await bench.start({ brief: "two" }, { commandId: "c", scope: "acme/other" });

    expect(bench.store.scope(scopeName).head().seq).toBe(1);
    expect(bench.store.scope("acme/other").head().seq).toBe(1);
    expect([...bench.problems(), ...bench.problems("acme/other")]).toEqual([]);
  });

  it("of a refused command is decided anew: a refusal writes nothing", async () => {
    const bench = createBench();
    const taskId = await bench.start();
    const complete = () => outcomeOf(bench.do("tasks.complete", { taskId, epoch: 1 }, { commandId: "done" }));

    expect(await complete()).toBe("EPOCH_STALE");
    expect(bench.store.scope(scopeName).head().seq).toBe(1);
    await bench.do("tasks.claim", { taskId });
    expect(await complete()).toBe("ok");
  });
});

describe("a claim of whatever is next", () => {
  it("gives nothing when nothing waits, and records nothing", async () => {
    const bench = createBench();

    const nothing = bench.ask({ roles: [] }, { commandId: "c" });
    await bench.clock.settle();

    expect(await nothing).toBeUndefined();
    expect(bench.store.scope(scopeName).head().seq).toBe(0);
  });

  it("gives each of several workers in one turn a task of its own, by priority and then by age", async () => {
    const bench = createBench();
    const tasks = [await bench.start({ priority: 1 }), await bench.start(), await bench.start(), await bench.start()];
    await bench.do("tasks.cancel", { taskId: tasks[3]! });

    const asked = [1, 2, 3, 4].map((n) => bench.ask({ roles: [] }, { by: `worker-${n}` }));
    await bench.clock.settle();

    const given = (await Promise.all(asked)).map((event) => event?.header.taskId);
    expect(given).toEqual([tasks[1], tasks[2], tasks[0], undefined]);
  });

  it("gives an offer and a preferred task before what waits for anyone", async () => {
    const bench = createBench();
    const paused = await bench.start();
    await bench.do("tasks.claim", { taskId: paused });
    await bench.do("tasks.pause", { taskId: paused, epoch: 1 });
    await bench.do("tasks.resume", { taskId: paused });
    const offered = await bench.start();
    await bench.do("tasks.claim", { taskId: offered });
    const packet = { brief: "b", nextAction: "n" };
    await bench.do("handoff.offer", { taskId: offered, epoch: 1, to: { role: "review" }, packet });

    const next = async (by: string, roles: string[]) => {
      const asked = bench.ask({ roles }, { by });
      await bench.clock.settle();
      return (await asked)?.header;
    };
    expect(await next("worker-2", [])).toBeUndefined(); // kept for worker-1
    expect(await next("worker-2", ["review"])).toMatchObject({ taskId: offered, type: "handoff.claimed" });
    expect(await next("worker-1", [])).toMatchObject({ taskId: paused, type: "task.claimed" });
  });
});

describe("a commit that was made although it failed (I13)", () => {
  it("leaves memory as the store is, and a repeat finds the one event", async () => {
    const ports = createPorts();
    const inner = openTestStore(":memory:", ports);
    let failure: Error | undefined;
    const store: Store = {
      ...inner,
      commit() {
        inner.commit();
        const thrown = failure;
        failure = undefined;
        if (thrown !== undefined) throw thrown;
      },
    };
    const bench = createBench({ ports, store });
    const taskId = await bench.start();
    const claim = () => bench.do("tasks.claim", { taskId }, { commandId: "c" });

    failure = new Error("the answer of the disk was lost");
    expect(await outcomeOf(claim())).toBe("OUTCOME_UNKNOWN");

    expect(bench.problems()).toEqual([]);
    expect(bench.persistence.snapshot(scopeName, taskId)?.value).toEqual({ running: "working" });
    expect((await claim()).header.seq).toBe(2);
    expect((await bench.do("tasks.complete", { taskId, epoch: 1 })).header.seq).toBe(3);
    expect(bench.problems()).toEqual([]);
  });
});
