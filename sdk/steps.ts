// Steps
//
// The durable steps of one run. A step's identity is its task, its stage, its name, and its key or how many-eth of that name it is; what is
// recorded under it is never run again, and a handler that starts over gets the recorded output at once.

import type { z } from "zod";
import type { Concern, Sides } from "../src/contracts/concern.ts";
import { AionisError, isFailure } from "../src/contracts/failures.ts";
import { type Jsonify, toJson } from "../src/contracts/json.ts";
import { limits } from "../src/contracts/limits.ts";
import {
  differencesOf,
  type StepIdentity,
  type StepReceipt,
  StepReport,
  StepSubject,
  toStepPlace,
} from "../src/contracts/step.ts";
import { unlessAborted } from "../src/kernel/unless-aborted.ts";
import type { Call } from "./calls.ts";
import { findAnswer, isAboutStep, readSides, toDiverged, toOutcomeUnknown, toStepConcern } from "./changes.ts";
import { type Duration, toMs } from "./duration.ts";
import { toErrorText } from "./error-text.ts";
import { type RunLife, recordTimeoutMs } from "./life.ts";
import { createOngoing } from "./ongoing.ts";
import type { RunParts } from "./parts.ts";
import type { Pauses } from "./pauses.ts";
import { toRunQuestion } from "./run-questions.ts";
import { toInputHash } from "./step-input.ts";
import { createStepNames } from "./step-names.ts";

export interface StepOptions {
  /**
   * Tells it from other steps of its name, such as the item that it is for: the same key gives the same step, whatever came before it. Steps of
   * one name that branches make side by side need it.
   */
  key?: string;
  /** What does the work, such as a tool's name. */
  tool?: string;
  /** What it works on. A step that is recorded and comes with another tool or input later is `STEP_DIVERGED`: the task waits. */
  input?: unknown;
  /** Records the intent first. After a crash the step is not run again but fails with `STEP_OUTCOME_UNKNOWN`. */
  once?: boolean;
  /** The files that it touched. */
  files?: string[];
  /**
   * How long one try may take; without end if absent. Then its `signal` fires, and the try fails with `STEP_TIMEOUT`, which is recorded and may be
   * tried again. A function that does not heed its signal goes on, and what it gives counts for nothing. One that blocks is not stopped.
   */
  timeout?: Duration;
}

/** What a step's function gets. */
export interface StepCall {
  /** Stable over retries and restarts: the idempotency key for a system outside. */
  readonly key: string;
  readonly signal: AbortSignal;
}

export interface Steps {
  /**
   * Runs `work` and records what came of it, or gives back what is recorded.
   * @throws AionisError `STEP_DIVERGED`, `STEP_OUTCOME_UNKNOWN`, `STEP_AMBIGUOUS`, `VALUE_INVALID` for an output that is not JSON; else what `work` threw, which is recorded too.
   */
  step<Output>(
    name: string,
    options: StepOptions,
    work: (call: StepCall) => Output | Promise<Output>,
  ): Promise<Jsonify<Output>>;
  /** The recorded steps of earlier stages, oldest first. */
  history(): Promise<StepReceipt[]>;
  /** Resolves when those that are in flight now are recorded. */
  settled(): Promise<unknown>;
}

const saidAgain = "It began and its outcome was not known; the answer was to run it again.";

