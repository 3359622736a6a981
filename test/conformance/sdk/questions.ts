import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Connection } from "../../../sdk/index.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import type { TaskContent } from "../../../src/contracts/task.ts";
import { ended, gate, journal, reached, recorded, type Setup, start, within } from "./fabric.ts";

/** The open questions of a task by their texts. */
async function openQuestions(client: Connection, taskId: TaskId): Promise<Map<string, TaskContent["pauses"][number]>> {
  const { content } = await client.tasks.get({ taskId });
  return new Map(content.pauses.map((pause) => [pause.question ?? "", pause]));
}

/** Answers the question of this text, and no other. */
async function answerTo(client: Connection, taskId: TaskId, question: string, answer: unknown): Promise<void> {
  const pause = (await openQuestions(client, taskId)).get(question);
  if (pause === undefined) throw new Error(`"${question}" is not open`);
  await client.tasks.answer({ taskId, pauseId: pause.pauseId, answer });
}

export function describeQuestions(setup: Setup): void {
  describe("questions", () => {
    it("of several branches are open together, and each gets its own answer in whatever order they come", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) =>
        Promise.all(["one", "two", "three"].map((name) => ctx.pause({ question: `${name}?`, answer: z.string() }))),
      );
      const taskId = await start(client);

      await recorded(client, taskId, "task.paused", 3);
      const open = [...(await openQuestions(client, taskId)).keys()].sort();
      for (const name of ["three", "one", "two"]) await answerTo(client, taskId, `${name}?`, `for ${name}`);

      expect(open).toEqual(["one?", "three?", "two?"]);
      expect((await ended(client, taskId)).outcome).toMatchObject({ data: ["for one", "for two", "for three"] });
      expect(await journal(client, taskId, "task.paused")).toHaveLength(3);
    });

    it("do not cut what other branches do, and an answer comes to the branch that asked while they go on", async () => {
      const { client, work } = await setup();
      const slow = gate();
      let runs = 0;
      work({}, (_task, ctx) => {
        runs += 1;
        return Promise.all([
          ctx.step("slow", () => slow.promise.then(() => "done")),
          ctx.pause({ question: "Go on?", answer: z.boolean() }).then((isGood) => ctx.step("after", () => isGood)),
        ]);
      });
      const taskId = await start(client);

      const asking = await reached(client, taskId, "paused");
      await answerTo(client, taskId, "Go on?", true);
      await recorded(client, taskId, "step.succeeded", 1); // the step after the answer, while the slow one goes on
      slow.open();

      expect(asking).toMatchObject({ owner: { agent: "worker-1" }, pauses: [{ asks: true }] });
      expect((await ended(client, taskId)).outcome).toMatchObject({ data: ["done", true] });
      expect(runs).toBe(1);
    });

    it("make the task claimable as soon as one answer lets a branch go on", async () => {
      const { client, work } = await setup();
      const worker = work({}, (_task, ctx) =>
        Promise.all([
          ctx.pause({ question: "One?", answer: z.boolean() }).then(() => ctx.step("after one", () => 1)),
          ctx.pause({ question: "Two?", answer: z.boolean() }).then(() => ctx.step("after two", () => 2)),
        ]),
      );
      const taskId = await start(client);
      await recorded(client, taskId, "task.paused", 2);
      await resting(client, taskId);

      await answerTo(client, taskId, "Two?", true);
      await recorded(client, taskId, "step.succeeded", 1);
      await resting(client, taskId);
      const [step] = await journal(client, taskId, "step.succeeded");
      const stillOpen = await openQuestions(client, taskId);
      await answerTo(client, taskId, "One?", true);

      expect(step?.facts).toMatchObject({ name: "after two" });
      expect([...stillOpen.keys()]).toEqual(["One?"]);
      expect((await ended(client, taskId)).outcome).toMatchObject({ data: [1, 2] });
      expect(worker.agent).toBe("worker-1");
    });

    it("stay open when the worker dies, and are not asked again by the next one", async () => {
      const { client, work } = await setup({ leaseMs: 200 });
      const inside = gate();
      const handler = (hangs: boolean) => (_task: unknown, ctx: Parameters<Parameters<typeof work>[1]>[1]) =>
        Promise.all([
          ctx.pause({ question: "Go on?", answer: z.boolean() }),
          ctx.step("work", () => {
            inside.open();
            return hangs ? new Promise(() => {}) : "worked";
          }),
        ]);
      const dead = work({ agent: "dead" }, handler(true));
      const taskId = await start(client);
      await within(inside.promise, "the step");
      await recorded(client, taskId, "task.paused", 1);
      void dead.stop();

      work({ agent: "heir" }, handler(false));
      await recorded(client, taskId, "step.succeeded", 1);
      await answerTo(client, taskId, "Go on?", true);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: [true, "worked"] });
      expect(await journal(client, taskId, "task.paused")).toHaveLength(1);
    });

    it("of new code get no answer of the old code's", async () => {
      const { client, work } = await setup();
      work({}, async ({ attempt }, ctx) => {
        const question = attempt === 1 ? "Run the linter?" : "Delete everything?"; // as if its code had been changed meanwhile
        const isGood = await ctx.pause({ question, answer: z.boolean() });
        if (attempt === 1) throw new Error("the old code ends here");
        return isGood;
      });
      const taskId = await start(client);
      await reached(client, taskId, "paused");
      await answerTo(client, taskId, "Run the linter?", true);
      await recorded(client, taskId, "task.paused", 2);
      await answerTo(client, taskId, "Delete everything?", false);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: false });
    });

    it("under a name that new code asks something else by take the place of the old ones, whose answers are refused", async () => {
      const { client, work } = await setup();
      let isDeployed = false;
      work({}, async (_task, ctx) => {
        const where = isDeployed
          ? ctx.pause({ about: "deploy", question: "Where to?", answer: z.enum(["staging", "production"]) })
          : ctx.pause({ about: "deploy", question: "Deploy now?", answer: z.boolean() });
        const other = ctx.pause({ about: "other", question: "Tell the others?", answer: z.boolean() });
        const kept = ctx.pause({ about: "kept", question: "Keep a copy?", answer: z.boolean() });
        return await Promise.all([where, other, kept]);
      });
      const taskId = await start(client);
      await resting(client, taskId);
      const [old] = (await client.tasks.get({ taskId })).content.pauses;
      isDeployed = true;
      await answerTo(client, taskId, "Tell the others?", true);
      await recorded(client, taskId, "task.paused", 4);

      const late = client.tasks.answer({ taskId, pauseId: old!.pauseId, answer: true });
      await expect(late).rejects.toMatchObject({ code: "QUESTION_OVER" });
      await answerTo(client, taskId, "Where to?", "staging");
      await answerTo(client, taskId, "Keep a copy?", false);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: ["staging", true, false] });
      expect(await journal(client, taskId, "task.paused")).toHaveLength(4);
    });

    it("that the handler no longer asks are over when its run rests", async () => {
      const { client, work } = await setup();
      let runs = 0;
      work({}, async (_task, ctx) => {
        const ask = (question: string) => ctx.pause({ question, answer: z.string() });
        runs += 1;
        return runs === 1 ? await Promise.all([ask("Old?"), ask("Kept?")]) : [await ask("Kept?"), await ask("New?")];
      });
      const taskId = await start(client);
      await recorded(client, taskId, "task.paused", 2);
      await resting(client, taskId);
      const pauseId = required((await openQuestions(client, taskId)).get("Old?")?.pauseId);
      await answerTo(client, taskId, "Kept?", "kept");
      await recorded(client, taskId, "task.paused", 3);
      await resting(client, taskId);

      const late = client.tasks.answer({ taskId, pauseId, answer: "late" });

      await expect(late).rejects.toMatchObject({ code: "QUESTION_OVER", facts: { end: "withdrawn" } });
      await answerTo(client, taskId, "New?", "new");
      expect((await ended(client, taskId)).outcome).toMatchObject({ data: ["kept", "new"] });
    });

    it("are asked again under the same name when the old answer no longer fits", async () => {
      const { client, work } = await setup();
      const handlers = [z.boolean(), z.number()];
      work({}, async (task, ctx) => {
        const answer = handlers[task.attempt - 1] ?? z.number();
        const got = await ctx.pause({ question: "How many?", answer, about: "count" });
        if (task.attempt === 1) throw new Error("again, with other code");
        return got;
      });
      const taskId = await start(client);
      await reached(client, taskId, "paused");
      await answerTo(client, taskId, "How many?", true);

      await recorded(client, taskId, "task.paused", 2);
      await answerTo(client, taskId, "How many?", 7);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: 7 });
    });

    it("that are equal get their answers in their order, one after the other", async () => {
      const { client, work } = await setup();
      work({}, async (_task, ctx) => {
        const answers: number[] = [];
        for (let count = 0; count < 3; count += 1)
          answers.push(await ctx.pause({ question: "Next?", answer: z.number() }));
        return answers;
      });
      const taskId = await start(client);

      for (const count of [1, 2, 3]) {
        await recorded(client, taskId, "task.paused", count);
        await answerTo(client, taskId, "Next?", count);
      }

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: [1, 2, 3] });
    });

    it("that are equal and asked at once are refused with what to do, and the task waits for corrected code", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => Promise.all([1, 2].map(() => ctx.pause({ question: "Sure?", answer: z.boolean() }))));

      const taskId = await start(client);
      const [paused] = await recorded(client, taskId, "task.paused");

      expect(paused).toMatchObject({
        facts: { concerns: { of: "code" } },
        body: { question: expect.stringMatching(/`about`/) },
      });
      expect((await client.tasks.get({ taskId })).task.attempt).toBe(1);
    });

    it("that differ and have one `about` are refused: one answer reaches no two questions", async () => {
      const { client, work } = await setup();
      const deployed: string[] = [];
      work({}, async (_task, ctx) => {
        for (const place of ["scratch", "production"]) {
          if (await ctx.pause({ about: "deploy", question: `Deploy to ${place}?`, answer: z.boolean() }))
            deployed.push(place);
        }
      });
      const taskId = await start(client);
      await recorded(client, taskId, "task.paused");

      await answerTo(client, taskId, "Deploy to scratch?", true);
      await recorded(client, taskId, "task.paused", 2);

      const { task, content } = await client.tasks.get({ taskId });
      expect(content.pauses).toMatchObject([
        {
          question: expect.stringMatching(/"Deploy to scratch\?" and "Deploy to production\?".*"deploy"/),
          concerns: { of: "code" },
        },
      ]);
      expect(task.attempt).toBe(1);
      expect(deployed).toEqual(["scratch"]);
    });

    it("that are asked again with the same words and `about` get the same answer", async () => {
      const { client, work } = await setup();
      const ask = { about: "deploy", question: "Deploy?", answer: z.boolean() };
      work({}, async (_task, ctx) => [await ctx.pause(ask), await ctx.pause(ask)]);
      const taskId = await start(client);
      await recorded(client, taskId, "task.paused");

      await answerTo(client, taskId, "Deploy?", true);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: [true, true] });
    });

    it("may be asked within a step, whose function goes on where it asked and holds no slot meanwhile", async () => {
      const { client, work } = await setup();
      let begun = 0;
      work({ concurrency: 1 }, (task, ctx) =>
        task.kind === "other"
          ? "done"
          : ctx.step("outer", () => {
              begun += 1;
              return ctx.pause({ question: "Within?", answer: z.boolean() });
            }),
      );
      const taskId = await start(client);
      await recorded(client, taskId, "task.paused");
      await ended(client, await start(client, { kind: "other" }));

      await answerTo(client, taskId, "Within?", true);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: true });
      expect(begun).toBe(1);
    });

    it("that a step's function asks and does not wait for leave it its work", async () => {
      const { client, work } = await setup();
      const working = gate();
      let begun = 0;
      work({}, (_task, ctx) =>
        ctx.step("works", async () => {
          begun += 1;
          ctx.pause({ question: "By the way?", answer: z.boolean() }).catch(() => {});
          await working.promise;
          return "worked";
        }),
      );
      const taskId = await start(client);

      const asking = await reached(client, taskId, "paused");
      working.open();

      expect(asking).toMatchObject({ owner: { agent: "worker-1" } });
      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "worked" });
      expect(begun).toBe(1);
      expect(await journal(client, taskId, "task.claimed")).toHaveLength(1);
    });

    it("that a handler leaves alone do not end its run while it works on what came first", async () => {
      const { client, work } = await setup();
      const outside = gate();
      let runs = 0;
      work({ graceMs: 60_000 }, async (_task, ctx) => {
        runs += 1;
        const asked = ctx.pause({ question: "Which one?", answer: z.string() });
        const first = await Promise.race([asked, ctx.step("guess", () => "the first")]);
        await outside.promise; // no call of its context
        return first;
      });
      const taskId = await start(client);

      const asking = await reached(client, taskId, "paused");
      outside.open();

      expect(asking).toMatchObject({ owner: { agent: "worker-1" } });
      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "the first" });
      expect(runs).toBe(1);
    });

    it("that a handler leaves alone end its run after the grace, and what it recorded is not done again", async () => {
      const { client, work } = await setup();
      let guesses = 0;
      work({ graceMs: 20 }, async (_task, ctx) => {
        const asked = ctx.pause({ question: "Which one?", answer: z.string() });
        const guess = await ctx.step("guess", () => `guess ${++guesses}`);
        await Promise.race([asked, untilEnd(ctx.signal)]); // a wait outside of its context
        return [guess, await asked];
      });
      const taskId = await start(client);
      await resting(client, taskId);

      await answerTo(client, taskId, "Which one?", "the last");

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: ["guess 1", "the last"] });
    });

    it("let a handler wait for an answer and for what it delegated at the same time", async () => {
      const { client, work } = await setup();
      work({ agent: "lead" }, (task, ctx) =>
        task.parentId !== undefined
          ? "child"
          : Promise.all([
              ctx.delegate({ to: { role: "docs" }, brief: "A part", nextAction: "Write" }),
              ctx.pause({ question: "Publish?", answer: z.boolean() }),
            ]).then(([part, isPublic]) => ({ part: part.data, isPublic })),
      );
      const taskId = await start(client);
      await recorded(client, taskId, "task.paused", 1);

      work({ agent: "writer", roles: ["docs"] }, () => "written");
      await recorded(client, taskId, "delegation.returned", 1);
      await answerTo(client, taskId, "Publish?", true);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { part: "written", isPublic: true } });
    });

    it("are seen in the list, in the explanation and in a packet that is made of the task", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.pause({ question: "Pay?\nAll of it?", answer: z.boolean(), approver: "ann" }));
      const taskId = await start(client);
      await resting(client, taskId);

      const { tasks } = await client.tasks.list({ states: ["paused"] });
      const { moves } = await client.tasks.explain({ taskId });
      const { packet } = await client.handoff.recover({ taskId });

      const pauseId = required(tasks[0]?.pauses[0]?.pauseId);
      expect(tasks).toMatchObject([{ id: taskId, pauses: [{ asks: true, approver: "ann" }] }]);
      expect(moves[0]).toMatch(new RegExp(`${pauseId} \\("Pay\\?"\\) by ann`));
      expect(packet.blockers).toEqual([`${pauseId} waits for an answer: Pay?`]);
    });
  });

  describe("an answer", () => {
    const worker = { agent: "w" };
    const ask = async (client: Connection, taskId: TaskId, question: string) => {
      const { assignment } = await client.tasks.claim({ taskId }, worker);
      const epoch = assignment?.epoch ?? 0;
      return await client.tasks.pause({ taskId, epoch, question, answerSchema: { type: "boolean" } }, worker);
    };

    it("that names its question is refused when that is over, also when it says the same", async () => {
      const { client } = await setup();
      const taskId = await start(client);
      const first = await ask(client, taskId, "Run the linter?");
      const { pauseId } = first;
      const once = await client.tasks.answer({ commandId: "click", taskId, pauseId, answer: true });
      const repeated = await client.tasks.answer({ commandId: "click", taskId, pauseId, answer: true });
      const second = await ask(client, taskId, "Delete everything?");

      const again = client.tasks.answer({ taskId, pauseId, answer: true });

      expect(repeated).toEqual(once);
      await expect(again).rejects.toMatchObject({
        code: "QUESTION_OVER",
        facts: {
          end: "answered",
          isSameAnswer: true,
          open: [{ pauseId: second.pauseId, question: "Delete everything?" }],
        },
      });
      expect(await openQuestions(client, taskId)).toHaveLength(1);
    });

    it("without a name is taken for the only question since its author last saw the task", async () => {
      const { client } = await setup();
      const taskId = await start(client);
      await ask(client, taskId, "Run the linter?");
      await client.tasks.answer({ taskId, answer: true });
      const { pauseId } = await ask(client, taskId, "Delete everything?");

      await expect(client.tasks.answer({ taskId, answer: true })).rejects.toMatchObject({
        code: "PAUSE_AMBIGUOUS",
        facts: { open: [{ pauseId }] },
      });
      await client.tasks.get({ taskId });

      expect(await client.tasks.answer({ taskId, answer: false })).toMatchObject({ state: "start" });
    });

    it("without a name counts as late after the runtime has started anew", async () => {
      const { client, fabric } = await setup();
      const taskId = await start(client);
      await ask(client, taskId, "Run the linter?");
      await client.tasks.answer({ taskId, answer: true });
      await ask(client, taskId, "Delete everything?");
      await client.tasks.get({ taskId });
      await fabric.restart();
      const later = await fabric.connect();

      await expect(later.tasks.answer({ taskId, answer: true })).rejects.toMatchObject({ code: "PAUSE_AMBIGUOUS" });
    });

    it("is not mixed up with what another agent has seen", async () => {
      const { client } = await setup();
      const taskId = await start(client);
      await ask(client, taskId, "Run the linter?");
      await client.tasks.answer({ taskId, answer: true });
      await ask(client, taskId, "Delete everything?");
      await client.tasks.get({ taskId }, { agent: "ann" });

      await expect(client.tasks.answer({ taskId, answer: true }, { agent: "bob" })).rejects.toMatchObject({
        code: "PAUSE_AMBIGUOUS",
      });
      expect(await client.tasks.answer({ taskId, answer: false }, { agent: "ann" })).toMatchObject({ state: "start" });
    });
  });
}

/** The task once nobody works on it and a pause is open. */
async function resting(client: Connection, taskId: TaskId): Promise<void> {
  for (let afterRevision = 0; ; ) {
    const { task, hasEnded } = await client.tasks.watch({ taskId, afterRevision, waitMs: 10_000 });
    if (task.state === "paused" && task.owner === undefined) return;
    if (hasEnded || task.revision === afterRevision) throw new Error(`${taskId} is ${task.state} and does not rest`);
    afterRevision = task.revision;
  }
}

function untilEnd(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("it is not there");
  return value;
}
