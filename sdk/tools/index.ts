// Tools: what a worker can do by name, with an input that is checked before and recorded with its step.

import { command } from "./command.ts";
import { createFileTools } from "./files.ts";
import type { Tool } from "./tool.ts";

export { defineTool, type ToolDefinition } from "./define.ts";
export type { Tool, ToolCall } from "./tool.ts";

const files = createFileTools();

/** Commands, and text files of the workspace: for the worker option `tools`, alone or with others. */
export const builtInTools: readonly Tool[] = [command, files.read, files.write, files.patch, files.delete];
