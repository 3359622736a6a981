// Run context
//
// What a handler can do with its task. Each call is one or two public verbs under the run's epoch; nothing here has a way around them.

import { z } from "zod";
import { AionisError } from "../src/contracts/failures.ts";
import { guidanceTool } from "../src/contracts/guidance.ts";
import type { Jsonify } from "../src/contracts/json.ts";
import type { OperationInput } from "../src/contracts/operations/index.ts";
import { checkObject, checkOptions } from "../src/contracts/options.ts";
import type { Packet, Return } from "../src/contracts/packet.ts";
import type { StepReceipt } from "../src/contracts/step.ts";
import type { Assignment, PauseEnd } from "../src/contracts/task.ts";
import type { Target } from "../src/contracts/values.ts";
import type { CommandResult } from "../src/kernel/exec.ts";
import { createDelegations, type Delegated } from "./delegations.ts";
import { type Duration, toMs } from "./duration.ts";
import { askGuidance, type Guidance } from "./guidance.ts";
import { type RunEnd, type RunLife, recordTimeoutMs } from "./life.ts";
import type { Delegation } from "./part-ids.ts";
import type { RunParts } from "./parts.ts";
import { createPauseKeys } from "./pause-keys.ts";
import type { PauseInput, Pauses } from "./pauses.ts";
import type { StepCall, StepOptions, Steps } from "./steps.ts";
import type { Tool } from "./tools/tool.ts";
import { parseToolInput } from "./tools/toolbox.ts";
import { type AnyCheck, runChecks } from "./verifier.ts";

type PacketText = OperationInput<"handoff.offer">["packet"];

/** A handoff: whom the task is for, and what they must know. Give `nextAction` or `files`. */
export type HandoffOffer = PacketText & { to: Target; expiresIn?: Duration };

export interface Question<Answer extends z.ZodType> {
  question: string;
  /** What an answer looks like. */
  answer: Answer;
  /** After which the pause ends without an answer: `PAUSE_EXPIRED`. */
  expiresIn?: Duration;
  /** Who is to answer; anyone if absent. */
  approver?: string;
  /**
   * A name by which its answer is found, once a stage: a run that asks two things under one name is refused. Without one a question is
   * known by its text and the schema of its answer, and equal ones by their order.
   */
  about?: string;
}

export interface Completion {
  summary?: string;
  data?: unknown;
  files?: string[];
  artifacts?: string[];
  evidence?: string[];
  /** Checks beside those that the task was started with. */
  checks?: { name: string; command?: string[]; required?: boolean }[];
  /** Where the checks' commands run. */
  cwd?: string;
}

export interface RunOptions {
  /** Tells it from other steps of its name, as `StepOptions.key` does. */
  key?: string;
  cwd?: string;
  env?: Record<string, string>;
  timeout?: Duration;
  /** Bytes kept of each of stdout and stderr, the last ones. */
  outputBytes?: number;
}

export interface ToolOptions {
  /** Tells it from other steps of its name, as `StepOptions.key` does. */
  key?: string;
  /** The files that it touches; what the tool says of them if absent. */
  files?: string[];
}

/**
 * What a handler is given beside its task. When the run ends, from outside or by a call of the handler's own, each call that waits and each
 * later one rejects with `RunEnded`; the completion, handoff or failure that ended it resolves.
 */
