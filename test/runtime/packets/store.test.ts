import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../../src/contracts/limits.ts";
import type { OperationInput } from "../../../src/contracts/operations/index.ts";
import { packet, setup, setupFolder } from "./support.ts";

type PacketInput = OperationInput<"handoff.store">["packet"];

describe("handoff.store and handoff.recover", () => {
  it("give a packet to another connection character for character", async () => {
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

  it("names the last recorded step, however many there are", async () => {
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

/** The texts of `keys`' fields as JSON: the same characters, and the same order of the keys in what is nested. */
function pick(from: object, keys: object): string {
  return JSON.stringify(Object.keys(keys).map((key) => [key, Reflect.get(from, key)]));
}

/** What texts can hold: every character of Unicode, NUL and controls among them. Half a surrogate pair has no UTF-8. */
const anyText = fc.string({ unit: "binary", maxLength: 400 });
const anyLine = fc.string({ unit: "binary", minLength: 1, maxLength: 100 });
const anyName = fc.string({ unit: "binary", minLength: 1, maxLength: 50 });
const anyLines = fc.array(anyLine, { maxLength: 4 });
const anyData = fc.jsonValue({ stringUnit: "binary" });

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
