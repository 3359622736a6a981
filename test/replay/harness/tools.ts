import { builtInTools } from "../../../sdk/tools/index.ts";
import type { Tool } from "../../../sdk/tools/tool.ts";
import { createToolbox, parseToolInput } from "../../../sdk/tools/toolbox.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { type CommandResult, createProcessExec } from "../../../src/kernel/exec.ts";

const exec = createProcessExec(systemClock);
const toolbox = createToolbox(builtInTools);

/** Runs a command in the folder, as the runtime does. */
export function run(folder: string, argv: readonly string[]): Promise<CommandResult> {
  return exec.run({ argv, cwd: folder, timeoutMs: 20_000, outputBytes: 64_000 });
}

/** Which of the checks fail. */
export async function failing(
  folder: string,
  checks: readonly { readonly name: string; readonly command?: readonly string[] | undefined }[],
): Promise<string[]> {
  const results = await Promise.all(
    checks.map(async ({ name, command = [] }) => ({ name, exitCode: (await run(folder, command)).exitCode })),
  );
  return results.filter(({ exitCode }) => exitCode !== 0).map(({ name }) => name);
}

/** Uses one of the built-in tools in the folder, as a worker does. */
export async function useTool(folder: string, name: string, input: unknown): Promise<unknown> {
  const tool: Tool = toolbox.find(name);
  const { signal } = new AbortController();
  return await tool.execute(parseToolInput(tool, input), { workspace: folder, key: name, signal, exec });
}
