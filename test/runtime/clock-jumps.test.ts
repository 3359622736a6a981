// Waits on a machine whose wall clock is set. What waits for a length of time waits for that length, while the runtime lives and over its
// restart; what waits for a moment that a caller named waits for that moment.

import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openStore, verifyScope } from "../../actors/index.ts";
import { type Connection, createConnection } from "../../sdk/index.ts";
import type { TaskId } from "../../src/contracts/ids.ts";
import { noFaults, silentLogger } from "../../src/kernel/index.ts";
import { startRuntime } from "../../src/runtime/start.ts";
import { createMemoryBus } from "../../transport/index.ts";
import { createPorts, scopeName, tempFolder } from "../support/store.ts";

const leaseMs = 8_000;
const hour = 3_600_000;
const slackMs = 200;

/** A runtime with a client, on a store that outlives them. */
async function setup() {
  const ports = createPorts();
  const { clock } = ports;
  const file = join(tempFolder(), "aionis.db");

  async function start() {
    const bus = createMemoryBus({ clock });
    const store = openStore(file, { ...ports, durability: "process" });
    const shared = { ...ports, scope: scopeName, faults: noFaults, logger: silentLogger };
    const runtime = await startRuntime({ ...shared, store, transport: bus.connect(), leaseMs });
    const client = createConnection({
      ...shared,
      transport: bus.connect(),
      agent: "a",
      beforeDrain: runtime.endWaits,
    });
    return { runtime, client, store };
  }

  let running: Awaited<ReturnType<typeof start>> | undefined = await start();
  /** Lets a call and its answer go through, without time. */
  async function now<Answer>(call: Promise<Answer>): Promise<Answer> {
    await clock.settle();
    return await call;
  }
  async function close(): Promise<void> {
    const closing = running?.client.close().then(() => running?.runtime.close());
    await clock.settle();
    await closing;
    running = undefined;
  }
  onTestFinished(close);
  return {
    clock,
    now,
    close,
    async open() {
      running = await start();
    },
    client: (): Connection => running?.client ?? missing(),
    problems: () => verifyScope((running ?? missing()).store.scope(scopeName)).problems,
  };
}

function missing(): never {
  throw new Error("no runtime is up");
}

type System = Awaited<ReturnType<typeof setup>>;

/** Begins a wait. What it gives says whether the wait is over. */
interface Wait {
  lengthMs: number;
  begin(system: System): Promise<() => Promise<boolean>>;
}

async function startClaimed({ client, now }: System, input: object = {}): Promise<TaskId> {
  const { taskId } = await now(client().tasks.start({ brief: "x", ...input }));
  await now(client().tasks.claim({ taskId }));
  return taskId;
}

/** Whether agent `by` gets the task. */
const canClaim = ({ client, now }: System, by = "a") => {
  return async () => (await now(client().tasks.claim({}, { agent: by }))).assignment !== null;
};

const isIn = ({ client, now }: System, taskId: TaskId, state: string) => {
  return async () => (await now(client().tasks.get({ taskId }))).task.state === state;
};

const packet = { brief: "x", nextAction: "Go on" };
const retry = { attemptsMax: 3, backoffMs: 8_000, backoffMaxMs: 8_000 };

/** How long a task that waits to be tried again waits. */
async function lengthOf({ client, now }: System, taskId: TaskId): Promise<number> {
  const { task } = await now(client().tasks.get({ taskId }));
  return "claimableAt" in task ? (task.claimableAt ?? 0) - task.updatedAt : 0;
}

