// Packets, from outside: what is stored, offered, claimed, returned and delegated, as clients see it. After each test the store is verified.

import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { openStore, rebuildScope } from "../../actors/index.ts";
import { type Connection, connect } from "../../sdk/index.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { OperationInput } from "../../src/contracts/operations/index.ts";
import type { DelegationRecord, PacketStatus } from "../../src/contracts/packet.ts";
import { createRuntime } from "../../src/embedded.ts";
import { createTestRuntime } from "../../src/testing.ts";
import { createPorts, tempFolder } from "../support/store.ts";

type TaskId = OperationInput<"tasks.get">["taskId"];
type PacketInput = OperationInput<"handoff.store">["packet"];
type Outcome = OperationInput<"handoff.return">["return"]["outcome"];

const scope = "acme/billing";
const packet = { brief: "The retry waits too long", nextAction: "Read retry.ts" };
const review = { to: { role: "review" }, roles: ["review"] };

/** A runtime in memory with connections for two programs, and what tests do to begin with. */
async function setup() {
  const test = await createTestRuntime({ scope, leaseMs: 60_000 });
  const client = test.connect("ann");
  onTestFinished(async () => {
    const { problems } = await client.store.verify();
    await test.close();
    expect(problems).toEqual([]);
  });
  return { client, other: test.connect("bob"), ...createActs(client) };
}

function createActs(client: Connection) {
  /** A new task that ann works on. */
  async function run(input: Partial<OperationInput<"tasks.start">> = {}) {
    const { taskId } = await client.tasks.start({ brief: "Fix the retry", ...input });
    const { assignment } = await client.tasks.claim({ taskId, roles: ["review"] });
    return { taskId, epoch: assignment!.epoch };
  }
  /** A new task that ann offers. */
  async function offer(input: Partial<OperationInput<"handoff.offer">> = {}) {
    const { taskId, packetId } = await client.handoff.offer({ ...(await run()), to: review.to, packet, ...input });
    return { taskId, packetId };
  }
  /** A new task that ann offered and bob took. */
  async function handOver(input: Partial<OperationInput<"handoff.offer">> = {}) {
    const offered = await offer(input);
    const { assignment } = await client.handoff.claim({ ...offered, roles: review.roles }, asBob);
    return { packetId: offered.packetId, work: idsOf(assignment) };
  }
  /** A part of a running task. */
  async function delegate(parent: { taskId: TaskId; epoch: number }, budget = { count: 0, depth: 0 }) {
    const { childId } = await client.tasks.delegate({ ...parent, to: "any", packet, budget });
    return childId;
  }
  async function statusOf(packetId: DelegationRecord["packetId"]): Promise<PacketStatus | undefined> {
    return (await client.handoff.recover({ packetId })).record?.status;
  }
  async function head(): Promise<number> {
    return (await client.runtime.status()).head;
  }
  return { run, offer, handOver, delegate, statusOf, head };
}

const slow = { timeout: 60_000 };
const asBob = { agent: "bob" };

/** A runtime on a folder, and a connection over its socket. */
async function setupFolder() {
  const place = { path: tempFolder(), scope, durability: "process" } as const;
  const runtime = await createRuntime({ ...place, agent: "ann" });
  const other = await connect({ ...place, agent: "bob" });
  const close = async (): Promise<void> => {
    await other.close();
    await runtime.close();
  };
  onTestFinished(close);
  return { place, runtime, other, close };
}

