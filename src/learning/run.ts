/** What a finished task shows of how its kind of work is done: read from its events, bounded, the same for the same journal. */
export interface FinishedRun {
  taskId: string;
  /** The event that ended it. */
  seq: number;
  /** Seconds since 1970, of that event. */
  at: number;
  /** The brief. */
  goal: string;
  family?: string | undefined;
  /** Paths that its steps and its return name, in the order in which they came up. */
  files: readonly string[];
  /** What it did that succeeded, in order: the first ones. */
  steps: readonly RunStep[];
  /** Names of the checks that were run. */
  checks: readonly string[];
  /** First lines of what went wrong on the way. */
  errors: readonly string[];
  /** Ids of the lessons that were shown to whoever worked on it. */
  shown: readonly string[];
  outcome: "succeeded" | "failed";
  /** Whether the runtime's verifier saw its checks pass. */
  verified: boolean;
  /** Read from a history instead of seen: weaker than a run, and never what makes a lesson trusted. */
  imported?: boolean | undefined;
}

/** One step of a run. */
export interface RunStep {
  name: string;
  tool?: string | undefined;
  /** The first file that it named. */
  file?: string | undefined;
}
