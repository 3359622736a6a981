import { describe, expect, it } from "vitest";
import { ended, journal, reached, type Setup, soon, start } from "./fabric.ts";

const half = "\ud83e"; // of a surrogate pair; two encoders are met, by short and by long texts
const refusedAt = (path: string) => ({
  code: "VALUE_INVALID",
  detail: expect.stringContaining(`: ${path} holds half of a surrogate pair`),
  facts: { path, issues: [{ path, message: expect.any(String) }] },
});

export function describeTexts(setup: Setup): void {
  describe("texts", () => {
    it("come back character for character", async () => {
      const { client } = await setup();
      const brief = ` \u0000\r\n 🧩 \ufffd \ufeff \uffff 한국어 \u{10ffff} ${"e\u0301".repeat(200)}`;

      const { taskId } = await client.tasks.start({ brief, data: { [brief]: [brief] } });

      const { content } = await client.tasks.get({ taskId });
      expect(content).toMatchObject({ brief, data: { [brief]: [brief] } });
    });

    it.each(["x", "long ".repeat(50)])("with half a surrogate pair are refused by their path: %s", async (text) => {
      const { client } = await setup();
      const packet = { brief: "A brief", nextAction: "Begin" };
      const unfit = text + half + text;

      await expect(client.tasks.start({ brief: unfit })).rejects.toMatchObject(refusedAt("brief"));
      const stored = client.handoff.store({ packet: { ...packet, brief: unfit } });
      await expect(stored).rejects.toMatchObject(refusedAt("packet.brief"));
      const inList = client.handoff.store({ packet: { ...packet, files: ["a", unfit] } });
      await expect(inList).rejects.toMatchObject(refusedAt("packet.files.1"));
      const asKey = client.tasks.start({ brief: "A brief", data: { [unfit]: 1 } });
      await expect(asKey).rejects.toMatchObject(refusedAt(`data.${unfit.toWellFormed()}`));

      expect((await client.runtime.status()).head).toBe(0);
    });

    it("with half a surrogate pair are refused as the output of a step, and the handler learns where", async () => {
      const { client, work } = await setup();
      work({}, async (_task, ctx) => {
        const refused = await ctx.step("read", () => ({ lines: ["fine", half] })).catch((error: unknown) => error);
        return { refused: Object.assign({}, refused) };
      });

      const taskId = await start(client);

      const { outcome } = await ended(client, taskId);
      expect(outcome).toMatchObject({ data: { refused: refusedAt("lines.1") } });
      expect(await journal(client, taskId, "step.succeeded")).toEqual([]);
    });

    it("with half a surrogate pair are refused in a completion, and the task waits for corrected code", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.complete({ summary: half }));

      const taskId = await start(client);
      await reached(client, taskId, "paused");

      const { task, content } = await client.tasks.get({ taskId });
      expect(task.attempt).toBe(1);
      expect(content.pauses[0]?.question).toContain("tasks.complete: return.summary holds half");
    });

    it("that tell of an error are recorded as text, whatever was thrown or cut", async () => {
      const { client, work } = await setup();
      const checks = [{ name: "odd", required: false }];
      work({ checks: { odd: () => Promise.reject(new Error(half)) } }, async (task, ctx) => {
        await ctx.step("fails", () => Promise.reject(new Error(half))).catch(() => {});
        if (task.attempt === 1) throw new Error("🧩".repeat(4_000));
      });

      const { task } = await ended(client, await start(client, { checks, retry: soon }));

      expect(task).toMatchObject({ state: "succeeded", attempt: 2 });
    });
  });
}
