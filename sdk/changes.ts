// Changed code
//
// What a run does where recorded work does not fit its code. Owns: what differs and how it is shown, and which answer is for which record and
// code. Does not own: asking, which ends the run (`run-questions.ts`), and whether a record may be set aside, which is decided in the journal.

import type { Concern, Sides } from "../src/contracts/concern.ts";
import { toSides } from "../src/contracts/concern.ts";
import type { JournalEvent } from "../src/contracts/events.ts";
import { AionisError } from "../src/contracts/failures.ts";
import { differencesOf, type StepReceipt, type StepSubject, toStepLabel } from "../src/contracts/step.ts";
import type { Assignment, PauseEnd } from "../src/contracts/task.ts";
import type { Client } from "./client.ts";

/** The work as the running code has it. */
export type PresentStep = Pick<StepSubject, "name" | "key" | "ordinal" | "tool" | "inputHash"> & { input: unknown };

/** The latest answer to a question about the record at `seq`, asked by code that came with this tool and input. */
export function findAnswer(
  { pauses }: Pick<Assignment, "pauses">,
  seq: number,
  { tool, inputHash }: Pick<StepSubject, "tool" | "inputHash">,
): PauseEnd | undefined {
  return pauses.findLast(
    ({ end, concerns }) =>
      end === "answered" && concerns?.seq === seq && concerns.tool === tool && concerns.inputHash === inputHash,
  );
}

/** Whether a question is about this step. */
export function isAboutStep({ name, key, ordinal }: Pick<StepSubject, "name" | "key" | "ordinal">) {
  return (concern: Concern): boolean =>
    concern.of === "step" && concern.name === name && concern.key === key && concern.ordinal === ordinal;
}

/** What a question about a recorded step is about. */
export function toStepConcern(known: StepReceipt, present: PresentStep): Concern {
  const { name, key, ordinal, tool, inputHash } = present;
  return {
    of: "step",
    name,
    ...(key === undefined ? {} : { key }),
    ordinal,
    seq: known.seq,
    differs: differencesOf(known, present),
    ...(tool === undefined ? {} : { tool }),
    ...(inputHash === undefined ? {} : { inputHash }),
    waitsForCode: known.status !== "begun", // whether that took effect no code can tell
  };
}

/** Both inputs beside each other, as far as they are shown. The record is read for it; its text may have been erased. */
export async function readSides(
  reader: { client: Pick<Client, "events">; taskId: Assignment["taskId"]; agent: string },
  known: StepReceipt,
  present: PresentStep,
): Promise<Sides> {
  if (differencesOf(known, present).length === 0) return {};
  const event = await readEvent(reader, known.seq);
  return toSides({ tool: known.tool, input: event?.body?.input }, present);
}

/** One event of a task. */
export async function readEvent(
  { client, taskId, agent }: { client: Pick<Client, "events">; taskId: Assignment["taskId"]; agent: string },
  seq: number,
): Promise<JournalEvent | undefined> {
  const { events } = await client.events.read({ taskId, from: seq, pageSize: 1 }, { agent });
  return events.find((event) => event.seq === seq);
}

/** A step that comes with another tool or input than it was recorded with. */
export function toDiverged(taskId: string, known: StepReceipt, concerns: Concern & Sides): AionisError {
  const what = `Step ${toStepLabel(known)} of ${taskId} was recorded with another ${concerns.differs.join(" and another ")}`;
  return new AionisError("STEP_DIVERGED", `${what} than the code that runs now gives it.`, {
    facts: { seq: known.seq, status: known.status, concerns },
  });
}

/** A step that began and whose end is not recorded. */
export function toOutcomeUnknown(taskId: string, known: StepReceipt, concerns: Concern & Sides): AionisError {
  const { differs } = concerns;
  const now = differs.length === 0 ? "" : ` The code that runs now gives it another ${differs.join(" and another ")}.`;
  const what = `Step ${toStepLabel(known)} of ${taskId} began (by ${known.agent}) and never ended.${now}`;
  return new AionisError("STEP_OUTCOME_UNKNOWN", what, { facts: { seq: known.seq, concerns } });
}
