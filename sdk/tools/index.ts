// Tools: what a worker can do by name, with an input that is checked before and recorded with its step.

import { command } from "./command.ts";
import { createFileTools } from "./files.ts";
import type { Tool } from "./tool.ts";

export { defineTool, type ToolDefinition } from "./define.ts";
export type { Tool, ToolCall } from "./tool.ts";

export { command as commandTool };

/** The built-in tools for text files: `ctx.tool("look", fileTools.read, { path })` knows what it is given and gives back. */
export const fileTools = createFileTools();

/** Commands, and text files of the workspace: for the worker option `tools`, alone or with others. */
export const builtInTools: readonly Tool[] = [command, ...Object.values<Tool>({ ...fileTools })];