export interface RunContext {
  /** Fires when the run ends, for whatever reason; its reason is the `RunEnded` that waiting calls reject with. */
  readonly signal: AbortSignal;
  /** The packet that this task was handed over or delegated with. */
  readonly packet: Packet | undefined;
  /**
   * Runs `work` once and records its output as JSON; after a crash or a retry the recorded output is given back. The first run gets the
   * same: dates as texts, for instance. See `Steps.step`. @throws AionisError `VALUE_INVALID` with the path of what JSON cannot carry.
   */
  step<Output>(name: string, work: (call: StepCall) => Output | Promise<Output>): Promise<Jsonify<Output>>;
  step<Output>(
    name: string,
    options: StepOptions,
    work: (call: StepCall) => Output | Promise<Output>,
  ): Promise<Jsonify<Output>>;
  /** Runs a command as a step. A non-zero exit code is a result, not an error. */
  run(name: string, argv: string[], options?: RunOptions): Promise<CommandResult>;
  /**
   * Uses a tool of this worker's as a step, by its name or as it was defined. One that is not idempotent records its intent first, as
   * `once` does. @throws AionisError `TOOL_UNAVAILABLE`, `TOOL_INPUT_INVALID`, and what `step` fails with.
   */
  tool<Input, Output>(
    stepName: string,
    tool: Tool<Input, Output>,
    input: Input,
    options?: ToolOptions,
  ): Promise<Jsonify<Output>>;
  tool(stepName: string, tool: string, input: unknown, options?: ToolOptions): Promise<unknown>;
  /** The steps of earlier stages, oldest first. */
  history(): Promise<StepReceipt[]>;
  /**
   * What earlier work says about this task. Asked at the first call and recorded as a step, so that a restart gets the same; how the task
   * ends is counted for or against the lessons that were to be used. What it names is looked for in `repo`, a checkout on this machine; if
   * absent, in the worker's `workspace` or `cwd`, when it was given one that can be read. @throws AionisError what `taskStart` fails with.
   */
  guidance(options?: GuidanceOptions): Promise<Guidance>;
  /**
   * Asks, and gives the answer. The run ends, with `RunEnded`, when all that it does waits for answers, and a later one goes on with them; while
   * other branches go on, it stays. An answer that the schema no longer takes is asked for again.
   * @throws AionisError `PAUSE_EXPIRED` when the pause ended without one: in time, or because the task was resumed; `PAUSE_AMBIGUOUS` when
   * an equal question without an `about` is asked beside other calls, or another one was asked with the same `about`.
   */
  pause<Answer extends z.ZodType>(question: Question<Answer>): Promise<z.output<Answer>>;
  /** Waits until the task is resumed, as for an answer. */
  pause(): Promise<void>;
  /** Offers the task to somebody else; the run ends with it. */
  handoff(offer: HandoffOffer): Promise<void>;
  /** Gives a part away and waits for what comes back, without holding a slot. */
  delegate(part: Delegation): Promise<Return>;
  /** The same for several parts at once; the returns are in the order of the parts. */
  delegate(parts: Delegation[]): Promise<Return[]>;
  /** What this task has delegated so far, in all stages, oldest first: a new owner awaits here what earlier ones left open. */
  delegations(): Promise<Delegated[]>;
  /** Says that the work is done. With checks they run first. @throws AionisError `CHECKS_FAILED`, and the run goes on. */
  complete(result?: Completion): Promise<void>;
  /** Says that this try failed. */
  fail(error: string, options?: { retryable?: boolean; data?: unknown }): Promise<void>;
  /** Live output for whoever looks; not recorded. */
  progress(data: unknown): void;
}

export interface GuidanceOptions {
  /** A folder of the checkout that the work is done in. */
  repo?: string;
}

/** What to do with a task. It may start over after a crash: what it did in steps is not done again. */
export type Handler = (task: Assignment, ctx: RunContext) => unknown;

const commandTimeoutMs = 10 * 60_000;
const commandOutputBytes = 16 * 1024;
const progressEveryMs = 100;

interface ContextParts extends RunParts {
  /** Waits for something without holding a slot of the worker. */
  withoutSlot<Result>(wait: () => Promise<Result>): Promise<Result>;
}

/** What the calls of a context are made with. */
export interface RunCalls {
  steps: Steps;
  pauses: Pauses;
}

