// Agents
//
// What the workers of the four roles do. They are plain code where yours would ask a model; all else is as it would be: each step is recorded,
// each handler may be started over at any moment, and what was recorded is then given back instead of being done again. What they do is done
// by tools and commands with paths of the workspace, so that it can be replayed in another one.

import { dirname, join, relative } from "node:path";
import type { Handler, RunContext } from "aionis";
import { z } from "zod";
import { testCommand } from "./repository.ts";
import { readTestResults, type TestResults } from "./test-results.ts";

/** Who answers the review's question. */
export const maintainer = "maintainer";

/** The step in whose middle the first fixer is killed. */
export const secondEdit = "edit its test";

export type Role = keyof ReturnType<typeof createAgents>;

/** The handlers by role; `workspace` is the folder in which their workers' commands and tools work. */
export function createAgents(workspace: string) {
  /** Runs the tests, finds the file that the failing one is about, hands over. */
  const triage: Handler = async (_task, ctx) => {
    const guidance = await ctx.guidance(); // the first time nothing is known
    const { failures, passed, failed } = await runTests(ctx);
    const [failure] = failures;
    if (failure === undefined) return await ctx.complete({ summary: "Every test passes; there is nothing to fix." });
    const test = relative(workspace, failure.file);
    const { stdout: imports } = await ctx.run("locate", ["grep", `from "\\.`, test]); // a test is about what it imports
    const [, imported = ""] = /from "(.+)"/.exec(imports) ?? [];
    const source = join(dirname(test), imported);
    await ctx.handoff({
      to: { role: "fix" },
      brief: `The test "${failure.name}" fails.`,
      nextAction: `Look for the bug in ${source}`,
      files: [source, test],
      evidence: [`${passed} tests pass, ${failed} fails`],
      lessons: guidance.use,
    });
  };

  return { triage, fix, docs, review };
}

/** Edits the code and its test while somebody else writes the changelog; commits; hands over. */
async function fix(_task: unknown, ctx: RunContext): Promise<void> {
  const [source = "", test = ""] = ctx.packet?.files ?? [];
  const [changelog] = await Promise.all([
    ctx.delegate({
      to: { role: "docs" },
      kind: "changelog",
      brief: "`retry` made one attempt less than it was asked for.",
      nextAction: "Add a line to the changelog",
      files: ["CHANGELOG.md"],
    }),
    edit(ctx, source, test),
  ]);
  const { passed, failed } = await runTests(ctx);
  if (failed > 0 || changelog.outcome !== "completed") return await ctx.fail(`${failed} tests fail.`);
  const commit = await commitFiles(ctx, "Make every attempt that was asked for", [source, test]);
  await ctx.handoff({
    to: { role: "review" },
    brief: `Commit ${commit} fixes the attempts; ${passed} tests pass.`,
    nextAction: "Run the tests again and look at the commit",
    files: [source, test, ...changelog.files],
    evidence: [commit],
  });
}

async function edit(ctx: RunContext, source: string, test: string): Promise<void> {
  const code = await read(ctx, "look at the code", source);
  const [loop = ""] = /for \(.+ < attempts;/.exec(code) ?? [];
  await change(ctx, "edit the code", source, { find: loop, replace: loop.replace("<", "<=") });
  await change(ctx, secondEdit, test, { find: lastTest, replace: `${regressionTest}\n${lastTest}` });
}

const lastTest = `test("the last error is thrown"`;
const regressionTest = `test("one attempt means one call", async () => assert.equal(await retry(failUntil(1), { attempts: 1, sleep }), 1));`;

/** Writes a line into the changelog and commits it. */
async function docs(_task: unknown, ctx: RunContext): Promise<void> {
  const [file = ""] = ctx.packet?.files ?? [];
  const heading = "## Unreleased\n";
  await change(ctx, "write", file, { find: heading, replace: `${heading}\n- Fixed: ${ctx.packet?.brief}\n` });
  await commitFiles(ctx, "Tell of the retry fix", [file]);
  await ctx.complete({ summary: "One line under Unreleased.", files: [file] });
}

/** Runs the tests again, looks at the commit, asks a person. The task's own check decides in the end. */
async function review(_task: unknown, ctx: RunContext): Promise<void> {
  const { passed, failed } = await runTests(ctx);
  const [commit = "HEAD"] = ctx.packet?.evidence ?? [];
  const shown = await ctx.run("diff", ["git", "show", "--shortstat", "--format=%s", commit]);
  const [subject = "", changed = ""] = shown.stdout.trim().split(/\s*\n\s*/);
  const mayShip = await ctx.pause({
    question: `Ship it? "${subject}": ${changed}; ${passed} tests pass, ${failed} fail.`,
    answer: z.boolean(),
    approver: maintainer,
  });
  if (!mayShip) return await ctx.fail("The maintainer said no.", { retryable: false });
  await git(ctx, "tag", ["tag", "v1.0.1"]);
  await ctx.complete({ summary: `${subject}; shipped as v1.0.1.`, evidence: [commit] });
}

/** A command that may run again, should its worker die meanwhile. */
async function runTests(ctx: RunContext): Promise<TestResults> {
  const { stdout } = await ctx.run("tests", testCommand);
  return readTestResults(stdout);
}

async function read(ctx: RunContext, name: string, path: string): Promise<string> {
  const { text } = (await ctx.tool(name, "file.read", { path })) as { text: string }; // what that tool gives
  return text;
}

/** Applied twice it changes nothing more: a step that was under way when its worker died runs again. */
async function change(ctx: RunContext, name: string, path: string, edit: { find: string; replace: string }) {
  await ctx.tool(name, "file.patch", { path, edits: [edit] });
}

/** Says which commit it is. */
async function commitFiles(ctx: RunContext, message: string, files: string[]): Promise<string> {
  const printed = await git(ctx, "commit", ["commit", "--message", message, "--only", "--", ...files], files);
  return /^\[.* ([0-9a-f]+)\]/.exec(printed)?.[1] ?? "HEAD";
}

/** A command that must not run twice: its intent is recorded first, and should its worker die meanwhile, somebody is asked. */
async function git(ctx: RunContext, name: string, args: string[], files: string[] = []): Promise<string> {
  const ran = await ctx.tool(name, "command", { argv: ["git", ...args] }, { files });
  const { exitCode, stdout, stderr } = ran as Awaited<ReturnType<RunContext["run"]>>; // what that tool gives
  if (exitCode !== 0) throw new Error(`git ${args[0]} failed: ${stderr}`);
  return stdout;
}