/** Reads the steps that are recorded in the run's stage. */
export async function createSteps(
  parts: RunParts,
  life: RunLife,
  pauses: Pick<Pauses, "settle" | "isWaitingForCode">,
): Promise<Steps> {
  const { client, clock, options, task } = parts;
  const { taskId, epoch, stage } = task;
  const owned = { agent: options.agent, timeoutMs: recordTimeoutMs };
  const known = task.hasSteps ? await readSteps({ taskId, stage }) : [];
  const recorded = new Map(known.map((receipt) => [toKey(receipt), receipt]));
  const names = createStepNames(clock);
  const inFlight = createOngoing();

  async function step<Output>(
    name: string,
    stepOptions: StepOptions,
    work: (call: StepCall) => Output | Promise<Output>,
  ): Promise<Jsonify<Output>> {
    const call = life.calls.current();
    const { key, tool } = stepOptions;
    const subject = { name, key, ordinal: 0, tool, inputHash: toInputHash(stepOptions.input), call };
    refuseUnrecordable(subject, stepOptions);
    const use = names.use(subject, call);
    try {
      subject.ordinal = use.ordinal;
      const known = recorded.get(toKey(subject));
      if (known !== undefined) await use.turn(known);
      return await inFlight.add(runOnce(subject, known, stepOptions, work));
    } finally {
      use.end();
    }
  }

  async function runOnce<Output>(
    subject: Subject,
    known: StepReceipt | undefined,
    stepOptions: StepOptions,
    work: (call: StepCall) => Output | Promise<Output>,
  ): Promise<Jsonify<Output>> {
    const isAsFirst = known?.status === "succeeded" && differencesOf(known, subject).length === 0;
    if (isAsFirst && !pauses.isWaitingForCode()) return known.output as Jsonify<Output>; // at once, as branches meet in turns (N2)
    const given = await goBy(subject, known, stepOptions);
    if (given !== undefined) return given.output as Jsonify<Output>; // what this very step recorded
    if (stepOptions.once === true) {
      await recordIntent(subject, stepOptions);
    }
    return await runAndRecord(subject, stepOptions, work);
  }

  /** What the record of a step, or an answer about it, gives back; nothing when the step is to run. */
  async function goBy(
    subject: Subject,
    known: StepReceipt | undefined,
    stepOptions: StepOptions,
  ): Promise<{ output?: unknown } | undefined> {
    if (known?.status === "begun") return await goOnFromBegun(subject, known, stepOptions);
    if (known === undefined || known.status === "superseded") return undefined;
    if (known.status === "failed" && known.retryable !== false) return undefined; // it is run again anyway, and holds nothing to go by
    const differs = differencesOf(known, subject).length > 0;
    if (!differs) await pauses.settle(isAboutStep(subject));
    const choice = differs ? findAnswer(task, known.seq, subject)?.choice : "keep";
    if (choice === "rerun") return await supersede(subject, known);
    if (choice !== "keep") throw toDiverged(taskId, known, await toConcerns(subject, known, stepOptions));
    if (known.status === "succeeded") return { output: known.output };
    throw Object.assign(new Error(known.error), { retryable: false }); // what it said when it failed for good
  }

  /** An answer says what came of it, and is good for one crash. */
  async function goOnFromBegun(
    subject: Subject,
    known: StepReceipt,
    stepOptions: StepOptions,
  ): Promise<{ output?: unknown } | undefined> {
    const answered = findAnswer(task, known.seq, subject);
    if (answered === undefined) throw toOutcomeUnknown(taskId, known, await toConcerns(subject, known, stepOptions));
    if (answered.choice !== "again") {
      const output = toGivenOutput(answered.answer);
      return { output: await record(subject, stepOptions, { kind: "succeeded", output }, undefined) };
    }
    await record(subject, stepOptions, { kind: "failed", error: saidAgain, retryable: true }, undefined);
    return undefined;
  }

  /** What was recorded counts no more from now on, also when this run dies before the step has run again. */
  async function supersede(subject: Subject, { seq }: StepReceipt): Promise<undefined> {
    const step = { ...toSubject(subject), supersedes: seq };
    const { receipt } = await life.hold(() => client.tasks.step({ taskId, epoch, step }, owned));
    recorded.set(toKey(subject), receipt);
  }

  async function toConcerns(subject: Subject, known: StepReceipt, { input }: StepOptions): Promise<Concern & Sides> {
    const present = { ...subject, input };
    const sides = await life.hold(() => readSides({ client, taskId, agent: options.agent }, known, present));
    return { ...toStepConcern(known, present), ...sides };
  }

  async function runAndRecord<Output>(
    subject: Subject,
    stepOptions: StepOptions,
    work: (call: StepCall) => Output | Promise<Output>,
  ): Promise<Jsonify<Output>> {
    const startedAt = clock.mono();
    let output: Output;
    try {
      const place = subject.key === undefined ? subject.ordinal : `=${encodeURIComponent(subject.key)}`;
      const rerun = recorded.get(toKey(subject))?.rerun;
      const key = `${taskId}/${stage}/${subject.name}/${place}${rerun === undefined ? "" : `+${rerun}`}`;
      output = await withLimit(subject.name, stepOptions.timeout, (signal) =>
        life.track((async () => await work({ key, signal }))()),
      );
    } catch (error) {
      if (toRunQuestion(error) !== undefined) throw error; // of work within it: the run asks, and the step has not come to an end
      const text = toErrorText(error, "message");
      const retryable = !(
        typeof error === "object" &&
        error !== null &&
        "retryable" in error &&
        error.retryable === false
      );
      await record(subject, stepOptions, { kind: "failed", error: text, retryable }, clock.mono() - startedAt);
      throw error;
    }
    const durationMs = clock.mono() - startedAt;
    try {
      const plain = toJson(output, `The output of step ${subject.name}`);
      return await record<Output>(subject, stepOptions, { kind: "succeeded", output: plain }, durationMs);
    } catch (error) {
      if (!isFailure(error, ...unstorable)) throw error;
      throw await toUnstored(error, subject, stepOptions);
    }
  }

  /**
   * Work whose output cannot be stored was done all the same: what is recorded is that it began, so that no later run repeats it before a
   * person has said how to go on.
   */
  async function toUnstored(error: AionisError, subject: Subject, stepOptions: StepOptions): Promise<AionisError> {
    if (stepOptions.once !== true) await recordIntent(subject, stepOptions);
    const begun = recorded.get(toKey(subject));
    const concerns = begun === undefined ? {} : { concerns: await toConcerns(subject, begun, stepOptions) };
    const detail =
      "path" in error.facts // it names the value already
        ? error.detail
        : `The output of step ${subject.name} cannot be stored. ${error.detail}`;
    return new AionisError(error.code, detail, { facts: { ...error.facts, ...concerns } });
  }

  async function recordIntent(subject: Subject, { input }: StepOptions): Promise<void> {
    const intent = { ...toSubject(subject), begin: true as const, input };
    const { receipt } = await life.hold(() => client.tasks.step({ taskId, epoch, step: intent }, owned));
    recorded.set(toKey(subject), receipt);
  }

  /** Ends the wait for `work` when its time is over. */
  async function withLimit<Output>(
    name: string,
    timeout: Duration | undefined,
    work: (signal: AbortSignal) => Promise<Output>,
  ): Promise<Output> {
    if (timeout === undefined) return await work(life.signal);
    const ms = toMs(timeout);
    const late = new AbortController();
    const cancel = clock.setTimer(ms, () => {
      late.abort(new AionisError("STEP_TIMEOUT", `Step ${name} of ${taskId} was not done after ${ms} ms.`));
    });
    try {
      return await unlessAborted(work(AbortSignal.any([life.signal, late.signal])), late.signal);
    } finally {
      cancel();
    }
  }

  /** The output as it was recorded: a first run and a later one go on with the very same value. */
  async function record<Output>(
    subject: Subject,
    { input, files = [] }: StepOptions,
    outcome: { kind: "succeeded"; output?: unknown } | { kind: "failed"; error: string; retryable: boolean },
    durationMs: number | undefined,
  ): Promise<Jsonify<Output>> {
    const report = {
      ...toSubject(subject),
      input,
      outcome,
      files,
      ...(durationMs === undefined ? {} : { durationMs: Math.round(durationMs) }),
    };
    const { receipt } = await life.hold(() => client.tasks.step({ taskId, epoch, step: report }, owned));
    recorded.set(toKey(subject), receipt);
    return receipt.output as Jsonify<Output>; // what was just recorded
  }

  async function readSteps(which: { taskId: typeof taskId; stage?: number }): Promise<StepReceipt[]> {
    const receipts: StepReceipt[] = [];
    let after: number | undefined;
    do {
      const page = await client.tasks.steps(
        { ...which, ...(after === undefined ? {} : { after }), pageSize: limits.pageRows },
        owned,
      );
      receipts.push(...page.steps);
      after = page.next;
    } while (after !== undefined);
    return receipts;
  }

  return {
    step,
    settled: inFlight.settled,
    history: async () => (stage === 1 ? [] : (await readSteps({ taskId })).filter((receipt) => receipt.stage < stage)),
  };
}

