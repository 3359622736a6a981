// Pauses
//
// Opens a pause, ends a run that only waits for its pauses, and decides which pause an answer or a resume is for. An answer to a question
// that is over is refused: it never reaches another question.

import { toAnswerSchema, whyAnswerMisfits } from "../../../src/contracts/answers.ts";
import { Choice, type Concern, type Sides } from "../../../src/contracts/concern.ts";
import { isFailure } from "../../../src/contracts/failures.ts";
import type { PauseId } from "../../../src/contracts/ids.ts";
import { isSameJson } from "../../../src/contracts/json.ts";
import { limits } from "../../../src/contracts/limits.ts";
import type { CommandOf, Decision, Facts, PauseEnding } from "../commands.ts";
import type { Pause, TaskContext } from "../context.ts";
import { isRunning, type TaskSnapshot, toTaskState } from "../state.ts";
import { toExpiry, toLead } from "../waits.ts";
import { toClaimable } from "./claim.ts";
import { accept, refuse, refuseState } from "./refuse.ts";
import { mustRun } from "./run.ts";

type PauseInput = CommandOf<"tasks.pause">["input"];

/** Opens a pause; the run ends with it, and lease and slot are given back, unless its owner goes on. */
export function decidePause(snapshot: TaskSnapshot, command: CommandOf<"tasks.pause">, facts: Facts): Decision {
  const { context } = snapshot;
  const { input } = command;
  const refusal =
    mustRun(snapshot, command, facts) ??
    refuseUnusable(input) ??
    refuseTooMany(context) ??
    refuseKnown(context, input) ??
    refuseStrange(context, input.waitsFor) ??
    refuseGone(context, input.replaces);
  if (refusal !== undefined) return refusal;
  const pauseId = facts.ids.pause;
  const { question, answerSchema, key = pauseId, approver, note, ends } = input;
  const { concerns, sides } = splitConcern(input.concerns);
  return accept({
    type: "task.paused",
    epoch: context.epoch,
    facts: {
      pauseId,
      key,
      asks: question !== undefined,
      ...toExpiry(facts, input),
      approver,
      ends,
      ...concerns,
      ...toEnd(context, input, facts),
      ...toLead(facts),
    },
    body: { question, answerSchema, note, ...sides },
  });
}

/** What is folded, and apart from it what people read. */
function splitConcern(given: PauseInput["concerns"]): { concerns: { concerns?: Concern }; sides: Sides } {
  if (given === undefined) return { concerns: {}, sides: {} };
  const { recorded, present, ...concerns } = given;
  return { concerns: { concerns }, sides: { recorded, present } };
}

/** What becomes of the run and of the pauses that were open before. */
function toEnd(context: TaskContext, input: PauseInput, facts: Facts) {
  const { waitsFor, replaces, ends, concerns } = input;
  const rest = waitsFor === undefined ? { next: "paused" as const, withdrawn: [] } : toRest(context, waitsFor, facts);
  const withdrawn = replaces === undefined ? rest.withdrawn : [...new Set([...rest.withdrawn, replaces])];
  if (rest.next === "start" || !ends || concerns?.waitsForCode !== true) return { ...rest, withdrawn };
  return { ...rest, withdrawn, claimableAt: facts.at + toCodeWait(0) };
}

/** Ends a run whose every branch waits for a pause. */
export function decideRest(snapshot: TaskSnapshot, command: CommandOf<"tasks.rest">, facts: Facts): Decision {
  const { context } = snapshot;
  const { waitsFor } = command.input;
  const refusal = mustRun(snapshot, command, facts) ?? refuseStrange(context, waitsFor);
  if (refusal !== undefined) return refusal;
  return accept({ type: "task.rested", epoch: context.epoch, facts: toRest(context, waitsFor, facts), body: {} });
}

/** What is open and not waited for is over. What is waited for and has ended lets the work go on at once. */
function toRest(context: TaskContext, waitsFor: readonly PauseId[], facts: Facts) {
  const isOpen = (id: PauseId): boolean => context.pauses.some(({ pauseId }) => pauseId === id);
  const withdrawn = context.pauses.map(({ pauseId }) => pauseId).filter((id) => !waitsFor.includes(id));
  if (waitsFor.every(isOpen))
    return { next: "paused" as const, withdrawn, ...toNextTry(context, waitsFor, facts), ...toLead(facts) };
  return { next: "start" as const, withdrawn, ...toClaimable(context.owner?.agent ?? null, facts) };
}

/** When a task is tried again that waits for other code: the sooner the less often that was in vain. */
function toNextTry({ pauses }: TaskContext, waitsFor: readonly PauseId[], { at }: Facts) {
  const tries = pauses.flatMap(({ pauseId, tries }) =>
    tries === undefined || !waitsFor.includes(pauseId) ? [] : tries + 1,
  );
  return tries.length === 0 ? {} : { claimableAt: at + toCodeWait(Math.min(...tries)) };
}

const codeWaitMsMax = 600_000;

