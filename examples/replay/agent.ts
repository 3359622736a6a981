import type { Assignment, RunContext } from "aionis";

/**
 * Makes the release that its brief asks for; plain code where yours would ask a model. It works through tools by their names, so that what it
 * does is recorded as something that can be done again.
 */
export async function release({ brief = "" }: Assignment, ctx: RunContext): Promise<void> {
  const [version = ""] = /\d+\.\d+\.\d+/.exec(brief) ?? [];
  const { text } = (await ctx.tool("look", "file.read", { path: "package.json" })) as { text: string }; // what that tool gives
  const [was = ""] = /"version": ".+"/.exec(text) ?? [];
  await change(ctx, "set the version", "package.json", [was, `"version": "${version}"`]);
  await change(ctx, "head the changes", "CHANGELOG.md", ["## Unreleased\n", `## Unreleased\n\n## ${version}\n`]);
  await git(ctx, "commit", ["commit", "--quiet", "--all", "--message", `Release ${version}`]);
  await git(ctx, "tag", ["tag", `v${version}`]);
  await ctx.complete({ checks: [{ name: "released", command: ["git", "diff", "--quiet", `v${version}`] }] });
}

async function change(ctx: RunContext, name: string, path: string, [find, replace]: [string, string]): Promise<void> {
  await ctx.tool(name, "file.patch", { path, edits: [{ find, replace }] });
}

async function git(ctx: RunContext, name: string, args: string[]): Promise<void> {
  await ctx.tool(name, "command", { argv: ["git", ...args] });
}
