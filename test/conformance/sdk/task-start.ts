import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Guidance, WorkerOptions } from "../../../sdk/index.ts";
import { type CommitSpec, createFolder, createRepository, describeGit, git } from "../../import/repositories.ts";
import { ended, type Setup, start } from "./fabric.ts";
import { briefs, file, learn, lessonOf, query } from "./learning.ts";

const backoff = "src/payments/backoff.ts";
const projectFiles: CommitSpec = {
  message: "Start",
  files: { [file]: "charge(once)\n".repeat(20), [backoff]: "wait(longer)\n".repeat(20) },
};

/** The folder of a repository whose last commit is checked out. */
function createCheckout(commits: readonly CommitSpec[]): string {
  const { folder } = createRepository(commits);
  git(folder, ["checkout", "--quiet", "--force", "main"]);
  return folder;
}

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

  describeGit("a checkout that a question names", () => {
    it("offers what has moved where it is now, and does not proceed on what a lesson says of the old place", async () => {
      const world = await setup();
      const { client } = world;
      await learn(world, briefs);
      const repo = createCheckout([projectFiles, { message: "Move", renames: [[file, "pkg/gateway.ts"]] }]);

      const answer = await client.taskStart({ query, context: { repo } });
      const plan = await client.planningContext({ query, context: { repo } });
      const { action, gate, missing } = await client.actionRetrieval({ query, context: { repo } });

      const expected = [
        { path: file, state: "moved", to: "pkg/gateway.ts", reason: `${file} moved to pkg/gateway.ts.` },
      ];
      expect(answer).toMatchObject({
        firstAction: { kind: "inspect", cautious: true, file: "pkg/gateway.ts" },
        gate: { action: "inspect_context", reason: expect.stringContaining("moved to pkg/gateway.ts") },
        uncertainty: { level: "medium", reasons: expect.arrayContaining([expected[0]?.reason]) },
        ...{ missing: expected, buckets: { useNow: [] } },
      });
      expect(JSON.stringify([answer.firstAction, answer.files, answer.lessons])).not.toContain(file);
      expect(answer.prompt).toContain("moved to pkg/gateway.ts");
      expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(4_000);
      expect([plan.firstAction, plan.missing, plan.gate.action]).toEqual([action, expected, "inspect_context"]);
      expect([missing, gate.action]).toEqual([expected, "inspect_context"]);
      const why = await client.explain({ id: answer.receipt });
      expect(why).toMatchObject({ of: "receipt", missing: expected, buckets: answer.buckets });
      expect(await client.feedback({ receipt: answer.receipt, outcome: "failed" })).toMatchObject({ credited: [] });
    });

    it("lets the caller go on with the new place", async () => {
      const world = await setup();
      await learn(world, briefs);
      const repo = createCheckout([projectFiles, { message: "Move", renames: [[file, "pkg/gateway.ts"]] }]);
      const { gate } = await world.client.taskStart({ query, context: { repo } });

      const context = gate.clearWith?.input.context as { files: string[] };
      const cleared = await world.client.taskStart({ query, context: { ...context, repo } });
      const wrong = await world.client.taskStart({ query, context: { files: [file], repo } });

      expect(cleared).toMatchObject({ gate: { action: "proceed" }, firstAction: { file: "pkg/gateway.ts" } });
      expect(wrong).toMatchObject({ gate: { action: "inspect_context" }, firstAction: { file: "pkg/gateway.ts" } });
    });

    it("names what is left of a lesson's files when the first of them is gone, and nothing when all are", async () => {
      const world = await setup();
      const { client } = world;
      await learn(world, briefs);
      const one = createCheckout([projectFiles, { message: "Drop", files: { [file]: null } }]);
      const none = createCheckout([projectFiles, { message: "Drop", files: { [file]: null, [backoff]: null } }]);

      const left = await client.taskStart({ query, context: { repo: one } });
      const empty = await client.taskStart({ query, context: { repo: none } });

      expect(left).toMatchObject({
        firstAction: { kind: "inspect", cautious: true, file: backoff },
        gate: { action: "inspect_context" },
        missing: [{ path: file, state: "gone", reason: expect.stringContaining(`${file} is gone`) }],
      });
      expect(empty).toMatchObject({
        firstAction: { kind: "inspect", cautious: true, from: [] },
        ...{ gate: { action: "widen_recall" }, uncertainty: { level: "high" }, files: [] },
      });
      expect(empty.firstAction.file).toBeUndefined();
      expect(empty.missing?.map(({ state }) => state)).toEqual(["gone", "gone"]);
    });

    it("changes nothing where all is as it was, and is a plain folder without a repository", async () => {
      const world = await setup();
      const { client } = world;
      await learn(world, briefs);
      const repo = createCheckout([projectFiles]);
      const plain = createFolder();
      mkdirSync(join(plain, "src/payments"), { recursive: true });
      writeFileSync(join(plain, backoff), "");

      const there = await client.taskStart({ query, context: { repo } });
      const partly = await client.taskStart({ query, context: { repo: plain } });

      expect(there).toMatchObject({ gate: { action: "proceed" }, firstAction: { file, tool: "grep" } });
      expect(there.missing).toBeUndefined();
      expect(partly).toMatchObject({
        firstAction: { file: backoff, cautious: true },
        missing: [{ path: file, state: "gone" }],
      });
    });

    it("is a worker's own workspace in ctx.guidance(), or the one that the handler names", async () => {
      const world = await setup();
      const { client, work } = world;
      await learn(world, briefs);
      const repo = createCheckout([projectFiles, { message: "Move", renames: [[file, "pkg/gateway.ts"]] }]);
      const intact = createCheckout([projectFiles]);
      const ask = async (options: Partial<WorkerOptions>, named?: string): Promise<Guidance> => {
        const given = Promise.withResolvers<Guidance>();
        const worker = work(options, async (_task, ctx) => {
          given.resolve(await ctx.guidance(named === undefined ? {} : { repo: named }));
        });
        await ended(client, await start(client, { brief: query }));
        await worker.stop();
        return await given.promise;
      };

      const own = await ask({ workspace: repo });
      const named = await ask({ workspace: repo }, intact);
      const unreadable = await ask({ workspace: join(repo, "nowhere") });

      expect(own).toMatchObject({ known: true, use: [], missing: [{ path: file, to: "pkg/gateway.ts" }] });
      expect(own.gate.action).toBe("inspect_context");
      expect(own.text).toContain("moved to pkg/gateway.ts");
      expect(named.missing).toBeUndefined();
      expect(unreadable.missing).toBeUndefined();
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
