import type { z } from "zod";
import type { Safety } from "../../src/contracts/playbook.ts";
import type { Exec } from "../../src/kernel/exec.ts";

/** What a tool is handed beside its input. */
export interface ToolCall {
  /** The absolute path of the folder that it works in, and does not leave. */
  readonly workspace: string;
  /** Stable over retries and restarts: the idempotency key for a system outside. */
  readonly key: string;
  readonly signal: AbortSignal;
  /** Runs commands. */
  readonly exec: Exec;
}

/** Something that a worker can do by name, with an input that is checked before. */
export interface Tool<Input = unknown, Output = unknown> {
  readonly name: string;
  readonly input: z.ZodType<Input>;
  /** @throws whatever says that it could not be done; it is recorded as the step's failure. */
  execute(input: Input, call: ToolCall): Output | Promise<Output>;
  /**
   * What it would give back, found out without touching anything; undefined where that cannot be known. A dry run of a playbook asks for it.
   * @throws whatever `execute` would throw.
   */
  dryRun?(input: Input, call: ToolCall): Output | undefined | Promise<Output | undefined>;
  /** The files that it touches, recorded with its step; none if absent. */
  files?(input: Input): readonly string[];
  /** Whether a replay may use it by itself; `needs_confirm` if absent. */
  readonly safety: Safety;
  /** Whether doing it twice is the same as once. If not, its intent is recorded first, and after a crash somebody is asked. */
  readonly idempotent: boolean;
}
