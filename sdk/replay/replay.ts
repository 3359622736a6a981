// Replay
//
// Runs a playbook as the handler of a task of kind `replay`: steps in order, each a durable one, until the end or the first that is broken.
// Owns: the order, and what is said of the playbook in the end. Does not own: one step (`step.ts`), who is asked or handed to (`asking.ts`),
// the dry run (`simulate.ts`), what the report means for the playbook, which is decided with the task's end.
//
// Invariants:
//   X1. A replay that is not sure to have gone as its playbook says never says that it passed.
//   X2. Strict stops at the first broken step, for good; what ran before stays as it is, and a copy goes.
//   X3. A run that starts over, here or at another worker, asks nothing again that was answered and does nothing again that was done.

import { isFailure } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { type PlaybookStep, type ReplayBreak, ReplayData, type ReplayReport } from "../../src/contracts/playbook.ts";
import type { Handler, RunContext } from "../context.ts";
import type { RunParts } from "../parts.ts";
import type { Tool } from "../tools/tool.ts";
import { ask, askAboutBreak, passOn } from "./asking.ts";
import { Aborted, Broken } from "./broken.ts";
import { type Progress, readProgress, toBreak } from "./progress.ts";
import { createForeseen, simulateStep, wouldBeTaken } from "./simulate.ts";
import { openSite, type Site } from "./site.ts";
import { doStep, isTaken, type ReplayParts } from "./step.ts";

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
  const seen = await parts.ctx.step("look ahead", async (): Promise<{ break?: ReplayBreak }> => {
    try {
      await goThrough({ ...parts, scope }, steps, progress, nothing);
      return {};
    } catch (error) {
      if (error instanceof Broken) return { break: toBreak(progress, error) };
      throw error;
    }
  });
  if (seen.break === undefined) return;
  progress.at = seen.break.step;
  throw new Broken(seen.break.why, seen.break.condition);
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
    if (!progress.done.has(step.key)) await takeStep(parts, data, progress, step);
    else if (!progress.skipped.includes(step.key)) progress.ran += 1;
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
