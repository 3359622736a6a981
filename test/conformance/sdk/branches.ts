import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool, type RunContext } from "../../../sdk/index.ts";
import { patienceMs } from "../../support/patience.ts";
import { ended, forever, gate, journal, recorded, type Setup, soon, start } from "./fabric.ts";

const retry = { ...soon, attemptsMax: 2 };

export function describeBranches(setup: Setup): void {
  describe("branches of a handler", () => {
    it("find their children again when another branch comes first after a retry", async () => {
      const { client, work } = await setup();
      work({ agent: "parent", roles: ["parent"] }, async (task, ctx) => {
        const ready = { docs: gate(), tests: gate() };
        const branch = async (name: "docs" | "tests"): Promise<string> => {
          await ready[name].promise;
          const part = ctx.delegate({ to: { role: "child" }, brief: name, nextAction: "go" });
          ready[name === "docs" ? "tests" : "docs"].open();
          return (await part).summary ?? "";
        };
        ready[task.attempt === 1 ? "docs" : "tests"].open();
        const done = await Promise.all([branch("docs"), branch("tests")]);
        if (task.attempt === 1) throw new Error("the network is down");
        return done;
      });
      work({ agent: "child", roles: ["child"] }, (task, ctx) => ctx.complete({ summary: `${task.brief} done` }));

      const taskId = await start(client, { to: { role: "parent" }, retry });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: ["docs done", "tests done"] });
      expect(await journal(client, taskId, "delegation.sent")).toHaveLength(2);
    });

    it("give a part away under its key, whatever equal parts there are", async () => {
      const { client, work } = await setup();
      work({ agent: "parent", roles: ["parent"] }, async (task, ctx) => {
        const part = { to: { role: "child" }, brief: "a part", nextAction: "go" };
        const keys = task.attempt === 1 ? ["a", "b"] : ["b", "a"];
        const sent = keys.map((key) => ctx.delegate({ ...part, key }));
        await Promise.all([...sent, ctx.delegate(part), ctx.delegate(part)]);
        if (task.attempt === 1) throw new Error("again");
      });
      work({ agent: "child", roles: ["child"] }, () => {});

      const taskId = await start(client, { to: { role: "parent" }, retry });

      expect((await ended(client, taskId)).task.state).toBe("succeeded");
      expect(await journal(client, taskId, "delegation.sent")).toHaveLength(4);
    });

    it("that make steps of one name side by side are refused before the second begins, with what to do", async () => {
      const { client, work } = await setup();
      const begun: string[] = [];
      work({}, async (_task, ctx) => {
        const review = (file: string) =>
          ctx.step("review", async () => {
            begun.push(file);
            await new Promise(setImmediate);
            return file;
          });
        await Promise.all([review("a.ts"), review("b.ts")]);
      });

      const taskId = await start(client);
      const [paused] = await recorded(client, taskId, "task.paused");

      expect(paused?.body?.question).toMatch(/"review".*`key`/s);
      expect(begun).toEqual(["a.ts"]);
    });

    it("that come to a name at different times are refused, too: another time the other one could come first", async () => {
      const { client, work } = await setup();
      work({}, async (_task, ctx) => {
        const first = gate();
        const branch = async (name: string): Promise<string> => {
          await ctx.step(`prepare ${name}`, () => (name === "slow" ? first.promise : null));
          const output = await ctx.step("review", () => name);
          first.open();
          return output;
        };
        return await Promise.all([branch("slow"), branch("quick")]);
      });

      const [paused] = await recorded(client, await start(client), "task.paused");

      expect(paused).toMatchObject({ facts: { concerns: { of: "code", name: "review", waitsForCode: true } } });
    });

    it("that fail let the steps of the others come to their ends, which are not done again (U3)", async () => {
      const { client, work } = await setup();
      const release = gate();
      let effects = 0;
      work({ graceMs: patienceMs }, async (task, ctx) => {
        const slow = ctx.step("slow", async () => {
          effects += 1;
          await release.promise;
        });
        const quick = ctx.step("quick", () => {
          if (task.attempt === 1) throw new Error("not this time");
        });
        await Promise.all([slow, quick]);
      });
      const taskId = await start(client);

      await recorded(client, taskId, "step.failed");
      release.open();
      await ended(client, taskId);

      expect(effects).toBe(1);
      const events = await journal(client, taskId, "step.succeeded", "task.failed");
      expect(events.slice(0, 2).map(({ type, facts }) => [type, facts.name])).toEqual([
        ["step.succeeded", "slow"],
        ["task.failed", undefined],
      ]);
    });

    it("that fail wait for no longer than the grace, and not for an answer", async () => {
      const { client, work } = await setup();
      work({ graceMs: 20 }, async (task, ctx) => {
        const fail = ctx.step("fail", () => {
          throw new Error("not this time");
        });
        if (task.brief === "hangs") await Promise.all([fail, ctx.step("hang", forever)]);
        await Promise.all([fail, ctx.step("ask", () => ctx.pause({ question: "Go on?", answer: z.boolean() }))]);
      });

      const once = { ...soon, attemptsMax: 1 };
      const hanging = await start(client, { brief: "hangs", retry: once });
      const asking = await start(client, { brief: "asks", retry: once });

      for (const taskId of [hanging, asking]) expect((await ended(client, taskId)).task.state).toBe("failed");
    });

    const uses: [what: string, use: (ctx: RunContext, key: string) => Promise<unknown>][] = [
      ["steps", (ctx, key) => ctx.step("of", { key }, () => key)],
      ["commands", async (ctx, key) => (await ctx.run("of", ["printf", "%s", key], { key })).stdout],
      ["tools", (ctx, key) => ctx.tool("of", "echo", { text: key }, { key })],
    ];
    for (const [what, use] of uses) {
      it(`find their ${what} by key when items have moved and some are new`, async () => {
        const { client, work } = await setup();
        let echoed = 0;
        const echo = defineTool({
          name: "echo",
          input: z.object({ text: z.string() }),
          execute: ({ text }) => {
            echoed += 1;
            return text;
          },
        });
        work({ tools: [echo] }, async (task, ctx) => {
          const items = task.attempt === 1 ? ["a", "b"] : ["new", "b", "a"];
          const found = await Promise.all(items.map((item) => use(ctx, item)));
          if (task.attempt === 1) throw new Error("again");
          return found;
        });

        const taskId = await start(client, { retry });

        expect((await ended(client, taskId)).outcome).toMatchObject({ data: ["new", "b", "a"] });
        const { steps } = await client.tasks.steps({ taskId });
        expect(steps.map(({ name, key, ordinal }) => [name, key, ordinal]).sort()).toEqual([
          ["of", "a", 0],
          ["of", "b", 0],
          ["of", "new", 0],
        ]);
        expect(echoed).toBe(what === "tools" ? 3 : 0);
      });
    }

    it("hand each step's function an idempotency key of its own", async () => {
      const { client, work } = await setup();
      const keys: string[] = [];
      const note = ({ key }: { key: string }): void => void keys.push(key);
      work({}, async (_task, ctx) => {
        await ctx.step("a", note);
        await ctx.step("a", note);
        for (const key of ["0", "a/0", "=0", "%3D0", "\u{1f600}"]) await ctx.step("a", { key }, note);
        await ctx.step("a/=0", note);
      });

      await ended(client, await start(client));

      expect(new Set(keys).size).toBe(8);
    });

    it("refuse a key that cannot be kept, before the step begins", async () => {
      const { client, work } = await setup();
      let begun = 0;
      work({}, (_task, ctx) => ctx.step("a", { key: "two\nlines" }, () => ++begun));

      const { outcome } = await ended(client, await start(client));

      expect(outcome).toMatchObject({ error: expect.stringContaining("INPUT_INVALID") });
      expect(begun).toBe(0);
    });
  });
}
