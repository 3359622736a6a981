import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import type { OperationInput } from "../../../src/contracts/operations/index.ts";
import {
  builtInTools,
  type Connection,
  defineTool,
  type Handler,
  type TaskState,
  type Tool,
} from "../../../src/index.ts";
import { ended, forever, journal, reached, recorded, type Setup, start, type World } from "./fabric.ts";

type PlaybookId = OperationInput<"playbooks.get">["id"];
type RunOptions = Omit<OperationInput<"playbooks.run">, "id" | "mode">;

/** Sets the version that its brief names, as an agent would: it reads, patches and has the result checked. */
const bump =
  (workspace: string): Handler =>
  async (task, ctx) => {
    const [version = ""] = /\d+\.\d+\.\d+/.exec(task.brief ?? "") ?? [];
    const { text } = (await ctx.tool("read", "file.read", { path: "version.txt" })) as { text: string };
    await ctx.tool("bump", "file.patch", { path: "version.txt", edits: [{ find: text.trim(), replace: version }] });
    const checks = [{ name: "bumped", command: ["grep", "-qx", version, "version.txt"] }];
    await ctx.complete({ summary: `It is ${version}`, files: ["version.txt"], checks, cwd: workspace });
  };

interface Bench extends World {
  /** Where the worker's tools work. */
  folder: string;
  id: PlaybookId;
  source: OperationInput<"tasks.get">["taskId"];
  write(text: string, file?: string): void;
  read(file?: string): string;
  /** Replays to the end and gives how it ended. */
  replay(mode: "simulate" | "strict" | "guided", options?: RunOptions): Promise<{ state: TaskState; outcome: unknown }>;
  /** The repair that `patch` makes, approved. */
  repair(patch: OperationInput<"playbooks.repair">["patch"]): Promise<void>;
}

