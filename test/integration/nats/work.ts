/** What a task of these tests asks of the workers: it is the task's data. */
export interface Work {
  /** How many steps, each with an effect outside. */
  steps: number;
  /** How long each takes. */
  stepMs: number;
  /** What each step puts out, beside its name. */
  outputChars?: number;
  /** After the steps a part is given away; or the task is handed over, and its second owner takes the same steps once more. */
  next?: "delegation" | "handoff";
  /** Where the first run of the task says `hanging <taskId>` and waits for SIGUSR2. */
  hang?: "inside s1" | "after s1" | "handoff";
}

// Facts, as the worker writes them into its log when it was told of them, and as they are read from the journal. One line is one fact.

export const facts = {
  started: (taskId: string, commandId: string): string => `start ${taskId} ${commandId}`,
  claimed: (taskId: string, epoch: number, agent: string): string => `claim ${taskId} ${epoch} ${agent}`,
  stepped: (key: string): string => `step ${key}`,
  offered: (taskId: string, epoch: number): string => `offer ${taskId} ${epoch}`,
  completed: (taskId: string, epoch: number): string => `complete ${taskId} ${epoch}`,
};

/** A step's key, as its function gets it. */
export function toKey(taskId: string, stage: number, name: string, ordinal: number): string {
  return `${taskId}/${stage}/${name}/${ordinal}`;
}
