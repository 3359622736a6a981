import { describe, expect, it } from "vitest";
import { decide } from "../../machines/index.ts";
import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { Store } from "../../src/kernel/store.ts";
import { createBench, createPorts, openTestStore, outcomeOf, scopeName } from "../support/store.ts";
import { packet, toCommand } from "../support/tasks.ts";

/** A real store that counts its commits, and whose commits can be made to fail before or after they were done. */
function createWatchedStore(ports = createPorts()) {
  const inner = openTestStore(":memory:", ports);
  const watch = { commits: 0, fail: undefined as Error | undefined, failsAfter: false, room: true };
  const store: Store = {
    ...inner,
    commit() {
      const failure = watch.fail;
      watch.fail = undefined;
      if (failure !== undefined && !watch.failsAfter) throw failure;
      inner.commit();
      watch.commits += 1;
      if (failure !== undefined) throw failure;
    },
    failureOf: (error) =>
      error instanceof AionisError && error.code.startsWith("STORE_") ? error : inner.failureOf(error),
    hasRoom: () => watch.room,
  };
  return { ports, store, watch };
}

function setup(options: Parameters<typeof createBench>[0] = {}) {
  const { ports, store, watch } = createWatchedStore();
  const bench = createBench({ ports, store, ...options });
  const asking = (name: string, commandId?: string) =>
    bench.ask({ ...toCommand("tasks.start", { brief: name }), taskId: bench.ids.next("task") }, { commandId });
  const head = () => store.scope(scopeName).head().seq;
  return { bench, watch, asking, head };
}

