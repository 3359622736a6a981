import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type RunContext, RunEnded, type RunEndReason, type StepCall, type Worker } from "../../../sdk/index.ts";
import { ended, forever, gate, journal, reached, recorded, type Setup, start, type World, within } from "./fabric.ts";

const patientMs = 10_000; // a cleanup that takes so long does not come to its end

type TaskId = Awaited<ReturnType<typeof start>>;

/** A step's function that ends with its run. */
const untilAborted = ({ signal }: StepCall): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))); // the run's end

/** A handler that is within `work`, and what it notes when that ends. */
async function setupEnd(setup: Setup, work: (ctx: RunContext) => Promise<unknown>) {
  const world = await setup({ leaseMs: 2_000 });
  const inside = gate();
  const noted: string[] = [];
  const cleanedUp = gate<unknown>();
  const worker = world.work({ agent: "one", graceMs: patientMs }, async (task, ctx) => {
    if (task.epoch > 1) return "later";
    let seen: unknown;
    try {
      await using stack = new AsyncDisposableStack();
      stack.defer(async () => {
        await new Promise(setImmediate); // a cleanup that takes its time
        noted.push("disposed");
      });
      setImmediate(inside.open);
      return await work(ctx);
    } catch (error) {
      seen = error;
      throw error;
    } finally {
      noted.push("finally");
      cleanedUp.open(seen);
    }
  });
  const taskId = await start(world.client);
  await within(inside.promise, "the handler");
  return { ...world, worker, taskId, noted, cleanedUp: cleanedUp.promise };
}

const ends: [
  how: string,
  RunEndReason,
  end: (world: World & { worker: Worker; taskId: TaskId }) => Promise<unknown>,
][] = [
  ["is cancelled", "cancelled", ({ client, taskId }) => client.tasks.cancel({ taskId })],
  ["loses its claim", "lost", ({ client, taskId }) => client.tasks.release({ taskId, epoch: 1 }, { agent: "one" })],
  ["is stopped", "stopped", ({ worker }) => worker.stop()],
  ["is drained and does not end", "drained", ({ worker }) => worker.drain({ timeoutMs: 1 })],
];

const waits: [what: string, wait: (ctx: RunContext) => Promise<unknown>][] = [
  ["in a step", (ctx) => ctx.step("hang", untilAborted)],
  ["in a command", (ctx) => ctx.run("hang", [process.execPath, "-e", "setInterval(() => {}, 1000)"])],
  ["for a part", (ctx) => ctx.delegate({ to: { role: "none" }, brief: "A part", nextAction: "Go" })],
];