describe("handoff.store and handoff.recover", () => {
  it("give a packet to another connection character for character", slow, async () => {
    const { runtime, other } = await setupFolder();

    await fc.assert(
      fc.asyncProperty(anyPacket(), async (sent) => {
        const { packetId } = await runtime.handoff.store({ packet: sent });
        const byId = await other.handoff.recover({ packetId });
        expect(pick(byId.packet, sent)).toBe(pick(sent, sent));
        if (sent.anchor !== undefined) {
          expect((await other.handoff.recover({ anchor: sent.anchor })).packet).toEqual(byId.packet);
        }
      }),
      {
        numRuns: 150,
        examples: [[hostile], [{ ...packet, brief: "中".repeat(1_000_000) }], [{ ...packet, files: [] }]],
        endOnFailure: true,
      },
    );

    expect((await runtime.store.verify()).problems).toEqual([]);
  });

  it("fill in who, for whom, and that nobody took it", async () => {
    const { client, other } = await setup();

    const stored = await client.handoff.store({
      packet: { ...packet, anchor: "night" },
      ...{ to: { role: "ops" }, from: { role: "dev" }, family: "retry" },
    });

    const found = await other.handoff.recover({ anchor: "night" });
    expect(found).toMatchObject({
      derived: false,
      packet: {
        id: stored.packetId,
        kind: "handoff",
        from: { agent: "ann", role: "dev" },
        to: { role: "ops" },
        stage: 1,
      },
      record: { status: "offered", anchor: "night", family: "retry", offeredAt: stored.at },
      task: { id: stored.taskId, state: "start", title: packet.brief },
    });
    expect(found).not.toHaveProperty("ownedUntil");
  });

  it("count the newest of two packets with one anchor, whoever wrote it", async () => {
    const { client, other, offer } = await setup();
    await client.handoff.store({ packet: { ...packet, anchor: "night", brief: "first" } });
    const second = await other.handoff.store({ packet: { ...packet, anchor: "night", brief: "second" } });
    expect((await client.handoff.recover({ anchor: "night" })).packet.id).toBe(second.packetId);

    const third = await offer({ packet: { ...packet, anchor: "night", brief: "third" } });

    expect((await client.handoff.recover({ anchor: "night" })).packet).toMatchObject({
      id: third.packetId,
      brief: "third",
    });
    expect(await client.handoff.recover({ packetId: second.packetId })).toMatchObject({ packet: { brief: "second" } });
  });

  it("read and change nothing, whatever is asked for", async () => {
    const { client, other, run, head } = await setup();
    const stored = await client.handoff.store({ packet: { ...packet, anchor: "night" } });
    const { taskId } = await run();
    const before = await head();

    const first = await other.handoff.recover({ anchor: "night" });
    await other.handoff.recover({ taskId });

    expect(await other.handoff.recover({ taskId: stored.taskId })).toEqual(first);
    expect(await head()).toBe(before);
    const { assignment } = await other.handoff.claim({ taskId: stored.taskId, packetId: stored.packetId });
    expect(assignment.packet).toEqual(first.packet);
  });

  it("say until when the present owner has it", async () => {
    const { client, handOver } = await setup();
    const { packetId } = await handOver();

    const { ownedUntil, record } = await client.handoff.recover({ packetId });

    expect(record).toMatchObject({ status: "claimed", claimedBy: "bob" });
    expect(ownedUntil! - record!.claimedAt!).toBeGreaterThan(50_000);
  });

  it("refuse what is not there", async () => {
    const { client } = await setup();

    await expect(client.handoff.recover({ anchor: "nothing" })).rejects.toMatchObject({
      code: "PACKET_NOT_FOUND",
      detail: expect.stringContaining("nothing"),
    });
    const packetId = `pkt_${"0".repeat(20)}` as const;
    await expect(client.handoff.recover({ packetId })).rejects.toMatchObject({ code: "PACKET_NOT_FOUND" });
    const taskId = `task_${"0".repeat(20)}` as const;
    await expect(client.handoff.recover({ taskId })).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  });

  it("refuse a packet that does not say what to do", async () => {
    const { client, head } = await setup();

    const stored = client.handoff.store({ packet: { brief: "Something is wrong" } });

    await expect(stored).rejects.toMatchObject({
      code: "INPUT_INVALID",
      detail: expect.stringContaining("nextAction"),
    });
    expect(await head()).toBe(0);
  });
});