/** A playbook compiled from two runs, and a worker who has the tools. */
async function setUp(setup: Setup, tools: readonly Tool[] = builtInTools): Promise<Bench> {
  const world = await setup();
  const { client, work } = world;
  const folder = mkdtempSync(join(tmpdir(), "aionis-playbook-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const write = (text: string, file = "version.txt"): void => writeFileSync(join(folder, file), text);
  const runs: Bench["source"][] = [];
  const worker = work({ agent: "ada", tools, workspace: folder }, bump(folder));
  for (const [from, to] of [
    ["1.0.0", "1.1.0"],
    ["1.1.0", "2.0.0"],
  ] as const) {
    write(`${from}\n`);
    const taskId = await start(client, { brief: `Set the version to ${to}`, family: "release", to: { agent: "ada" } });
    expect((await ended(client, taskId)).task).toMatchObject({ state: "succeeded", verified: true });
    runs.push(taskId);
  }
  worker.stop();
  work({ agent: "grace", roles: ["release"], tools, workspace: folder }, () => "not mine");
  const { id } = await client.playbooks.compile({ runs });
  const [source] = runs;
  if (source === undefined) throw new Error("there was no run");
  return {
    ...world,
    ...{ folder, id, source, write },
    read: (file = "version.txt") => readFileSync(join(folder, file), "utf8"),
    async replay(mode, options = {}) {
      const { taskId } = await client.playbooks.run({ id, mode, text: "Set the version to 3.0.0", ...options });
      const { task, outcome } = await ended(client, taskId);
      return { state: task.state, outcome };
    },
    async repair(patch) {
      await client.playbooks.repair({ id, patch, reason: "For this test" });
      await client.playbooks.repairReview({ id, act: "approve", reason: "For this test" });
    },
  };
}

async function stateOf(client: Connection, id: PlaybookId): Promise<string> {
  return (await client.playbooks.get({ id })).state;
}

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
      expect(versions.map(({ change, state }) => [change, state])).toEqual([
        ["compiled", "draft"],
        ["promoted", "shadow"],
        ["promoted", "active"],
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
      const input = { commandId: "compile-1", runs: [source] };

      const [first, again] = [await client.playbooks.compile(input), await client.playbooks.compile(input)];

      expect(again).toEqual(first);
      expect((await client.playbooks.list({})).playbooks).toHaveLength(2); // that of the setup, and this
      await expect(client.playbooks.compile({ ...input, title: "Another" })).rejects.toMatchObject({
        code: "IDEMPOTENCY_CONFLICT",
      });
    });
  });

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
      expect((await client.tasks.get({ taskId })).content.question).toMatch(/lock.*again/);
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
        return ctx.complete({ summary: `Did it: ${ctx.packet?.brief}` });
      });

      const { taskId } = await client.playbooks.run({
        id,
        mode: "guided",
        text: "to 3.0.0",
        handTo: { role: "repair" },
      });

      const { task, outcome } = await ended(client, taskId);
      expect([task.state, read()]).toEqual(["succeeded", "3.0.0\n"]);
      expect(outcome).toMatchObject({ summary: expect.stringMatching(/Did it: Step bump.*broken/) });
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
      notes.stop();
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

  describe("a run that a host reports", () => {
    const steps = [
      { id: "read", tool: "file.read", input: { path: "version.txt" }, output: { text: "1.0.0\n", bytes: 6 } },
      {
        id: "bump",
        tool: "file.patch",
        input: { path: "version.txt", edits: [{ find: "1.0.0", replace: "1.1.0" }] },
        output: { edits: 1 },
        files: ["version.txt"],
      },
    ];

    it("is one task, step by step or at once, and a playbook can be made of it", async () => {
      const { client } = await setup();
      const runId = "nightly 7 / é";

      await client.replay.run.start({ runId, brief: "Set the version to 1.1.0" });
      for (const step of steps) {
        const { id, tool, input } = step;
        await client.replay.step.before({ runId, step: { id, tool, input } });
        await client.replay.step.after({ runId, step });
      }
      const { taskId } = await client.replay.run.end({ runId, outcome: "succeeded" });
      const atOnce = {
        runId: "at once",
        brief: "Set the version to 1.2.0",
        steps,
        end: { outcome: "succeeded" },
      } as const;
      const whole = await client.replay.run.start(atOnce);

      const run = await client.replay.run.get({ runId });
      expect(run).toMatchObject({ taskId, state: "succeeded", outcome: "succeeded", verified: false });
      expect(run.steps).toMatchObject([
        { name: "read", tool: "file.read" },
        { name: "bump", files: ["version.txt"] },
      ]);
      expect((await client.replay.run.get({ taskId: whole.taskId })).steps).toHaveLength(2);
      expect(await client.playbooks.compile({ runs: [taskId, whole.taskId] })).toMatchObject({ state: "draft" });
    });

    it("is the same however often it is said, and refuses to be another", async () => {
      const { client } = await setup();
      const run = { runId: "r", brief: "Set it", steps, end: { outcome: "succeeded" } } as const;

      const first = await client.replay.run.start(run);

      expect(await client.replay.run.start(run)).toEqual(first);
      await expect(client.replay.run.start({ ...run, brief: "Other" })).rejects.toMatchObject({
        code: "IDEMPOTENCY_CONFLICT",
      });
      await expect(client.replay.step({ runId: "none", step: { id: "a" } })).rejects.toMatchObject({
        code: "TASK_NOT_FOUND",
      });
      await expect(client.replay.run.get({ runId: "none" })).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
      await expect(client.replay.step({ runId: "r", step: { id: "late" } })).rejects.toMatchObject({
        code: "TASK_STATE_CONFLICT",
      });
    });

    it("that failed makes a playbook that is never active", async () => {
      const { client } = await setup();
      const { taskId } = await client.replay.run.start({
        runId: "r",
        brief: "Set it",
        steps,
        end: { outcome: "failed", summary: "No" },
      });

      const { id } = await client.playbooks.compile({ runs: [taskId] });

      await expect(client.playbooks.approve({ id, approver: "ada", reason: "r" })).rejects.toMatchObject({
        code: "EVIDENCE_MISSING",
        facts: { missing: expect.arrayContaining([expect.stringMatching(/did not succeed/)]) },
      });
    });
  });
}

/** A tool that takes as long as `wait`. */
function hang(wait: () => Promise<unknown> = () => Promise.resolve()): Tool {
  return defineTool({ name: "hang", input: z.strictObject({}), safety: "auto_ok", idempotent: true, execute: wait });
}
