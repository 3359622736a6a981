import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Handler } from "../../../sdk/index.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import type { TaskContent } from "../../../src/contracts/task.ts";
import {
  ended,
  forever,
  gate,
  journal,
  reached,
  recorded,
  type Setup,
  soon,
  start,
  type World,
  within,
} from "./fabric.ts";

/** What runs on a worker until the next deploy. */
function deployment({ work }: World) {
  let code: Handler = () => forever();
  work({ agent: "fleet" }, (task, ctx) => code(task, ctx));
  return {
    deploy(next: Handler): void {
      code = next;
    },
  };
}

/** A task whose first run recorded `first` under one step, and failed after it; the next code gives the step another input. */
async function changeInput(world: World, step: Step): Promise<{ taskId: TaskId; deploy(next: Handler): void }> {
  const { deploy } = deployment(world);
  deploy(async (task, ctx) => {
    await step.old(ctx);
    deploy(step.next);
    throw new Error(`attempt ${task.attempt} fails after the step`);
  });
  return { taskId: await start(world.client), deploy };
}

interface Step {
  old(ctx: Parameters<Handler>[1]): Promise<unknown>;
  next: Handler;
}

type Asked = TaskContent["pauses"][number];

async function asked({ client }: World, taskId: TaskId): Promise<Asked> {
  await recorded(client, taskId, "task.paused");
  const { content } = await client.tasks.get({ taskId });
  const [pause] = content.pauses;
  if (pause === undefined || content.pauses.length > 1) throw new Error(`${content.pauses.length} questions are open`);
  return pause;
}