/** The context of one run. */
export function createContext(parts: ContextParts, life: RunLife, { steps, pauses }: RunCalls): RunContext {
  const { client, clock, options, task, exec } = parts;
  const { taskId, epoch } = task;
  const owned = { agent: options.agent, timeoutMs: recordTimeoutMs };
  const keys = createPauseKeys(life.calls);
  const { delegate, list } = createDelegations(parts, life, pauses);
  let guided: Promise<Guidance> | undefined;
  let progressAt = Number.NEGATIVE_INFINITY;

  function step<Output>(
    name: string,
    second: StepOptions | ((call: StepCall) => Output | Promise<Output>),
    third?: (call: StepCall) => Output | Promise<Output>,
  ): Promise<Jsonify<Output>> {
    if (typeof second === "function") return steps.step(name, {}, second);
    checkOptions("ctx.step", second);
    if (typeof third !== "function") throw new AionisError("INPUT_INVALID", `Step "${name}" has no function.`);
    return steps.step(name, second, third);
  }

  function run(name: string, argv: string[], runOptions: RunOptions = {}): Promise<CommandResult> {
    checkOptions("ctx.run", runOptions);
    refuseNoCommand(name, argv);
    const cwd = runOptions.cwd ?? options.cwd;
    // The worker's own folder is no part of the input: the next worker may have the same files elsewhere.
    const input = { argv, ...(runOptions.cwd === undefined ? {} : { cwd: runOptions.cwd }) };
    return steps.step(name, { ...withKey(runOptions), tool: "command", input }, ({ signal }) =>
      exec.run({
        argv,
        cwd,
        env: runOptions.env,
        timeoutMs: runOptions.timeout === undefined ? commandTimeoutMs : toMs(runOptions.timeout),
        outputBytes: runOptions.outputBytes ?? commandOutputBytes,
        signal,
      }),
    );
  }

  /** The input is recorded as it was given, so that whoever runs the step again parses it as this did. */
  async function tool(stepName: string, asked: string | Tool, input: unknown, toolOptions: ToolOptions = {}) {
    const { toolbox, workspace } = parts;
    checkOptions("ctx.tool", toolOptions);
    const found = toolbox.find(asked);
    const parsed = parseToolInput(found, input);
    const touched = toolOptions.files ?? [...(found.files?.(parsed) ?? [])];
    const stepOptions = { ...withKey(toolOptions), tool: found.name, input, once: !found.idempotent, files: touched };
    return await steps.step(stepName, stepOptions, ({ key, signal }) =>
      found.execute(parsed, { workspace, key, signal, exec }),
    );
  }

  /** Asked once a run: a task that is under way is not told something else. */
  function guidance(asked: GuidanceOptions = {}): Promise<Guidance> {
    checkOptions("ctx.guidance", asked);
    const { repo } = asked;
    const own = options.workspace ?? options.cwd;
    guided ??= steps
      .step("guidance", { tool: guidanceTool }, ({ signal }) =>
        askGuidance(parts.questions, task, { asked: repo, own }, { agent: options.agent, signal }),
      )
      .catch((error: unknown) => {
        guided = undefined; // the next call asks again
        throw error;
      });
    return guided;
  }

  async function pause(question?: Question<z.ZodType>): Promise<unknown> {
    if (question !== undefined) checkOptions("ctx.pause", question);
    const input = toPauseInput(question);
    const key = question?.about === undefined ? keys.next(input) : keys.named(question.about, input);
    for (let end = pauses.ended(key); ; end = await life.calls.waiting(() => wait(key, input))) {
      if (end === undefined) continue;
      if (question === undefined) return undefined;
      if (end.end !== "answered") throw toUnanswered(question, end);
      const answer = await question.answer.safeParseAsync(end.answer);
      if (answer.success) return answer.data; // else it was for another schema, or it was erased
    }
  }

  /** Within a step's function the run goes on, and needs no slot for it. */
  function wait(key: string, input: PauseInput): Promise<PauseEnd> {
    const isWithin = life.calls.current()?.outer !== undefined;
    return isWithin ? parts.withoutSlot(() => pauses.wait(key, input)) : pauses.wait(key, input);
  }

  async function handoff(offer: HandoffOffer): Promise<RunEnd> {
    checkObject("ctx.handoff", offer, '{ to: { role: "docs" }, nextAction: "Write it" }');
    const { to, expiresIn, ...packet } = offer;
    const expiry = expiresIn === undefined ? {} : { expiresInMs: toMs(expiresIn) };
    await life.holdLast(() => client.handoff.offer({ taskId, epoch, to, packet, ...expiry }, owned));
    return { reason: "handed over", why: "the task was handed over" };
  }

  async function complete(completion: Completion = {}): Promise<RunEnd> {
    checkObject("ctx.complete", completion, '{ summary: "It is done" }');
    const { checks = [], cwd, ...result } = completion;
    const { state } = await life.holdLast(() =>
      client.tasks.complete({ taskId, epoch, return: result, checks }, owned),
    );
    if (state === "verifying") await verify(checks, cwd);
    return { reason: "completed", why: "the task is complete" };
  }

  /** The checks run here, under the same claim; a required one that fails leaves the run on. */
  async function verify(added: NonNullable<Completion["checks"]>, cwd: string | undefined): Promise<void> {
    const known = new Set(task.checks.map(({ name }) => name));
    const all: AnyCheck[] = [...task.checks, ...added.filter(({ name }) => !known.has(name))];
    const results = await life.track(runChecks(parts, all, { cwd, signal: life.signal }));
    const { state } = await life.holdLast(() => client.tasks.verify({ taskId, epoch, results }, owned));
    if (state !== "running") return;
    const failed = all.filter(({ required }, index) => required !== false && results[index]?.passed === false);
    const names = failed.map(({ name }) => name).join(", ");
    throw new AionisError("CHECKS_FAILED", `${taskId} is not done: ${names} failed.`, { facts: { results } });
  }

  async function fail(error: string, failOptions: { retryable?: boolean; data?: unknown } = {}) {
    checkOptions("ctx.fail", failOptions);
    const { retryable = true, data } = failOptions;
    await life.holdLast(() =>
      client.tasks.fail({ taskId, epoch, error, retryable, ...(data === undefined ? {} : { data }) }, owned),
    );
    return { reason: "failed", why: "the try failed" } as const;
  }

  /** What a handler calls ends with its run (R1 in `life.ts`). */
  function ending<Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) {
    return (...args: Args): Promise<Result> => life.call(() => work(...args));
  }

  /** The same for what ends the run. */
  function last<Args extends unknown[]>(work: (...args: Args) => Promise<RunEnd>) {
    return (...args: Args): Promise<void> => life.lastCall(() => work(...args));
  }

  return {
    signal: life.signal,
    packet: task.packet,
    step: ending(step) as RunContext["step"], // the overloads say what each form gives
    run: ending(run),
    tool: ending(tool) as RunContext["tool"], // as above
    history: ending(() => life.hold(steps.history)),
    guidance: ending(guidance),
    pause: ((question) => life.call(() => pause(question))) as RunContext["pause"], // as above
    handoff: last(handoff),
    delegate: ending(delegate) as RunContext["delegate"], // as above
    delegations: ending(list),
    complete: last(complete),
    fail: last(fail),
    progress(data) {
      if (life.isOver() || clock.mono() - progressAt < progressEveryMs) return;
      progressAt = clock.mono();
      parts.link.publishProgress(taskId, options.agent, data);
    },
  };
}

