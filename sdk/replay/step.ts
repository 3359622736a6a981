// One step of a replay
//
// Whether a step is taken, what it is handed, and doing it as a durable step of the replay's task. Owns: conditions around a tool's use.
// Does not own: what becomes of a replay whose step is broken (`replay.ts`).
//
// Invariants:
//   Y1. What was decided or done is recorded under the step's own name and is not decided or done again by a run that starts over: nor is
//       what was broken, until somebody says so, which makes it another try under another name.
//   Y2. A step is recorded as done only when the conditions after it hold.

import { AionisError, isFailure } from "../../src/contracts/failures.ts";
import type { Condition, PlaybookStep, Safety } from "../../src/contracts/playbook.ts";
import { renderCondition, renderInput, SlotError, type SlotScope } from "../../src/playbook/index.ts";
import { listSlots, stepOf } from "../../src/playbook/json-template.ts";
import type { RunContext } from "../context.ts";
import type { CheckFunction, RunParts } from "../parts.ts";
import { type ConditionSite, holds, type Verdict } from "../tools/conditions.ts";
import type { Tool } from "../tools/tool.ts";
import { parseToolInput } from "../tools/toolbox.ts";
import { Aborted, Broken } from "./broken.ts";

/** What is the same for all steps of one replay. */
export interface ReplayParts extends Pick<RunParts, "toolbox" | "exec" | "task"> {
  ctx: RunContext;
  /** Where it works. */
  folder: string;
  checks: Readonly<Record<string, CheckFunction>>;
  /** What slots are filled from; outputs are added as they come. */
  scope: { readonly values: SlotScope["values"]; readonly outputs: Record<string, unknown> };
}

/** Whether the step is to be taken. */
export async function isTaken(parts: ReplayParts, { key, when }: PlaybookStep): Promise<boolean> {
  if (when === undefined) return true;
  if (when.kind === "given") return Object.hasOwn(parts.scope.values, when.parameter);
  const condition = fillCondition(when, parts.scope);
  const verdict = await parts.ctx.step(`whether ${key}`, { input: condition }, async () => {
    const seen = await look(condition, toSite(parts));
    return { taken: seen.holds };
  });
  return verdict.taken;
}

/** What the step hands its tool, checked. @throws Broken when a slot cannot be filled or the tool does not take it. */
export function fillInput(parts: ReplayParts, tool: Tool, step: PlaybookStep): { input: unknown; parsed: unknown } {
  const input = fillTexts(parts, step.input);
  try {
    return { input, parsed: parseToolInput(tool, input) };
  } catch (error) {
    if (isFailure(error, "TOOL_INPUT_INVALID")) throw new Broken(error.detail);
    throw error;
  }
}

/** What has to be said before the step may run: the stricter one of what the playbook says of it and what its tool says of itself. */
export function safetyOf(tool: Tool, step: PlaybookStep): Safety {
  const order: readonly Safety[] = ["auto_ok", "needs_confirm", "manual_only"];
  return order[Math.max(order.indexOf(tool.safety), order.indexOf(step.safety))] ?? "manual_only";
}

/** What a step gave back, and the files that it touched. */
export interface Done {
  output: unknown;
  files: readonly string[];
}

/** Does the step, or gives back what is recorded of it. @throws Broken, and what recording fails with (Y1). */
export async function doStep(parts: ReplayParts, tool: Tool, step: PlaybookStep, tryNumber: number): Promise<Done> {
  const { ctx, exec, folder } = parts;
  const name = tryNumber === 0 ? step.key : `${step.key} again ${tryNumber}`;
  const { input, parsed } = fillInput(parts, tool, step);
  await lookBefore(parts, step, name);
  const files = [...(tool.files?.(parsed) ?? [])];
  const options = { tool: tool.name, input, once: !tool.idempotent, files };
  const output = await recorded(() =>
    ctx.step(name, options, async ({ key, signal }) => {
      const result = await using(() => tool.execute(parsed, { workspace: folder, key, signal, exec }));
      await lookAfter(parts, step, result); // Y2
      return result;
    }),
  );
  return { output, files };
}

