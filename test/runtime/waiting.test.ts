// Calls that wait at the runtime, on a clock that the test owns: when each is answered, to the millisecond.

import { describe, expect, it, onTestFinished } from "vitest";
import { openStore } from "../../actors/index.ts";
import { type Connection, createConnection } from "../../sdk/index.ts";
import { createIds, createSeededRandom, noFaults, silentLogger } from "../../src/kernel/index.ts";
import { startRuntime } from "../../src/runtime/start.ts";
import { createMemoryBus } from "../../transport/index.ts";
import { FakeClock } from "../support/fake-clock.ts";

async function setup() {
  const clock = new FakeClock();
  const random = createSeededRandom(7);
  const ids = createIds(clock, random);
  const bus = createMemoryBus({ clock });
  const runtime = await startRuntime({
    scope: "test/waiting",
    store: openStore(":memory:", { durability: "process", ids, random }),
    transport: bus.connect(),
    clock,
    ids,
    random,
    faults: noFaults,
    logger: silentLogger,
    leaseMs: 3_600_000,
  });
  const shared = { scope: "test/waiting", clock, random, logger: silentLogger };
  const client = createConnection({
    ...shared,
    transport: bus.connect(),
    agent: "test",
    beforeDrain: runtime.endWaits,
  });
  onTestFinished(async () => {
    const closed = client.close().then(() => runtime.close());
    await clock.runAll();
    await closed;
  });
  return { clock, client, at: createWatch(clock) };
}

/** Notes when calls are answered and with what. */
function createWatch(clock: FakeClock) {
  const startedAt = clock.mono();
  return <Answer>(call: Promise<Answer>): { answer?: Answer; error?: unknown; ms?: number } => {
    const noted: { answer?: Answer; error?: unknown; ms?: number } = {};
    call.then(
      (answer) => Object.assign(noted, { answer, ms: clock.mono() - startedAt }),
      (error: unknown) => Object.assign(noted, { error, ms: clock.mono() - startedAt }),
    );
    return noted;
  };
}

const claim = (client: Connection, agent: string, waitMs = 20_000) => client.tasks.claim({ waitMs }, { agent });

/** The answer of a call that needs no time. */
async function now<Answer>(clock: FakeClock, call: Promise<Answer>): Promise<Answer> {
  await clock.settle();
  return await call;
}

describe("waiting claims", () => {
  it("are answered in the very turn in which a task comes, the longest waiting first (W1)", async () => {
    const { clock, client, at } = await setup();
    const first = at(claim(client, "first"));
    await clock.advance(10);
    const second = at(claim(client, "second"));
    await clock.advance(10);

    const { taskId } = await now(clock, client.tasks.start({ brief: "x" }));
    await clock.settle();

    expect(first).toMatchObject({ ms: 20, answer: { assignment: { taskId } } });
    expect(second).toEqual({});
  });

  for (const other of ["tasks.cancel", "tasks.claim"] as const)
    it(`wait on when ${other} takes the task that they were to get in the same turn (W1)`, async () => {
      const { clock, client, at } = await setup();
      const { taskId } = await now(clock, client.tasks.start({ brief: "First" }));
      const { assignment } = await now(clock, claim(client, "owner"));
      const waiting = at(claim(client, "patient"));
      await clock.settle();

      const released = client.tasks.release({ taskId, epoch: assignment?.epoch ?? 0 }, { agent: "owner" });
      const taken =
        other === "tasks.cancel"
          ? client.tasks.cancel({ taskId })
          : client.tasks.claim({ taskId, waitMs: 0 }, { agent: "quick" });
      await now(clock, Promise.all([released, taken]));
      const before = { ...waiting };
      const { taskId: second } = await now(clock, client.tasks.start({ brief: "Second" }));

      expect(before).toEqual({});
      expect(waiting).toMatchObject({ answer: { assignment: { taskId: second } } });
    });

  it("of an offer's own offerer are answered behind all others (W1)", async () => {
    const { clock, client, at } = await setup();
    const { taskId } = await now(clock, client.tasks.start({ brief: "x" }));
    await now(clock, client.tasks.claim({ taskId }, { agent: "a" }));
    const offerer = at(claim(client, "a"));
    await clock.advance(10);
    const other = at(claim(client, "b"));
    await clock.advance(10);

    const packet = { brief: "x", nextAction: "Go on" };
    await now(clock, client.handoff.offer({ taskId, epoch: 1, to: "any", packet }, { agent: "a" }));

    expect(other).toMatchObject({ ms: 20, answer: { assignment: { taskId, epoch: 2 } } });
    expect(offerer).toEqual({});
  });

  it("of an offer's own offerer are answered at once when nobody else waits (I10)", async () => {
    const { clock, client, at } = await setup();
    const { taskId } = await now(clock, client.tasks.start({ brief: "x" }));
    await now(clock, client.tasks.claim({ taskId }, { agent: "a" }));
    const offerer = at(claim(client, "a"));
    await clock.advance(10);

    const packet = { brief: "x", nextAction: "Go on" };
    await now(clock, client.handoff.offer({ taskId, epoch: 1, to: "any", packet }, { agent: "a" }));

    expect(offerer).toMatchObject({ ms: 10, answer: { assignment: { taskId, epoch: 2 } } });
  });

  it("are answered at the end of a preference, not before", async () => {
    const { clock, client, at } = await setup();
    const { taskId } = await now(clock, client.tasks.start({ brief: "x" }));
    await now(clock, client.tasks.claim({ taskId }, { agent: "a" }));
    await now(clock, client.tasks.pause({ taskId, epoch: 1 }, { agent: "a" }));
    await now(clock, client.tasks.resume({ taskId }));
    const other = at(claim(client, "b"));

    await clock.advance(4_999);
    expect(other).toEqual({});
    await clock.advance(2);

    expect(other).toMatchObject({ ms: 5_000, answer: { assignment: { taskId, epoch: 2 } } });
  });

  it("are answered when a backoff ends", async () => {
    const { clock, client, at } = await setup();
    const retry = { attemptsMax: 2, backoffMs: 1_000, backoffMaxMs: 1_000 };
    const { taskId } = await now(clock, client.tasks.start({ brief: "x", retry }));
    await now(clock, client.tasks.claim({ taskId }, { agent: "a" }));
    await now(clock, client.tasks.fail({ taskId, epoch: 1, error: "no" }, { agent: "a" }));
    const { task } = await now(clock, client.tasks.get({ taskId }));
    const waiting = at(claim(client, "b"));

    await clock.advance(2_000);

    const claimableAt = task.state === "start" ? task.claimableAt - task.updatedAt : 0;
    expect(claimableAt).toBeGreaterThanOrEqual(500); // half of it is jitter
    expect(waiting).toMatchObject({ ms: claimableAt, answer: { assignment: { taskId, epoch: 2, attempt: 2 } } });
  });

  it("are answered when a task's own time comes", async () => {
    const { clock, client, at } = await setup();
    const waiting = at(claim(client, "a"));
    await clock.settle();

    await now(clock, client.tasks.start({ brief: "later", claimableAt: clock.now() + 700 }));
    await now(clock, client.tasks.start({ brief: "sooner", claimableAt: clock.now() + 300 }));
    await clock.advance(1_000);

    expect(waiting).toMatchObject({ ms: 300, answer: { assignment: { brief: "sooner" } } });
  });

  // An alarm wakes one claim, however many tasks are due at its moment: the others wait for the next commit that concerns them.
  it("are all answered when several tasks come due at one moment", async () => {
    const { clock, client, at } = await setup();
    const waiting = ["a", "b", "c"].map((agent) => at(claim(client, agent)));
    await clock.settle();
    for (const brief of ["x", "y", "z"]) {
      await now(clock, client.tasks.start({ brief, claimableAt: clock.now() + 300 }));
    }

    await clock.advance(1_000);

    expect(waiting.map(({ ms }) => ms)).toEqual([300, 300, 300]);
  });

  it("come back with nothing at the end of their time (W2)", async () => {
    const { clock, client, at } = await setup();
    const short = at(claim(client, "a", 1_000));
    const long = at(claim(client, "b", 30_000));

    await clock.advance(40_000);

    expect(short).toEqual({ ms: 1_000, answer: { assignment: null } });
    expect(long.answer).toEqual({ assignment: null });
    expect(long.ms).toBeGreaterThanOrEqual(29_000);
  });
});

