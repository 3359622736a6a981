// Tools seen
//
// Which agents have which tools, as far as the runtime has heard: a worker names its tools among its roles with each claim that it sends.
// Owns: that memory, bounded, until a worker was silent for a while. Does not own: whether the worker is still there when a step comes.

import { AionisError } from "../contracts/failures.ts";
import { toolRole } from "../contracts/values.ts";
import type { Clock } from "../kernel/clock.ts";

export interface ToolsSeen {
  /** An agent asks for work in these roles. */
  heard(agent: string, roles: readonly string[]): void;
  /** Which of `tools` no agent has that was heard of lately. */
  missing(tools: readonly string[]): string[];
  /** @throws AionisError `TOOL_UNAVAILABLE` when one of `tools` is still missing after a moment in which a worker that just started is heard. */
  await(tools: readonly string[]): Promise<void>;
}

const silentMs = 60_000; // six waiting claims
const agentsMax = 10_000;
const waitMs = 1_000;
const lookMs = 50;

export function createToolsSeen(clock: Pick<Clock, "mono" | "setTimer">): ToolsSeen {
  const agents = new Map<string, { tools: readonly string[]; at: number }>(); // the one not heard for longest first

  function heard(agent: string, roles: readonly string[]): void {
    const tools = roles.filter((role) => role.startsWith(toolRole)).map((role) => role.slice(toolRole.length));
    agents.delete(agent);
    if (tools.length === 0) return;
    agents.set(agent, { tools, at: clock.mono() });
    const [first] = agents.keys();
    if (agents.size > agentsMax && first !== undefined) agents.delete(first);
  }

  function missing(tools: readonly string[]): string[] {
    const since = clock.mono() - silentMs;
    const known = new Set([...agents.values()].flatMap(({ tools: own, at }) => (at >= since ? own : [])));
    return [...new Set(tools)].filter((tool) => !known.has(tool));
  }

  return {
    heard,
    missing,
    async await(tools) {
      const endsAt = clock.mono() + waitMs;
      while (missing(tools).length > 0 && clock.mono() < endsAt) {
        await new Promise<void>((resolve) => void clock.setTimer(lookMs, resolve));
      }
      const lacking = missing(tools);
      if (lacking.length === 0) return;
      throw new AionisError(
        "TOOL_UNAVAILABLE",
        `No worker that was heard of lately has ${lacking.join(", ")}; start one with these tools.`,
        { facts: { tools: lacking } },
      );
    },
  };
}
