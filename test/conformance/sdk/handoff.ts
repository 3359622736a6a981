import { describe, expect, it } from "vitest";
import { ended, gate, journal, recorded, type Setup, start, within } from "./fabric.ts";

const brief = "Prüfe «retry» 🔁\r\n\ttabs,\u0000 NUL and   spaces \n";
const packet = {
  brief,
  nextAction: "Lies src/retry.ts",
  files: ["src/retry.ts", "übung/ä b.md"],
  constraints: { change: ["retry"], remove: [], keep: ["API"] },
  facts: ["It fails on 503"],
  rejected: [{ path: "sleep longer", why: "flaky" }],
  blockers: ["CI is slow"],
  services: ["http://localhost:1"],
  artifacts: ["out.log"],
  evidence: ["run 12"],
  data: { deep: [{ n: 1.5 }, null] },
};

export function describeHandoff(setup: Setup): void {
  describe("handoff", () => {
    it.each([
      ["a role", { role: "review" } as const],
      ["an agent", { agent: "second" } as const],
      ["anyone", "any" as const],
    ])("to %s brings the packet character for character", async (_whom, to) => {
      const { client, work } = await setup();
      const seen = gate<unknown>();
      const first = work({ agent: "first" }, (_task, ctx) => {
        void first.drain(); // or it would take back what is for anyone
        return ctx.handoff({ to, ...packet });
      });
      const taskId = await start(client);
      await recorded(client, taskId, "handoff.offered");

      work({ agent: "second", roles: ["review"] }, (task, ctx) => {
        seen.open({ packet: ctx.packet, stage: task.stage, same: task.packet });
        return "reviewed";
      });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "reviewed" });
      const got = await within(seen.promise, "the packet");
      const expected = { ...packet, kind: "handoff", taskId, from: { agent: "first" }, to, stage: 1 };
      expect(got).toMatchObject({ packet: expected, same: expected, stage: 2 });
    });

    it("shows the next worker the steps of the stages before, and counts its own anew", async () => {
      const { client, work } = await setup();
      work({ agent: "first" }, async (_task, ctx) => {
        expect(await ctx.history()).toEqual([]);
        await ctx.step("look", () => "first's view");
        await ctx.step("look", () => "again");
        await ctx.handoff({ to: { role: "review" }, ...packet });
      });
      work({ agent: "second", roles: ["review"] }, async (task, ctx) => {
        const own = await ctx.step("look", () => "second's view");
        if (task.attempt === 1) throw new Error("once more");
        const history = await ctx.history();
        return { own, history: history.map(({ name, output, agent, stage }) => [name, output, agent, stage]) };
      });

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({
        data: {
          own: "second's view",
          history: [
            ["look", "first's view", "first", 1],
            ["look", "again", "first", 1],
          ],
        },
      });
    });

    it("goes back and forth, each acceptance a stage", async () => {
      const { client, work } = await setup();
      const handler: Parameters<typeof work>[1] = async (task, ctx) => {
        if (task.stage === 4) return task.stage;
        return await ctx.handoff({ to: { agent: task.stage % 2 === 1 ? "even" : "odd" }, ...packet });
      };
      work({ agent: "odd" }, handler);
      work({ agent: "even" }, handler);

      const taskId = await start(client, { to: { agent: "odd" } });

      expect((await ended(client, taskId)).task).toMatchObject({ stage: 4, handoffs: 3 });
      const claims = await journal(client, taskId, "handoff.claimed");
      expect(claims.map(({ by }) => by)).toEqual(["even", "odd", "even"]);
    });

    it("that nobody takes in time comes back to its offerer", async () => {
      const { client, work } = await setup();
      work({ agent: "first" }, async (task, ctx) => {
        if (task.epoch > 1) return `back in stage ${task.stage}`;
        return await ctx.handoff({ to: { role: "nobody" }, expiresIn: 40, ...packet });
      });

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "back in stage 1" });
      expect(await journal(client, taskId, "handoff.expired")).toHaveLength(1);
    });

    it("that was declined comes back to its offerer", async () => {
      const { client, work } = await setup();
      work({ agent: "first" }, async (task, ctx) => {
        if (task.epoch > 1) return "back";
        return await ctx.handoff({ to: { agent: "second" }, ...packet });
      });
      const taskId = await start(client);
      const [offered] = await recorded(client, taskId, "handoff.offered");
      const packetId = offered?.facts.packetId as `pkt_${string}`;

      await client.handoff.decline({ taskId, packetId, reason: "No time" }, { agent: "second" });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "back" });
    });

    it("without a next action or files is refused for good", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.handoff({ to: "any", brief: "Guess" }));

      const { task, outcome } = await ended(client, await start(client));

      expect(task).toMatchObject({ state: "failed", attempt: 1 });
      expect(outcome).toMatchObject({ error: expect.stringContaining("nextAction or files") });
    });

    it("ends the run: its signal fires, and nothing more of it is recorded", async () => {
      const { client, work } = await setup();
      const isOver = gate<boolean>();
      work({ agent: "first" }, async (_task, ctx) => {
        await ctx.handoff({ to: { role: "review" }, ...packet });
        isOver.open(ctx.signal.aborted);
        await ctx.step("late", () => "x");
      });
      const taskId = await start(client);

      expect(await within(isOver.promise, "the end of the run")).toBe(true);
      await client.runtime.status();
      expect((await journal(client, taskId)).at(-1)?.type).toBe("handoff.offered");
    });
  });
}