describe("a derived packet", () => {
  it("of a task that nobody began says so", async () => {
    const { client } = await setup();
    const { taskId } = await client.tasks.start({ brief: "Fix the retry", checks: [{ name: "tests" }] });

    const { packet: made, derived, record } = await client.handoff.recover({ taskId });

    expect({ derived, record }).toEqual({ derived: true, record: undefined });
    expect(made).toMatchObject({ brief: "Fix the retry", nextAction: "Begin: nothing is recorded yet.", facts: [] });
    expect(made.checks).toMatchObject([{ name: "tests" }]);
    expect(made).not.toHaveProperty("id");
  });

  it("names the last recorded step, however many there are", slow, async () => {
    const { client, run } = await setup();
    const work = await run();
    const count = limits.listItems + 20;
    const step = (ordinal: number) => ({ name: "s", ordinal, outcome: { kind: "succeeded" } }) as const;
    await Promise.all(
      Array.from({ length: count }, (_, ordinal) => client.tasks.step({ ...work, step: step(ordinal) })),
    );
    await client.tasks.step({ ...work, step: { name: "last", ordinal: 0, outcome: { kind: "failed", error: "no" } } });

    const { packet: made } = await client.handoff.recover({ taskId: work.taskId });

    expect(made.nextAction).toMatch(/^Go on after step\.failed last#0 at \d+\.$/);
    expect(made.facts).toHaveLength(limits.listItems);
    expect(made.facts[0]).toMatch(/^step\.succeeded s#21 /);
  });
});

describe("handoff.claim", () => {
  it("gives it to one of 20 who ask at once; the others are told who has it (I1)", async () => {
    const { client, offer } = await setup();
    const offered = { ...(await offer()), roles: review.roles };
    const agents = Array.from({ length: 20 }, (_, index) => `reviewer-${index}`);

    const claims = await Promise.allSettled(agents.map((agent) => client.handoff.claim(offered, { agent })));

    const [winner] = claims.flatMap(({ status }, index) => (status === "fulfilled" ? [agents[index]] : []));
    const losses = claims.flatMap((claim) => (claim.status === "rejected" ? [claim.reason] : []));
    expect(losses).toHaveLength(19);
    for (const loss of losses) {
      expect(loss).toMatchObject({
        code: "CLAIM_LOST",
        retryable: false,
        facts: { owner: { agent: winner, role: "review" }, epoch: 2 },
      });
    }
    const { events } = await client.events.read({ types: ["handoff.claimed"] });
    expect(events).toMatchObject([{ by: winner, epoch: 2 }]);
  });

  // startRuntime grants the lease after the commit, so that a loser of the very same turn is not told its end.
  it("tells those who lose in the same turn until when it is taken", async () => {
    const { client, offer } = await setup();
    const offered = { ...(await offer()), roles: review.roles };

    const claims = await Promise.allSettled(["a", "b"].map((agent) => client.handoff.claim(offered, { agent })));

    expect(claims[1]).toMatchObject({ reason: { facts: { leaseUntil: expect.any(Number) } } });
  });

  it("tells who comes later until when it is taken at least", async () => {
    const { client, handOver } = await setup();
    const { work, packetId } = await handOver();
    const { taskId } = work;
    const { ownedUntil } = await client.handoff.recover({ packetId });

    const lost = await client.handoff.claim({ taskId, packetId, roles: review.roles }, { agent: "cy" }).catch(toFacts);
    expect(lost).toMatchObject({ owner: { agent: "bob", role: "review" }, epoch: 2 });
    expect(Math.abs((lost as { leaseUntil: number }).leaseUntil - ownedUntil!)).toBeLessThan(5);
  });

  it("refuses whom it is not for, and a packet that is not on offer", async () => {
    const { client, offer } = await setup();
    const { taskId, packetId } = await offer();

    const stranger = client.handoff.claim({ taskId, packetId }, { agent: "cy" });
    const otherPacket = client.handoff.claim({ taskId, packetId: `pkt_${"0".repeat(20)}`, roles: review.roles });

    await expect(stranger).rejects.toMatchObject({ code: "NOT_ADDRESSED", facts: { to: review.to } });
    await expect(otherPacket).rejects.toMatchObject({ code: "TASK_STATE_CONFLICT", facts: { state: "handoff" } });
  });
});

describe("statuses", () => {
  const ways: Record<
    PacketStatus,
    (world: Awaited<ReturnType<typeof setup>>) => Promise<DelegationRecord["packetId"]>
  > = {
    offered: async ({ offer }) => (await offer()).packetId,
    claimed: async ({ handOver }) => (await handOver()).packetId,
    async returned({ client, handOver }) {
      const { packetId, work } = await handOver();
      await client.handoff.return({ ...work, return: { outcome: "partial" } }, asBob);
      return packetId;
    },
    async declined({ client, offer }) {
      const offered = await offer();
      await client.handoff.decline({ ...offered, roles: review.roles, reason: "no time" }, asBob);
      return offered.packetId;
    },
    async withdrawn({ client, offer }) {
      const offered = await offer();
      await client.handoff.withdraw(offered);
      return offered.packetId;
    },
    async expired({ client, offer }) {
      const { taskId, packetId } = await offer({ expiresInMs: 1 });
      const { task } = await client.tasks.get({ taskId });
      if (task.state === "handoff") await client.tasks.watch({ taskId, afterRevision: task.revision });
      return packetId;
    },
  };

  for (const [status, reach] of Object.entries(ways)) {
    it(`say that a packet is ${status}, and when`, async () => {
      const world = await setup();

      const packetId = await reach(world);

      const { records } = await world.client.handoff.list({ status: status as PacketStatus });
      expect(records).toMatchObject([{ packetId, status }]);
      const [record] = records;
      const isTaken = status === "claimed" || status === "returned";
      expect(record?.claimedBy).toBe(isTaken ? "bob" : undefined);
      expect(record?.endedAt === undefined).toBe(status === "offered" || status === "claimed");
      expect(record?.outcome).toBe(status === "returned" ? "partial" : undefined);
    });
  }

  it("stay as they are when the task goes on and ends", async () => {
    const { client, offer, statusOf } = await setup();
    const first = await offer();
    await client.handoff.decline({ ...first, roles: review.roles }, asBob);
    const { assignment } = await client.tasks.claim({ taskId: first.taskId });
    const second = await client.handoff.offer({ ...idsOf(assignment!), to: review.to, packet });
    await client.tasks.cancel({ taskId: first.taskId });

    expect([await statusOf(first.packetId), await statusOf(second.packetId)]).toEqual(["declined", "returned"]);
  });

  it("of what is off the table refuse a claim", async () => {
    const { client, offer } = await setup();
    const offered = await offer();
    await client.handoff.withdraw(offered);

    const claim = client.handoff.claim({ ...offered, roles: review.roles }, asBob);

    await expect(claim).rejects.toMatchObject({ code: "TASK_STATE_CONFLICT", facts: { state: "start" } });
  });
});

describe("handoff.return", () => {
  for (const outcome of ["blocked", "failed", "partial"] as const) {
    it(`of ${outcome} work gives it to the next who claims, the sender first`, async () => {
      const { client, handOver } = await setup();
      const { work, packetId } = await handOver();
      const { taskId } = work;
      const given = { outcome, summary: "The server is down", files: ["retry.ts"], data: { tried: [1, "ä\0"] } };

      const ack = await client.handoff.return({ ...work, return: given }, asBob);

      expect(ack.state).toBe("start");
      expect((await client.tasks.get({ taskId })).task).toMatchObject({ state: "start", to: { role: "review" } });
      const tooEarly = client.tasks.claim({ taskId, roles: ["review"] }, { agent: "cy" });
      await expect(tooEarly).rejects.toMatchObject({ code: "NOT_ADDRESSED", facts: { preferred: { agent: "ann" } } });
      const { assignment } = await client.tasks.claim({});
      expect(assignment).toMatchObject({ taskId, epoch: 3, stage: 2, returned: given, packet: { id: packetId } });
    });
  }

  it("of completed work ends a task without checks, and answers the packet", async () => {
    const { client, handOver } = await setup();
    const { work, packetId } = await handOver();
    const { taskId } = work;

    const ack = await client.handoff.return({ ...work, return: { outcome: "completed", summary: "Done" } }, asBob);

    expect(ack.state).toBe("succeeded");
    expect((await client.handoff.recover({ packetId })).record).toMatchObject({
      status: "returned",
      outcome: "completed",
    });
    expect((await client.tasks.get({ taskId })).content.outcome).toMatchObject({
      outcome: "completed",
      summary: "Done",
    });
  });

  it("of completed work runs the checks first", async () => {
    const { client, run, statusOf } = await setup();
    const offered = await client.handoff.offer({
      ...(await run({ checks: [{ name: "tests" }] })),
      ...{ to: review.to, packet },
    });
    const { taskId, packetId } = offered;
    await client.handoff.claim({ taskId, packetId, roles: review.roles }, asBob);
    const work = { taskId, epoch: 2 };
    const complete = () => client.handoff.return({ ...work, return: { outcome: "completed" } }, asBob);
    const verify = (passed: boolean) => client.tasks.verify({ ...work, results: [{ name: "tests", passed }] }, asBob);

    expect((await complete()).state).toBe("verifying");
    expect((await verify(false)).state).toBe("running");
    expect(await statusOf(packetId)).toBe("claimed");
    expect((await complete()).state).toBe("verifying");
    expect((await verify(true)).state).toBe("succeeded");
    expect(await statusOf(packetId)).toBe("returned");
  });

  it("needs a packet, and the claim of who works from it", async () => {
    const { client, run, handOver, head } = await setup();
    const mine = await run();
    const { work } = await handOver();
    const before = await head();
    const given = { outcome: "blocked" as Outcome };

    const withoutPacket = client.handoff.return({ ...mine, return: given });
    const spent = client.handoff.return({ ...work, epoch: 1, return: given });
    const foreign = client.handoff.return({ ...work, return: given });

    await expect(withoutPacket).rejects.toMatchObject({ code: "PACKET_NOT_FOUND" });
    await expect(spent).rejects.toMatchObject({ code: "EPOCH_STALE" });
    await expect(foreign).rejects.toMatchObject({ code: "EPOCH_STALE", facts: { owner: { agent: "bob" } } });
    expect(await head()).toBe(before);
  });

  it("waits for what was delegated", async () => {
    const { client, handOver } = await setup();
    const { work } = await handOver();
    const { childId } = await client.tasks.delegate({ ...work, to: "any", packet }, asBob);
    const complete = () => client.handoff.return({ ...work, return: { outcome: "completed" } }, asBob);

    await expect(complete()).rejects.toMatchObject({ code: "CHILDREN_OPEN", facts: { open: [childId] } });
    await client.tasks.cancel({ taskId: childId });
    expect((await complete()).state).toBe("succeeded");
  });
});

describe("lists", () => {
  const targets = ["any", { role: "review" }, { agent: "bob" }] as const;
  const pageSizes = [1, 2, 3, 7, limits.pageRows];

  async function setupMany() {
    const world = await setup();
    const { client } = world;
    for (let index = 0; index < 24; index += 1) {
      const to = targets[index % 3]!;
      const { taskId, packetId } = await client.handoff.store({ packet, to });
      if (index % 4 === 1) await client.handoff.claim({ taskId, packetId, roles: ["review"] }, asBob);
      if (index % 4 === 2) await client.tasks.cancel({ taskId });
    }
    return world;
  }

  it("page without gaps or repeats under every filter", slow, async () => {
    const { client } = await setupMany();
    const all = (await client.handoff.list({ pageSize: limits.pageRows })).records;
    expect(all.map(({ packetId }) => packetId)).toEqual(
      all
        .map(({ packetId }) => packetId)
        .toSorted()
        .toReversed(),
    );
    expect(all).toHaveLength(24);

    for (const status of [undefined, "offered", "claimed", "returned", "expired"] as const) {
      for (const to of [undefined, ...targets]) {
        const filter = { ...(status && { status }), ...(to && { to }) };
        const fits = (record: DelegationRecord): boolean =>
          (status ?? record.status) === record.status && JSON.stringify(to ?? record.to) === JSON.stringify(record.to);
        for (const pageSize of pageSizes) {
          expect(await readAll((cursor) => client.handoff.list({ ...filter, ...cursor, pageSize }))).toEqual(
            all.filter(fits),
          );
        }
      }
    }
  });

  it("keep their place while packets are added", async () => {
    const { client } = await setupMany();
    const before = (await client.handoff.list()).records;

    const seen = await readAll(async (cursor) => {
      await client.handoff.store({ packet });
      return client.handoff.list({ ...cursor, pageSize: 5 });
    });

    expect(seen.slice(1)).toEqual(before); // the first page held one more
  });

  it("keep delegations and handoffs apart, and find what one task delegated", async () => {
    const { client, run, delegate, offer } = await setup();
    const parents = [await run(), await run()];
    const children: TaskId[][] = [[], []];
    for (let index = 0; index < 5; index += 1) {
      for (const [at, parent] of parents.entries()) children[at]!.unshift(await delegate(parent));
    }
    const { packetId } = await offer();

    const page = (filter: { parentId?: TaskId }, pageSize: number) =>
      readAll((cursor) => client.delegation.find({ ...filter, ...cursor, pageSize }));
    for (const pageSize of pageSizes) {
      expect(await page({}, pageSize)).toHaveLength(10);
      for (const [at, { taskId }] of parents.entries()) {
        const records = await page({ parentId: taskId }, pageSize);
        expect(records.map((record) => record.taskId)).toEqual(children[at]);
        expect(records.every(({ kind, parentId }) => kind === "delegation" && parentId === taskId)).toBe(true);
      }
    }
    expect((await client.handoff.list()).records.map((record) => record.packetId)).toEqual([packetId]);
  });

  it("refuse a cursor that they did not give", async () => {
    const { client } = await setup();
    const cursor = `pkt_${"0".repeat(20)}` as const;

    await expect(client.handoff.list({ cursor })).rejects.toMatchObject({ code: "CURSOR_INVALID" });
    await expect(client.delegation.find({ cursor })).rejects.toMatchObject({ code: "CURSOR_INVALID" });
  });
});

describe("delegation.tree", () => {
  it("shows parents before children, the oldest first, with levels and records", async () => {
    const { client, run, delegate } = await setup();
    const root = await run();
    const a = await delegate(root, { count: 2, depth: 2 });
    const b = await delegate(root);
    const { assignment } = await client.tasks.claim({ taskId: a });
    const a1 = await delegate(idsOf(assignment!), { count: 1, depth: 1 });
    const nested = await client.tasks.claim({ taskId: a1 });
    const a2 = await delegate(idsOf(nested.assignment!));
    const c = await delegate(root);
    await client.tasks.cancel({ taskId: b });

    const { nodes, truncated } = await client.delegation.tree({ taskId: root.taskId });

    const seen = nodes.map(({ task, level, record }) => [task.id, level, task.parentId, record?.status]);
    expect(seen).toEqual([
      [root.taskId, 0, undefined, undefined],
      [a, 1, root.taskId, "claimed"],
      [a1, 2, a, "claimed"],
      [a2, 3, a1, "offered"],
      [b, 1, root.taskId, "returned"],
      [c, 1, root.taskId, "offered"],
    ]);
    expect(truncated).toBe(false);
    const part = await client.delegation.tree({ taskId: a });
    expect(part.nodes.map(({ task, level }) => [task.id, level])).toEqual([
      [a, 0],
      [a1, 1],
      [a2, 2],
    ]);
  });

  it("is cut after 500 tasks, and says so", slow, async () => {
    const { client, run, delegate } = await setup();
    const root = await run({ budget: { count: 1_000, depth: 1 } });
    const { taskId } = root;
    const addParts = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) await client.tasks.cancel({ taskId: await delegate(root) });
    };
    await addParts(limits.pageRows - 1);
    const whole = await client.delegation.tree({ taskId });
    await addParts(1);

    const cut = await client.delegation.tree({ taskId });

    expect([whole.nodes.length, whole.truncated]).toEqual([limits.pageRows, false]);
    expect([cut.nodes.length, cut.truncated]).toEqual([limits.pageRows, true]);
  });

  it("of a task that is not there is refused", async () => {
    const { client } = await setup();

    const tree = client.delegation.tree({ taskId: `task_${"0".repeat(20)}` });

    await expect(tree).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  });
});

