import { z } from "zod";
import { AgentId } from "./ids.ts";
import { limits } from "./limits.ts";
import { Cost, FilePath, InputHash, Json, Line, Name, Sequence, Time, WaitMs } from "./values.ts";

/** Tells a step from others of its name, such as the item that it is for. Without control characters. */
export const StepKey = Name.regex(/^\P{Cc}*$/u);

/** How many-eth of its name a step is; 0 of a step with a key. */
export const StepOrdinal = z.int().nonnegative().max(limits.messageValues);

/**
 * Which step of a task, within the task's stage: its name and its key, or without a key its name and how many-eth of that name. A stage
 * begins at the start and at each accepted handoff, so that a handler that starts over finds its own steps again.
 */
const Identity = z.strictObject({
  name: Name,
  key: StepKey.optional(),
  ordinal: StepOrdinal,
});

/** What ran and what it worked on. The same identity with another tool or input is `STEP_DIVERGED`. */
export const StepSubject = z.strictObject({
  ...Identity.shape,
  tool: Name.optional(),
  inputHash: InputHash.optional(),
  /** Whether it was made beside other calls of its handler: without a key its place among those of its name is then not sure. */
  beside: z.boolean().optional(),
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

/** Sets a recorded step aside, because its question was answered with `rerun`. Its record stays in the journal, and the step runs again. */
export const StepSuperseded = z.strictObject({
  ...StepSubject.shape,
  /** The event that holds the record. */
  supersedes: Sequence,
});

const StepStatus = z.enum(["begun", "succeeded", "failed", "superseded"]);

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
  /** How often it was set aside so far, to run again. */
  rerun: z.int().positive().optional(),
  /** Of one that was set aside just now: the event that holds what it had recorded. */
  supersedes: Sequence.optional(),
});
export type StepReceipt = z.infer<typeof StepReceipt>;

/** What tells a step from others of its stage. */
export type StepIdentity = Pick<StepSubject, "name" | "ordinal" | "key">;

/** What differs between a step as it was recorded and as it comes now. */
export function differencesOf(
  recorded: Pick<StepSubject, "tool" | "inputHash">,
  present: Pick<StepSubject, "tool" | "inputHash">,
): ("tool" | "input")[] {
  return [
    ...(recorded.tool === present.tool ? [] : (["tool"] as const)),
    ...(recorded.inputHash === present.inputHash ? [] : (["input"] as const)),
  ];
}

/** A step as people read it. */
export function toStepLabel({ name, ordinal, key }: StepIdentity): string {
  return key === undefined ? `${name}#${ordinal}` : `${name}[${key}]`;
}

/** Under which name and number a step stands in an index. A step with a key has a number of its own, so that no name can look like it. */
export function toStepPlace({ name, ordinal, key }: StepIdentity): { name: string; ordinal: number } {
  return key === undefined ? { name, ordinal } : { name: `${key}\u001f${name}`, ordinal: -1 };
}

/** How a pause names the step it asks about. One character shorter than a name, because its key needs one more. */
export function toAbout(step: StepIdentity): string {
  return `step ${toStepLabel(step)}`.slice(0, limits.nameChars - 1).toWellFormed(); // the cut may go through a pair
}

/** How a pause names the step that comes with another tool or input than it was recorded with. */
export function toChangedAbout(step: StepIdentity): string {
  return `${toAbout(step)
    .slice(0, limits.nameChars - 1 - changed.length)
    .toWellFormed()}${changed}`;
}

const changed = " changed"; // no step's label ends so
