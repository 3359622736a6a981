import { describe, expect, it } from "vitest";
import type { Connection } from "../../../sdk/index.ts";
import { journal, type Setup, start } from "./fabric.ts";
import { briefs, learn, lessonOf, query } from "./learning.ts";

export function describeLessons(setup: Setup): void {
  describe("lessons", () => {
    it("are moved by events that say what they rest on and what was missing", async () => {
      const world = await setup();
      const [first, second] = await learn(world, briefs);

      const moves = await events(world.client);

      expect(moves).toMatchObject([
        { type: "lesson.observed", by: "runtime", facts: { run: first, to: "candidate", from: null } },
        {
          type: "lesson.trusted",
          by: "runtime",
          facts: { run: second, to: "trusted", from: "candidate", missing: [] },
        },
      ]);
      expect(moves[0]?.facts.missing).not.toEqual([]);
      const [passed] = await journal(world.client, first!, "checks.passed");
      expect(moves[0]).toMatchObject({
        causedBy: passed?.id,
        facts: { evidence: [{ seq: passed?.seq, strength: "verified" }] },
      });
    });

    it("are contested by a failed reuse, and then only a person clears the gate", async () => {
      const world = await setup();
      const [first] = await learn(world, briefs);
      await learn(world, [query], async (_task, ctx) => {
        await ctx.guidance();
        await ctx.fail("the key was refused", { retryable: false });
      });

      const answer = await world.client.taskStart({ query: briefs[0]! });

      expect((await events(world.client)).at(-1)).toMatchObject({
        type: "lesson.contested",
        facts: { from: "trusted" },
      });
      expect(answer.gate).toMatchObject({
        action: "request_operator_review",
        clearWith: { input: { id: lessonOf(first!) } },
      });
      expect(answer.buckets.doNotUse).toMatchObject([{ id: lessonOf(first!) }]);
      expect(answer.firstAction.from).toEqual([]);
    });

    it("are retired by a person, who says why, and may begin anew", async () => {
      const world = await setup();
      const { client } = world;
      const [first] = await learn(world, briefs);
      const id = lessonOf(first!);

      const retired = await client.memory.review({ id, act: "retire", reason: "The client was replaced" });
      const answer = await client.taskStart({ query, minPosition: retired.seq });
      const back = await client.memory.review({ id, act: "reactivate", reason: "It is back" });

      expect(answer.gate.action).not.toBe("proceed");
      expect(answer.buckets.doNotUse).toMatchObject([{ id }]);
      expect(answer.firstAction.from).toEqual([]);
      expect(await client.memory.get({ id, minPosition: back.seq })).toMatchObject({ state: "candidate" });
      const unknown = client.memory.review({ id: `les_${"0".repeat(20)}`, act: "retire", reason: "r" });
      await expect(unknown).rejects.toMatchObject({ code: "LESSON_NOT_FOUND" });
    });

    it("are explained by their moves", async () => {
      const world = await setup();
      const [first, second] = await learn(world, briefs);

      const explained = await world.client.explain({ id: lessonOf(first!) });

      expect(explained).toMatchObject({
        of: "lesson",
        lesson: { state: "trusted", runs: 2, verified: 2, missing: [] },
        history: [
          { move: "observed", run: first, to: "candidate" },
          { move: "trusted", run: second, from: "candidate", to: "trusted" },
        ],
      });
    });

    it("show in no other scope's answers, and are not found there (I11)", async () => {
      const world = await setup();
      const [first] = await learn(world, briefs);
      const other = await setup();

      const { lessons, files } = await other.client.taskStart({ query });

      expect([lessons, files]).toEqual([[], []]);
      await expect(other.client.memory.get({ id: lessonOf(first!) })).rejects.toMatchObject({
        code: "LESSON_NOT_FOUND",
      });
    });
  });

  describe("feedback", () => {
    it("credits what the receipt said to use, once for each agent", async () => {
      const world = await setup();
      const { client } = world;
      const [first] = await learn(world, briefs);
      const { receipt } = await client.taskStart({ query });

      const given = await client.feedback({ receipt, outcome: "succeeded" });
      const again = await client.feedback({ receipt, outcome: "succeeded" });
      const contrary = client.feedback({ receipt, outcome: "failed" });

      expect(given.credited).toEqual([lessonOf(first!)]);
      expect(again).toEqual(given);
      await expect(contrary).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
      const lesson = await client.memory.get({ id: lessonOf(first!), minPosition: given.seq });
      expect(lesson).toMatchObject({ state: "trusted", runs: 2 });
    });

    it("of a failure contests it", async () => {
      const world = await setup();
      const { client } = world;
      const [first] = await learn(world, briefs);
      const { receipt } = await client.taskStart({ query });

      const { seq } = await client.feedback({ receipt, outcome: "failed" });

      expect(await client.memory.get({ id: lessonOf(first!), minPosition: seq })).toMatchObject({ state: "contested" });
    });

    it("credits nothing that was not shown", async () => {
      const { client } = await setup();
      const { id } = await client.memory.write({ text: "Something else entirely" });
      const { receipt } = await client.taskStart({ query });

      await expect(client.feedback({ receipt, outcome: "succeeded", used: [id] })).rejects.toMatchObject({
        code: "LESSON_NOT_FOUND",
      });
      await expect(client.feedback({ receipt: `rcp_${"0".repeat(20)}`, outcome: "failed" })).rejects.toMatchObject({
        code: "RECEIPT_NOT_FOUND",
      });
    });

    it("is outlived by its receipt, which says why the answer was so", async () => {
      const world = await setup();
      await learn(world, briefs);
      const { receipt, files, gate } = await world.client.taskStart({ query });
      await world.fabric.restart();
      const client = await world.fabric.connect();

      const explained = await client.explain({ id: receipt });

      expect(explained).toMatchObject({ of: "receipt", receipt, query, gate });
      if (explained.of !== "receipt") throw new Error("it is of a receipt");
      expect(explained.files.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
      const [lesson] = explained.lessons;
      const sum = Object.values(lesson?.shares ?? {}).reduce((left, right) => left + right, 0);
      expect(sum).toBeCloseTo(lesson?.score ?? 0, 1);
    });
  });

  describe("tasks.settled", () => {
    it("says of a task that has not ended, or is none, that there is nothing to learn from", async () => {
      const { client } = await setup();
      const taskId = await start(client);

      await expect(client.tasks.settled({ taskId })).rejects.toMatchObject({ code: "TASK_STATE_CONFLICT" });
      await expect(client.tasks.settled({ taskId: `task_${"0".repeat(20)}` })).rejects.toMatchObject({
        code: "TASK_NOT_FOUND",
      });
    });
  });
}

async function events(client: Connection) {
  return (await client.events.read({ pageSize: 500 })).events.filter(({ type }) => type.startsWith("lesson."));
}
