import { describe, expect, it } from "vitest";
import { ended, forever, gate, reached, recorded, type Setup, soon, start, within } from "./fabric.ts";

const part = (brief: string) => ({ to: { role: "part" }, kind: "child", brief, nextAction: "Do it" });

export function describeDelegation(setup: Setup): void {
  describe("delegation", () => {
    it("gives a part away and goes on with what comes back, parent and child on one worker with one slot", async () => {
      const { client, work } = await setup();
      work({ roles: ["part"], concurrency: 1 }, async (task, ctx) => {
        if (task.kind === "child") return ctx.complete({ summary: `did ${task.brief}`, data: 7, files: ["x"] });
        return await ctx.delegate(part("the docs"));
      });

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({
        data: { outcome: "completed", summary: "did the docs", data: 7, files: ["x"] },
      });
    });

    it("gives several parts away at once, with the returns in the order of the parts", async () => {
      const { client, work } = await setup();
      const last = gate();
      work({ roles: ["part"], concurrency: 3 }, async (task, ctx) => {
        if (task.brief === "c") last.open();
        if (task.kind === "child") {
          await last.promise; // the children run side by side
          return task.brief;
        }
        const returns = await ctx.delegate([part("a"), part("b"), part("c")]);
        return returns.map(({ data }) => data);
      });

      expect((await ended(client, await start(client))).outcome).toMatchObject({ data: ["a", "b", "c"] });
    });

    it("makes one child for each part, however often the handler starts over", async () => {
      const { client, work } = await setup();
      let children = 0;
      work({ roles: ["part"] }, async (task, ctx) => {
        if (task.kind === "child") {
          children += 1;
          return task.brief;
        }
        const one = await ctx.delegate(part("one"));
        if (task.attempt === 1) throw new Error("after one");
        const [two, three] = await ctx.delegate([part("two"), part("three")]);
        if (task.attempt === 2) throw new Error("after three");
        return [one.data, two?.data, three?.data];
      });

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: ["one", "two", "three"] });
      expect(children).toBe(3);
      expect((await client.tasks.list({ parentId: taskId })).tasks).toHaveLength(3);
    });

    it("keeps parts apart that are given away side by side", async () => {
      const { client, work } = await setup();
      work({ roles: ["part"], concurrency: 2 }, async (task, ctx) => {
        if (task.kind === "child") return task.brief;
        const [left, right] = await Promise.all([
          ctx.delegate([part("a"), part("b")]),
          ctx.delegate([part("c"), part("d")]),
        ]);
        if (task.attempt === 1) throw new Error("once more");
        return [...left, ...right].map(({ data }) => data);
      });

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: ["a", "b", "c", "d"] });
      expect((await client.tasks.list({ parentId: taskId })).tasks).toHaveLength(4);
    });

    it("counts a handler that waits for several calls once (K1)", async () => {
      const { client, work } = await setup();
      let now = 0;
      let most = 0;
      work({ roles: ["part"], concurrency: 2 }, async (task, ctx) => {
        if (task.kind === "parent") {
          await Promise.all([ctx.delegate(part("a")), ctx.delegate(part("b")), ctx.delegate(part("c"))]);
          return;
        }
        now += 1;
        most = Math.max(most, now);
        await ctx.step("breathe", () => new Promise((resolve) => setTimeout(resolve, 5)));
        now -= 1;
      });
      const parents = [await start(client, { kind: "parent" }), await start(client, { kind: "parent" })];
      for (const taskId of parents) await ended(client, taskId);

      const rest = await Promise.all(Array.from({ length: 6 }, () => start(client)));
      for (const taskId of rest) await ended(client, taskId);

      expect(most).toBeLessThanOrEqual(2);
    });

    it("brings back a failure as a return, not as an error", async () => {
      const { client, work } = await setup();
      work({ roles: ["part"] }, async (task, ctx) => {
        if (task.kind === "child") return ctx.fail("The docs are locked", { retryable: false });
        return await ctx.delegate(part("the docs"));
      });

      expect((await ended(client, await start(client))).outcome).toMatchObject({
        data: { outcome: "failed", summary: expect.stringContaining("The docs are locked") },
      });
    });

    it("brings back a failure when a part is not done in time", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.delegate({ ...part("nobody is there"), timeout: 60 }));

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { outcome: "failed" } });
      expect(await recorded(client, taskId, "delegation.returned")).toMatchObject([{ facts: { outcome: "failed" } }]);
    });

    it("gives the child its packet character for character, and its data", async () => {
      const { client, work } = await setup();
      const brief = "Ünïcode 🧩\r\n\u0000 end\n";
      work({ roles: ["part"] }, async (task, ctx) => {
        if (task.kind === "child") return [ctx.packet?.brief, ctx.packet?.kind, task.data, ctx.packet?.from.agent];
        return (await ctx.delegate({ ...part(brief), data: { deep: [1] } })).data;
      });

      expect((await ended(client, await start(client))).outcome).toMatchObject({
        data: [brief, "delegation", { deep: [1] }, "worker-1"],
      });
    });

    it("lets a child delegate only what it was given", async () => {
      const { client, work } = await setup();
      work({ roles: ["part"] }, async (task, ctx) => {
        if (task.brief === "leaf") return "leaf";
        if (task.brief === "closed") return await ctx.delegate(part("leaf"));
        if (task.brief === "open") return (await ctx.delegate(part("leaf"))).data;
        const closed = await ctx.delegate(part("closed"));
        const open = await ctx.delegate({ ...part("open"), budget: { count: 1, depth: 1 } });
        return { closed, open: open.data };
      });

      expect((await ended(client, await start(client))).outcome).toMatchObject({
        data: { closed: { outcome: "failed", summary: expect.stringContaining("DELEGATION_REFUSED") }, open: "leaf" },
      });
    });

    it("cancels the children of a cancelled task", async () => {
      const { client, work } = await setup();
      const inside = gate();
      work({ roles: ["part"] }, async (task, ctx) => {
        if (task.kind === "child") {
          inside.open();
          return await forever();
        }
        return await ctx.delegate(part("long"));
      });
      const taskId = await start(client, { retry: soon });
      await within(inside.promise, "the child");

      await client.tasks.cancel({ taskId });

      const [child] = (await client.tasks.list({ parentId: taskId })).tasks;
      expect(await reached(client, child!.id, "cancelled")).toMatchObject({ parentId: taskId });
    });
  });
}