describe("a rebuild", () => {
  it("makes the same rows from the journal, and the same answers (I6)", async () => {
    const { place, runtime, close } = await setupFolder();
    const { run, offer, handOver, delegate } = createActs(runtime);
    const parent = await run();
    const parts = [await delegate(parent), await delegate(parent)];
    await runtime.tasks.cancel({ taskId: parts[0]! });
    await runtime.handoff.store({ packet: { ...packet, anchor: "night" }, from: { role: "dev" }, family: "retry" });
    await runtime.handoff.decline({ ...(await offer()), roles: review.roles }, asBob);
    await runtime.handoff.withdraw(await offer({ packet: { ...packet, anchor: "night" } }));
    await runtime.handoff.return({ ...(await handOver()).work, return: { outcome: "blocked" } }, asBob);
    await runtime.handoff.return({ ...(await handOver()).work, return: { outcome: "completed" } }, asBob);
    const read = async ({ handoff, delegation }: Connection) => ({
      handoffs: (await handoff.list()).records,
      delegations: (await delegation.find()).records,
      tree: await delegation.tree({ taskId: parent.taskId }),
    });
    const before = await read(runtime);
    await close();

    const rebuilt = rebuild(`${place.path}/aionis.db`);

    expect(rebuilt.after).toEqual(rebuilt.before);
    expect(rebuilt.before.flatMap(({ packets }) => packets)).toHaveLength(7);
    await using again = await createRuntime({ ...place, agent: "ann" });
    expect(await read(again)).toEqual(before);
    expect((await again.store.verify()).problems).toEqual([]);
  });
});

