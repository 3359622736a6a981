import { describe, expect, it } from "vitest";
import { createOutbox, createTimers } from "../../actors/index.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { TaskRow } from "../../src/kernel/store.ts";
import { createBench, outcomeOf, scopeName } from "../support/store.ts";
import { packet } from "../support/tasks.ts";

/** Timers and outbox wired to a persistence actor as the runtime wires them. */
function setup(options: Parameters<typeof createBench>[0] = {}) {
  const fired: string[] = [];
  const errors: unknown[] = [];
  const bench = createBench({
    ...options,
    onCommitted: () => {
      timers.arm();
      outbox.send();
    },
  });
  const scope = bench.store.scope(scopeName);
  const submit = (command: Parameters<typeof bench.persistence.submit>[0]["command"], causedBy?: string) =>
    bench.persistence.submit({ scope: scopeName, by: "runtime", isInternal: true, command, causedBy });
  const wire = () =>
    createTimers({
      clock: bench.clock,
      time: bench.time,
      store: scope,
      onError: (error) => void errors.push(error),
      async fire({ taskId, kind, entry }) {
        fired.push(kind);
        return (await submit({ name: "timer.fire", taskId, kind: kind as "pause", entry })) !== undefined;
      },
    });
  const timers = wire();
  const outbox = createOutbox({
    clock: bench.clock,
    store: scope,
    onError: (error) => void errors.push(error),
    async deliver({ taskId, causedBy }) {
      await submit({ name: "parent.ended", taskId }, causedBy);
    },
  });
  const state = (id: string) => scope.task(id as TaskRow["id"])?.state;
  return { bench, scope, timers, outbox, fired, errors, wire, state };
}

describe("timers", () => {
  it("fire once, at their time and not before", async () => {
    const { bench, fired, state } = setup();
    const taskId = await bench.start();
    await bench.do("tasks.claim", { taskId });
    await bench.do("tasks.pause", { taskId, epoch: 1, expiresAt: bench.clock.now() + 5_000 });

    await bench.clock.advance(4_999);
    expect(fired).toEqual([]);
    await bench.clock.advance(1);
    expect(state(taskId)).toBe("start");
    await bench.clock.advance(3_600_000);

    expect(fired).toEqual(["pause"]);
    expect(bench.clock.pendingTimers).toBe(0);
    expect(bench.problems()).toEqual([]);
  });

  it("fire for several tasks in the order they are due, and for the earliest that came last", async () => {
    const { bench, scope, state } = setup();
    const at = bench.clock.now();
    const late = await bench.start({ deadlineAt: at + 3_000 });
    const early = await bench.start({ deadlineAt: at + 1_000 });

    await bench.clock.advance(1_000);
    expect([state(early), state(late)]).toEqual(["failed", "start"]);
    await bench.clock.advance(2_000);

    expect(state(late)).toBe("failed");
    expect(scope.nextDue()).toEqual([]);
  });

  it("that were due while nobody ran fire after the restart (I9)", async () => {
    const { bench, timers, wire, state } = setup();
    const taskId = await bench.start({ deadlineAt: bench.clock.now() + 1_000 });
    timers.close();
    await bench.clock.advance(60_000);
    expect(state(taskId)).toBe("start");

    wire().arm();
    await bench.clock.advance(0);

    expect(state(taskId)).toBe("failed");
  });

  it("wait for years without firing early, and are looked at again now and then", async () => {
    const { bench, fired, state } = setup();
    const years = 3 * limits.waitMs;
    const taskId = await bench.start({ deadlineAt: bench.clock.now() + years });

    await bench.clock.advance(3_600_000);
    expect(bench.clock.pendingTimers).toBe(1);
    expect(fired).toEqual([]);
    bench.clock.jumpMs = years; // the wall clock goes on by itself
    await bench.clock.advance(60_000);

    expect(state(taskId)).toBe("failed");
  });

  it("keep to the wall clock when it goes back", async () => {
    const { bench, state } = setup();
    const taskId = await bench.start({ deadlineAt: bench.clock.now() + 10_000 });
    bench.clock.jumpMs = -3_600_000;

    await bench.clock.advance(10_000);
    expect(state(taskId)).toBe("start");
    await bench.clock.advance(3_600_000 + 60_000);

    expect(state(taskId)).toBe("failed");
  });

  it("are tried again a second later when a firing came to nothing (T2)", async () => {
    const { bench, state } = setup();
    const taskId = await bench.start({ deadlineAt: bench.clock.now() + 1_000 });

    bench.faultsAt.add("commit.before");
    await bench.clock.advance(1_000);
    expect(state(taskId)).toBe("start");
    await bench.clock.advance(1_000);

    expect(state(taskId)).toBe("failed");
  });

  it("are all fired when more are due than one sweep takes", async () => {
    const { bench, scope } = setup();
    const deadlineAt = bench.clock.now() + 1_000;
    const count = limits.timersPerSweep * 2 + 1;
    for (let n = 0; n < count; n += 1) await bench.start({ deadlineAt });

    await bench.clock.advance(1_000);

    expect(scope.tasks({ states: ["failed"], count: count + 1 })).toHaveLength(count);
    expect(bench.problems()).toEqual([]);
  });

  it("fall silent at the close", async () => {
    const { bench, timers, fired } = setup();
    await bench.start({ deadlineAt: bench.clock.now() + 1_000 });

    timers.close();
    timers.arm();
    await bench.clock.advance(5_000);

    expect(fired).toEqual([]);
  });
});

