import { existsSync } from "node:fs";
import type { Tool } from "../../../sdk/tools/tool.ts";
import { parseToolInput } from "../../../sdk/tools/toolbox.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { createProcessExec } from "../../../src/kernel/exec.ts";

type Way = [way: string, options: { usesDescriptors: boolean }];

/** The ways in which this system lets a folder be used. */
export const ways: readonly Way[] = [
  ...(existsSync("/proc/self/fd") ? ([["by its descriptor", { usesDescriptors: true }]] satisfies Way[]) : []),
  ["by its path", { usesDescriptors: false }],
];

const exec = createProcessExec(systemClock);

/** Uses a tool as a worker does. */
export async function use<Input, Output>(
  tool: Tool<Input, Output>,
  workspace: string,
  input: Input,
  signal: AbortSignal = new AbortController().signal,
): Promise<Output> {
  return await tool.execute(parseToolInput(tool, input), { workspace, key: "test", signal, exec });
}