/** Recorded by itself, so that a run that starts over while the step is half done does not look again (Y1). */
async function lookBefore(parts: ReplayParts, { before }: PlaybookStep, name: string): Promise<void> {
  if (before.length === 0) return;
  const conditions = before.map((condition) => fillCondition(condition, parts.scope));
  await recorded(() =>
    parts.ctx.step(`before ${name}`, { input: conditions }, () => mustHold(conditions, toSite(parts))),
  );
}

/** Its conditions may name what it just gave back. */
async function lookAfter(parts: ReplayParts, { key, after }: PlaybookStep, output: unknown): Promise<void> {
  const { scope } = parts;
  const told = { ...scope, outputs: { ...scope.outputs, [key]: output } };
  const conditions = after.map((condition) => fillCondition(condition, told));
  await mustHold(conditions, { ...toSite(parts), output });
}

/** @throws Broken for the first that does not hold. */
async function mustHold(conditions: readonly Condition[], site: ConditionSite): Promise<void> {
  for (const condition of conditions) {
    const verdict = await look(condition, site);
    if (!verdict.holds) throw new Broken(`${verdict.why}${tellOutput(site.output)}`.slice(0, whyChars), condition);
  }
}

/** @throws Broken for a path that leaves the folder. */
export function look(condition: Condition, site: ConditionSite): Promise<Verdict> {
  return using(() => holds(condition, site));
}

const whyChars = 1_000;
const tailChars = 400;

/** The end of what a command said: most of the time that is why. */
function tellOutput(output: unknown): string {
  if (typeof output !== "object" || output === null || !("stderr" in output) || !("stdout" in output)) return "";
  const said = String(output.stderr || output.stdout).trim();
  return said === "" ? "" : ` It said: ${said.slice(-tailChars).toWellFormed()}`;
}

/**
 * @throws Broken when a slot cannot be filled; Aborted when it is for what a step gave back that somebody did, or said to be done: of that
 * nothing is known, and nothing speaks against the playbook.
 */
export function fillTexts({ scope }: ReplayParts, template: unknown): unknown {
  const unknown = listSlots(template)
    .map(stepOf)
    .find((key) => key !== undefined && isUnknown(scope.outputs, key));
  if (unknown !== undefined)
    throw new Aborted(`What step ${unknown} gave back is not known, and a later step needs it.`);
  return filled(() => renderInput(template, scope));
}

function isUnknown(outputs: Readonly<Record<string, unknown>>, key: string): boolean {
  return Object.hasOwn(outputs, key) && outputs[key] === undefined;
}

/** @throws Broken as `fillTexts` does. */
export function fillCondition(condition: Condition, scope: SlotScope): Condition {
  return filled(() => renderCondition(condition, scope));
}

function filled<Result>(fill: () => Result): Result {
  try {
    return fill();
  } catch (error) {
    if (error instanceof SlotError) throw new Broken(error.message);
    throw error;
  }
}

/** What a tool or a check throws breaks the step. */
async function using<Result>(use: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    throw new Broken(isFailure(error) ? error.detail : error instanceof Error ? error.message : String(error));
  }
}

/** A step that is recorded as broken says so again. What its recording fails with says nothing of the step. */
async function recorded<Result>(record: () => Promise<Result>): Promise<Result> {
  try {
    return await record();
  } catch (error) {
    const isRecorded = error instanceof Error && !(error instanceof AionisError) && "retryable" in error;
    if (isRecorded && !(error instanceof Broken)) throw new Broken(error.message);
    throw error;
  }
}

export function toSite({ ctx, folder, checks, task }: ReplayParts): ConditionSite {
  const conditionChecks = Object.entries(checks).map(([name, check]) => [name, toConditionCheck(check, task)] as const);
  return { workspace: folder, signal: ctx.signal, checks: Object.fromEntries(conditionChecks) };
}

function toConditionCheck(check: CheckFunction, task: ReplayParts["task"]): ConditionSite["checks"][string] {
  return async ({ workspace, signal, output }) => (await check({ task, signal, workspace, output })).passed;
}