describe("the outbox", () => {
  /** A task with a child with a child, all running. */
  async function plant({ bench }: ReturnType<typeof setup>) {
    const ids = [await bench.start({ budget: { count: 8, depth: 4 } })];
    for (let depth = 3; depth > 0; depth -= 1) {
      const taskId = ids[0]!;
      await bench.do("tasks.claim", { taskId });
      const budget = { count: depth - 1, depth: depth - 1 };
      const { header } = await bench.do("tasks.delegate", { taskId, epoch: 1, to: "any", packet, budget });
      if (header.type === "delegation.sent") ids.unshift(header.facts.childId);
    }
    return ids.reverse(); // the root first
  }

  it("cancels a whole tree after its root, each by the event that ended its parent", async () => {
    const wired = setup();
    const ids = await plant(wired);

    await wired.bench.do("tasks.cancel", { taskId: ids[0]!, reason: "Enough" });

    expect(ids.map(wired.state)).toEqual(["cancelled", "cancelled", "cancelled", "cancelled"]);
    expect(wired.scope.outbox({ after: 0, count: 10 })).toEqual([]);
    const ends = wired.scope.events({ after: 0, count: 100, types: ["task.cancelled"] });
    expect(ends.map(({ causedBy }) => causedBy)).toEqual([null, ...ends.slice(0, -1).map(({ id }) => id)]);
    expect(wired.bench.problems()).toEqual([]);
  });

  it("keeps what is owed until the receiver's own event shows receipt, over faults and restarts (I8)", async () => {
    const wired = setup();
    const ids = await plant(wired);
    wired.outbox.close(); // the process dies before anything is sent

    await wired.bench.do("tasks.fail", { taskId: ids[0]!, epoch: 1, error: "e", retryable: false });
    expect(wired.state(ids[1]!)).toBe("running");
    expect(wired.bench.problems()).toEqual([]);
    const second = setup({ ports: wired.bench, store: wired.bench.store });
    second.bench.faultsAt.add("commit.before");
    second.outbox.send();
    await wired.bench.clock.settle();
    expect(wired.state(ids[1]!)).toBe("running");
    await wired.bench.clock.advance(1_000);

    expect(ids.map(wired.state)).toEqual(["failed", "cancelled", "cancelled", "cancelled"]);
    expect(second.bench.problems()).toEqual([]);
  });

  it("owes nothing to a child that ended first, and tells its parent nothing twice", async () => {
    const wired = setup();
    const ids = await plant(wired);
    await wired.bench.do("tasks.complete", { taskId: ids[2]!, epoch: 1 }).catch(() => {});
    await wired.bench.do("tasks.cancel", { taskId: ids[3]! });
    await wired.bench.do("tasks.complete", { taskId: ids[2]!, epoch: 1 });

    await wired.bench.do("tasks.cancel", { taskId: ids[0]! });

    expect(ids.map(wired.state)).toEqual(["cancelled", "cancelled", "succeeded", "cancelled"]);
    const returns = wired.scope.events({ after: 0, count: 100, types: ["delegation.returned"] });
    expect(returns).toHaveLength(2);
    expect(wired.bench.problems()).toEqual([]);
  });

  it("refuses to complete a parent whose children are open (I5)", async () => {
    const wired = setup();
    const ids = await plant(wired);

    const outcome = outcomeOf(wired.bench.do("tasks.complete", { taskId: ids[0]!, epoch: 1 }));

    expect(await outcome).toBe("CHILDREN_OPEN");
  });
});

describe("rows that cannot be read", () => {
  it("are reported, and nothing is left unhandled", async () => {
    const { bench, errors } = setup();
    const broken = () => {
      throw new Error("I/O");
    };
    const onError = (error: unknown) => void errors.push(error);
    const options = { clock: bench.clock, time: bench.time, onError };
    const timers = createTimers({
      ...options,
      store: { timers: broken, nextDue: () => [{ at: bench.clock.now(), clock: "wall" }] },
      fire: async () => true,
    });
    const outbox = createOutbox({ ...options, store: { outbox: broken }, deliver: async () => {} });

    timers.arm();
    outbox.send();
    await bench.clock.advance(10);

    expect(errors).toMatchObject([{ message: "I/O" }, { message: "I/O" }]);
  });
});
