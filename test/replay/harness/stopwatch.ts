import { builtInTools } from "../../../sdk/tools/index.ts";
import type { Tool } from "../../../sdk/tools/tool.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { createProcessExec, type Exec } from "../../../src/kernel/exec.ts";

/** A use of a tool, in milliseconds of `performance.now()`. */
export interface Use {
  readonly tool: string;
  readonly beganAt: number;
  readonly endedAt: number;
}

/** What was used since the last look. */
export interface Used {
  readonly uses: readonly Use[];
  /** How long commands took that no tool ran: checks. */
  readonly checksMs: number;
}

/** The built-in tools and what runs commands, for one worker that does one thing at a time, and how long each use takes. */
export interface Stopwatch {
  readonly tools: readonly Tool[];
  readonly exec: Exec;
  /** Gives what was used, and begins anew. */
  take(): Used;
}

export function createStopwatch(): Stopwatch {
  const processes = createProcessExec(systemClock);
  let uses: Use[] = [];
  let checksMs = 0;
  let toolsRunning = 0;

  const withTime = (tool: Tool): Tool => ({
    ...tool,
    async execute(input, call) {
      const beganAt = performance.now();
      toolsRunning += 1;
      try {
        return await tool.execute(input, call);
      } finally {
        toolsRunning -= 1;
        uses.push({ tool: tool.name, beganAt, endedAt: performance.now() });
      }
    },
  });

  return {
    tools: builtInTools.map(withTime),
    exec: {
      isolation: processes.isolation,
      async run(command) {
        const beganAt = performance.now();
        const isCheck = toolsRunning === 0;
        const result = await processes.run(command);
        if (isCheck) checksMs += performance.now() - beganAt;
        return result;
      },
    },
    take() {
      const used = { uses, checksMs };
      uses = [];
      checksMs = 0;
      return used;
    },
  };
}
