import { describe, expect, it } from "vitest";
import type { OperationInput } from "../../../src/contracts/operations/index.ts";
import type { DelegationRecord, PacketStatus } from "../../../src/contracts/packet.ts";
import { asBob, idsOf, packet, review, setup } from "./support.ts";

type Outcome = OperationInput<"handoff.return">["return"]["outcome"];

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
  it("goes back to the role in which a packet was put down", async () => {
    const { client } = await setup();
    const { taskId } = await client.handoff.store({ packet, from: { role: "dev" }, to: { role: "ops" } });
    const { assignment } = await client.tasks.claim({ taskId, roles: ["ops"] }, asBob);

    await client.handoff.return({ taskId, epoch: assignment?.epoch ?? 0, return: { outcome: "blocked" } }, asBob);

    const { task } = await client.tasks.get({ taskId });
    expect(task).toMatchObject({ state: "start", to: { role: "dev" } });
  });

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

function toFacts(error: unknown): unknown {
  return (error as { facts: unknown }).facts;
}