/** 1 s at first, for a change that is taken back at once, then twice as long each time, 10 minutes at most. */
function toCodeWait(tries: number): number {
  return Math.min(1_000 * 2 ** Math.max(tries - 2, 0), codeWaitMsMax);
}

/** A question that nobody could answer is refused when it is asked. */
function refuseUnusable(input: PauseInput): Decision | undefined {
  if (!input.ends && input.waitsFor !== undefined)
    return refuse("INPUT_INVALID", "waitsFor is given for a run that goes on; give it with the end of the run.");
  if (input.answerSchema === undefined) return undefined;
  if (input.question === undefined)
    return refuse("INPUT_INVALID", "answerSchema is given without a question; give both or neither.");
  try {
    toAnswerSchema(input.answerSchema);
    return undefined;
  } catch (failure) {
    if (!isFailure(failure, "INPUT_INVALID")) throw failure;
    return { kind: "refused", failure };
  }
}

function refuseTooMany({ id, pauses, pauseEnds, stage }: TaskContext): Decision | undefined {
  if (pauses.length >= limits.pausesOpen)
    return refuse("PAUSE_LIMIT", `${id} has ${pauses.length} open pauses, which is the limit; wait for one to end.`);
  const count = pauses.length + pauseEnds.length;
  if (count < limits.pausesPerStage) return undefined;
  return refuse("PAUSE_LIMIT", `${id} was paused ${count} times in stage ${stage}.`);
}

function refuseKnown({ id, pauses }: TaskContext, { key, replaces }: PauseInput): Decision | undefined {
  const known = pauses.find((pause) => pause.key === key);
  if (key === undefined || known === undefined || known.pauseId === replaces) return undefined;
  const { pauseId } = known;
  const what = `${id} has an open pause ${pauseId} of the key "${key}"; wait for it with tasks.rest, or give another key.`;
  return refuse("PAUSE_AMBIGUOUS", what, { pauseId });
}

function refuseStrange(
  { id, pauses, pauseEnds }: TaskContext,
  waitsFor: readonly PauseId[] = [],
): Decision | undefined {
  const strange = waitsFor.find((asked) => ![...pauses, ...pauseEnds].some(({ pauseId }) => pauseId === asked));
  return strange === undefined ? undefined : refuseMissing(id, strange);
}

/** Only an open pause can be replaced: what has ended meanwhile may have been answered. */
function refuseGone({ id, pauses }: TaskContext, replaces: PauseId | undefined): Decision | undefined {
  if (replaces === undefined || pauses.some(({ pauseId }) => pauseId === replaces)) return undefined;
  return refuseMissing(id, replaces);
}

/** An answer is for one question: the one that it names, else the only one that its author can have seen. */
export function decideAnswer(snapshot: TaskSnapshot, command: CommandOf<"tasks.answer">, facts: Facts): Decision {
  const found = findPause(snapshot, command, facts);
  if ("kind" in found) return found;
  const { id } = snapshot.context;
  if (!found.asks) return refuse("TASK_STATE_CONFLICT", `${found.pauseId} of ${id} asks nothing; use tasks.resume.`);
  const { answer } = command.input;
  const schema = facts.questions?.[snapshot.context.pauses.indexOf(found)]?.answerSchema;
  const refusal = refuseUnable(snapshot, found, facts) ?? refuseMisfit(id, schema, answer);
  if (refusal !== undefined) return refusal;
  const { epoch } = snapshot.context;
  const choice = found.concerns === undefined ? undefined : Choice.safeParse(answer).data;
  const end = toPauseEnd(snapshot, found, facts);
  return accept({
    type: "task.answered",
    epoch,
    facts: { ...end, ...(choice === undefined ? {} : { choice }) },
    body: { answer },
  });
}

export function decideResume(snapshot: TaskSnapshot, command: CommandOf<"tasks.resume">, facts: Facts): Decision {
  const found = findPause(snapshot, command, facts);
  if ("kind" in found) return found;
  const refusal = refuseUnable(snapshot, found, facts);
  if (refusal !== undefined) return refusal;
  return accept({
    type: "task.resumed",
    epoch: snapshot.context.epoch,
    facts: toPauseEnd(snapshot, found, facts),
    body: { reason: command.input.reason },
  });
}

/** The end of a pause, with what the task does then: a run that is on goes on, and what waits for a claim waits on. */
export function toPauseEnd(snapshot: TaskSnapshot, { pauseId }: Pause, facts: Facts) {
  const { pauses, lastAgent } = snapshot.context;
  if (snapshot.value === "paused") return { pauseId, next: "start" as const, ...toClaimable(lastAgent, facts) };
  if (!isRunning(snapshot)) return { pauseId, next: "start" as const };
  return { pauseId, next: pauses.length > 1 ? ("paused" as const) : ("running" as const) };
}

function findPause(snapshot: TaskSnapshot, command: CommandOf<PauseEnding>, facts: Facts): Pause | Decision {
  const { pauseId } = command.input;
  if (pauseId === undefined) return findOnly(snapshot, command, facts);
  return (
    snapshot.context.pauses.find((pause) => pause.pauseId === pauseId) ?? refuseOver(snapshot, command, pauseId, facts)
  );
}

