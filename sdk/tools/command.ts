import { lstatSync, realpathSync } from "node:fs";
import { z } from "zod";
import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { FilePath } from "../../src/contracts/values.ts";
import type { CommandResult } from "../../src/kernel/exec.ts";
import { lookForCommand } from "./conditions.ts";
import { defineTool } from "./define.ts";
import type { Tool } from "./tool.ts";
import { inWorkspace } from "./workspace.ts";

/** How long a command may take if nobody says, and how much is kept of each of its outputs, the last of it. */
const commandTimeoutMs = 10 * 60_000;
const commandOutputBytes = 16 * 1024;

interface CommandInput {
  argv: string[];
  /** A folder of the workspace; its root if absent. */
  cwd?: string | undefined;
  timeoutMs?: number | undefined;
}

/**
 * Runs a command in the workspace. A non-zero exit code is a result, not an error. It is `auto_ok` as a tool, because nothing is known of a
 * command by its being one: what a step of a playbook may do by itself is said by that step. Its folder is of the workspace, what the
 * command does is not kept to it.
 */
export const command: Tool<CommandInput, CommandResult> = defineTool({
  name: "command",
  input: z.strictObject({
    argv: z.array(z.string().max(limits.textChars)).min(1).max(limits.argvItems),
    cwd: FilePath.optional(),
    timeoutMs: z.int().positive().max(limits.waitMs).optional(),
  }),
  safety: "auto_ok",
  idempotent: false,
  execute: async ({ argv, cwd, timeoutMs = commandTimeoutMs }, { workspace, signal, exec }) =>
    exec.run({ argv, cwd: await toFolder(workspace, cwd), timeoutMs, outputBytes: commandOutputBytes, signal }),
  /** What it would print nobody knows; whether its program is there, everybody. */
  async dryRun({ argv: [program = ""], cwd }, { workspace }) {
    const why = await lookForCommand(program, await toFolder(workspace, cwd));
    if (why !== undefined) throw new AionisError("TOOL_FAILED", why);
    return undefined;
  },
});

function toFolder(workspace: string, path: string | undefined): string | Promise<string> {
  if (path === undefined) return workspace;
  return inWorkspace(workspace, path, {}, (place) => {
    if (place?.stats?.isDirectory() !== true) {
      throw new AionisError("TOOL_FAILED", `There is no folder "${path}" in the workspace.`, { facts: { path } });
    }
    const folder = realpathSync(place.path);
    const { ino, dev } = lstatSync(folder);
    if (ino === place.stats.ino && dev === place.stats.dev) return folder;
    throw new AionisError("PATH_OUTSIDE", `"${path}" was exchanged while it was looked at.`, { facts: { path } });
  });
}