const lengths: Record<string, Wait> = {
  "the expiry of a pause": {
    lengthMs: 8_000,
    async begin(system) {
      const taskId = await startClaimed(system);
      await system.now(system.client().tasks.pause({ taskId, epoch: 1, question: "?", expiresInMs: 8_000 }));
      return isIn(system, taskId, "start");
    },
  },
  "the expiry of an offer": {
    lengthMs: 8_000,
    async begin(system) {
      const taskId = await startClaimed(system);
      const offer = { to: { role: "review" }, packet, expiresInMs: 8_000 };
      await system.now(system.client().handoff.offer({ taskId, epoch: 1, ...offer }));
      return isIn(system, taskId, "start");
    },
  },
  "the time limit of a delegated task": {
    lengthMs: 7_000,
    async begin(system) {
      const taskId = await startClaimed(system);
      const part = { to: { role: "docs" }, packet, timeoutMs: 7_000 };
      const { childId } = await system.now(system.client().tasks.delegate({ taskId, epoch: 1, ...part }));
      return isIn(system, childId, "failed");
    },
  },
  "the time for which the last owner is preferred": {
    lengthMs: 5_000,
    async begin(system) {
      const { client, now } = system;
      const taskId = await startClaimed(system);
      await now(client().tasks.pause({ taskId, epoch: 1 }));
      await now(client().tasks.resume({ taskId }));
      return canClaim(system, "other");
    },
  },
};

describe.each(Object.entries(lengths))("%s", (_name, { lengthMs, begin }) => {
  it.each([
    ["set back", -hour],
    ["set ahead, or was asleep", hour],
  ])("is as long as it was when the clock is %s", async (_what, jumpMs) => {
    const system = await setup();
    const isOver = await begin(system);
    await system.clock.advance(lengthMs / 2);

    system.clock.jumpMs += jumpMs;
    await system.clock.advance(lengthMs / 2 - slackMs);

    expect(await isOver()).toBe(false);
    await system.clock.advance(2 * slackMs);
    expect(await isOver()).toBe(true);
    expect(system.problems()).toEqual([]);
  });

  it.each([
    ["set back", -hour],
    ["set ahead", hour],
  ])("is as long as it was when the clock is %s and the runtime starts again after that", async (_what, jumpMs) => {
    const system = await setup();
    const isOver = await begin(system);
    await system.clock.advance(lengthMs / 2);
    system.clock.jumpMs += jumpMs;

    await system.close();
    await system.open();
    await system.clock.advance(lengthMs / 2 - slackMs);

    expect(await isOver()).toBe(false);
    await system.clock.advance(2 * slackMs);
    expect(await isOver()).toBe(true);
    expect(system.problems()).toEqual([]);
  });

  it("is not longer than it was when the clock is set back while no runtime runs", async () => {
    const system = await setup();
    const isOver = await begin(system);
    await system.clock.advance(lengthMs / 2);
    await system.close();
    system.clock.jumpMs -= hour;
    await system.open();

    expect(await isOver()).toBe(false);
    await system.clock.advance(lengthMs + slackMs);
    expect(await isOver()).toBe(true);
  });

  it("goes on while no runtime runs", async () => {
    const system = await setup();
    const isOver = await begin(system);
    await system.close();
    await system.clock.advance(lengthMs + slackMs);
    await system.open();
    await system.clock.advance(slackMs);

    expect(await isOver()).toBe(true);
  });
});