/** What a person gave in place of an output: nothing, or `{ output }`. */
function toGivenOutput(answer: unknown): unknown {
  return typeof answer === "object" && answer !== null ? Reflect.get(answer, "output") : undefined;
}

/** A step as a handler asked for it. */
interface Subject extends StepIdentity {
  tool: string | undefined;
  inputHash: string | undefined;
  /** The call that made it. */
  call: Call | undefined;
}

function toSubject({ name, key, ordinal, tool, inputHash, call }: Subject): StepSubject {
  const subject = { name, key, ordinal, tool, inputHash };
  return call?.isBeside === true ? { ...subject, beside: true } : subject;
}

/** What the record of a step is refused for. */
const unstorable = ["VALUE_INVALID", "MESSAGE_TOO_LARGE", "MESSAGE_INVALID", "INPUT_INVALID"] as const;

const StepFiles = StepReport.shape.files;

/** What could not be recorded afterwards is not run at all. */
function refuseUnrecordable(subject: Subject, { files }: StepOptions): void {
  const parsed = StepSubject.safeParse(toSubject(subject));
  if (!parsed.success) throw refuseStep(subject, "cannot be called so", parsed.error);
  const named = files === undefined ? undefined : StepFiles.safeParse(files);
  if (named?.success === false) throw refuseStep(subject, "cannot have these files", named.error);
}

function refuseStep({ name }: Subject, what: string, { issues }: z.ZodError): AionisError {
  const why = issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  return new AionisError("INPUT_INVALID", `Step "${String(name).slice(0, 80)}" ${what}: ${why}.`);
}

function toKey(step: StepIdentity): string {
  const { name, ordinal } = toStepPlace(step);
  return `${ordinal}#${name}`;
}
