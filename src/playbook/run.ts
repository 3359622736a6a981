import type { Check } from "../contracts/values.ts";

/** A finished task as a playbook is compiled from it: what it was asked, and all that it did. */
export interface RecordedRun {
  taskId: string;
  /** Its brief. */
  goal: string;
  /** Its data. */
  data?: unknown;
  family?: string | undefined;
  /** `open` for a task that has not ended. */
  outcome: "succeeded" | "failed" | "open";
  verified: boolean;
  /** In the order in which they ended, failed ones too. */
  steps: readonly RecordedStep[];
  /** Those that were run at its end. */
  checks: readonly Check[];
  /** The events at which somebody answered a question of it. */
  answers?: readonly number[];
  /** The briefs of what it gave to others. */
  delegated?: readonly string[];
}

/** One step that ended. */
export interface RecordedStep {
  seq: number;
  name: string;
  tool?: string | undefined;
  input?: unknown;
  output?: unknown;
  /** Of a step that failed. */
  error?: string | undefined;
  succeeded: boolean;
  files: readonly string[];
}
