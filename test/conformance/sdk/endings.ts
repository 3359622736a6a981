import { describe, expect, it } from "vitest";
import type { EndCode } from "../../../src/contracts/ending.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import { ended, forever, gate, journal, type Setup, start, type World, within } from "./fabric.ts";

/** How a task is brought to its end, and what its reason must say. */
interface Ending {
  name: string;
  code: EndCode;
  by: string;
  message: RegExp;
  lastError?: RegExp;
  leaseMs?: number;
  end(world: World): Promise<TaskId>;
}

const broken = { name: "load", ordinal: 0, outcome: { kind: "failed" as const, error: "The cache is broken" } };
const ann = { agent: "ann" };
const once = { attemptsMax: 1, backoffMs: 0 };

const endingsOfTasks: Ending[] = [
  {
    name: "workers that are lost",
    code: "WORKERS_LOST",
    by: "runtime",
    message: /attempt 1 of 1 .* the last was ann/,
    lastError: /^The cache is broken$/,
    leaseMs: 50,
    async end({ client }) {
      const taskId = await start(client, { retry: once });
      await client.tasks.claim({ taskId }, ann);
      await client.tasks.step({ taskId, epoch: 1, step: broken }, ann);
      return taskId;
    },
  },
  {
    name: "more lost leases than a stage may have",
    code: "LOSSES_OVER",
    by: "runtime",
    message: /lost 2 times in stage 1, and 2 is the most/,
    leaseMs: 50,
    async end({ client }) {
      const taskId = await start(client, { retry: { ...once, lossesMax: 2 } });
      for (const epoch of [1, 2]) {
        await client.tasks.claim({ roles: [], waitMs: 5_000 }, ann);
        const step = { name: "tick", ordinal: epoch, outcome: { kind: "succeeded" as const } };
        await client.tasks.step({ taskId, epoch, step }, ann);
      }
      return taskId;
    },
  },
  {
    name: "attempts that are over",
    code: "ATTEMPTS_OVER",
    by: "worker-1",
    message: /^Attempt 2 of 2 failed, by worker-1\./,
    lastError: /the network is down/,
    async end({ client, work }) {
      work({}, () => {
        throw new Error("the network is down");
      });
      return await start(client, { retry: { attemptsMax: 2, backoffMs: 1, backoffMaxMs: 1 } });
    },
  },
  {
    name: "a failure that cannot be retried",
    code: "NOT_RETRYABLE",
    by: "worker-1",
    message: /worker-1 said that another attempt cannot help/,
    lastError: /^No such account$/,
    async end({ client, work }) {
      work({}, (_task, ctx) => ctx.fail("No such account", { retryable: false }));
      return await start(client);
    },
  },
  {
    name: "checks that failed for good",
    code: "CHECKS_FAILED",
    by: "worker-1",
    message: /A required check failed for worker-1 in attempt 1 of 1/,
    lastError: /tests/,
    async end({ client, work }) {
      work({ checks: { tests: async () => ({ passed: false, output: "2 of 9 fail" }) } }, () => "done");
      return await start(client, { retry: once, checks: [{ name: "tests" }] });
    },
  },
  {
    name: "a deadline",
    code: "DEADLINE_PASSED",
    by: "runtime",
    message: /Its deadline passed while ann worked on it/,
    lastError: /^The cache is broken$/,
    async end({ client }) {
      const taskId = await start(client, { deadlineAt: Date.now() + 200 });
      await client.tasks.claim({ taskId }, ann);
      await client.tasks.step({ taskId, epoch: 1, step: broken }, ann);
      return taskId;
    },
  },
  {
    name: "an agent that cancels it",
    code: "CANCELLED",
    by: "boss",
    message: /^boss cancelled it: Not needed any more$/,
    async end({ client }) {
      const taskId = await start(client);
      await client.tasks.cancel({ taskId, reason: "Not needed any more" }, { agent: "boss" });
      return taskId;
    },
  },
  {
    name: "the end of the task that delegated it",
    code: "PARENT_ENDED",
    by: "runtime",
    message: /The task that delegated it, task_\w+, has ended/,
    async end({ client }) {
      const parent = await start(client);
      await client.tasks.claim({ taskId: parent }, ann);
      const part = { taskId: parent, epoch: 1, to: "any" as const, packet: { brief: "A part", nextAction: "Do it" } };
      const { childId } = await client.tasks.delegate(part, ann);
      await client.tasks.fail({ taskId: parent, epoch: 1, error: "Gave up", retryable: false }, ann);
      return childId;
    },
  },
  {
    name: "more handoffs than a task may have",
    code: "HANDOFF_LIMIT",
    by: "worker-1",
    message: /It changed hands 32 times/,
    lastError: /HANDOFF_LIMIT/,
    async end({ client, work }) {
      work({}, (_task, ctx) => ctx.handoff({ to: "any", brief: "Yours", nextAction: "Do it" }));
      return await start(client);
    },
  },
];

