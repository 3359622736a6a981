// Replay
//
// Runs a playbook as the handler of a task of kind `replay`: steps in order, each a durable one, until the end or the first that is broken.
// Owns: the order, who is asked or handed to, what is said of the playbook in the end. Does not own: one step (`step.ts`), the dry run
// (`simulate.ts`), what the report means for the playbook, which is decided with the task's end.
//
// Invariants:
//   X1. A replay that is not sure to have gone as its playbook says never says that it passed.
//   X2. Strict stops at the first broken step, for good; what ran before stays as it is, and a copy goes.
//   X3. A run that starts over, here or at another worker, asks nothing again that was answered and does nothing again that was done.

import { z } from "zod";
import { isFailure } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { type PlaybookStep, type ReplayBreak, ReplayData, type ReplayReport } from "../../src/contracts/playbook.ts";
import type { Assignment } from "../../src/contracts/task.ts";
import { replayKind, toolRole } from "../../src/contracts/values.ts";
import type { Handler, RunContext } from "../context.ts";
import type { RunParts } from "../parts.ts";
import type { Tool } from "../tools/tool.ts";
import { Aborted, Broken } from "./broken.ts";
import { createForeseen, simulateStep, wouldBeTaken } from "./simulate.ts";
import { openSite, type Site } from "./site.ts";
import { doStep, isTaken, type ReplayParts, recorded, safetyOf } from "./step.ts";

/** What a worker hands over to the one that has the next tool. */
const GoingOn = z.object({ replay: z.literal("goes on"), isAssisted: z.boolean() });

/** Whether a replay is the worker's own to run. One that was handed over because it broke is for whoever was named. */
export function isReplay({ kind, packet }: Pick<Assignment, "kind" | "packet">): boolean {
  return kind === replayKind && (packet?.kind !== "handoff" || GoingOn.safeParse(packet.data).success);
}

/** The handler of replays. */
export function createReplay({
  toolbox,
  workspace,
  exec,
  options,
}: Pick<RunParts, "toolbox" | "workspace" | "exec" | "options">): Handler {
  return async (task, ctx) => {
    const data = ReplayData.parse(task.data); // the runtime made it
    const progress = await readProgress(task, ctx);
    let site: Site | undefined;
    try {
      site = await openSite(ctx, task.taskId, data, workspace);
      const scope = { values: data.values, outputs: progress.outputs };
      const parts = { toolbox, exec, task, ctx, folder: site.folder, checks: options.checks ?? {}, scope };
      await (data.mode === "simulate" ? simulate(parts, data, progress) : run(parts, data, progress));
      if (!progress.isHandedOver) await finish(parts, data, progress);
    } catch (error) {
      if (isEnd(error)) await site?.leave();
      return await report(ctx, progress, error);
    }
    if (!progress.isHandedOver) await site.leave();
  };
}

/** What ends a replay for good. After anything else it is tried again, where it was. */
function isEnd(error: unknown): boolean {
  return error instanceof Aborted || error instanceof Broken || isFailure(error, "CHECKS_FAILED");
}

/** How far a replay has come. */
interface Progress {
  outputs: Record<string, unknown>;
  /** Keys of steps that an earlier worker did. */
  done: Set<string>;
  isAssisted: boolean;
  isHandedOver: boolean;
  ran: number;
  skipped: string[];
  files: Set<string>;
  /** The step that is under way. */
  at: string;
}

async function readProgress({ stage, packet }: Assignment, ctx: RunContext): Promise<Progress> {
  const given = GoingOn.safeParse(packet?.data);
  const earlier = stage === 1 ? [] : (await ctx.history()).filter(({ status }) => status === "succeeded");
  const outputs = Object.fromEntries(earlier.map(({ name, output }) => [toKey(name), output]));
  return {
    ...{ outputs, done: new Set(Object.keys(outputs)), isAssisted: stage > 1 && given.data?.isAssisted !== false },
    ...{ isHandedOver: false, ran: 0, skipped: [], files: new Set<string>(), at: "its beginning" },
  };
}

/** The step's key of the name under which one of its tries was recorded. */
function toKey(name: string): string {
  return name.replace(/ again \d+$/, "");
}

async function simulate(parts: ReplayParts, { playbook: { steps } }: ReplayData, progress: Progress): Promise<void> {
  await goThrough(parts, steps, progress, {
    skip: (key) => void progress.skipped.push(key),
    async take({ key, tool }, foresight) {
      progress.ran += 1;
      await parts.ctx.step(key, { input: { tool } }, () => foresight);
    },
  });
}

