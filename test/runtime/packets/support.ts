// Packets, from outside: what is stored, offered, claimed, returned and delegated, as clients see it. After each test the store is verified.

import { expect, onTestFinished } from "vitest";
import { type Connection, connect } from "../../../sdk/index.ts";
import type { OperationInput } from "../../../src/contracts/operations/index.ts";
import type { DelegationRecord, PacketStatus } from "../../../src/contracts/packet.ts";
import { createRuntime } from "../../../src/embedded.ts";
import { createTestRuntime } from "../../../src/testing.ts";
import { tempFolder } from "../../support/store.ts";

export type TaskId = OperationInput<"tasks.get">["taskId"];

export const scope = "acme/billing";
export const packet = { brief: "The retry waits too long", nextAction: "Read retry.ts" };
export const review = { to: { role: "review" }, roles: ["review"] };

/** A runtime in memory with connections for two programs, and what tests do to begin with. */
export async function setup() {
  const test = await createTestRuntime({ scope, leaseMs: 60_000 });
  const client = test.connect("ann");
  onTestFinished(async () => {
    const { problems } = await client.store.verify();
    await test.close();
    expect(problems).toEqual([]);
  });
  return { client, other: test.connect("bob"), ...createActs(client) };
}

export function createActs(client: Connection) {
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

export const asBob = { agent: "bob" };

/** A runtime on a folder, and a connection over its socket. */
export async function setupFolder() {
  const place = { path: tempFolder(), scope, durability: "process" } as const;
  const runtime = await createRuntime({ ...place, agent: "ann" });
  const other = await connect({ path: place.path, scope, agent: "bob" });
  const close = async (): Promise<void> => {
    await other.close();
    await runtime.close();
  };
  onTestFinished(close);
  return { place, runtime, other, close };
}

/** What an owner's command says of its claim. */
export function idsOf({ taskId, epoch }: { taskId: TaskId; epoch: number }) {
  return { taskId, epoch };
}
