// What the runner of replays does beside what every transport promises (test/conformance/sdk/playbooks.ts): looking ahead, copies, tools that
// are not to be used twice.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import {
  builtInTools,
  createRuntime,
  defineTool,
  type EmbeddedRuntime,
  type OperationInput,
  type Tool,
} from "../../../src/index.ts";

type Run = Omit<OperationInput<"playbooks.run">, "id" | "mode">;
type Step = NonNullable<OperationInput<"replay.run.start">["steps"]>[number];

interface Bench {
  runtime: EmbeddedRuntime;
  folder: string;
  id: OperationInput<"playbooks.get">["id"];
  write(path: string, text: string): void;
  files(): Record<string, string>;
  /** Changes it, as somebody has approved. */
  repair(patch: OperationInput<"playbooks.repair">["patch"]): Promise<void>;
  begin(mode: "simulate" | "strict" | "guided", run?: Run): Promise<OperationInput<"tasks.get">["taskId"]>;
  replay(mode: "simulate" | "strict" | "guided", run?: Run): Promise<{ state: string; data: unknown }>;
}

const patchOf = (path: string, find: string, replace: string): Step => ({
  ...{ id: `patch ${path}`, tool: "file.patch", input: { path, edits: [{ find, replace }] }, output: { edits: 1 } },
});
const commandOf = (id: string, ...argv: string[]): Step => ({
  ...{ id, tool: "command", input: { argv }, output: { exitCode: 0, stdout: "", stderr: "", ended: "exit" } },
});

/** A playbook of one reported run whose values are as they stand, with a worker who has `tools`. */
async function setUp(steps: Step[], tools: readonly Tool[] = builtInTools): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "aionis-replays-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const workspace = join(folder, "work");
  mkdirSync(workspace);
  const runtime = await createRuntime({
    scope: "test/replay",
    path: join(folder, "store"),
    durability: "process",
    leaseMs: 300,
  });
  onTestFinished(() => runtime.close());
  const end = { outcome: "succeeded" } as const;
  const { taskId } = await runtime.replay.run.start({ runId: "r", brief: "Do the chore", steps, end });
  const { id } = await runtime.playbooks.compile({ runs: [taskId] });
  runtime.worker({ agent: "ada", roles: ["chores"], tools, workspace }, () => {});
  const begin: Bench["begin"] = async (mode, run = {}) => (await runtime.playbooks.run({ id, mode, ...run })).taskId;
  return {
    ...{ runtime, folder: workspace, id, begin },
    write: (path, text) => writeFileSync(join(workspace, path), text),
    files() {
      const names = readdirSync(workspace).sort();
      return Object.fromEntries(names.map((name) => [name, readFileSync(join(workspace, name), "utf8")]));
    },
    async repair(patch) {
      await runtime.playbooks.repair({ id, patch, reason: "For this test" });
      await runtime.playbooks.repairReview({ id, act: "approve", reason: "For this test" });
    },
    async replay(mode, run) {
      const { task, outcome } = await runtime.tasks.result(await begin(mode, run));
      return { state: task.state, data: (outcome as { data?: unknown } | undefined)?.data }; // of a task that ended
    },
  };
}

const failedAt = (step: string): object => ({ state: "failed", data: { replay: "failed", break: { step } } });
const passed = { state: "succeeded", data: { replay: "passed" } };

describe("a strict replay looks ahead", () => {
  it("and touches nothing where a later step cannot be done", async () => {
    const bench = await setUp([patchOf("a.txt", "old", "new"), patchOf("b.txt", "old", "new")]);
    bench.write("a.txt", "old\n");
    bench.write("b.txt", "old\n");
    await bench.replay("simulate");
    bench.write("b.txt", "other\n");

    expect(await bench.replay("strict")).toMatchObject(failedAt("patch-b-txt"));
    expect(bench.files()).toEqual({ "a.txt": "old\n", "b.txt": "other\n" });
  });

  it("but not past a command that may change anything, nor at a file that an earlier step changes", async () => {
    const make = commandOf("make it", process.execPath, "-e", "require('fs').writeFileSync('b.txt', 'old')");
    const bench = await setUp([
      patchOf("a.txt", "1", "2"),
      { ...patchOf("a.txt", "2 two", "3"), id: "again" },
      make,
      patchOf("b.txt", "old", "new"),
    ]);
    bench.write("a.txt", "1 two\n");

    expect(await bench.replay("simulate")).toMatchObject({ state: "succeeded" });
    expect(await bench.replay("strict")).toMatchObject(passed);
    expect(bench.files()).toEqual({ "a.txt": "3\n", "b.txt": "new" });
  });

  it("and takes no old output for a new one", async () => {
    const bench = await setUp([patchOf("a.txt", "tern", "gull")]);
    bench.write("name.txt", "swift");
    bench.write("a.txt", "a swift\n");
    const edits = [{ find: "{{steps.ask.stdout | trim}}", replace: "gull" }];
    const ask = { key: "ask", title: "ask", tool: "command", input: { argv: ["cat", "name.txt"] } } as const;
    await bench.repair({
      insert: [
        { after: null, step: { ...ask, before: [], after: [], safety: "auto_ok", expects: { stdout: "tern" } } },
      ],
      steps: { "patch-a-txt": { input: { path: "a.txt", edits } } },
    });

    expect(await bench.replay("simulate")).toMatchObject({ state: "succeeded" });
    expect(await bench.replay("strict")).toMatchObject(passed);
    expect(bench.files()["a.txt"]).toBe("a gull\n");
  });
});