export function describeChangedCode(setup: Setup): void {
  describe("changed code", () => {
    const draft = (input: unknown, runs: string[]): Handler => {
      return async (_task, ctx) =>
        await ctx.step("draft", { tool: "model", input }, ({ key }) => {
          runs.push(key);
          return `draft ${runs.length}`;
        });
    };
    const old =
      (runs: string[]): Step["old"] =>
      async (ctx) =>
        await draft("prompt 1", runs)({} as never, ctx);

    it.each([
      ["another input", { input: { file: "b" } }, ["input"]],
      ["another tool", { tool: "editor", input: { file: "a" } }, ["tool"]],
      ["no input", {}, ["input"]],
    ])(
      "that gives a recorded step %s waits at no attempt, and goes on by itself when the old code is back",
      async (_what, second, differs) => {
        const world = await setup();
        let ran = 0;
        const edit =
          (options: object): Handler =>
          async (_task, ctx) =>
            await ctx.step("edit", options, () => `edited ${++ran}`);
        const { taskId, deploy } = await changeInput(world, {
          old: async (ctx) => await edit({ input: { file: "a" } })({} as never, ctx),
          next: edit(second),
        });

        const question = await asked(world, taskId);
        const waiting = await world.client.tasks.get({ taskId });
        deploy(edit({ input: { file: "a" } }));

        expect(question).toMatchObject({ asks: true, concerns: { of: "step", name: "edit", ordinal: 0, differs } });
        expect(question.question).toMatch(/Step edit#0 .* "keep" .* "rerun"/);
        expect(waiting.task.state).toBe("paused");
        expect(await ended(world.client, taskId)).toMatchObject({
          task: { state: "succeeded", attempt: 2, pauses: [] },
          outcome: { data: "edited 1" },
        });
      },
    );

    it.each<[string, (step: () => Promise<unknown>, ctx: Parameters<Handler>[1]) => Promise<unknown>]>([
      ["within another step", (step, ctx) => ctx.step("all", step)],
      ["within two others", (step, ctx) => ctx.step("all", () => ctx.step("some", step))],
      ["in a race of which nothing is left", (step) => Promise.any([step()])],
      [
        "where a cleanup fails as well",
        async (step) => {
          let isDone = false;
          await using _lock = {
            [Symbol.asyncDispose]: () => (isDone ? Promise.resolve() : Promise.reject(new Error("The lock is gone"))),
          };
          const output = await step();
          isDone = true;
          return output;
        },
      ],
    ])("%s waits just the same, and goes on with the answer", async (_where, round) => {
      const world = await setup();
      const runs: string[] = [];
      const inner =
        (input: string): Handler =>
        (_task, ctx) =>
          round(async () => await draft(input, runs)({} as never, ctx), ctx);
      const { taskId } = await changeInput(world, { old: old(runs), next: inner("prompt 2") });
      const { pauseId, question } = await asked(world, taskId);

      await world.client.tasks.answer({ taskId, pauseId, answer: "keep" });

      expect(question).toMatch(/Step draft#0 .* "keep" .* "rerun"/);
      expect(await ended(world.client, taskId)).toMatchObject({ task: { attempt: 2 }, outcome: { data: "draft 1" } });
      expect(runs).toHaveLength(1);
    });

    it("shows what is recorded and what comes now beside each other, around where they first differ", async () => {
      const world = await setup();
      const [first, second] = ["a", "b"].map((end) => ({ prompt: `${"x".repeat(9_000)}${end}${"y".repeat(9_000)}` }));
      const { taskId } = await changeInput(world, {
        old: async (ctx) => await draft(first, [])({} as never, ctx),
        next: draft(second, []),
      });

      const { recorded: was, present: is, question } = await asked(world, taskId);

      for (const side of [was, is]) expect(side).toMatchObject({ tool: "model", input: { chars: 18_014 } });
      expect(was?.input?.json).toMatch(/x{100}ay{100}/);
      expect(is?.input?.json).toMatch(/x{100}by{100}/);
      expect(was?.input?.json.length).toBeLessThanOrEqual(2_000);
      expect(question).not.toContain("xxx");
    });

    it("is tried again and again under one question, which can be answered at any time", async () => {
      const world = await setup();
      const runs: string[] = [];
      const { taskId } = await changeInput(world, { old: old(runs), next: draft("prompt 2", runs) });
      const first = await asked(world, taskId);

      await recorded(world.client, taskId, "task.rested", 2);
      const later = await asked(world, taskId);
      await world.client.tasks.answer({ taskId, pauseId: first.pauseId, answer: "keep" });

      expect(later).toMatchObject({ pauseId: first.pauseId, tries: 2 });
      expect(await ended(world.client, taskId)).toMatchObject({ task: { attempt: 2 }, outcome: { data: "draft 1" } });
      expect(runs).toHaveLength(1);
    });

    it("is tried at once by each worker that starts, without its time having come", async () => {
      const world = await setup();
      const runs: string[] = [];
      let prompt = "prompt 1";
      const worker = (agent: string) =>
        world.work({ agent }, async (task, ctx) => {
          await draft(prompt, runs)(task, ctx);
          if (task.attempt > 1) return "done";
          prompt = "prompt 2";
          throw new Error("the network is down");
        });
      const first = worker("first");
      const taskId = await start(world.client);
      await recorded(world.client, taskId, "task.rested", 4); // the next wait is 4 s
      await first.drain();
      const { task } = await world.client.tasks.get({ taskId });

      const second = worker("second");
      await recorded(world.client, taskId, "task.rested", 5);
      await second.drain();
      prompt = "prompt 1";
      worker("third");

      expect(await ended(world.client, taskId)).toMatchObject({ task: { attempt: 2 }, outcome: { data: "done" } });
      const claims = await journal(world.client, taskId, "task.claimed");
      const byNewcomers = claims.filter(({ by }) => by !== "first");
      expect([...new Set(byNewcomers.map(({ by }) => by))]).toEqual(["second", "third"]);
      expect(byNewcomers.length).toBeLessThanOrEqual(4); // twice each, where a call took longer than the try
      for (const { at } of byNewcomers) expect(at).toBeLessThan((task as { claimableAt: number }).claimableAt);
    });

    it("goes on with what is recorded, and stays with that, when the answer is to keep it", async () => {
      const world = await setup();
      const runs: string[] = [];
      const { taskId, deploy } = await changeInput(world, {
        old: old(runs),
        async next(task, ctx) {
          const output = await draft("prompt 2", runs)(task, ctx);
          if (task.attempt === 2) throw new Error("later");
          return output;
        },
      });
      const { pauseId } = await asked(world, taskId);

      await world.client.tasks.answer({ taskId, pauseId, answer: "keep" });

      expect(await ended(world.client, taskId)).toMatchObject({ task: { attempt: 3 }, outcome: { data: "draft 1" } });
      expect(await journal(world.client, taskId, "task.paused")).toHaveLength(1);
      expect(deploy).toBeTypeOf("function");
    });

    it("runs the step again, once and under a key of its own, when the answer is to rerun it", async () => {
      const world = await setup();
      const runs: string[] = [];
      let after = 0;
      const { taskId } = await changeInput(world, {
        async old(ctx) {
          await old(runs)(ctx);
          await ctx.step("after", () => ++after);
        },
        async next(task, ctx) {
          const output = await draft("prompt 2", runs)(task, ctx);
          const later = await ctx.step("after", () => ++after);
          if (task.attempt === 2) throw new Error("later");
          return [output, later];
        },
      });
      const { pauseId, seq } = await asked(world, taskId);

      await world.client.tasks.answer({ taskId, pauseId, answer: "rerun" });

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: ["draft 2", 1] });
      expect(new Set(runs).size).toBe(2);
      const [superseded, ...others] = await journal(world.client, taskId, "step.superseded");
      expect(others).toEqual([]);
      expect(superseded).toMatchObject({ facts: { name: "draft", rerun: 1 } });
      const drafts = (await journal(world.client, taskId, "step.succeeded")).filter(
        ({ facts }) => facts.name === "draft",
      );
      expect(drafts.map(({ body }) => body?.output)).toEqual(["draft 1", "draft 2"]);
      expect(superseded?.facts.supersedes).toBe(drafts[0]?.seq);
      expect(seq).toBeLessThan(superseded?.seq ?? 0);
      const { steps } = await world.client.tasks.steps({ taskId });
      expect(steps.find(({ name }) => name === "draft")).toMatchObject({ output: "draft 2", rerun: 1 });
    });

    it("runs it again without a second question when a worker dies between the answer and the new record", async () => {
      const world = await setup({ leaseMs: 200 });
      const inside = gate();
      const runs: string[] = [];
      const rerun: Handler = async (_task, ctx) =>
        await ctx.step("draft", { tool: "model", input: "prompt 2" }, async () => {
          inside.open();
          return await forever();
        });
      const first = world.work({ agent: "first" }, async (task, ctx) => {
        if (task.attempt > 1) return await rerun(task, ctx);
        await old(runs)(ctx);
        throw new Error("after the step");
      });
      const taskId = await start(world.client);
      const { pauseId } = await asked(world, taskId);
      await world.client.tasks.answer({ taskId, pauseId, answer: "rerun" });
      await within(inside.promise, "the second run of the step");

      void first.stop();
      world.work({ agent: "heir" }, draft("prompt 2", runs));

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: "draft 2" });
      expect(await journal(world.client, taskId, "task.paused")).toHaveLength(1);
      expect(await journal(world.client, taskId, "step.superseded")).toHaveLength(1);
      expect(await journal(world.client, taskId, "step.succeeded")).toHaveLength(2);
    });

    it("asks anew when it changes once more: an answer is for the code that asked", async () => {
      const world = await setup();
      const runs: string[] = [];
      const { taskId, deploy } = await changeInput(world, { old: old(runs), next: draft("prompt 2", runs) });
      const first = await asked(world, taskId);
      deploy(draft("prompt 3", runs));
      await recorded(world.client, taskId, "task.paused", 2);
      const second = await asked(world, taskId);

      const late = world.client.tasks.answer({ taskId, pauseId: first.pauseId, answer: "keep" });
      await expect(late).rejects.toMatchObject({ code: "QUESTION_OVER" });
      await world.client.tasks.answer({ taskId, pauseId: second.pauseId, answer: "rerun" });

      expect(second.present?.input?.json).toBe('"prompt 3"');
      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: "draft 2" });
    });

    it("takes the old code back without running anything again, also after the answer was to rerun", async () => {
      const world = await setup();
      const runs: string[] = [];
      const { taskId, deploy } = await changeInput(world, { old: old(runs), next: draft("prompt 2", runs) });
      const { pauseId } = await asked(world, taskId);

      deploy(draft("prompt 1", runs));
      await world.client.tasks.answer({ taskId, pauseId, answer: "rerun" });

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: "draft 1" });
      expect(runs).toHaveLength(1);
    });

    it("is not failed by a handler that puts an error of its own around it", async () => {
      const world = await setup();
      const runs: string[] = [];
      const { taskId, deploy } = await changeInput(world, {
        old: old(runs),
        async next(task, ctx) {
          return await Promise.resolve(draft("prompt 2", runs)(task, ctx)).catch((cause: unknown) => {
            throw new Error("the draft failed", { cause });
          });
        },
      });

      await asked(world, taskId);
      deploy(draft("prompt 1", runs));

      expect(await ended(world.client, taskId)).toMatchObject({ task: { state: "succeeded", attempt: 2 } });
    });

    it("runs a step that had failed with the input that it comes with now: nothing was recorded to go by", async () => {
      const world = await setup();
      const runs: string[] = [];
      const { taskId } = await changeInput(world, {
        old: async (ctx) =>
          await ctx
            .step("draft", { tool: "model", input: "prompt 1" }, () => Promise.reject(new Error("no")))
            .catch(() => {}),
        next: draft("prompt 2", runs),
      });

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: "draft 1" });
      expect(await journal(world.client, taskId, "task.paused")).toEqual([]);
    });

    it("asks about a step that had failed for good, and keeps that failure or runs it again", async () => {
      const world = await setup();
      const runs: string[] = [];
      const fatal = Object.assign(new Error("no such model"), { retryable: false });
      const { taskId } = await changeInput(world, {
        old: async (ctx) =>
          await ctx.step("draft", { tool: "model", input: "prompt 1" }, () => Promise.reject(fatal)).catch(() => {}),
        next: draft("prompt 2", runs),
      });
      const { pauseId } = await asked(world, taskId);

      await world.client.tasks.answer({ taskId, pauseId, answer: "rerun" });

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: "draft 1" });
    });

    it.each<[string, unknown, unknown, number]>([
      ["again", "again", "paid 7", 2],
      ["done", "done", undefined, 1],
      ["an output", { output: "paid 5, by hand" }, "paid 5, by hand", 1],
    ])(
      "does not run a step that had begun, and whose outcome is not known, before a person said %s",
      async (_, answer, data, times) => {
        const world = await setup({ leaseMs: 200 });
        const inside = gate();
        const paid: number[] = [];
        const pay =
          (amount: number, hangs: boolean): Handler =>
          async (task, ctx) => {
            const output = await ctx.step("pay", { once: true, input: { amount } }, async () => {
              paid.push(amount);
              inside.open();
              return hangs ? await forever() : `paid ${amount}`;
            });
            if (task.attempt === 2) throw new Error("later");
            return output;
          };
        const dead = world.work({ agent: "dead" }, pay(5, true));
        const taskId = await start(world.client, { retry: { ...soon, attemptsMax: 5 } });
        await within(inside.promise, "the step");
        void dead.stop();
        world.work({ agent: "heir" }, pay(7, false));

        const question = await asked(world, taskId);
        await world.client.tasks.answer({ taskId, pauseId: question.pauseId, answer });

        expect(question).toMatchObject({
          question: expect.stringMatching(/pay#0 .* never ended\. .*another input.* "again"/),
          concerns: { differs: ["input"] },
          recorded: { input: { json: '{"amount":5}' } },
          present: { input: { json: '{"amount":7}' } },
        });
        expect(((await ended(world.client, taskId)).outcome as { data?: unknown }).data).toEqual(data);
        expect(paid).toHaveLength(times);
        expect(await journal(world.client, taskId, "task.paused")).toHaveLength(1);
      },
    );

    it.each<[string, RegExp, Handler, Handler]>([
      [
        "steps that cannot be told apart",
        /"review".*`key`/s,
        (_task, ctx) => Promise.all(["a", "b"].map((file) => ctx.step("review", () => file))),
        (_task, ctx) => Promise.all(["a", "b"].map((file) => ctx.step("review", { key: file }, () => file))),
      ],
      [
        "questions that cannot be told apart",
        /"Sure\?".*`about`/s,
        (_task, ctx) => Promise.all([1, 2].map(() => ctx.pause({ question: "Sure?", answer: z.boolean() }))),
        () => ["a", "b"],
      ],
      [
        "a value that cannot be stored",
        /is a BigInt/,
        async (_task, ctx) => await ctx.complete({ data: 5n }),
        () => ["a", "b"],
      ],
    ])("with %s waits for corrected code at no attempt", async (_, says, wrong, right) => {
      const world = await setup();
      const { deploy } = deployment(world);
      deploy(wrong);
      const taskId = await start(world.client);
      await recorded(world.client, taskId, "task.paused");
      await reached(world.client, taskId, "paused");
      const { content } = await world.client.tasks.get({ taskId });

      deploy(right);

      expect(content.pauses.find(({ concerns }) => concerns?.of === "code")?.question).toMatch(says);
      expect(await ended(world.client, taskId)).toMatchObject({
        task: { state: "succeeded", attempt: 1 },
        outcome: { data: ["a", "b"] },
      });
    });
  });
}
