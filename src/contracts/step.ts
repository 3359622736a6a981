import { z } from "zod";
import { AgentId } from "./ids.ts";
import { limits } from "./limits.ts";
import { Cost, FilePath, InputHash, Json, Line, Name, Sequence, Time, WaitMs } from "./values.ts";

/**
 * Which step of a task: its name and how many-eth of that name, within the task's stage. A stage begins at the start and at each
 * accepted handoff, so that a handler that starts over finds its own steps again.
 */
const StepIdentity = z.strictObject({
  name: Name,
  ordinal: z.int().nonnegative().max(limits.messageValues),
});

/** What ran and what it worked on. The same identity with another tool or input is `STEP_DIVERGED`. */
export const StepSubject = z.strictObject({
  ...StepIdentity.shape,
  tool: Name.optional(),
  inputHash: InputHash.optional(),
});
export type StepSubject = z.infer<typeof StepSubject>;

/** How a step ended, with what a later replay needs to know of it. */
export const StepReport = z.strictObject({
  ...StepSubject.shape,
  input: Json.optional(),
  outcome: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("succeeded"), output: Json.optional() }),
    z.strictObject({ kind: z.literal("failed"), error: Line, retryable: z.boolean().default(true) }),
  ]),
  files: z.array(FilePath).max(limits.listItems).default([]),
  durationMs: WaitMs.optional(),
  cost: Cost.optional(),
});
export type StepReport = z.infer<typeof StepReport>;

const StepStatus = z.enum(["begun", "succeeded", "failed"]);

/** A recorded step, as workers and readers see it. */
export const StepReceipt = z.strictObject({
  ...StepSubject.shape,
  stage: z.int().positive(),
  status: StepStatus,
  seq: Sequence,
  at: Time,
  agent: AgentId,
  output: Json.optional(),
  error: Line.optional(),
  /** Of a failed step: whether it may run again. */
  retryable: z.boolean().optional(),
});
export type StepReceipt = z.infer<typeof StepReceipt>;

/** What the name of a pause begins with that asks about a step. */
export const stepAbout = "step ";

/** How a pause names the step it asks about. */
export function toAbout(name: string, ordinal: number): string {
  return `${stepAbout}${name}#${ordinal}`.slice(0, limits.nameChars).toWellFormed(); // the cut may go through a pair
}
