import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { builtInTools, defineTool, type Tool } from "../../../src/index.ts";
import { ended, forever, journal, reached, recorded, type Setup } from "./fabric.ts";
import { setUp, stateOf } from "./playbook-bench.ts";

export function describeReplays(setup: Setup): void {
  describe("a replay", () => {
    it("is refused without its parameters, with wrong ones, before a dry run, and where nobody has the tools", async () => {
      const { client, id, replay } = await setUp(setup);

      await expect(client.playbooks.run({ id, mode: "strict", text: "to 1.2.3" })).rejects.toMatchObject({
        code: "PLAYBOOK_BLOCKED",
      });
      await replay("simulate");
      await expect(client.playbooks.run({ id, mode: "strict" })).rejects.toMatchObject({ code: "PARAMETERS_MISSING" });
      await expect(client.playbooks.run({ id, mode: "strict", params: { colour: "red" } })).rejects.toMatchObject({
        code: "PARAMETERS_INVALID",
      });
      await client.playbooks.repair({ id, patch: { steps: { bump: { tool: "telegraph" } } }, reason: "Try" });
      const { proposal } = await client.playbooks.get({ id });
      await expect(
        client.playbooks.run({ id, mode: "simulate", version: proposal, text: "to 1.2.3" }),
      ).rejects.toMatchObject({
        code: "TOOL_UNAVAILABLE",
        facts: { tools: ["telegraph"] },
      });
    });

    it("that is strict stops at the first condition that fails, tells why, and contests the playbook", async () => {
      const { client, id, write, read, replay, repair } = await setUp(setup);
      await repair({ steps: { bump: { after: [{ kind: "file_exists", path: "done.txt" }] } } });
      write("2.5.0\n");
      await replay("simulate");

      const { state, outcome } = await replay("strict");

      expect([state, read()]).toEqual(["failed", "3.0.0\n"]); // what it did is done; a copy would be gone
      expect(outcome).toMatchObject({
        data: { replay: "failed", break: { step: "bump", condition: { kind: "file_exists", path: "done.txt" } } },
      });
      expect(await stateOf(client, id)).toBe("contested");
      expect((await client.playbooks.versions({ id })).versions.at(-1)).toMatchObject({
        change: "contested",
        reason: expect.stringMatching(/done\.txt/),
      });
    });

    it("that is strict fails by the checks too, and a dry run by what it can know", async () => {
      const { client, id, write, read, replay, repair } = await setUp(setup);
      const checks = [{ name: "never", command: ["false"] }];
      await repair({ checks, steps: { bump: { before: [{ kind: "path_not_exists", path: "lock" }] } } });
      write("2.5.0\n");
      write("", "lock");
      expect(await replay("simulate")).toMatchObject({
        state: "failed",
        outcome: { data: { break: { step: "bump", condition: { kind: "path_not_exists" } } } },
      });
      expect([await stateOf(client, id), read()]).toEqual(["active", "2.5.0\n"]);

      await repair({ steps: { bump: { before: [] } } });
      await replay("simulate");
      expect(await replay("strict")).toMatchObject({
        state: "failed",
        outcome: { data: { break: { step: "checks" } } },
      });
    });

    it("in a copy leaves the folder as it was", async () => {
      const { client, write, read, replay } = await setUp(setup);
      write("2.5.0\n");
      await replay("simulate");

      expect(await replay("strict", { inCopy: true })).toMatchObject({ state: "succeeded" });
      expect(await replay("strict", { inCopy: true, workspace: "nowhere" })).toMatchObject({
        state: "failed",
        outcome: { data: { replay: "aborted" } },
      });
      expect(await replay("strict", { workspace: "../" })).toMatchObject({ outcome: { data: { replay: "aborted" } } });

      expect(read()).toBe("2.5.0\n");
      expect((await client.playbooks.list({ states: ["contested"] })).playbooks).toEqual([]);
    });

    it("that is guided asks at a broken step, and goes on as it is told", async () => {
      const { client, id, folder, write, read, replay, repair } = await setUp(setup);
      await repair({ steps: { bump: { before: [{ kind: "path_not_exists", path: "lock" }] } } });
      write("2.5.0\n");
      await replay("simulate");
      write("", "lock");
      const { taskId } = await client.playbooks.run({ id, mode: "guided", text: "Set the version to 3.0.0" });

      await reached(client, taskId, "paused");
      expect((await client.tasks.get({ taskId })).content.pauses[0]?.question).toMatch(/lock.*again/);
      await client.tasks.answer({ taskId, answer: "again" }); // nothing has changed: it asks again
      await recorded(client, taskId, "task.paused", 2);
      rmSync(join(folder, "lock"));
      await reached(client, taskId, "paused");
      await client.tasks.answer({ taskId, answer: "again" });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { replay: "assisted" } });
      expect([read(), await stateOf(client, id)]).toEqual(["3.0.0\n", "contested"]);
      expect((await journal(client, taskId, "step.succeeded")).map(({ facts }) => facts.name)).toEqual([
        "before read",
        "read",
        "before bump again 2",
        "bump again 2",
      ]);
    });

    it("that is guided hands over to whoever was named, who finishes the work", async () => {
      const { client, id, folder, work, write, read, replay, repair } = await setUp(setup);
      await repair({ steps: { bump: { before: [{ kind: "file_exists", path: "go" }] } } });
      write("2.5.0\n");
      write("", "go");
      await replay("simulate");
      rmSync(join(folder, "go"));
      work({ agent: "joan", roles: ["repair"], cwd: folder }, async (_task, ctx) => {
        await ctx.step("by hand", () => write("3.0.0\n"));
        return ctx.complete({ summary: `Did it: ${ctx.packet?.brief}`, data: ctx.packet?.facts });
      });

      const { taskId } = await client.playbooks.run({
        id,
        mode: "guided",
        text: "to 3.0.0",
        handTo: { role: "repair" },
      });

      const { task, outcome } = await ended(client, taskId);
      expect([task.state, read()]).toEqual(["succeeded", "3.0.0\n"]);
      expect(outcome).toMatchObject({
        summary: expect.stringMatching(/Did it: Step bump.*broken/),
        data: ["Step read is done."],
      });
      expect(await stateOf(client, id)).toBe("contested");
    });

    it("asks before what needs somebody's word, unless that was given, and runs out when the word is no", async () => {
      const { client, id, write, read, replay, repair } = await setUp(setup);
      await repair({ steps: { bump: { safety: "needs_confirm" } } });
      write("2.5.0\n");
      await replay("simulate");
      const run = async () => (await client.playbooks.run({ id, mode: "strict", text: "to 3.0.0" })).taskId;

      const refused = await run();
      await reached(client, refused, "paused");
      await client.tasks.answer({ taskId: refused, answer: "no" });
      expect((await ended(client, refused)).outcome).toMatchObject({ data: { replay: "aborted" } });
      expect([read(), await stateOf(client, id)]).toEqual(["2.5.0\n", "active"]);
      const allowed = await run();
      await reached(client, allowed, "paused");
      await client.tasks.answer({ taskId: allowed, answer: "yes" });
      expect((await ended(client, allowed)).outcome).toMatchObject({ data: { replay: "passed" } });
      write("2.5.0\n");
      expect(await replay("strict", { confirm: true })).toMatchObject({ state: "succeeded" });
    });

    it("leaves steps that only a person may do to a person", async () => {
      const { client, id, write, replay, repair } = await setUp(setup);
      await repair({ steps: { bump: { safety: "manual_only" } } });
      write("2.5.0\n");
      await replay("simulate");

      await expect(client.playbooks.run({ id, mode: "strict", text: "to 3.0.0" })).rejects.toMatchObject({
        code: "PLAYBOOK_BLOCKED",
      });
      const { taskId } = await client.playbooks.run({ id, mode: "guided", text: "to 3.0.0" });
      await reached(client, taskId, "paused");
      write("3.0.0\n");
      await client.tasks.answer({ taskId, answer: "done" });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { replay: "passed" } });
    });

    it("passes from worker to worker where each has one of the tools", async () => {
      const note = defineTool({
        name: "note",
        input: z.strictObject({ text: z.string() }),
        safety: "auto_ok",
        idempotent: true,
        execute: ({ text }) => ({ noted: text }),
      });
      const { client, id, work, write, read, replay, repair } = await setUp(setup);
      const notes = work({ agent: "joan", roles: ["notes"], tools: [note] }, () => "not mine");
      await repair({
        insert: [
          {
            after: "read",
            step: {
              key: "note",
              title: "note",
              tool: "note",
              input: { text: "{{steps.read.text | trim}}" },
              before: [],
              after: [],
              safety: "auto_ok",
            },
          },
        ],
      });
      write("2.5.0\n");
      await replay("simulate");

      const { taskId } = await client.playbooks.run({ id, mode: "strict", text: "Set the version to 3.0.0" });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { replay: "passed", ran: 3 } });
      expect(read()).toBe("3.0.0\n");
      const steps = await journal(client, taskId, "step.succeeded");
      expect(
        steps.filter(({ facts }) => facts.tool !== undefined).map(({ by, body }) => [by, body?.output]),
      ).toMatchObject([
        ["grace", { text: "2.5.0\n" }],
        ["joan", { noted: "2.5.0" }],
        ["grace", {}],
      ]);
      void notes.stop();
    });

    it("does not come back, at another worker, to a step that was left out or done by hand", async () => {
      const { client, id, work, write, read, replay, repair } = await setUp(setup);
      const flag = defineTool({
        ...{ name: "flag", input: z.strictObject({}), safety: "auto_ok", idempotent: true },
        execute: () => write("", "flag.txt"), // what the step before was not taken for lack of
      });
      work({ agent: "joan", roles: ["flags"], tools: [flag] }, () => "not mine");
      const toStep = (key: string, tool: string, input: object) => ({
        after: "read",
        step: { ...{ key, title: key, tool, input, before: [], after: [] }, safety: "auto_ok" as const },
      });
      const maybe = toStep("maybe", "file.write", { path: "maybe.txt", text: "" });
      const hand = toStep("hand", "file.delete", { path: "x" });
      await repair({ insert: [maybe, hand, toStep("flag", "flag", {})] });
      await repair({
        steps: { hand: { safety: "manual_only" }, maybe: { when: { kind: "file_exists", path: "flag.txt" } } },
      });
      write("2.5.0\n");
      await replay("simulate");

      const { taskId } = await client.playbooks.run({ id, mode: "guided", text: "Set the version to 3.0.0" });
      await reached(client, taskId, "paused");
      await client.tasks.answer({ taskId, answer: "done" });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { replay: "passed", skipped: ["maybe"] } });
      expect(read()).toBe("3.0.0\n");
      expect(() => read("maybe.txt")).toThrow("ENOENT");
      expect(await journal(client, taskId, "task.paused")).toHaveLength(1);
    });

    it("goes on after its worker was lost, and does nothing twice", async () => {
      const { client, id, work, write, folder, replay, repair } = await setUp(setup, [...builtInTools, hang()]);
      await repair({
        insert: [
          {
            after: "bump",
            step: { key: "hang", title: "hang", tool: "hang", input: {}, before: [], after: [], safety: "auto_ok" },
          },
        ],
      });
      write("2.5.0\n");
      await replay("simulate");
      const { taskId } = await client.playbooks.run({ id, mode: "strict", text: "to 3.0.0", to: { agent: "hopper" } });
      const first = work({ agent: "hopper", tools: [...builtInTools, hang(forever)], workspace: folder }, () => "no");
      await recorded(client, taskId, "step.succeeded", 5);
      await first.drain({ timeoutMs: 1 });
      work({ agent: "hopper", tools: [...builtInTools, hang()], workspace: folder }, () => "no");

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { replay: "passed" } });
      const names = (await journal(client, taskId, "step.succeeded")).map(({ facts }) => facts.name);
      expect(names).toEqual(["look ahead", "before read", "read", "before bump", "bump", "hang"]);
    });
  });
}

/** A tool that takes as long as `wait`. */
function hang(wait: () => Promise<unknown> = () => Promise.resolve()): Tool {
  return defineTool({ name: "hang", input: z.strictObject({}), safety: "auto_ok", idempotent: true, execute: wait });
}
