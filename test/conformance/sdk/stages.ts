import { describe, expect, it } from "vitest";
import type { Handler } from "../../../sdk/index.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import { ended, gate, recorded, type Setup, start, type World, within } from "./fabric.ts";

const packet = { brief: "the docs", nextAction: "Write them" };

/** A task whose first owner delegates parts and hands it over without waiting for them. */
async function handOver({ client, work }: World, briefs: readonly string[]): Promise<TaskId> {
  work({ agent: "ann", roles: ["draft"] }, async ({ taskId, epoch }, ctx) => {
    for (const brief of briefs) {
      const part = { taskId, epoch, to: { role: "part" }, packet: { ...packet, brief } };
      await client.tasks.delegate({ ...part, commandId: brief }, { agent: "ann" });
    }
    await ctx.handoff({ to: { role: "review" }, brief: "Finish it", nextAction: "Await the parts" });
  });
  const taskId = await start(client, { to: { role: "draft" } });
  await recorded(client, taskId, "handoff.offered");
  return taskId;
}

const doPart: Handler = (task, ctx) => ctx.complete({ summary: `did ${task.brief}` });

export function describeStages(setup: Setup): void {
  describe("a task that was handed over with open parts", () => {
    it("shows its next owner each part, and what comes back", async () => {
      const world = await setup();
      const { client, work } = world;
      const taskId = await handOver(world, ["a", "b"]);

      work({ agent: "rob", roles: ["review"] }, async (_task, ctx) => {
        const parts = await ctx.delegations();
        const returns = await Promise.all(parts.map((part) => part.returned()));
        const own = await ctx.delegate({ ...packet, brief: "c", to: { role: "part" } });
        return {
          parts: parts.map((part) => part.packet?.brief),
          returns: [...returns, own].map((back) => back.summary),
        };
      });
      work({ agent: "pat", roles: ["part"] }, doPart);

      const { task, outcome } = await ended(client, taskId);
      expect(outcome).toMatchObject({ data: { parts: ["a", "b"], returns: ["did a", "did b", "did c"] } });
      expect(task).toMatchObject({ state: "succeeded", stage: 2, childrenOpen: [] });
    });

    it("leaves the slot of its next owner to the parts while it waits (K1)", async () => {
      const world = await setup();
      const { client, work } = world;
      const taskId = await handOver(world, ["a", "b"]);

      work({ agent: "rob", roles: ["review", "part"], concurrency: 1 }, async (task, ctx) => {
        if (task.parentId !== undefined) return await doPart(task, ctx);
        return await Promise.all((await ctx.delegations()).map((part) => part.returned()));
      });

      const { outcome } = await ended(client, taskId);
      expect(outcome).toMatchObject({ data: [{ summary: "did a" }, { summary: "did b" }] });
    });

    it("gives the same parts and returns to a handler that starts over, those that have come back among them", async () => {
      const world = await setup();
      const { client, work } = world;
      const taskId = await handOver(world, ["a"]);
      work({ agent: "pat", roles: ["part"] }, doPart);
      await recorded(client, taskId, "delegation.returned");

      work({ agent: "rob", roles: ["review"] }, async (task, ctx) => {
        const [part] = await ctx.delegations();
        const back = await part?.returned();
        if (task.attempt === 1) throw new Error("once more");
        return { stage: part?.packet?.stage, summary: back?.summary };
      });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { stage: 1, summary: "did a" } });
    });

    it("brings back a part that was cancelled meanwhile as failed", async () => {
      const world = await setup();
      const { client, work } = world;
      const taskId = await handOver(world, ["a"]);
      const waits = gate<TaskId>();

      work({ agent: "rob", roles: ["review"] }, async (_task, ctx) => {
        const [part] = await ctx.delegations();
        waits.open(part!.childId);
        return (await part!.returned()).outcome;
      });
      await client.tasks.cancel({ taskId: await within(waits.promise, "the wait") });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "failed" });
    });

    it("has nothing to await where nothing was delegated", async () => {
      const world = await setup();
      const taskId = await handOver(world, []);

      world.work({ agent: "rob", roles: ["review"] }, (_task, ctx) => ctx.delegations());

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: [] });
    });
  });
}