export function describeEndings(setup: Setup): void {
  describe("the reason of an end", () => {
    for (const { name, code, by, message, lastError, leaseMs, end } of endingsOfTasks) {
      it(`is told everywhere: ${name}`, async () => {
        const world = await setup(leaseMs === undefined ? {} : { leaseMs });
        const { client } = world;

        const taskId = await end(world);
        const { task, outcome } = await ended(client, taskId);

        const { reason } = outcome as { reason: Record<string, unknown> };
        expect(reason).toMatchObject({ code, by, message: expect.stringMatching(message) });
        if (lastError !== undefined) expect(reason.lastError).toMatch(lastError);
        const last = (await journal(client, taskId)).at(-1);
        expect(last).toMatchObject({ at: reason.at, facts: { code }, body: { message: reason.message } });
        const mark = { outcome: { reason: { code, by, at: reason.at } } };
        expect(task).toMatchObject(mark);
        expect((await client.tasks.list({})).tasks.find(({ id }) => id === taskId)).toMatchObject(mark);
        const explained = await client.tasks.explain({ taskId });
        expect(explained).toMatchObject({ outcome: { reason }, because: expect.stringMatching(message) });
        expect((await client.tasks.result(taskId)).outcome).toMatchObject({ reason });
      });
    }

    it("comes back to the task that delegated it", async () => {
      const { client, work } = await setup();
      const returned = gate<unknown>();
      work({ roles: ["parent"], agent: "parent" }, async (_task, ctx) => {
        returned.open(await ctx.delegate({ to: { role: "child" }, brief: "A part", nextAction: "Do it" }));
        await forever();
      });
      work({ roles: ["child"], agent: "child" }, (_task, ctx) => ctx.fail("Out of paper", { retryable: false }));

      await start(client, { to: { role: "parent" } });

      const reason = { code: "NOT_RETRYABLE", by: "child", lastError: "Out of paper" };
      expect(await within(returned.promise, "the return")).toMatchObject({ outcome: "failed", reason });
    });
  });

  describe("a task that kills its workers", () => {
    it("comes to an end, whatever each run records before it dies (I10)", async () => {
      const { client, work } = await setup({ leaseMs: 50 });
      const taskId = await start(client, { retry: { ...once, attemptsMax: 2 } });
      const die = (name: string) => {
        const worker = work({ agent: name }, async (_task, ctx) => {
          await ctx.step("load the cache", () => Promise.reject(new Error("cache miss"))).catch(() => {});
          void worker.stop(); // as good as dead
          await forever();
        });
      };

      for (const name of ["w1", "w2", "w3"]) die(name);

      expect(await ended(client, taskId)).toMatchObject({
        task: { state: "failed", attempt: 2 },
        outcome: { reason: { code: "WORKERS_LOST", lastError: "cache miss" } },
      });
    });
  });
}
