// Questions of a run
//
// Which errors of a handler neither end its task nor cost it an attempt, because only other code or a person can let it go on: the run ends
// with a question instead. Owns: the texts, and what may be answered. Does not own: when the task is tried again, which the runtime decides.

import { z } from "zod";
import { type Choice, Concern, Sides } from "../src/contracts/concern.ts";
import { type AionisError, type FailureCode, isFailure } from "../src/contracts/failures.ts";
import { toAbout, toChangedAbout } from "../src/contracts/step.ts";
import { listErrors } from "./error-causes.ts";
import type { PauseInput } from "./pauses.ts";

/** What a run that cannot go on asks. */
export interface RunQuestion {
  /** The key of its pause. */
  key: string;
  input: PauseInput;
  /** Why the run ended, as a part of a sentence. */
  why: string;
}

/** Mistakes in code: the key of the pause, and why the run ended. */
const mistakes: Partial<Record<FailureCode, { key: string; why: string }>> = {
  VALUE_INVALID: { key: "!a value that cannot be stored", why: "a value cannot be stored" },
  STEP_DIVERGED: { key: "!work that was recorded by other code", why: "its code does not fit what is recorded" },
  STEP_AMBIGUOUS: { key: "!steps that cannot be told apart", why: "two of its steps cannot be told apart" },
  PAUSE_AMBIGUOUS: { key: "!questions that cannot be told apart", why: "two of its questions cannot be told apart" },
};

/** What is asked because of `error`, or of an error that it was made from; nothing when it is a failure of the try. */
export function toRunQuestion(error: unknown): RunQuestion | undefined {
  for (const next of listErrors(error)) {
    const asked = toQuestion(next);
    if (asked !== undefined) return asked;
  }
  return undefined;
}

function toQuestion(error: unknown): RunQuestion | undefined {
  if (!isFailure(error)) return undefined;
  const concerns = ConcernFacts.safeParse(error.facts.concerns).data;
  if (concerns !== undefined && concerns.of !== "code") return askAboutRecord(error, concerns);
  const mistake = mistakes[error.code];
  return mistake === undefined ? undefined : askForCode(error, mistake);
}

const ConcernFacts = z.object({ ...Concern.shape, ...Sides.shape });

function askAboutRecord(error: AionisError, concerns: z.infer<typeof ConcernFacts>): RunQuestion {
  if (concerns.of === "part") return askAboutPart(error, concerns);
  const step = { name: concerns.name ?? "", key: concerns.key, ordinal: concerns.ordinal ?? 0 };
  if (error.code !== "STEP_DIVERGED") return askAboutOutcome(error, toKey(toAbout(step)), concerns);
  const ways = `"keep" goes on with what is recorded, "rerun" runs the step again with the code that runs now.`;
  const question = `${error.detail} ${goesOn} ${ways}`;
  const input = { question, answerSchema: toSchema("keep", "rerun"), concerns };
  return { key: toKey(toChangedAbout(step)), input, why: "a recorded step has another input" };
}

/** Only a person can look whether it took effect. */
function askAboutOutcome(error: AionisError, key: string, concerns: z.infer<typeof ConcernFacts>): RunQuestion {
  const what =
    error.code === "STEP_OUTCOME_UNKNOWN"
      ? "Did it take effect?"
      : "The step was done, and is not run again by itself.";
  const ways = `"done" records it as done, { "output": … } records it with that output, "again" runs it again.`;
  const input = { question: `${error.detail} ${what} ${ways}`, answerSchema: outcomeSchema, concerns };
  return { key, input, why: "a step's outcome is not known" };
}

function askAboutPart(error: AionisError, concerns: z.infer<typeof ConcernFacts>): RunQuestion {
  const isKeyed = concerns.key !== undefined; // else it may be one that was put before the other
  const ways = [
    `"keep" takes what was given away in its place`,
    `"rerun" cancels that and gives this away`,
    ...(isKeyed ? [] : [`"add" gives this away as one more`]),
  ];
  const question = `${error.detail} ${goesOn} ${ways.join(", ")}.`;
  const answerSchema = isKeyed ? toSchema("keep", "rerun") : toSchema("keep", "rerun", "add");
  const input = { question, answerSchema, concerns };
  return { key: toKey(`part ${concerns.seq} changed`), input, why: "a part was given away with another content" };
}

function askForCode(error: AionisError, { key, why }: { key: string; why: string }): RunQuestion {
  const { step } = error.facts;
  const name = typeof step === "string" && step !== "" ? { name: step.slice(0, nameChars).toWellFormed() } : {};
  const concerns = { of: "code" as const, ...name, differs: [], waitsForCode: true };
  const question = `${error.detail} The task goes on by itself with corrected code. "again" tries it at once.`;
  return { key, input: { question, answerSchema: toSchema("again"), concerns }, why };
}

/** The key of a question that the run asks by itself: no `about` of a handler's begins so. */
function toKey(about: string): string {
  return `!${about}`;
}

const goesOn = "The task goes on by itself with code that fits.";
const nameChars = 200;

/** What may be said of a step that began and whose output is not recorded. */
const outcomeSchema = {
  anyOf: [
    { type: "string", enum: ["done", "again"] },
    { type: "object", properties: { output: {} }, required: ["output"], additionalProperties: false },
  ],
};

function toSchema(...choices: Choice[]): Record<string, unknown> {
  return { type: "string", enum: choices };
}