/**
 * Before anything is touched: what can be known to break later stops a strict replay at once. Recorded, because a run that starts over finds
 * things half done.
 */
async function lookAhead(parts: ReplayParts, { playbook: { steps } }: ReplayData, progress: Progress): Promise<void> {
  const scope = { ...parts.scope, outputs: {} };
  const nothing = { skip: () => {}, take: () => Promise.resolve() };
  await recorded(() => parts.ctx.step("look ahead", () => goThrough({ ...parts, scope }, steps, progress, nothing)));
}

interface Walk {
  skip(key: string): void;
  take(step: PlaybookStep, foresight: unknown): Promise<void>;
}

/** A dry run over all steps. @throws Broken */
async function goThrough(
  parts: ReplayParts,
  steps: readonly PlaybookStep[],
  progress: Progress,
  { skip, take }: Walk,
): Promise<void> {
  const foreseen = createForeseen();
  for (const step of steps) {
    progress.at = step.key;
    if (!(await wouldBeTaken(parts, step, foreseen))) skip(step.key);
    else {
      const { foresight, output } = await simulateStep(parts, findTool(parts, step), step, foreseen);
      parts.scope.outputs[step.key] = output;
      await take(step, foresight);
    }
  }
}

async function run(parts: ReplayParts, data: ReplayData, progress: Progress): Promise<void> {
  if (data.mode === "strict" && progress.done.size === 0) await lookAhead(parts, data, progress);
  for (const step of data.playbook.steps) {
    progress.at = step.key;
    if (progress.done.has(step.key)) progress.ran += 1;
    else await takeStep(parts, data, progress, step);
    if (progress.isHandedOver) return;
  }
}

/** Tries until it is done, left out, or the replay ends. */
async function takeStep(parts: ReplayParts, data: ReplayData, progress: Progress, step: PlaybookStep): Promise<void> {
  for (let tryNumber = 0; ; tryNumber++) {
    try {
      const isOn = tryNumber > 0 || (await isTaken(parts, step));
      if (!isOn) return void progress.skipped.push(step.key);
      const tool = findTool(parts, step);
      if (tool === undefined) return await passOn(parts, progress, step);
      if ((await ask(parts.ctx, data, tool, step)) === "done by hand") return void noteUnknown(progress, step);
      const { output, files } = await doStep(parts, tool, step, tryNumber);
      progress.outputs[step.key] = output;
      progress.ran += 1;
      for (const path of files) progress.files.add(path);
      return;
    } catch (error) {
      if (!(error instanceof Broken) || data.mode === "strict") throw error;
      const answer = await askAboutBreak(parts.ctx, data, progress, { error, tryNumber });
      if (answer === "handed over") return;
      progress.isAssisted = true; // X1
      if (answer === "skip") {
        noteUnknown(progress, step);
        return void progress.skipped.push(step.key);
      }
    }
  }
}

/** Somebody did it, or did without it. */
function noteUnknown(progress: Progress, { key }: PlaybookStep): void {
  progress.outputs[key] = undefined;
}

function findTool({ toolbox }: ReplayParts, { tool }: PlaybookStep): Tool | undefined {
  try {
    return toolbox.find(tool);
  } catch (error) {
    if (isFailure(error, "TOOL_UNAVAILABLE")) return undefined;
    throw error;
  }
}

/** Asks for what a person has to confirm or do. The question is known by the step, so that the answer is found again (X3). */
async function ask(
  ctx: RunContext,
  { confirmed, mode, playbook }: ReplayData,
  tool: Tool,
  step: PlaybookStep,
): Promise<"go" | "done by hand"> {
  const safety = safetyOf(tool, step);
  if (safety === "auto_ok" || (safety === "needs_confirm" && confirmed)) return "go";
  const what = `step ${step.key} (${step.title}) of ${playbook.title}`.slice(0, shownChars);
  if (safety === "needs_confirm") {
    const question = `May ${what} run now, with ${step.tool}?`;
    const answer = await ctx.pause({ question, answer: z.enum(["yes", "no"]), about: `confirm ${step.key}` });
    if (answer === "yes") return "go";
    throw new Aborted(`Step ${step.key} was not confirmed.`);
  }
  if (mode === "strict") throw new Broken(`Only a person may do it: its tool ${tool.name} says so.`);
  const question = `Please do ${what} by hand. Say "done" when it is.`;
  const answer = await ctx.pause({ question, answer: z.enum(["done", "stop"]), about: `by hand ${step.key}` });
  if (answer === "done") return "done by hand";
  throw new Aborted(`Step ${step.key} was not done by hand.`);
}

