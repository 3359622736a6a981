import { describe, expect, it } from "vitest";
import { ended, forever, journal, recorded, type Setup, start } from "./fabric.ts";

const step = { name: "build", ordinal: 0, outcome: { kind: "succeeded" as const, output: "built" } };

export function describeBlocked(setup: Setup): void {
  describe("a step with a time limit", () => {
    it("fails with STEP_TIMEOUT when it is not done by then, and the next attempt runs it again", async () => {
      const { client, work } = await setup();
      const reasons: unknown[] = [];
      work({}, async (task, ctx) => {
        const timeout = task.attempt === 1 ? 20 : 10_000;
        return await ctx.step("browse", { timeout }, async ({ signal }) => {
          if (task.attempt === 2) return "found";
          signal.addEventListener("abort", () => void reasons.push((signal.reason as { code?: string }).code));
          return await forever();
        });
      });

      const { task, outcome } = await ended(client, await start(client));

      expect(task).toMatchObject({ state: "succeeded", attempt: 2 });
      expect(outcome).toMatchObject({ data: "found" });
      expect(reasons).toEqual(["STEP_TIMEOUT"]);
      expect(await journal(client, task.id, "step.failed")).toMatchObject([
        { facts: { retryable: true }, body: { error: expect.stringContaining("STEP_TIMEOUT") } },
      ]);
    });
  });

  describe("an owner that was held up for longer than its lease", () => {
    it("records its result, as long as no other claim was made, and has lost no attempt", async () => {
      const { client } = await setup({ leaseMs: 50 });
      const ann = { agent: "ann" };
      const taskId = await start(client, { retry: { attemptsMax: 2, backoffMs: 0 } });
      await client.tasks.claim({ taskId }, ann);
      await recorded(client, taskId, "lease.expired");

      const { receipt } = await client.tasks.step({ taskId, epoch: 1, step }, ann);
      await recorded(client, taskId, "lease.expired", 2);
      await client.tasks.complete({ taskId, epoch: 1 }, ann);

      expect(receipt).toMatchObject({ status: "succeeded", output: "built" });
      expect((await ended(client, taskId)).task).toMatchObject({ state: "succeeded", attempt: 1, epoch: 1 });
      expect((await journal(client, taskId)).map(({ type }) => type)).toEqual([
        ...["task.created", "task.claimed", "lease.expired", "claim.revived", "step.succeeded"],
        ...["lease.expired", "claim.revived", "task.completed"],
      ]);
    });

    it("takes the claim back by a heartbeat", async () => {
      const { client } = await setup({ leaseMs: 50 });
      const ann = { agent: "ann" };
      const taskId = await start(client, { retry: { backoffMs: 0 } });
      await client.tasks.claim({ taskId }, ann);
      await recorded(client, taskId, "lease.expired");

      await client.tasks.heartbeat({ taskId, epoch: 1 }, ann);

      expect(await journal(client, taskId, "claim.revived")).toHaveLength(1);
    });

    it("is fenced when another took over", async () => {
      const { client } = await setup({ leaseMs: 50 });
      const taskId = await start(client, { retry: { backoffMs: 0 } });
      await client.tasks.claim({ taskId }, { agent: "ann" });
      const { assignment } = await client.tasks.claim({ waitMs: 5_000 }, { agent: "ben" });

      const late = client.tasks.step({ taskId, epoch: 1, step }, { agent: "ann" });

      await expect(late).rejects.toMatchObject({ code: "EPOCH_STALE" });
      expect(assignment).toMatchObject({ taskId, epoch: 2 });
      expect(await journal(client, taskId, "claim.revived")).toEqual([]);
    });
  });
}
