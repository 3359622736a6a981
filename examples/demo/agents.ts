// Agents
//
// What the workers of the four roles do. They are plain code where yours would ask a model; all else is as it would be: each step is recorded,
// each handler may be started over at any moment, and what was recorded is then given back instead of being done again.

import { dirname, join, relative } from "node:path";
import type { Assignment, Handler, RunContext } from "aionis";
import { z } from "zod";
import { noteEffect } from "./effects.ts";
import { type Repository, testCommand } from "./repository.ts";
import { readTestResults, type TestResults } from "./test-results.ts";

/** Who answers the review's question. */
export const maintainer = "maintainer";

export interface Surroundings {
  repository: Repository;
  /** Where each piece of work is noted that really runs. */
  effectsLog: string;
  /** Awaited in the middle of the second edit; the demo kills the worker while it waits. */
  midway?: () => Promise<void>;
}

export type Role = keyof ReturnType<typeof createAgents>;

/** The handlers by role. */
export function createAgents({ repository, effectsLog, midway }: Surroundings) {
  const { path: cwd, env } = repository;

  /** Asks what earlier work knows, runs the tests, finds the file that the failing one is about, hands over. */
  const triage: Handler = async (_task, ctx) => {
    const guidance = await ctx.guidance(); // the first time nothing is known
    const { failures, passed, failed } = await runTests(ctx);
    const [failure] = failures;
    if (failure === undefined) return await ctx.complete({ summary: "Every test passes; there is nothing to fix." });
    const files = await ctx.step("locate", { tool: "imports", input: failure }, () => toFiles(failure.file));
    await ctx.handoff({
      to: { role: "fix" },
      brief: `The test "${failure.name}" fails.`,
      nextAction: `Look for the bug in ${files[0]}`,
      files,
      evidence: [`${passed} tests pass, ${failed} fails`],
      lessons: guidance.use,
    });
  };

  /** Edits the code and its test while somebody else writes the changelog; commits; hands over. */
  const fix: Handler = async (task, ctx) => {
    const [source = "", test = ""] = ctx.packet?.files ?? [];
    const [changelog] = await Promise.all([
      ctx.delegate({
        to: { role: "docs" },
        kind: "changelog",
        brief: "`retry` made one attempt less than it was asked for.",
        nextAction: "Add a line to the changelog",
        files: ["CHANGELOG.md"],
      }),
      edit(task, ctx, source, test),
    ]);
    const { passed, failed } = await runTests(ctx);
    if (failed > 0 || changelog.outcome !== "completed") return await ctx.fail(`${failed} tests fail.`);
    const commit = await act(task, ctx, { name: "commit", tool: "git", files: [source, test] }, (key) =>
      repository.commit(key, "Make every attempt that was asked for", [source, test]),
    );
    await ctx.handoff({
      to: { role: "review" },
      brief: `Commit ${commit} fixes the attempts; ${passed} tests pass.`,
      nextAction: "Run the tests again and look at the commit",
      files: [source, test, ...changelog.files],
      evidence: [commit],
    });
  };

  async function edit(task: Assignment, ctx: RunContext, source: string, test: string): Promise<void> {
    await act(task, ctx, { name: "edit the code", tool: "editor", files: [source] }, async () => {
      await change(source, (text) => text.replace("attempt < attempts", "attempt <= attempts"));
    });
    await act(task, ctx, { name: "edit its test", tool: "editor", files: [test] }, async () => {
      await midway?.();
      await change(test, (text) => (text.includes(regressionTest) ? text : text + regressionTest));
    });
  }

  /** Writes a line into the changelog and commits it. */
  const docs: Handler = async (task, ctx) => {
    const [file = ""] = ctx.packet?.files ?? [];
    const line = `- Fixed: ${ctx.packet?.brief ?? ""}\n`;
    await act(task, ctx, { name: "write", tool: "editor", files: [file] }, () =>
      change(file, (text) => (text.includes(line) ? text : text.replace("## Unreleased\n", `$&\n${line}`))),
    );
    await act(task, ctx, { name: "commit", tool: "git", files: [file] }, (key) =>
      repository.commit(key, "Tell of the retry fix", [file]),
    );
    await ctx.complete({ summary: "One line under Unreleased.", files: [file] });
  };

  /** Runs the tests again, looks at the commit, asks a person. The task's own check decides in the end. */
  const review: Handler = async (task, ctx) => {
    const { passed, failed } = await runTests(ctx);
    const [commit = "HEAD"] = ctx.packet?.evidence ?? [];
    const shown = await ctx.run("diff", ["git", "show", "--shortstat", "--format=%s", commit], { cwd, env });
    const [subject = "", changed = ""] = shown.stdout.trim().split(/\s*\n\s*/);
    const mayShip = await ctx.pause({
      question: `Ship it? "${subject}": ${changed}; ${passed} tests pass, ${failed} fail.`,
      answer: z.boolean(),
      approver: maintainer,
    });
    if (!mayShip) return await ctx.fail("The maintainer said no.", { retryable: false });
    await act(task, ctx, { name: "tag", tool: "git", files: [] }, () => repository.git("tag", "--force", "v1.0.1"));
    await ctx.complete({ summary: `${subject}; shipped as v1.0.1.`, evidence: [commit] });
  };

  async function runTests(ctx: RunContext): Promise<TestResults> {
    const { stdout } = await ctx.run("tests", testCommand, { cwd, env });
    return readTestResults(stdout);
  }

  /** A step that notes that it really runs. */
  function act<Output>(
    task: Assignment,
    ctx: RunContext,
    { name, ...options }: { name: string; tool: string; files: string[] },
    work: (key: string) => Promise<Output>,
  ): Promise<Output> {
    return ctx.step(name, options, async ({ key }) => {
      await noteEffect(effectsLog, { key, epoch: task.epoch });
      return await work(key);
    });
  }

  /** Applied twice it changes nothing more: a step that was under way when its worker died runs again. */
  async function change(file: string, how: (text: string) => string): Promise<void> {
    await repository.write(file, how(await repository.read(file)));
  }

  /** A test is about what it imports: the source first, then the test itself. */
  async function toFiles(testFile: string): Promise<string[]> {
    const test = relative(cwd, testFile);
    const [, source = ""] = /from "(\..+)"/.exec(await repository.read(test)) ?? [];
    return [join(dirname(test), source), test];
  }

  return { triage, fix, docs, review };
}

const regressionTest = `test("one attempt means one call", async () => assert.equal(await retry(failUntil(1), { attempts: 1, sleep }), 1));\n`;