const shownChars = 300;
const offersMax = 3;

/** Hands over to a worker that has the tool. An offer that nobody takes runs out, and the task comes back. */
async function passOn({ ctx, task }: ReplayParts, progress: Progress, { key, tool }: PlaybookStep): Promise<void> {
  const first = await ctx.step(`offer ${key}`, () => ({ epoch: task.epoch }));
  if (task.epoch - first.epoch >= offersMax)
    throw new Aborted(`No worker with the tool ${tool} has taken step ${key}.`);
  await ctx.handoff({
    to: { role: `${toolRole}${tool}` },
    brief: `Go on with the replay at step ${key}.`,
    nextAction: `Use ${tool}, as the playbook says.`,
    data: { replay: "goes on", isAssisted: progress.isAssisted },
    expiresIn: "30s",
  });
  progress.isHandedOver = true;
}

/** Asks what to do about a broken step, or hands the task to whoever was named for that. */
async function askAboutBreak(
  ctx: RunContext,
  { handTo, playbook }: ReplayData,
  progress: Progress,
  { error, tryNumber }: { error: Broken; tryNumber: number },
): Promise<"again" | "skip" | "handed over"> {
  const { at } = progress;
  const broken = `Step ${at} of "${playbook.title}" is broken: ${error.message}`.slice(0, limits.lineChars);
  if (handTo !== undefined) {
    await ctx.handoff({
      to: handTo,
      brief: broken,
      nextAction: `Finish the work from step ${at} on.`,
      facts: Object.keys(progress.outputs).map((key) => `Step ${key} is done.`),
      data: { replay: "broken", break: toBreak(progress, error) },
    });
    progress.isHandedOver = true;
    return "handed over";
  }
  const question = `${broken} "again" tries it once more, "skip" leaves it out, "stop" ends the replay.`;
  const answers = z.enum(["again", "skip", "stop"]);
  const answer = await ctx.pause({ question, answer: answers, about: `broken ${at} ${tryNumber}` });
  if (answer === "stop") throw error; // it broke, whoever ends it
  return answer;
}

/** The checks run where the replay worked. */
async function finish({ ctx, folder }: ReplayParts, data: ReplayData, progress: Progress): Promise<void> {
  const { isAssisted, ran, skipped } = progress;
  const said: ReplayReport = { replay: isAssisted ? "assisted" : "passed", ran, skipped };
  const summary = `${ran} of ${data.playbook.steps.length} steps of "${data.playbook.title}" ran.`;
  const files = [...progress.files].slice(0, limits.listItems);
  for (let tryNumber = 0; ; tryNumber++) {
    try {
      return await ctx.complete({ summary, data: said, files, cwd: folder });
    } catch (error) {
      if (!isFailure(error, "CHECKS_FAILED") || data.mode === "strict") throw error;
      progress.at = "checks";
      const broken = new Broken(error.detail);
      const answer = await askAboutBreak(ctx, data, progress, { error: broken, tryNumber });
      if (answer === "handed over") return;
      if (answer === "skip") throw broken; // required checks cannot be left out
      said.replay = "assisted"; // X1
    }
  }
}

/** Ends the task as failed when that is about the playbook or the place; what else went wrong is another try's. */
async function report(ctx: RunContext, progress: Progress, error: unknown): Promise<void> {
  const { ran, skipped } = progress;
  if (error instanceof Aborted) {
    await ctx.fail(error.message, { retryable: false, data: { replay: "aborted", ran, skipped } });
  } else if (error instanceof Broken || isFailure(error, "CHECKS_FAILED")) {
    if (isFailure(error)) progress.at = "checks";
    const said: ReplayReport = { replay: "failed", break: toBreak(progress, error), ran, skipped };
    await ctx.fail(`Step ${progress.at}: ${said.break?.why}`.slice(0, limits.lineChars), {
      retryable: false,
      data: said,
    });
  } else throw error;
}

function toBreak({ at }: Progress, error: Error): ReplayBreak {
  const why = error.message.slice(0, limits.lineChars).toWellFormed() || "It did not say why.";
  const condition = error instanceof Broken ? error.condition : undefined;
  return { step: at, why, ...(condition === undefined ? {} : { condition }) };
}
