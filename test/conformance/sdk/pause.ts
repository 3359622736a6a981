import { describe, expect, it } from "vitest";
import { z } from "zod";
import { isFailure } from "../../../src/index.ts";
import { ended, gate, journal, reached, recorded, type Setup, start, within } from "./fabric.ts";

export function describePause(setup: Setup): void {
  describe("pause", () => {
    it.each([
      ["a boolean", z.boolean(), false, false, "no"],
      ["one of some words", z.enum(["ship", "wait"]), "wait", "wait", "stop"],
      [
        "an object",
        z.object({ by: z.string().min(1), notes: z.array(z.string()).default([]) }),
        { by: "ann" },
        { by: "ann", notes: [] },
        { by: "" },
      ],
      ["a text that is trimmed", z.string().transform((text) => text.trim()), " yes ", "yes", 1],
    ])("asks for %s and goes on with the answer", async (_what, schema, answer, parsed, misfit) => {
      const { client, work } = await setup();
      work({}, async (_task, ctx) => ({ answer: await ctx.pause({ question: "Well?", answer: schema }) }));
      const taskId = await start(client);
      await reached(client, taskId, "paused");

      await expect(client.tasks.answer({ taskId, answer: misfit })).rejects.toMatchObject({ code: "ANSWER_INVALID" });
      await client.tasks.answer({ taskId, answer });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { answer: parsed } });
    });

    it("ends the run: the signal fires and nothing after it runs before the answer", async () => {
      const { client, work } = await setup();
      const signalled = gate();
      const order: string[] = [];
      work({}, async (_task, ctx) => {
        ctx.signal.addEventListener("abort", () => signalled.open());
        order.push("before");
        await ctx.pause({ question: "Go?", answer: z.boolean() });
        order.push("after");
      });
      const taskId = await start(client);

      await within(signalled.promise, "the signal");
      expect(order).toEqual(["before"]);
      await client.tasks.answer({ taskId, answer: true });

      await ended(client, taskId);
      expect(order).toEqual(["before", "before", "after"]);
    });

    it("gives each question its own answer, in order", async () => {
      const { client, work } = await setup();
      work({}, async (_task, ctx) => {
        const first = await ctx.pause({ question: "First?", answer: z.number() });
        await ctx.pause();
        const second = await ctx.pause({ question: "Second?", answer: z.number() });
        return [first, second];
      });
      const taskId = await start(client);

      await recorded(client, taskId, "task.paused", 1);
      await client.tasks.answer({ taskId, answer: 1 });
      await recorded(client, taskId, "task.paused", 2);
      await client.tasks.resume({ taskId });
      await recorded(client, taskId, "task.paused", 3);
      await client.tasks.answer({ taskId, answer: 2 });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: [1, 2] });
    });

    it("ends with PAUSE_EXPIRED when nobody answers in time", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) =>
        ctx
          .pause({ question: "Anyone?", answer: z.boolean(), expiresIn: 40 })
          .catch((error: unknown) => (isFailure(error, "PAUSE_EXPIRED") ? error.detail : String(error))),
      );

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: expect.stringContaining("Anyone?") });
      expect(await journal(client, taskId, "pause.expired")).toHaveLength(1);
    });

    it("has no answer when somebody resumes the task instead", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) =>
        ctx
          .pause({ question: "Go?", answer: z.boolean() })
          .catch((error: unknown) => (isFailure(error, "PAUSE_EXPIRED") ? error.facts : String(error))),
      );
      const taskId = await start(client);
      await reached(client, taskId, "paused");

      await client.tasks.resume({ taskId });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { end: "resumed" } });
    });

    it("takes the answer of its approver only", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.pause({ question: "Pay?", answer: z.boolean(), approver: "ann" }));
      const taskId = await start(client);
      const paused = await reached(client, taskId, "paused");

      await expect(client.tasks.answer({ taskId, answer: true }, { agent: "bob" })).rejects.toMatchObject({
        code: "NOT_ADDRESSED",
      });
      await client.tasks.answer({ taskId, answer: true }, { agent: "ann" });

      expect(paused.pauses).toMatchObject([{ asks: true, approver: "ann" }]);
      expect((await ended(client, taskId)).outcome).toMatchObject({ data: true });
    });

    it("holds no slot", async () => {
      const { client, work } = await setup();
      work({ concurrency: 1 }, async (task, ctx) => {
        if (task.kind === "asks") await ctx.pause();
      });
      const asking = await start(client, { kind: "asks" });
      await reached(client, asking, "paused");

      const other = await start(client);

      expect((await ended(client, other)).task.state).toBe("succeeded");
    });

    it("survives a cold start with its question", async () => {
      const { client, fabric, work } = await setup();
      const handler: Parameters<typeof work>[1] = (_task, ctx) =>
        ctx.pause({ question: "Still there?", answer: z.string() });
      const worker = work({}, handler);
      const taskId = await start(client);
      await reached(client, taskId, "paused");
      void worker.stop();

      await fabric.restart();
      const later = await fabric.connect();
      const { content } = await later.tasks.get({ taskId });
      await later.tasks.answer({ taskId, answer: "yes" });
      work({}, handler, later);

      expect(content.pauses[0]?.question).toBe("Still there?");
      expect((await ended(later, taskId)).outcome).toMatchObject({ data: "yes" });
    });

    it("refuses for good an answer that no JSON Schema describes", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.pause({ question: "When?", answer: z.date() }));

      const { task, outcome } = await ended(client, await start(client));

      expect(task).toMatchObject({ state: "failed", attempt: 1 });
      expect(outcome).toMatchObject({ error: expect.stringContaining("INPUT_INVALID") });
    });
  });
}