describe("watchers", () => {
  it("are answered in the turn in which their task changes", async () => {
    const { clock, client, at } = await setup();
    const { taskId } = await now(clock, client.tasks.start({ brief: "x" }));
    const watched = at(client.tasks.watch({ taskId, afterRevision: 1 }));
    await clock.advance(70);

    await now(clock, client.tasks.cancel({ taskId }));

    expect(watched).toMatchObject({ ms: 70, answer: { hasEnded: true, task: { state: "cancelled" } } });
  });

  it("are answered at the end of their time, which is longer than one try of a call", async () => {
    const { clock, client, at } = await setup();
    const { taskId } = await now(clock, client.tasks.start({ brief: "x" }));
    const usual = at(client.tasks.watch({ taskId, afterRevision: 1 }));
    const longest = at(client.tasks.watch({ taskId, afterRevision: 1, waitMs: 30_000 }));

    await clock.advance(60_000);

    expect(usual).toMatchObject({ ms: 20_000, answer: { hasEnded: false } });
    expect(longest).toMatchObject({ ms: 30_000, answer: { hasEnded: false } });
  });

  it("of the end are not answered by other changes", async () => {
    const { clock, client, at } = await setup();
    const { taskId } = await now(clock, client.tasks.start({ brief: "x" }));
    const watched = at(client.tasks.watch({ taskId, untilEnded: true }));
    await now(clock, client.tasks.claim({ taskId }, { agent: "a" }));
    await clock.advance(100);
    expect(watched).toEqual({});

    await now(clock, client.tasks.complete({ taskId, epoch: 1 }, { agent: "a" }));

    expect(watched).toMatchObject({ ms: 100, answer: { hasEnded: true } });
  });
});

describe("the end of a runtime", () => {
  it("answers every call that waits, at once (W2)", async () => {
    const { clock, client, at } = await setup();
    const { taskId } = await now(clock, client.tasks.start({ brief: "x", to: { agent: "nobody" } }));
    const calls = [at(claim(client, "a")), at(client.tasks.watch({ taskId, afterRevision: 1 }))];
    await clock.advance(50);

    const closed = client.close();
    await clock.settle();
    await closed;

    expect(calls.map(({ ms }) => ms)).toEqual([50, 50]);
    expect(calls).toMatchObject([{ answer: { assignment: null } }, { answer: { hasEnded: false } }]);
  });
});
