// Effects
//
// A log beside the repository of every use of a tool that really was made, written by the tool itself. The journal says what was recorded;
// this says what was done, so that the report can compare the two.

import { appendFile, readFile } from "node:fs/promises";
import { builtInTools, type Tool } from "aionis";

/** One use of a tool. */
export interface Effect {
  /** For which step: `ToolCall.key`. */
  key: string;
  /** By whose worker. */
  agent: string;
}

export interface Watch {
  /** Where it is noted. */
  log: string;
  agent: string;
  /** Awaited between the note and the work. */
  midway?: (key: string) => Promise<void>;
}

/** The built-in tools, each of which notes that it is used. */
export function watchTools({ log, agent, midway }: Watch): Tool[] {
  return builtInTools.map((tool) => ({
    ...tool,
    async execute(input, call) {
      await noteEffect(log, { key: call.key, agent });
      await midway?.(call.key);
      return await tool.execute(input, call);
    },
  }));
}

async function noteEffect(log: string, effect: Effect): Promise<void> {
  await appendFile(log, `${JSON.stringify(effect)}\n`); // one write, so that processes may share the file
}

/** In the order in which they began. */
export async function readEffects(log: string): Promise<Effect[]> {
  const lines = (await readFile(log, "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Effect); // written above
}
