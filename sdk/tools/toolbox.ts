import { AionisError } from "../../src/contracts/failures.ts";
import type { Tool } from "./tool.ts";

/** The tools of one worker. */
export interface Toolbox {
  /** What the worker takes tasks for by having them: `tool.<name>` of each. */
  readonly roles: readonly string[];
  /** The tool of that name, or that very one. @throws AionisError `TOOL_UNAVAILABLE`, which names those there are. */
  find(asked: string | Tool): Tool;
}

/** @throws AionisError `INPUT_INVALID` when two have one name. */
export function createToolbox(tools: readonly Tool[]): Toolbox {
  const toolsByName = new Map(tools.map((tool) => [tool.name, tool]));
  const names = tools.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new AionisError("INPUT_INVALID", `Two tools are called "${twice}".`);
  return {
    roles: names.map((name) => `tool.${name}`),
    find(asked) {
      const name: unknown = typeof asked === "string" ? asked : (asked as Tool | undefined | null)?.name;
      if (typeof name !== "string") throw new AionisError("INPUT_INVALID", noTool);
      const tool = toolsByName.get(name);
      if (tool !== undefined && (tool === asked || name === asked)) return tool;
      const known = names.length === 0 ? "none" : names.join(", ");
      throw new AionisError("TOOL_UNAVAILABLE", `This worker has no tool "${name.slice(0, 80)}"; it has ${known}.`, {
        facts: { tools: names },
      });
    },
  };
}

const noTool = "ctx.tool takes a tool's name, or the tool as it was defined.";

/** What a tool's function gets for `input`. @throws AionisError `TOOL_INPUT_INVALID`, which names the fields. */
export function parseToolInput<Input>(tool: Tool<Input>, input: unknown): Input {
  const parsed = tool.input.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 10).map(({ path, message }) => ({ path: path.join("."), message }));
  const why = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  throw new AionisError("TOOL_INPUT_INVALID", `${tool.name} does not take this: ${why}.`.slice(0, 1_000), {
    facts: { issues },
  });
}