function withKey({ key }: { key?: string }): { key?: string } {
  return key === undefined ? {} : { key };
}

function toUnanswered({ question }: Question<z.ZodType>, { seq, end }: PauseEnd): AionisError {
  const how = end === "expired" ? "Nobody answered in time" : "The task was resumed without an answer";
  return new AionisError("PAUSE_EXPIRED", `${how}: "${question.slice(0, 200)}".`, { facts: { seq, end } });
}

/** JavaScript takes a text for a list of letters. */
function refuseNoCommand(name: string, argv: unknown): void {
  const isCommand = Array.isArray(argv) && typeof argv[0] === "string" && argv[0] !== "";
  if (isCommand) return;
  const text = `The command of step ${name} is a list of a program and its arguments, such as ["ls", "-l"].`;
  throw new AionisError("INPUT_INVALID", text);
}

function toPauseInput(question: Question<z.ZodType> | undefined): PauseInput {
  if (question === undefined) return {};
  const { approver, expiresIn } = question;
  return {
    question: question.question,
    answerSchema: toAnswerSchema(question.answer),
    ...(approver === undefined ? {} : { approver }),
    ...(expiresIn === undefined ? {} : { expiresInMs: toMs(expiresIn) }),
  };
}

/** What may be answered is what goes into the schema: its transforms and defaults are applied when the answer comes to the handler. */
function toAnswerSchema(answer: z.ZodType): Record<string, unknown> {
  try {
    return z.toJSONSchema(answer, { io: "input" }) as Record<string, unknown>; // a JSON Schema is an object
  } catch (cause) {
    throw new AionisError("INPUT_INVALID", `The answer cannot be described as a JSON Schema: ${String(cause)}.`, {
      cause,
    });
  }
}
