// Asking: what a replay cannot do by itself. Each question is known by the step it is about, so that its answer is found again by a run that
// starts over (X3 in `replay.ts`).

import { z } from "zod";
import { limits } from "../../src/contracts/limits.ts";
import type { PlaybookStep, ReplayData } from "../../src/contracts/playbook.ts";
import { toolRole } from "../../src/contracts/values.ts";
import type { RunContext } from "../context.ts";
import type { Tool } from "../tools/tool.ts";
import { Aborted, Broken } from "./broken.ts";
import { type Progress, toBreak, toGoingOn } from "./progress.ts";
import { type ReplayParts, safetyOf } from "./step.ts";

/** Asks for what a person has to confirm or do. @throws Aborted when they say no */
export async function ask(
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
export async function passOn(
  { ctx, task }: ReplayParts,
  progress: Progress,
  { key, tool }: PlaybookStep,
): Promise<void> {
  const first = await ctx.step(`offer ${key}`, () => ({ epoch: task.epoch }));
  if (task.epoch - first.epoch >= offersMax)
    throw new Aborted(`No worker with the tool ${tool} has taken step ${key}.`);
  await ctx.handoff({
    to: { role: `${toolRole}${tool}` },
    brief: `Go on with the replay at step ${key}.`,
    nextAction: `Use ${tool}, as the playbook says.`,
    data: toGoingOn(progress),
    expiresIn: "30s",
  });
  progress.isHandedOver = true;
}

/** Asks what to do about a broken step, or hands the task to whoever was named for that. */
export async function askAboutBreak(
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
      facts: listDone(playbook.steps, progress),
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

/** What need not be done again, be it by a tool that gives nothing back or by hand. */
function listDone(steps: readonly PlaybookStep[], { outputs, skipped }: Progress): string[] {
  const done = steps.filter(({ key }) => Object.hasOwn(outputs, key) && !skipped.includes(key));
  return done.map(({ key }) => `Step ${key} is done.`);
}