/** The only pause that was open since the caller last saw the task: of two that it may have seen, none is meant for sure. */
function findOnly(snapshot: TaskSnapshot, command: CommandOf<PauseEnding>, facts: Facts): Pause | Decision {
  const { context } = snapshot;
  const isAnswer = command.name === "tasks.answer";
  const open = isAnswer ? context.pauses.filter(({ asks }) => asks) : context.pauses;
  const endedSeq = isAnswer ? context.questionEndedSeq : context.pauseEndedSeq;
  const [only] = open;
  if (only === undefined) return refuseNone(snapshot, command, facts);
  if (open.length === 1 && endedSeq <= (command.seenSeq ?? 0)) return only;
  const why =
    open.length > 1
      ? `${open.length} are open`
      : `another was open since ${facts.by} last saw the task, and this may be for that one`;
  const what = `${command.name} of ${context.id} names no pause, and ${why}; give the pauseId of one of: ${listOpen(context, facts)}.`;
  return refuse("PAUSE_AMBIGUOUS", what, { open: toOpen(context, facts) });
}

function refuseNone(snapshot: TaskSnapshot, command: CommandOf<PauseEnding>, facts: Facts): Decision {
  const { id, pauses, questionEndedSeq } = snapshot.context;
  if (command.name === "tasks.resume") return refuseState(snapshot, command.name);
  const [silent] = pauses;
  if (silent !== undefined)
    return refuse("TASK_STATE_CONFLICT", `${silent.pauseId} of ${id} asks nothing; use tasks.resume.`);
  if (questionEndedSeq === 0) return refuseState(snapshot, command.name);
  return refuse("QUESTION_OVER", `${id} asks nothing now: it is ${toTaskState(snapshot)}. Its last question is over.`, {
    state: toTaskState(snapshot),
    endedSeq: questionEndedSeq,
    open: toOpen(snapshot.context, facts),
  });
}

/** A named pause that is not open: it has ended, or never was one of this task. */
function refuseOver(
  { context }: TaskSnapshot,
  { input }: CommandOf<PauseEnding>,
  pauseId: PauseId,
  facts: Facts,
): Decision {
  const ended = context.pauseEnds.find((pause) => pause.pauseId === pauseId);
  if (ended === undefined && facts.named?.isOfEarlierStage !== true) return refuseMissing(context.id, pauseId);
  const end = ended?.end ?? "over with its stage";
  const isSame = ended?.end === "answered" && "answer" in input && isSameJson(facts.named?.answer, input.answer);
  const open = context.pauses.length === 0 ? "None is open now" : `Open now: ${listOpen(context, facts)}`;
  return refuse("QUESTION_OVER", `${pauseId} of ${context.id} is over: ${end}. ${open}.`, {
    pauseId,
    ...(ended === undefined ? { end: "withdrawn" } : { end: ended.end, seq: ended.seq }),
    isSameAnswer: isSame,
    open: toOpen(context, facts),
  });
}

function refuseMissing(id: string, pauseId: PauseId): Decision {
  return refuse("PAUSE_NOT_FOUND", `${id} has no pause ${pauseId}; tasks.get shows those that are open.`);
}

function refuseUnable({ context }: TaskSnapshot, { approver, pauseId }: Pause, { by }: Facts): Decision | undefined {
  if (approver === null || approver === by) return undefined;
  return refuse("NOT_ADDRESSED", `${approver} is to answer or resume ${pauseId} of ${context.id}, not ${by}.`);
}

function refuseMisfit(id: string, schema: unknown, answer: unknown): Decision | undefined {
  const size = (JSON.stringify(answer) ?? "").length;
  if (size > limits.answerBytes) {
    return refuse(
      "ANSWER_INVALID",
      `The answer for ${id} has ${size} characters; at most ${limits.answerBytes} are kept.`,
    );
  }
  const misfit = schema === undefined ? undefined : whyAnswerMisfits(schema, answer);
  return misfit === undefined ? undefined : refuse("ANSWER_INVALID", `The answer for ${id} does not fit: ${misfit}.`);
}

/** The open pauses for programs, each with the first line of its question. */
function toOpen({ pauses }: TaskContext, { questions = [] }: Facts) {
  return pauses.map(({ pauseId, asks }, index) => {
    const line = toFirstLine(questions[index]?.question);
    return { pauseId, asks, ...(line === undefined ? {} : { question: line }) };
  });
}

function listOpen(context: TaskContext, facts: Facts): string {
  const open = toOpen(context, facts).slice(0, openShown);
  return open
    .map(({ pauseId, question }) => (question === undefined ? pauseId : `${pauseId} ("${question}")`))
    .join(", ");
}

const openShown = 5;
const lineChars = 200;

/** The first line of a text, as far as a refusal shows it. */
export function toFirstLine(text: string | undefined): string | undefined {
  return text?.slice(0, lineChars).split("\n", 1)[0]?.toWellFormed();
}
