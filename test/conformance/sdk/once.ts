import { describe, expect, it } from "vitest";
import type { Connection } from "../../../sdk/index.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import { isFailure } from "../../../src/index.ts";
import { ended, forever, gate, journal, reached, recorded, type Setup, start, type World, within } from "./fabric.ts";

/** A worker dies between the beginning of a step that must not run twice and its end. */
async function dieInside({ client, work }: World): Promise<TaskId> {
  const inside = gate();
  const worker = work({ agent: "dead" }, async (_task, ctx) => {
    await ctx.step("pay", { once: true, input: { amount: 5 } }, () => {
      inside.open();
      return forever();
    });
  });
  const taskId = await start(client);
  await within(inside.promise, "the step");
  void worker.stop();
  return taskId;
}

const answerTo = async (client: Connection, taskId: TaskId, answer: "done" | "again"): Promise<unknown> => {
  await reached(client, taskId, "paused");
  return await client.tasks.answer({ taskId, answer });
};

export function describeOnce(setup: Setup): void {
  describe("steps that must not run twice", () => {
    it("record their intent first and their end after it", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.step("pay", { once: true }, () => "paid"));

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "paid" });
      expect((await journal(client, taskId, "step.begun", "step.succeeded")).map(({ type }) => type)).toEqual([
        "step.begun",
        "step.succeeded",
      ]);
    });

    it("fail with STEP_OUTCOME_UNKNOWN after a crash in the middle, which a handler may catch", async () => {
      const world = await setup({ leaseMs: 200 });
      const taskId = await dieInside(world);
      let paid = false;
      world.work({ agent: "heir" }, async (_task, ctx) => {
        try {
          return await ctx.step("pay", { once: true, input: { amount: 5 } }, () => {
            paid = true;
            return "paid";
          });
        } catch (error) {
          return isFailure(error, "STEP_OUTCOME_UNKNOWN") ? "looked into it" : String(error);
        }
      });

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: "looked into it" });
      expect(paid).toBe(false);
    });

    it("become a question when nobody catches that, and 'done' records them as done", async () => {
      const world = await setup({ leaseMs: 200 });
      const taskId = await dieInside(world);
      let runs = 0;
      world.work({ agent: "heir" }, async (_task, ctx) => {
        await ctx.step("pay", { once: true, input: { amount: 5 } }, () => {
          runs += 1;
        });
        return await ctx.step("after", () => "went on");
      });

      await reached(world.client, taskId, "paused");
      const { content } = await world.client.tasks.get({ taskId });
      await answerTo(world.client, taskId, "done");

      expect(content.pauses).toMatchObject([
        {
          question: expect.stringContaining("pay#0"),
          answerSchema: { anyOf: [{ enum: ["done", "again"] }, { required: ["output"] }] },
        },
      ]);
      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: "went on" });
      expect(runs).toBe(0);
    });

    it("run again when the answer is 'again'", async () => {
      const world = await setup({ leaseMs: 200 });
      const taskId = await dieInside(world);
      let runs = 0;
      world.work({ agent: "heir" }, (_task, ctx) =>
        ctx.step("pay", { once: true, input: { amount: 5 } }, () => {
          runs += 1;
          return "paid";
        }),
      );

      await answerTo(world.client, taskId, "again");

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: "paid" });
      expect(runs).toBe(1);
    });

    it("ask again after a second crash: one 'again' is good for one run", async () => {
      const world = await setup({ leaseMs: 200 });
      const taskId = await dieInside(world);
      const inside = gate();
      let runs = 0;
      const second = world.work({ agent: "second" }, (_task, ctx) =>
        ctx.step("pay", { once: true, input: { amount: 5 } }, () => {
          runs += 1;
          inside.open();
          return forever();
        }),
      );
      await answerTo(world.client, taskId, "again");
      await within(inside.promise, "the second run of the step");
      void second.stop();

      world.work({ agent: "third" }, (_task, ctx) =>
        ctx.step("pay", { once: true, input: { amount: 5 } }, () => {
          runs += 1;
          return "paid";
        }),
      );
      await recorded(world.client, taskId, "task.paused", 2);
      expect(runs).toBe(1);
      await answerTo(world.client, taskId, "done");

      expect((await ended(world.client, taskId)).task.state).toBe("succeeded");
      expect(runs).toBe(1);
    });

    it("do not mix up their question with the handler's own", async () => {
      const world = await setup({ leaseMs: 200 });
      const taskId = await dieInside(world);
      world.work({ agent: "heir" }, async (_task, ctx) => {
        await ctx.step("pay", { once: true, input: { amount: 5 } }, () => "paid");
        await ctx.pause();
        return "resumed";
      });

      await answerTo(world.client, taskId, "done");
      await recorded(world.client, taskId, "task.paused", 2);
      await reached(world.client, taskId, "paused");
      await world.client.tasks.resume({ taskId });

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: "resumed" });
    });
  });
}