describe("a turn", () => {
  it("commits up to 64 commands at once, and the rest in the next", async () => {
    const { bench, watch, asking } = setup();

    const asked = Array.from({ length: limits.commandsPerTurn + 1 }, (_, index) => asking(`Task ${index}`));
    await bench.clock.settle();

    const expected = asked.map((_, index) => index + 1);
    expect((await Promise.all(asked)).map((event) => event?.header.seq)).toEqual(expected);
    expect(bench.committed.map(({ recorded }) => recorded.header.seq)).toEqual(expected);
    expect(watch.commits).toBe(2);
  });

  it("leaves to the next turn, in their order, the commands for which it has no time (P7)", async () => {
    const { ports, store, watch } = createWatchedStore();
    const mono = ports.clock.mono.bind(ports.clock);
    let spentMs = 0;
    ports.clock.mono = () => mono() + spentMs;
    const slowly: typeof decide = (...given) => {
      spentMs += 10;
      return decide(...given);
    };
    const bench = createBench({ ports, store, decide: slowly });
    const ask = (brief: string) =>
      bench.ask({ ...toCommand("tasks.start", { brief }), taskId: bench.ids.next("task") });

    const asked = ["a", "b", "c", "d", "e"].map(ask);
    await bench.clock.settle();

    expect((await Promise.all(asked)).map((event) => event?.header.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(watch.commits).toBe(3); // of two commands, two and one
  });

  it("answers nobody before its commit (P1)", async () => {
    const { bench, watch, asking } = setup();

    const asked = asking("Task").then(() => watch.commits);
    expect(watch.commits).toBe(0);
    await bench.clock.settle();

    expect(await asked).toBe(1);
  });

  it("lets commands of one task share it, each seeing what the one before did (P2)", async () => {
    const { bench, watch } = setup();
    const taskId = bench.ids.next("task");
    const step = { name: "s", ordinal: 0, outcome: { kind: "succeeded" as const } };

    const asked = [
      bench.ask({ ...toCommand("tasks.start", { brief: "b" }), taskId }),
      bench.ask(toCommand("tasks.claim", { taskId })),
      bench.ask(toCommand("tasks.claim", { taskId }), { by: "worker-2" }),
      bench.ask(toCommand("tasks.step", { taskId, epoch: 1, step })),
      bench.ask(toCommand("tasks.step", { taskId, epoch: 1, step })),
      bench.ask(toCommand("tasks.complete", { taskId, epoch: 1 })),
    ];
    const outcomes = Promise.all(asked.map(outcomeOf));
    await bench.clock.settle();

    expect(await outcomes).toEqual(["ok", "ok", "CLAIM_LOST", "ok", "ok", "ok"]);
    expect((await asked[4])?.header.seq).toBe((await asked[3])?.header.seq); // the recorded success
    expect(watch.commits).toBe(1);
    expect(bench.problems()).toEqual([]);
  });

  it("leaves the others alone when one command is refused, or meets a bug (P4)", async () => {
    const { bench, asking, head } = setup({
      decide(snapshot, command, facts) {
        if (command.name === "tasks.start" && command.input.brief === "bug") throw new TypeError("oops");
        return decide(snapshot, command, facts);
      },
    });

    const refused = bench.ask(toCommand("tasks.cancel", {}));
    const asked = [asking("one"), refused, asking("bug"), asking("two")];
    const outcomes = Promise.all(asked.map(outcomeOf));
    await bench.clock.settle();

    expect(await outcomes).toEqual(["ok", "TASK_NOT_FOUND", "RUNTIME_FAULT", "ok"]);
    expect(head()).toBe(2);
    expect(bench.logs).toEqual(["a command met a bug"]);
    expect(bench.problems()).toEqual([]);
  });

  it("writes nothing for a command of which a later part is refused, and folds it back (P4)", async () => {
    let isBroken = false;
    const { bench, head } = setup({
      decide(snapshot, command, facts) {
        if (isBroken && command.name === "delegation.start") throw new TypeError("no child");
        return decide(snapshot, command, facts);
      },
    });
    const taskId = await bench.start();
    await bench.do("tasks.claim", { taskId });

    isBroken = true;
    const delegate = { taskId, epoch: 1, to: "any" as const, packet };
    const outcome = await outcomeOf(bench.do("tasks.delegate", delegate));
    isBroken = false;

    expect(outcome).toBe("RUNTIME_FAULT");
    expect(head()).toBe(2);
    expect(bench.persistence.snapshot(scopeName, taskId)?.context.childrenOpen).toEqual([]);
    expect((await bench.do("tasks.delegate", delegate)).header.seq).toBe(3);
    expect(bench.problems()).toEqual([]);
  });
});

describe("the queue", () => {
  it("is OVERLOADED over its bound for callers, and takes the runtime's own commands still", async () => {
    const { bench, asking } = setup();
    const asked = Array.from({ length: limits.commandQueue }, (_, index) => asking(`Task ${index}`));

    expect(await outcomeOf(asking("One more"))).toBe("OVERLOADED");
    const command = { name: "lease.expire", taskId: bench.ids.next("task"), epoch: 1 } as const;
    const own = bench.persistence.submit({ scope: scopeName, by: "runtime", isInternal: true, command });
    const outcome = outcomeOf(own);
    expect(bench.persistence.status().waiting).toBe(limits.commandQueue + 1);
    await bench.clock.settle();

    expect(await outcome).toBe("TASK_NOT_FOUND");
    expect((await Promise.all(asked)).length).toBe(limits.commandQueue);
    expect(bench.persistence.status().waiting).toBe(0);
  });

  it("is refused with RUNTIME_CLOSED at the close, and so is what comes later", async () => {
    const { bench, asking } = setup();

    const waiting = outcomeOf(asking("waits"));
    bench.persistence.close();
    bench.persistence.close(); // safe twice

    expect([await waiting, await outcomeOf(asking("late"))]).toEqual(["RUNTIME_CLOSED", "RUNTIME_CLOSED"]);
    await bench.clock.settle();
    expect(bench.persistence.status()).toMatchObject({ state: "closed", waiting: 0, liveTasks: 0 });
  });
});

describe("a turn that is not committed (P3)", () => {
  for (const point of ["turn.begin", "turn.decided", "commit.before"] as const) {
    it(`is OUTCOME_UNKNOWN for all its callers and leaves no trace: fault at ${point} (I6)`, async () => {
      const { bench, asking, head } = setup();
      const taskId = await bench.start();
      const before = bench.persistence.snapshot(scopeName, taskId);

      bench.faultsAt.add(point);
      const claim = toCommand("tasks.claim", { taskId });
      const asked = [bench.ask(claim, { commandId: "c" }), asking("other", "o")];
      const outcomes = Promise.all(asked.map(outcomeOf));
      await bench.clock.settle();

      expect(await outcomes).toEqual(["OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN"]);
      expect(head()).toBe(1);
      expect(bench.persistence.snapshot(scopeName, taskId)).toEqual(before);
      expect(bench.problems()).toEqual([]);
      const again = bench.ask(claim, { commandId: "c" });
      await bench.clock.settle();
      expect((await again)?.header).toMatchObject({ seq: 2, epoch: 1, commandId: "c" });
      expect(bench.persistence.status().state).toBe("ready");
    });
  }

  it("resolves to exactly one event by a repeat with the same command id (I13)", async () => {
    const { bench, watch, head } = setup();
    const taskId = await bench.start();
    const claim = toCommand("tasks.claim", { taskId });

    for (let count = 0; count < 3; count += 1) {
      watch.fail = new Error("something");
      const failed = outcomeOf(bench.ask(claim, { commandId: "c" }));
      await bench.clock.settle();
      expect(await failed).toBe("OUTCOME_UNKNOWN");
    }
    const again = [bench.ask(claim, { commandId: "c" }), bench.ask(claim, { commandId: "c" })];
    await bench.clock.settle();

    expect((await Promise.all(again)).map((event) => event?.header.seq)).toEqual([2, 2]);
    expect(head()).toBe(2);
    expect(bench.problems()).toEqual([]);
  });
});

describe("a full disk", () => {
  const full = () => new AionisError("STORE_FULL", "There is no room.");

  it("latches the store read-only, and it goes on by itself when there is room", async () => {
    const { bench, watch, asking } = setup();
    const taskId = await bench.start();
    watch.fail = full();
    watch.room = false;

    const met = outcomeOf(asking("met it", "m"));
    await bench.clock.settle();
    expect([await met, await outcomeOf(asking("late"))]).toEqual(["STORE_FULL", "STORE_FULL"]);
    expect(bench.persistence.status()).toMatchObject({ state: "readOnly", reason: "There is no room." });
    expect(bench.persistence.snapshot(scopeName, taskId)?.value).toBe("start"); // reads go on
    await bench.clock.advance(10_000);
    expect(bench.persistence.status().state).toBe("readOnly");

    watch.room = true;
    await bench.clock.advance(1_000);

    expect(bench.persistence.status()).toMatchObject({ state: "ready", reason: null });
    const again = asking("met it", "m");
    await bench.clock.settle();
    expect((await again)?.header.seq).toBe(2);
    expect(bench.problems()).toEqual([]);
  });

  it("refuses what waits behind the turn that met it", async () => {
    const { bench, watch, asking } = setup();
    watch.fail = full();

    const asked = Array.from({ length: limits.commandsPerTurn + 2 }, (_, index) => outcomeOf(asking(`Task ${index}`)));
    await bench.clock.settle();

    expect(new Set(await Promise.all(asked))).toEqual(new Set(["STORE_FULL"]));
  });
});

describe("a store that fails", () => {
  it("ends the actor for good and says so once", async () => {
    const { bench, watch, asking } = setup();
    watch.fail = new AionisError("STORE_FAILED", "I/O error.");

    const met = outcomeOf(asking("met it"));
    await bench.clock.settle();

    expect([await met, await outcomeOf(asking("late"))]).toEqual(["STORE_FAILED", "STORE_FAILED"]);
    expect(bench.failures).toMatchObject([{ code: "STORE_FAILED" }]);
    expect(bench.persistence.status()).toMatchObject({ state: "failed", reason: "I/O error." });
    bench.persistence.suspend(new AionisError("STORE_FAILED", "Again."));
    bench.persistence.close();
    await bench.clock.advance(60_000);
    expect(bench.failures).toHaveLength(1);
  });

  it("is not written to again when it cannot even roll back", async () => {
    const { ports, store, watch } = createWatchedStore();
    const stuck: Store = {
      ...store,
      rollback() {
        throw new Error("stuck");
      },
    };
    const bench = createBench({ ports, store: stuck });
    watch.fail = new Error("something");

    expect(await outcomeOf(bench.start())).toBe("STORE_FAILED");
    expect(bench.persistence.status().state).toBe("failed");
    store.rollback();
  });

  it("serves reads only while its journal is shorter than it was, until somebody decides", async () => {
    const { bench, asking } = setup();
    bench.persistence.suspend(new AionisError("JOURNAL_TRUNCATED", "It is shorter."));

    expect(await outcomeOf(asking("late"))).toBe("JOURNAL_TRUNCATED");
    await bench.clock.advance(60_000);
    expect(bench.persistence.status()).toMatchObject({ state: "readOnly", reason: "It is shorter." });
  });
});
