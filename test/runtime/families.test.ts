import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type CreateRuntimeOptions, createRuntime, type EmbeddedRuntime, type Handler } from "../../src/index.ts";

const passes = [process.execPath, "-e", ""];
const fails = [process.execPath, "-e", "process.exit(1)"];

async function open(families: CreateRuntimeOptions["families"], handler: Handler = () => {}): Promise<EmbeddedRuntime> {
  const path = mkdtempSync(join(tmpdir(), "aionis-families-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const runtime = await createRuntime({
    scope: "test/families",
    path,
    durability: "process",
    ...(families && { families }),
  });
  onTestFinished(() => runtime.close());
  runtime.worker({ agent: "ada" }, handler);
  return runtime;
}

async function outcomeOf(runtime: EmbeddedRuntime, taskId: Parameters<EmbeddedRuntime["tasks"]["result"]>[0]) {
  const { task } = await runtime.tasks.result(taskId);
  const { events } = await runtime.events.read({ taskId, types: ["checks.passed", "checks.failed"] });
  const results = events.map(
    ({ body }) => (body?.results ?? []) as { name: string; passed: boolean; output?: string }[],
  );
  return { state: task.state, verified: "verified" in task && task.verified, results };
}

const retry = { attemptsMax: 1 };

describe("what a scope requires of a family's work", () => {
  it("is checked beside the task's own checks, by its family or of every task", async () => {
    const runtime = await open({
      "*": { verify: [{ name: "always", command: passes }] },
      release: { verify: [{ name: "tests", command: passes }] },
    });

    const release = await runtime.tasks.start({
      brief: "Ship it",
      family: "release",
      checks: [{ name: "own", command: passes }],
    });
    const other = await runtime.tasks.start({ brief: "Tidy up" });

    expect(await outcomeOf(runtime, release.taskId)).toMatchObject({
      state: "succeeded",
      verified: true,
      results: [[{ name: "own" }, { name: "always" }, { name: "tests" }]],
    });
    expect(await outcomeOf(runtime, other.taskId)).toMatchObject({ results: [[{ name: "always" }]] });
  });

  it("cannot be softened by a check of the same name, of the task or of its completion", async () => {
    const easy = { name: "tests", command: passes };
    const runtime = await open({ release: { verify: [{ name: "tests", command: fails }] } }, (_task, ctx) =>
      ctx.complete({ checks: [easy] }),
    );

    const { taskId } = await runtime.tasks.start({ brief: "Ship it", family: "release", retry, checks: [easy] });

    expect(await outcomeOf(runtime, taskId)).toMatchObject({
      state: "failed",
      results: [[{ name: "tests", passed: false }]],
    });
  });

  it("holds for packets and delegated parts, whose words stay as they were written", async () => {
    const runtime = await open({ docs: { verify: [{ name: "spelling", command: passes }] } }, async (task, ctx) => {
      if (task.family === "docs") return {};
      const { checks } = await ctx.delegate({ to: "any", family: "docs", brief: "Write it down", nextAction: "Write" });
      return { checks };
    });
    runtime.worker({ agent: "grace" }, () => {});

    const parent = await runtime.tasks.start({ brief: "All of it" });
    const stored = await runtime.handoff.store({
      family: "docs",
      packet: { brief: "Check it", nextAction: "Read" },
      to: "any",
    });

    expect((await runtime.tasks.result(parent.taskId)).outcome).toMatchObject({
      data: { checks: [{ name: "spelling", passed: true }] },
    });
    expect((await runtime.handoff.recover({ taskId: stored.taskId })).packet.checks).toEqual([]);
    expect(await outcomeOf(runtime, stored.taskId)).toMatchObject({ results: [[{ name: "spelling" }]] });
  });

  it("may be isolation, without which a check has failed and was not run", async () => {
    const runtime = await open({ deploy: { isolation: "bubblewrap" } });

    const { taskId } = await runtime.tasks.start({
      brief: "Ship",
      family: "deploy",
      retry,
      checks: [{ name: "tests", command: passes }],
    });

    expect(await outcomeOf(runtime, taskId)).toMatchObject({
      state: "failed",
      results: [[{ name: "tests", passed: false, output: expect.stringMatching(/none.*needs bubblewrap/) }]],
    });
  });

  it("is decided by the runtime: what another client says of its checks does not pass either", async () => {
    const runtime = await open({ deploy: { isolation: "bubblewrap" } });
    const { taskId } = await runtime.tasks.start({
      brief: "Ship",
      family: "deploy",
      to: { agent: "me" },
      checks: [{ name: "tests" }],
    });
    const me = { agent: "me" };
    const { assignment } = await runtime.tasks.claim({ taskId }, me);
    const epoch = assignment?.epoch ?? 0;
    await runtime.tasks.complete({ taskId, epoch, return: {} }, me);

    const kept = await runtime.tasks.verify(
      { taskId, epoch, results: [{ name: "tests", passed: true, isolation: "none" }] },
      me,
    );

    expect(kept.state).toBe("running");
  });

  it("is refused when it is no rule, before anything is served, and when there are too many checks", async () => {
    const broken = { release: { verify: [{ name: "" }] } };
    const many = Array.from({ length: 32 }, (_, index) => ({ name: `check ${index}` }));
    const runtime = await open({ "*": { verify: [{ name: "one more" }] } });

    await expect(open(broken)).rejects.toMatchObject({
      code: "INPUT_INVALID",
      detail: expect.stringMatching(/release\.verify\.0\.name/),
    });
    await expect(runtime.tasks.start({ brief: "b", checks: many })).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });
});
