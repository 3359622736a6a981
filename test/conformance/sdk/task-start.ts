import { describe, expect, it } from "vitest";
import type { Setup } from "./fabric.ts";
import { briefs, file, learn, lessonOf, query } from "./learning.ts";

export function describeTaskStart(setup: Setup): void {
  describe("task start", () => {
    it("knows nothing at first, and says so with an action that only looks", async () => {
      const { client } = await setup();

      const answer = await client.taskStart({ query });

      expect(answer).toMatchObject({
        firstAction: { kind: "inspect", cautious: true, from: [] },
        gate: { action: "widen_recall", clearWith: { operation: "taskStart" } },
        uncertainty: { level: "high", confidence: 0 },
        files: [],
        lessons: [],
      });
      expect(answer.prompt.length).toBeLessThanOrEqual(1_200);
    });

    it("names likely files of a tree when nothing was learned", async () => {
      const { client } = await setup();

      const { firstAction, files, gate } = await client.taskStart({
        query: "the payment client retries",
        context: { tree: ["README.md", file, "src/export/job.ts"] },
      });

      expect(files[0]?.path).toBe(file);
      expect(firstAction).toMatchObject({ kind: "inspect", cautious: true, file });
      expect(gate.action).not.toBe("proceed");
    });

    it("goes the way of two verified runs when asked in other words, and not on work that only sounds like it", async () => {
      const world = await setup();
      const { client } = world;
      const ids = await learn(world, briefs);

      const answer = await client.taskStart({ query });
      const other = await client.taskStart({ query: "Order more coffee for the office kitchen" });

      expect(answer).toMatchObject({
        firstAction: { kind: "use", tool: "grep", file, cautious: false, from: [lessonOf(ids[0]!)] },
        gate: { action: "proceed" },
        uncertainty: { level: "low" },
        lessons: [{ state: "trusted", runs: 2, verified: 2, kind: "workflow", source: "run" }],
        buckets: { useNow: [{ id: lessonOf(ids[0]!) }], doNotUse: [] },
      });
      expect(answer.tools.map(({ tool }) => tool).sort()).toEqual(["edit", "grep"]);
      expect(answer.prompt).toContain(file);
      expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(4_000);
      expect(other.gate.action).not.toBe("proceed");
      expect(other.firstAction.cautious).toBe(true);
    });

    it("takes the step that the stage names", async () => {
      const world = await setup();
      await learn(world, briefs);

      const { firstAction } = await world.client.taskStart({ query, context: { stage: "Send the key" } });
      const { firstAction: usual } = await world.client.taskStart({ query, context: { stage: "plan" } });

      expect([firstAction.tool, usual.tool]).toEqual(["edit", "grep"]);
    });

    it("recommends none but the candidates", async () => {
      const world = await setup();
      await learn(world, briefs);

      const { tools, firstAction } = await world.client.taskStart({ query, candidates: ["edit", "hammer"] });

      expect(tools).toMatchObject([
        { tool: "edit", share: 1 },
        { tool: "hammer", share: 0 },
      ]);
      expect(firstAction.tool).toBe("edit");
    });

    it("gives the same bytes after a restart", async () => {
      const world = await setup();
      await learn(world, briefs);
      const asked = [query, "charge", "", "Ответ не приходит", "決済クライアント"];
      const before = await Promise.all(asked.map((text) => world.client.taskStart({ query: text, depth: "full" })));

      await world.fabric.restart();

      const client = await world.fabric.connect();
      const after = await Promise.all(asked.map((text) => client.taskStart({ query: text, depth: "full" })));
      expect(JSON.stringify(after)).toBe(JSON.stringify(before));
    });

    it("gives its views of one computation", async () => {
      const world = await setup();
      const [first] = await learn(world, briefs);

      const whole = await world.client.planningContext({ query });
      const { action, evidence, gate } = await world.client.actionRetrieval({ query });

      expect(action).toEqual(whole.firstAction);
      expect(gate).toEqual(whole.gate);
      expect(evidence[0]).toMatchObject({ id: lessonOf(first!), source: "run" });
      expect(evidence[0]?.events).toHaveLength(2);
    });

    it("answers for a position that learning has come to", async () => {
      const world = await setup();
      const { client } = world;
      const { seq } = await client.memory.write({ text: "The payment client needs a key", files: [file] });

      const { learnedTo, lessons } = await client.taskStart({ query, minPosition: seq });

      expect(learnedTo).toBeGreaterThanOrEqual(seq);
      expect(lessons).toMatchObject([{ kind: "note", source: "agent" }]);
    });
  });

  describe("a question that is hostile", () => {
    const texts: Record<string, string> = {
      empty: "",
      "one word": "payment",
      "of 100 KB": "payment retry ".repeat(7_200),
      binary: "\u0000\u0001\u0002\ufffd\u0007".repeat(100),
      "of operators": `" OR 1=1 -- NEAR(a b) * ^ {} [] ' ; DROP TABLE recall; %`,
      "of right-to-left marks": "\u202e\u202dtnemyap\u2066 \u200f\u061c",
      "a million letters": "x".repeat(199_000),
      "of combining marks": `e${"\u0301".repeat(20_000)}`,
    };

    it("is answered like any other, within its size", async () => {
      const world = await setup();
      await learn(world, briefs);

      for (const [name, text] of Object.entries(texts)) {
        const answer = await world.client.taskStart({
          query: text,
          context: { error: text.slice(0, 5_000), files: [] },
        });

        expect(Buffer.byteLength(JSON.stringify(answer)), name).toBeLessThanOrEqual(4_000);
        expect(answer.firstAction.text, name).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
      }
    });

    it("is refused when it is larger than is read", async () => {
      const { client } = await setup();

      await expect(client.taskStart({ query: "x".repeat(1_000_000) })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    });
  });
}
