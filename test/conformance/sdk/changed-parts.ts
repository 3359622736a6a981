import { describe, expect, it } from "vitest";
import type { Delegation, Handler } from "../../../sdk/index.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import { ended, gate, journal, reached, recorded, type Setup, soon, start, type World } from "./fabric.ts";

const part = (brief: string, more: Partial<Delegation> = {}): Delegation => {
  return { to: { role: "child" }, brief, nextAction: "go", ...more };
};

const giving = (...parts: Delegation[]): Handler => {
  return async (_task, ctx) => {
    const summaries: unknown[] = [];
    for (const each of parts) summaries.push((await ctx.delegate(each)).summary);
    return summaries;
  };
};

/** A task whose first run gave `first` away and failed after it had come back; then `next` is deployed. */
async function changeParts({ client, work }: World, first: Handler, next: Handler) {
  let code = first;
  work({ agent: "parent", roles: ["parent"] }, async (task, ctx) => {
    const result = await code(task, ctx);
    if (task.attempt > 1) return result;
    code = next;
    throw new Error("the network is down");
  });
  work({ agent: "child", roles: ["child"], concurrency: 4 }, (task, ctx) =>
    ctx.complete({ summary: `${task.brief} done` }),
  );
  const taskId = await start(client, { to: { role: "parent" }, retry: { ...soon, attemptsMax: 2 } });
  return {
    taskId,
    deploy(handler: Handler): void {
      code = handler;
    },
  };
}

async function asked({ client }: World, taskId: TaskId) {
  await recorded(client, taskId, "task.paused");
  const [pause] = (await client.tasks.get({ taskId })).content.pauses;
  if (pause === undefined) throw new Error("nothing is asked");
  return pause;
}

