// Effects
//
// A log beside the repository of every piece of work that really ran, written by the work itself. The journal says what was recorded; this
// says what was done, so that the report can compare the two.

import { appendFile, readFile } from "node:fs/promises";

/** One run of a step's work. */
export interface Effect {
  /** Which step: `StepCall.key`. */
  key: string;
  /** Under which claim it ran. */
  epoch: number;
}

export async function noteEffect(log: string, effect: Effect): Promise<void> {
  await appendFile(log, `${JSON.stringify(effect)}\n`); // one write, so that processes may share the file
}

export async function readEffects(log: string): Promise<Effect[]> {
  const lines = (await readFile(log, "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Effect); // written above
}