export function describeEnds(setup: Setup): void {
  describe("the end of a run", () => {
    for (const [how, reason, end] of ends) {
      for (const [what, wait] of waits) {
        it(`lets a handler that waits ${what} clean up when its run ${how} (R1)`, async () => {
          const world = await setupEnd(setup, wait);

          await end(world);

          expect(await within(world.cleanedUp, "the cleanup")).toMatchObject({ code: "RUN_ENDED", reason, epoch: 1 });
          expect(world.noted).toEqual(["disposed", "finally"]);
          const types = ["step.succeeded", "step.failed", "task.failed"] as const;
          const events = await journal(world.client, world.taskId, ...types);
          expect(events.filter(({ epoch }) => epoch === 1)).toEqual([]);
        });
      }
    }

    it("is seen by the handler that pauses, hands over or asks, and its task goes on with the next run", async () => {
      const world = await setupEnd(setup, (ctx) => ctx.pause({ question: "Go on?", answer: z.boolean() }));
      await reached(world.client, world.taskId, "paused");

      const seen = await within(world.cleanedUp, "the cleanup");
      await world.client.tasks.answer({ taskId: world.taskId, answer: true });

      expect(seen).toBeInstanceOf(RunEnded);
      expect(seen).toMatchObject({ reason: "paused" });
      expect((await ended(world.client, world.taskId)).outcome).toMatchObject({ data: "later" });
    });

    it("stands: a handler that keeps the end to itself and returns completes nothing", async () => {
      const world = await setupEnd(setup, async (ctx) => {
        await ctx.pause().catch(() => {});
        return "as if nothing had been";
      });
      await within(world.cleanedUp, "the cleanup");

      await world.client.tasks.resume({ taskId: world.taskId });

      expect((await ended(world.client, world.taskId)).outcome).toMatchObject({ data: "later" });
      expect(await journal(world.client, world.taskId, "task.completed", "task.failed")).toHaveLength(1);
    });

    it("records nothing that a handler throws after it", async () => {
      const world = await setupEnd(setup, async (ctx) => {
        await ctx.handoff({ to: { agent: "one" }, brief: "go on", nextAction: "now" });
        throw new Error("what was thrown afterwards");
      });

      const { outcome } = await ended(world.client, world.taskId);

      expect(outcome).toMatchObject({ data: "later" });
      expect(await journal(world.client, world.taskId, "task.failed")).toEqual([]);
      expect(world.errors).toEqual([]);
    });

    it("fires the signal of a step, whose result counts for nothing when its function ends all the same", async () => {
      const finish = gate();
      const aborted = gate<unknown>();
      const world = await setupEnd(setup, (ctx) =>
        ctx.step("slow", async ({ signal }) => {
          signal.addEventListener("abort", () => aborted.open(signal.reason));
          await finish.promise;
          return "too late";
        }),
      );

      await world.client.tasks.cancel({ taskId: world.taskId });
      const reason = await within(aborted.promise, "the signal");
      await within(world.cleanedUp, "the cleanup");
      finish.open();
      await world.worker.drain();

      expect(reason).toMatchObject({ code: "RUN_ENDED", reason: "cancelled" });
      expect((await world.client.tasks.steps({ taskId: world.taskId })).steps).toEqual([]);
    });

    it("rejects branches that nothing awaits without an unhandled rejection (R2)", async () => {
      const rejections: unknown[] = [];
      const note = (reason: unknown): void => void rejections.push(reason);
      const world = await setupEnd(setup, async (ctx) => {
        const others = [ctx.step("first", untilAborted), ctx.step("second", untilAborted)];
        await ctx.step("third", untilAborted);
        await Promise.all(others);
      });
      process.on("unhandledRejection", note);

      await world.client.tasks.cancel({ taskId: world.taskId });
      await within(world.cleanedUp, "the cleanup");
      await world.worker.stop();
      process.off("unhandledRejection", note);

      expect(rejections).toEqual([]);
    });

    it("keeps the place of a run until its handler has cleaned up (K2)", async () => {
      const { client, work } = await setup();
      const inside = gate();
      const clean = gate();
      let now = 0;
      let most = 0;
      work({ graceMs: patientMs }, async (task, ctx) => {
        now += 1;
        most = Math.max(most, now);
        try {
          inside.open();
          if (task.brief === "first") await ctx.step("hang", untilAborted);
        } finally {
          if (task.brief === "first") await clean.promise;
          now -= 1;
        }
      });
      const first = await start(client, { brief: "first" });
      await within(inside.promise, "the handler");

      await client.tasks.cancel({ taskId: first });
      const second = await start(client, { brief: "second" });
      const before = (await client.tasks.get({ taskId: second })).task.state;
      clean.open();
      await ended(client, second);

      expect({ before, most }).toEqual({ before: "start", most: 1 });
    });

    it("comes before the same worker's next run of the task begins, and its cleanup too (K3)", async () => {
      const { client, work } = await setup();
      const inside = gate();
      const ending = gate<unknown>();
      const clean = gate();
      const seen: string[] = [];
      work({ agent: "one", concurrency: 2, graceMs: patientMs }, async ({ epoch }, ctx) => {
        seen.push(`begins ${epoch}`);
        if (epoch > 1) return "later";
        inside.open();
        return await ctx.step("hang", untilAborted).catch(async (error: unknown) => {
          ending.open(error);
          await clean.promise;
          seen.push(`ends ${epoch}`);
          throw error;
        });
      });
      const taskId = await start(client);
      await within(inside.promise, "the handler");

      await client.tasks.release({ taskId, epoch: 1 }, { agent: "one" }); // as if its lease had run out
      const error = await within(ending.promise, "the end of the first run");
      await recorded(client, taskId, "task.claimed", 2);
      clean.open();
      await ended(client, taskId);

      expect(error).toMatchObject({ code: "RUN_ENDED", reason: "lost" });
      expect(seen).toEqual(["begins 1", "ends 1", "begins 2"]);
    });

    it("gives the place of a handler on that does not clean up within its grace (U2)", async () => {
      const { client, work } = await setup();
      const inside = gate();
      let runs = 0;
      work({ graceMs: 20 }, async () => {
        runs += 1;
        inside.open();
        if (runs === 1) await forever();
        return "in time";
      });
      const first = await start(client);
      await within(inside.promise, "the handler");

      await client.tasks.cancel({ taskId: first });
      const second = await start(client);

      expect((await ended(client, second)).outcome).toMatchObject({ data: "in time" });
    });

    it("comes with the close of a connection, which waits for cleanups", async () => {
      const { fabric, work } = await setup();
      const connection = await fabric.connect();
      const inside = gate();
      let isClean = false;
      const worker = work(
        { graceMs: patientMs },
        async (_task, ctx) => {
          try {
            inside.open();
            await ctx.step("hang", untilAborted);
          } finally {
            await new Promise(setImmediate);
            isClean = true;
          }
        },
        connection,
      );
      await start(connection);
      await within(inside.promise, "the handler");

      void worker.stop();
      await connection.close();

      expect(isClean).toBe(true);
    });

    it("refuses a grace that is no length of time", async () => {
      const { client } = await setup();

      for (const graceMs of [-1, Number.NaN, Number.POSITIVE_INFINITY])
        expect(() => client.worker({ agent: "w", graceMs }, () => {})).toThrow(
          expect.objectContaining({ code: "INPUT_INVALID" }),
        );
    });
  });
}