export function describeChangedParts(setup: Setup): void {
  describe("a part that was given away with other content", () => {
    it.each([
      ["under its key", "tests", "key"],
      ["where another was given away before", undefined, "add"],
    ])("%s waits with a question, and goes on by itself when the old code is back", async (_, key, says) => {
      const world = await setup();
      const keyed = key === undefined ? {} : { key };
      const old = giving(part("write tests", keyed));
      const { taskId, deploy } = await changeParts(world, old, giving(part("write docs", keyed)));

      const question = await asked(world, taskId);
      const { task } = await world.client.tasks.get({ taskId });
      deploy(old);

      expect(task.state).toBe("paused");
      expect(question).toMatchObject({ concerns: { of: "part", differs: ["packet"], waitsForCode: true } });
      expect(JSON.stringify(question)).toContain(says);
      expect(question.recorded?.input?.json).toContain("write tests");
      expect(question.present?.input?.json).toContain("write docs");
      expect(await ended(world.client, taskId)).toMatchObject({
        task: { state: "succeeded", attempt: 2 },
        outcome: { data: ["write tests done"] },
      });
      expect(await journal(world.client, taskId, "delegation.sent")).toHaveLength(1);
    });

    it.each([
      ["keep", ["write tests done"], 1],
      ["rerun", ["write docs done"], 2],
    ])("under its key is settled by the answer %s, also for later runs", async (answer, data, sent) => {
      const world = await setup();
      let runs = 0;
      const next: Handler = async (task, ctx) => {
        const result = await giving(part("write docs", { key: "k" }))(task, ctx);
        runs += 1;
        if (runs === 1) await ctx.pause();
        return result;
      };
      const { taskId } = await changeParts(world, giving(part("write tests", { key: "k" })), next);
      const { pauseId } = await asked(world, taskId);

      await world.client.tasks.answer({ taskId, pauseId, answer });
      await recorded(world.client, taskId, "task.paused", 2);
      await reached(world.client, taskId, "paused");
      await world.client.tasks.resume({ taskId });

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data });
      expect(await journal(world.client, taskId, "delegation.sent")).toHaveLength(sent);
    });

    it("is cancelled while it is open when it is to be given away anew", async () => {
      const world = await setup();
      let code = giving(part("write tests", { key: "k" }));
      const first = world.work({ agent: "parent", roles: ["parent"] }, (task, ctx) => code(task, ctx));
      const taskId = await start(world.client, { to: { role: "parent" } });
      const [sent] = await recorded(world.client, taskId, "delegation.sent");
      await first.drain({ timeoutMs: 1 });
      code = giving(part("write docs", { key: "k" }));
      world.work({ agent: "heir", roles: ["parent"] }, (task, ctx) => code(task, ctx));
      const { pauseId } = await asked(world, taskId);

      await world.client.tasks.answer({ taskId, pauseId, answer: "rerun" });
      await recorded(world.client, taskId, "delegation.sent", 2);
      world.work({ agent: "child", roles: ["child"] }, (task, ctx) => ctx.complete({ summary: `${task.brief} done` }));

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: ["write docs done"] });
      const childId = sent?.facts.childId as TaskId;
      expect((await world.client.tasks.get({ taskId: childId })).task.state).toBe("cancelled");
    });

    it("is one more part, put before the other, when the answer is to add it", async () => {
      const world = await setup();
      const next = giving(part("write docs"), part("write tests"));
      const { taskId } = await changeParts(world, giving(part("write tests")), next);
      const { pauseId } = await asked(world, taskId);

      await world.client.tasks.answer({ taskId, pauseId, answer: "add" });

      expect((await ended(world.client, taskId)).outcome).toMatchObject({
        data: ["write docs done", "write tests done"],
      });
      expect(await journal(world.client, taskId, "delegation.sent")).toHaveLength(2);
    });

    it("is not asked about when only its time or budget is another", async () => {
      const world = await setup();
      const { taskId } = await changeParts(
        world,
        giving(part("a", { key: "k" }), part("b")),
        giving(part("a", { key: "k", timeout: "5m" }), part("b", { budget: { count: 1, depth: 1 } })),
      );

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: ["a done", "b done"] });
      expect(await journal(world.client, taskId, "delegation.sent", "task.paused")).toHaveLength(2);
    });

    it("is not asked about when what was given away had failed: a retry may try another way", async () => {
      const { client, work } = await setup();
      work({ agent: "parent", roles: ["parent"] }, async (task, ctx) => {
        const { outcome, summary } = await ctx.delegate(part(task.attempt === 1 ? "quickly" : "thoroughly"));
        if (outcome === "failed") throw new Error(summary);
        return summary;
      });
      work({ agent: "child", roles: ["child"] }, (task, ctx) =>
        task.brief === "quickly" ? ctx.fail("too hard", { retryable: false }) : ctx.complete({ summary: "done" }),
      );

      const taskId = await start(client, { to: { role: "parent" }, retry: { ...soon, attemptsMax: 2 } });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "done" });
    });

    it("is told from a part of another branch, which comes first this time", async () => {
      const world = await setup();
      const isFirst = gate();
      let runs = 0;
      world.work({ agent: "parent", roles: ["parent"] }, async (_task, ctx) => {
        runs += 1;
        if (runs === 1) {
          await ctx.delegate(part("docs"));
          throw new Error("the network is down before the other branch");
        }
        const docs = isFirst.promise.then(() => ctx.delegate(part("docs")));
        const tests = ctx.delegate(part("tests"));
        setImmediate(isFirst.open); // a turn later, for a reason that the SDK does not see
        return (await Promise.all([docs, tests])).map(({ summary }) => summary);
      });
      world.work({ agent: "child", roles: ["child"] }, (task, ctx) => ctx.complete({ summary: `${task.brief} done` }));
      const taskId = await start(world.client, { to: { role: "parent" }, retry: { ...soon, attemptsMax: 2 } });

      expect((await ended(world.client, taskId)).outcome).toMatchObject({ data: ["docs done", "tests done"] });
      expect(await journal(world.client, taskId, "task.paused")).toEqual([]);
    });
  });
}
