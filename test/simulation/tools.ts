// The tools of workers
//
// What they do outside stands in a log that belongs to the world, so that it outlives whoever did it. Each may die, stall or break before
// and after that.

import { z } from "zod";
import { defineTool, type Tool, type ToolCall } from "../../sdk/tools/index.ts";
import { type Process, type World, wait } from "./world.ts";

/** The one whose use twice is not the same as once. */
export const onceTool = "append";

/** The tools of a worker in `process`. */
export function createTools(world: World, process: Process): Tool[] {
  const set = defineTool({
    name: "set",
    input: z.strictObject({ name: z.string(), value: z.string() }),
    idempotent: true,
    dryRun: ({ value }) => ({ is: value }),
    async execute({ value }, call) {
      await use("set", call);
      return { is: value };
    },
  });
  const append = defineTool({
    name: onceTool,
    input: z.strictObject({ line: z.string() }),
    execute: async (_input, call) => ({ receipt: `receipt-${await use(onceTool, call)}` }),
  });

  async function use(tool: string, { key }: ToolCall): Promise<number> {
    await wait(process, 20 + (world.random.u32() % 300));
    await mayFail();
    const count = world.applied({ key, tool, agent: process.name, at: world.scheduler.time() });
    await mayFail();
    return count;
  }

  async function mayFail(): Promise<void> {
    await world.mayDie(process);
    await world.mayStall(process);
    if (world.mayBreak()) throw new Error("The tool is out of order.");
  }

  const own = world.toolsOf(process.name);
  const tools = [set, append] as Tool[]; // each parses its input before it sees it
  return tools.filter(({ name }) => own.includes(name)).map((tool) => world.bug.tool?.(tool) ?? tool);
}
