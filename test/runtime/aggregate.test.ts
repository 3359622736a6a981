import { describe, expect, it, onTestFinished } from "vitest";
import type { Return } from "../../src/index.ts";
import { createTestRuntime } from "../../src/testing.ts";

async function setup() {
  const runtime = await createTestRuntime();
  onTestFinished(() => runtime.close());
  const client = runtime.connect("ann");
  /** A packet to `role`, claimed by `agent`, which came back as `outcome`, or not at all. */
  const work = async (role: string, agent: string, outcome?: Return["outcome"]): Promise<void> => {
    const packet = { brief: "look", nextAction: "look" };
    const { taskId, packetId } = await client.handoff.store({ packet, to: { role }, family: "retry" });
    const { assignment } = await client.handoff.claim({ taskId, packetId, roles: [role] }, { agent });
    if (outcome === undefined) return;
    await client.handoff.return({ taskId, epoch: assignment.epoch, return: { outcome, summary: "so" } }, { agent });
  };
  return { client, work };
}

describe("delegation.aggregate", () => {
  it("counts what became of the packets of each role", async () => {
    const { client, work } = await setup();
    await work("review", "rob", "completed");
    await work("review", "rob", "blocked");
    await work("review", "sue");
    await work("docs", "dan", "completed");

    const { groups, recommendations } = await client.delegationRecords.aggregate({ by: "role" });

    const review = { packets: 3, completed: 1, blocked: 1, failed: 0, partial: 0, refused: 0, missing: 1 };
    expect(groups[0]).toMatchObject({
      key: "review",
      ...review,
      completionRate: 1 / 3,
      blockedRate: 1 / 3,
      missingRate: 1 / 3,
    });
    expect(groups[1]).toMatchObject({ key: "docs", packets: 1, completionRate: 1, missingRate: 0 });
    expect(groups[0]?.timeToClaimMs).toBeGreaterThanOrEqual(0);
    expect(recommendations).toEqual([]);
  });

  it("names who is blocked more than it completes, and what has not come back", async () => {
    const { client, work } = await setup();
    for (let count = 0; count < 3; count += 1) await work("deploy", "dan", "blocked");
    for (let count = 0; count < 3; count += 1) await work("review", "rob");

    const byAgent = await client.delegationRecords.aggregate({ by: "agent" });
    const byFamily = await client.delegationRecords.aggregate({ by: "family", kind: "delegation" });

    expect(byAgent.recommendations).toEqual([
      { key: "dan", advice: expect.stringContaining("blocked 3 times") },
      { key: "rob", advice: expect.stringContaining("3 packets") },
    ]);
    expect(byFamily.groups).toEqual([]);
  });

  it("names work that repeats and nearly always completes as worth keeping", async () => {
    const { client, work } = await setup();
    for (let count = 0; count < 9; count += 1) await work("docs", "dan", "completed");
    await work("docs", "dan", "failed");
    for (let count = 0; count < 4; count += 1) await work("review", "rob", "completed");
    for (const outcome of ["completed", "failed"] as const) await work("review", "sue", outcome);

    const { recommendations } = await client.delegationRecords.aggregate({ by: "role" });

    expect(recommendations).toEqual([{ key: "docs", advice: expect.stringContaining("completed 9 of 10") }]);
  });
});