describe.each([
  ["set back", -hour],
  ["set ahead", hour],
])("when the clock is %s", (_what, jumpMs) => {
  it("a task that failed is tried again after its backoff, and a claim that waits gets it then", async () => {
    const system = await setup();
    const { clock, client, now } = system;
    const taskId = await startClaimed(system, { retry });
    await now(client().tasks.fail({ taskId, epoch: 1, error: "down" }));
    const lengthMs = await lengthOf(system, taskId);
    clock.jumpMs += jumpMs;

    const waiting = client().tasks.claim({ waitMs: 20_000 });
    let claimed: string | undefined;
    waiting.then(({ assignment }) => (claimed = assignment?.taskId)).catch(() => {});
    await clock.advance(lengthMs - slackMs);

    expect(claimed).toBeUndefined();
    await clock.advance(2 * slackMs);
    expect(claimed).toBe(taskId);
  });

  it("a task whose worker was lost is offered again after lease and backoff", async () => {
    const system = await setup();
    const { clock } = system;
    const taskId = await startClaimed(system, { retry });
    clock.jumpMs += jumpMs;
    await clock.advance(leaseMs + slackMs);

    const waitMs = await lengthOf(system, taskId);
    expect(waitMs).toBeGreaterThan(slackMs);
    expect(await canClaim(system)()).toBe(false);
    await clock.advance(waitMs);
    expect(await canClaim(system)()).toBe(true);
  });

  it("a claim that is given back again and again is offered later each time, by no more than its pace", async () => {
    const system = await setup();
    const { clock, client, now } = system;
    const taskId = await startClaimed(system);
    for (let epoch = 1; epoch <= 3; epoch += 1) {
      await now(client().tasks.release({ taskId, epoch }));
      await now(client().tasks.claim({ taskId }));
    }
    await now(client().tasks.release({ taskId, epoch: 4 }));
    clock.jumpMs += jumpMs;

    expect(await canClaim(system)()).toBe(false);
    await clock.advance(1_000);
    expect(await canClaim(system)()).toBe(true);
  });

  it("what can be claimed can be claimed still, also after a restart", async () => {
    const system = await setup();
    await system.now(system.client().tasks.start({ brief: "x" }));
    await system.now(system.client().tasks.start({ brief: "y" }));
    await system.clock.advance(1_000);
    system.clock.jumpMs += jumpMs;

    expect(await canClaim(system)()).toBe(true);
    await system.close();
    await system.open();
    expect(await canClaim(system)()).toBe(true);
  });

  it("moments that a caller named come when the wall clock says so", async () => {
    const system = await setup();
    const { clock, client, now } = system;
    const at = clock.now() + 2 * hour;
    const due = await now(client().tasks.start({ brief: "x", to: { role: "none" }, deadlineAt: at }));
    const paused = await startClaimed(system);
    await now(client().tasks.pause({ taskId: paused, epoch: 1, question: "?", expiresAt: at }));
    const later = await now(client().tasks.start({ brief: "y", to: { role: "late" }, claimableAt: at }));
    clock.jumpMs += jumpMs;

    const look = async () => {
      const { assignment } = await now(client().tasks.claim({ roles: ["late"] }, { agent: "b" }));
      if (assignment !== null) await now(client().tasks.cancel({ taskId: assignment.taskId }));
      return [
        await isIn(system, due.taskId, "failed")(),
        await isIn(system, paused, "start")(),
        assignment?.taskId === later.taskId,
      ];
    };
    await clock.advance(2 * hour - jumpMs - 1_000);

    expect(await look()).toEqual([false, false, false]);
    await clock.advance(62_000); // the wall clock is looked at once a minute at least
    expect(await look()).toEqual([true, true, true]);
  });
});

it("shows when a wait ends by the wall clock as it is, with the length in the event", async () => {
  const system = await setup();
  const { clock, client, now } = system;
  const taskId = await startClaimed(system);
  clock.jumpMs -= hour;
  await now(client().tasks.pause({ taskId, epoch: 1, question: "?", expiresInMs: 8_000 }));
  clock.jumpMs -= hour;

  const { task } = await now(client().tasks.get({ taskId }));
  const { events } = await now(client().events.read({ taskId, types: ["task.paused"] }));

  expect(task.pauses).toMatchObject([{ expiresAt: clock.now() + 8_000 }]);
  expect(events[0]?.facts).toMatchObject({
    expiresAt: (events[0]?.at ?? 0) + 8_000,
    expiresInMs: 8_000,
    leadMs: hour,
  });
});

it("begins with the wall clock again when nothing waits any more", async () => {
  const system = await setup();
  const { clock, client, now } = system;
  const first = await startClaimed(system);
  clock.jumpMs += hour;
  await now(client().tasks.complete({ taskId: first, epoch: 1 }));
  await system.close();
  await system.open();

  const second = await startClaimed(system);
  await now(client().tasks.release({ taskId: second, epoch: 1 }));

  const { events } = await now(client().events.read({ taskId: second, types: ["task.created", "task.released"] }));
  expect(events.map(({ facts }) => "leadMs" in facts)).toEqual([false, false]);
});
