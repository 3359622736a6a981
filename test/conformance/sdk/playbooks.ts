import { describe, expect, it } from "vitest";
import { ended, type Setup } from "./fabric.ts";
import { setUp, stateOf } from "./playbook-bench.ts";

export function describePlaybooks(setup: Setup): void {
  describe("a playbook", () => {
    it("goes from two runs by a dry run and a verified replay to active, and does the work without the agent", async () => {
      const { client, id, source, write, read, replay } = await setUp(setup);
      const { content } = await client.playbooks.get({ id });
      expect(content.steps.map(({ tool }) => tool)).toContain("file.patch");
      expect(await stateOf(client, id)).toBe("draft");
      write("2.5.0\n");

      expect(await replay("simulate")).toMatchObject({ state: "succeeded", outcome: { data: { replay: "passed" } } });
      expect([await stateOf(client, id), read()]).toEqual(["shadow", "2.5.0\n"]);
      expect(await replay("strict")).toMatchObject({ state: "succeeded", outcome: { data: { replay: "passed" } } });
      expect(read()).toBe("3.0.0\n");
      expect((await client.tasks.get({ taskId: source })).task.state).toBe("replayed");
      await client.playbooks.promote({ id, to: "active", reason: "It was replayed" });

      expect(await stateOf(client, id)).toBe("active");
      expect((await client.tasks.get({ taskId: source })).task.state).toBe("promoted");
      const { versions } = await client.playbooks.versions({ id });
      expect(versions.map(({ change, state, reason }) => [change, state, reason])).toEqual([
        ["compiled", "draft", "Compiled from 2 runs."],
        ["promoted", "shadow", "A dry run passed."],
        ["promoted", "active", "It was replayed"],
      ]);
    });

    it("is refused its promotion with what is missing", async () => {
      const { client, id, replay } = await setUp(setup);
      const promotion = { id, to: "active", reason: "I like it" } as const;

      await expect(client.playbooks.promote(promotion)).rejects.toMatchObject({
        code: "EVIDENCE_MISSING",
        facts: { missing: [expect.stringMatching(/dry run/), expect.stringMatching(/strict replay/)] },
      });
      await replay("simulate");
      await expect(client.playbooks.promote(promotion)).rejects.toMatchObject({ code: "EVIDENCE_MISSING" });
      expect(await client.playbooks.promote({ ...promotion, approver: "lovelace" })).toMatchObject({ state: "active" });
    });

    it("is found for new work, with its parameters, and dispatched once it is active", async () => {
      const { client, id, write, read, replay } = await setUp(setup);
      write("2.5.0\n");
      const query = "Set the version to 4.1.0";
      const minPosition = (await client.runtime.status({})).head;
      const asked = { query, context: { family: "release" }, minPosition };

      const { matches } = await client.playbooks.match(asked);
      expect(matches[0]).toMatchObject({ playbook: { id, state: "draft" }, missing: [] });
      expect(Object.values(matches[0]?.params ?? {})).toContain("4.1.0");
      const { minPosition: _, ...work } = asked; // it waits by itself
      expect((await client.playbooks.dispatch(work)).decision).toBe("agent");

      await replay("simulate");
      await replay("strict");
      await client.playbooks.promote({ id, to: "active", reason: "It was replayed" });
      const offered = (await client.taskStart(asked)).playbook;
      expect(offered).toMatchObject({ id, state: "active", missing: [] });
      expect(await client.playbooks.candidate({ id, text: query })).toMatchObject({ may: true, blockers: [] });
      const dispatched = await client.playbooks.dispatch(work);
      if (dispatched.decision === "agent") {
        expect(dispatched.skipped).toMatchObject([{ id, why: ["it is not sure that it fits"] }]); // too little was learned to be sure
      } else {
        await ended(client, dispatched.taskId);
        expect(read()).toBe("4.1.0\n");
      }
    });

    it("is read, listed, compared and ended; what is not there is said to be missing", async () => {
      const { client, id, source } = await setUp(setup);
      const { version } = await client.playbooks.repair({ id, patch: { title: "Bump" }, reason: "Shorter" });

      expect((await client.playbooks.list({})).playbooks).toMatchObject([{ id, state: "draft", proposal: version }]);
      expect((await client.playbooks.list({ states: ["active"] })).playbooks).toEqual([]);
      expect((await client.playbooks.diff({ id, from: 1, to: version })).changes).toMatchObject([
        { at: "title", after: "Bump" },
      ]);
      expect(await client.playbooks.reject({ id, reason: "No" })).toMatchObject({ state: "disabled" });
      const missing = { code: "PLAYBOOK_NOT_FOUND" };
      await expect(client.playbooks.get({ id: source })).rejects.toMatchObject(missing);
      await expect(client.playbooks.get({ id, version: 99 })).rejects.toMatchObject(missing);
      await expect(client.playbooks.disable({ id: source, reason: "r" })).rejects.toMatchObject(missing);
      await expect(client.playbooks.run({ id, mode: "simulate", text: "to 1.2.3" })).rejects.toMatchObject({
        code: "PLAYBOOK_BLOCKED",
      });
      await expect(client.playbooks.compile({ runs: [id] })).rejects.toMatchObject({ code: "RUN_UNUSABLE" });
    });

    it("is one, however often the command that made it comes", async () => {
      const { client, source } = await setUp(setup);
      const input = { commandId: "compile-1", run: source };

      const [first, again] = [await client.playbooks.compile(input), await client.playbooks.compile(input)];

      expect(again).toEqual(first);
      expect((await client.playbooks.list({})).playbooks).toHaveLength(2); // that of the setup, and this
      const both = { run: source, runs: [source] };
      await expect(client.playbooks.compile(both)).rejects.toMatchObject({ code: "INPUT_INVALID" });
      await expect(client.playbooks.compile({ ...input, title: "Another" })).rejects.toMatchObject({
        code: "IDEMPOTENCY_CONFLICT",
      });
    });
  });
}