describe("a replay in a copy", () => {
  const copyOf = (taskId: string): boolean => existsSync(join(tmpdir(), `aionis-replay-${taskId}`));

  it("leaves neither the folder changed nor the copy behind, whatever becomes of it", async () => {
    const bench = await setUp([patchOf("a.txt", "old", "new")]);
    const late = { key: "late", title: "late", tool: "command", input: { argv: ["false"] } } as const;
    const after = [{ kind: "exit_code", code: 0 }] as const;
    await bench.repair({
      insert: [{ after: null, step: { ...late, before: [], after: [...after], safety: "auto_ok" } }],
    });
    bench.write("a.txt", "old\n");
    await bench.replay("simulate");

    expect(await bench.replay("strict", { inCopy: true })).toMatchObject(failedAt("late"));
    await bench.repair({ steps: { late: null } });
    await bench.replay("simulate");
    const taskId = await bench.begin("strict", { inCopy: true });
    expect(await bench.runtime.tasks.result(taskId)).toMatchObject({ task: { state: "succeeded" } });

    expect(bench.files()).toEqual({ "a.txt": "old\n" });
    while (copyOf(taskId)) await new Promise((resolve) => setTimeout(resolve, 5)); // it is removed behind the task's end
  });

  it("keeps to the copy: a link that leads out of it is refused", async () => {
    const bench = await setUp([patchOf("link/a.txt", "old", "new")]);
    const outside = mkdtempSync(join(tmpdir(), "aionis-outside-"));
    onTestFinished(() => rmSync(outside, { recursive: true, force: true }));
    writeFileSync(join(outside, "a.txt"), "old\n");
    symlinkSync(outside, join(bench.folder, "link"));

    expect(await bench.replay("simulate")).toMatchObject({
      data: { replay: "failed", break: { why: expect.stringMatching(/leaves the workspace/) } },
    });
    expect(readFileSync(join(outside, "a.txt"), "utf8")).toBe("old\n");
  });
});

describe("a tool that is not idempotent", () => {
  it("is not used again after a crash: somebody is asked, and then it goes on or does it again", async () => {
    for (const answer of ["done", "again"] as const) {
      const used: string[] = [];
      let isHanging = true;
      const pay = defineTool({
        ...{ name: "pay", input: z.strictObject({ amount: z.int() }), safety: "auto_ok" },
        async execute(_input, { key }) {
          used.push(key);
          if (isHanging) await new Promise(() => {}); // the worker dies meanwhile
          return { paid: true };
        },
      });
      const steps = [{ id: "pay", tool: "pay", input: { amount: 5 }, output: { paid: true } }];
      const bench = await setUp(steps, []);
      const first = bench.runtime.worker({ agent: "grace", tools: [pay] }, () => {});
      await bench.replay("simulate");
      const taskId = await bench.begin("strict", { confirm: true });
      while (used.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      void first.stop();
      isHanging = false;
      bench.runtime.worker({ agent: "joan", tools: [pay] }, () => {});
      let { task } = await bench.runtime.tasks.watch({ taskId, waitMs: 0 });
      while (task.state !== "paused")
        ({ task } = await bench.runtime.tasks.watch({ taskId, afterRevision: task.revision, waitMs: 5_000 }));
      await bench.runtime.tasks.answer({ taskId, answer });

      expect((await bench.runtime.tasks.result(taskId)).outcome).toMatchObject({ data: { replay: "passed" } });
      expect(used).toHaveLength(answer === "again" ? 2 : 1);
      expect(new Set(used).size).toBe(1); // under one key
    }
  });
});

describe("checks of the caller", () => {
  it("are added to the playbook's own, and make a replay verified that had none", async () => {
    const bench = await setUp([patchOf("a.txt", "old", "new")]);
    bench.write("a.txt", "old\n");
    await bench.replay("simulate");
    const check = (name: string, ...command: string[]) => ({ checks: [{ name, command }] });

    expect(await bench.replay("strict", check("is new", "grep", "-q", "never", "a.txt"))).toMatchObject(
      failedAt("checks"),
    );
    bench.write("a.txt", "old\n");
    expect(await bench.replay("strict", check("is new", "grep", "-q", "new", "a.txt"))).toMatchObject(passed);
    expect(await bench.runtime.playbooks.promote({ id: bench.id, to: "active", reason: "r" })).toMatchObject({
      state: "active",
    });
    expect(existsSync(join(bench.folder, "a.txt"))).toBe(true);
  });
});

describe("a verified strict replay", () => {
  it("is one more run of its work: a lesson can become trusted by it, and nothing else is learned", async () => {
    const bench = await setUp([patchOf("a.txt", "old", "new")]);
    bench.write("a.txt", "old\n");
    const find = async () => {
      const { head } = await bench.runtime.runtime.status();
      const { lessons } = await bench.runtime.memory.find({ kinds: ["workflow"], minPosition: head });
      return lessons.map(({ state, runs, verified }) => ({ state, runs, verified }));
    };

    await bench.replay("simulate");
    await bench.replay("strict");
    expect(await find()).toEqual([{ state: "candidate", runs: 1, verified: 0 }]); // without checks it was not verified
    bench.write("a.txt", "old\n");
    await bench.replay("strict", { checks: [{ name: "new", command: ["grep", "-q", "new", "a.txt"] }] });

    expect(await find()).toEqual([{ state: "trusted", runs: 2, verified: 1 }]);
  });
});