/** The rows of every task before and after they are made again. */
function rebuild(file: string) {
  const store = openStore(file, { ...createPorts(), durability: "process" });
  try {
    const tasks = store.scope(scope).tasks({ count: limits.pageRows });
    const read = () => tasks.map(({ task }) => store.scope(scope).rowsOf(task));
    const before = read();
    rebuildScope(store, scope);
    return { before, after: read() };
  } finally {
    store.close();
  }
}

type Page = { records: DelegationRecord[]; cursor?: DelegationRecord["packetId"] | undefined };

async function readAll(read: (cursor: Pick<Page, "cursor">) => Promise<Page>): Promise<DelegationRecord[]> {
  const all: DelegationRecord[] = [];
  for (let page = await read({}); ; page = await read({ cursor: page.cursor })) {
    all.push(...page.records);
    if (page.cursor === undefined) return all;
  }
}

/** What an owner's command says of its claim. */
function idsOf({ taskId, epoch }: { taskId: TaskId; epoch: number }) {
  return { taskId, epoch };
}

function toFacts(error: unknown): unknown {
  return (error as { facts: unknown }).facts;
}

/** The texts of `keys`' fields as JSON: the same characters, and the same order of the keys in what is nested. */
function pick(from: object, keys: object): string {
  return JSON.stringify(Object.keys(keys).map((key) => [key, Reflect.get(from, key)]));
}

/** What texts can hold: every character of Unicode, NUL and controls among them. Half a surrogate pair has no UTF-8. */
const anyText = fc.string({ unit: "binary", maxLength: 400 });
const anyLine = fc.string({ unit: "binary", minLength: 1, maxLength: 100 });
const anyName = fc.string({ unit: "binary", minLength: 1, maxLength: 50 });
const anyLines = fc.array(anyLine, { maxLength: 4 });
const reaching = /"(__proto__|constructor|prototype)":/; // the transport refuses such keys
const anyData = fc.jsonValue({ stringUnit: "binary" }).filter((data) => !reaching.test(JSON.stringify(data)));

function anyPacket(): fc.Arbitrary<PacketInput> {
  return fc.record(
    {
      brief: anyLine,
      nextAction: anyText,
      files: anyLines,
      checks: fc.array(fc.record({ name: anyName, command: fc.tuple(anyText), required: fc.boolean() }), {
        maxLength: 3,
      }),
      constraints: fc.record({ change: anyLines, remove: anyLines, keep: anyLines }),
      facts: anyLines,
      rejected: fc.array(fc.record({ path: anyLine, why: anyLine }), { maxLength: 3 }),
      blockers: anyLines,
      services: anyLines,
      artifacts: anyLines,
      evidence: anyLines,
      lessons: fc.array(anyName, { maxLength: 3 }),
      anchor: anyName,
      data: anyData,
    },
    { requiredKeys: ["brief", "nextAction"] },
  );
}

/** What storage and transport get wrong first. */
const hostile: PacketInput = {
  brief: "\0\u0001\u2028\ufeff\ufffe\u{10ffff}e\u0301 é 👩‍👩‍👧 \"'\\ %s",
  nextAction: "",
  anchor: "\0'; DROP TABLE packets; --",
  facts: ["\r\n", " ", "\0"],
  data: {
    "": [[], {}, [[[]]], null, 0, 1e300, 5e-324, Number.MAX_SAFE_INTEGER, "\ud83d\ude00"],
    "\0": { a: { b: [] } },
  },
};
