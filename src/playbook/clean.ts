// Cleaning
//
// Takes the detours out of one run, so that what is left is what somebody would do who had known the way. Owns: what is a detour, told from
// one run alone. Does not own: whether a result was used, and what other runs say about a step (compile.ts).
//
// What a step read stays for now: only when the slots are known it shows whether anything came from there.

import { guidanceTool } from "../contracts/guidance.ts";
import { isSameJson } from "../contracts/json.ts";
import { limits } from "../contracts/limits.ts";
import { foldEdits } from "./fold-edits.ts";
import type { RecordedRun, RecordedStep } from "./run.ts";
import { argvOf, type Effect, editsOf, effectOf, exitCodeOf, pathOf, textOf } from "./tools.ts";

/** A step that may become one of the playbook's. */
export interface CleanStep {
  readonly seq: number;
  readonly title: string;
  readonly tool: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly effect: Effect;
  /** A command that failed and that nothing came back to: part of the way only if other runs have it too. */
  readonly isDoubtful: boolean;
  /** Somebody was asked before it. */
  readonly isAsked: boolean;
}

/** A step that was left out. */
export interface LeftOut {
  readonly title: string;
  readonly why: string;
}

/** The steps of `run` without its detours, in their order, and what was left out. */
export function cleanRun(run: RecordedRun): { steps: CleanStep[]; leftOut: LeftOut[] } {
  const leftOut: LeftOut[] = [];
  const leave = (title: string, why: string): void => {
    leftOut.push({ title, why });
  };
  const usable = run.steps.flatMap((step) => {
    const why = whyUnusable(step);
    if (why === undefined) return [toClean(step)];
    leave(step.name, why);
    return [];
  });
  let steps: readonly CleanStep[] = usable;
  for (const rule of [dropFailedCommands, dropRepeats, dropRepeatedChecks, foldChanges]) steps = rule(steps, leave);
  for (const brief of run.delegated ?? [])
    leave(toTitle(brief), "it was given to somebody else: its own task shows it");
  return { steps: markAsked(steps, run.answers ?? []), leftOut };
}

/** Whoever was asked was asked about the next thing that was done, as far as it was more than a look. */
function markAsked(steps: readonly CleanStep[], answers: readonly number[]): CleanStep[] {
  const asked = new Set(
    answers.map((answer) =>
      steps.find(({ seq, effect }) => seq > answer && effect !== "reads" && effect !== "verifies"),
    ),
  );
  return steps.map((step) => (asked.has(step) ? { ...step, isAsked: true } : step));
}

function toTitle(text: string): string {
  return text.slice(0, limits.nameChars).toWellFormed() || "a part"; // the cut may go through a pair
}

type Leave = (title: string, why: string) => void;

function whyUnusable({ succeeded, tool }: RecordedStep): string | undefined {
  if (!succeeded) return "it failed";
  if (tool === guidanceTool) return "it asked what earlier work says";
  return tool === undefined ? "it is a function of a worker, and no tool that can be run again" : undefined;
}

function toClean({ seq, name, tool = "", input, output }: RecordedStep): CleanStep {
  const use = { tool, input, output };
  const isDoubtful = (exitCodeOf(use) ?? 0) !== 0;
  return { seq, title: name, tool, input, output, effect: effectOf(use), isDoubtful, isAsked: false };
}

/** A command that failed and went well later, after a fix, shows by its last time that it is well. */
function dropFailedCommands(steps: readonly CleanStep[], leave: Leave): CleanStep[] {
  return steps.filter((step, index) => {
    const isRepeated =
      step.isDoubtful && steps.slice(index + 1).some((later) => !later.isDoubtful && isAgain(step, later));
    if (isRepeated) leave(step.title, "it failed, and went well when it was repeated");
    return !isRepeated;
  });
}

/** The same input, or what is likely the same command put right: `npm tset`, then `npm test`. */
function isAgain(failed: CleanStep, later: CleanStep): boolean {
  if (isSameStep(failed, later)) return true;
  const [before, after] = [argvOf(failed), argvOf(later)];
  if (before === undefined || after === undefined || failed.effect === "verifies" || before[0] !== after[0])
    return false;
  const shared = before.filter((each) => after.includes(each)).length;
  return shared >= 2 && shared >= Math.max(before.length, after.length) - 1;
}

/** The same thing twice while nothing changed between; the first one stays. */
function dropRepeats(steps: readonly CleanStep[], leave: Leave): CleanStep[] {
  let since: CleanStep[] = [];
  return steps.filter((step) => {
    if (since.some((earlier) => isSameStep(earlier, step))) {
      leave(step.title, "nothing had changed since it was done before");
      return false;
    }
    const isLooking = step.effect === "reads" || step.effect === "verifies";
    since = isLooking ? [...since, step] : [step];
    return true;
  });
}

/** Of a check that went well several times the last one stays, and one before each command that may do what cannot be undone. */
function dropRepeatedChecks(steps: readonly CleanStep[], leave: Leave): CleanStep[] {
  return steps.filter((step, index) => {
    const next = steps.slice(index + 1).find((later) => later.effect === "unknown" || isSameStep(step, later));
    const isRepeated = step.effect === "verifies" && next !== undefined && isSameStep(step, next);
    if (isRepeated) leave(step.title, "it was checked again later");
    return !isRepeated;
  });
}

/** Changes of a file that nothing used before the next change of it become one, or none. */
function foldChanges(steps: readonly CleanStep[], leave: Leave): CleanStep[] {
  const folded: CleanStep[] = [];
  for (const step of steps) {
    const at = findUnused(folded, step);
    const earlier = folded[at];
    const result = earlier === undefined ? undefined : foldTwo(earlier, step);
    if (earlier === undefined || result === undefined) {
      folded.push(step);
      continue;
    }
    leave(result.left.title, result.why);
    if (result.step === undefined) {
      folded.splice(at, 1);
      if (result.left === earlier && !result.isUndone) folded.push(step);
      else if (result.isUndone) leave(step.title, result.why);
    } else folded[at] = result.step;
  }
  return folded;
}

/** The place of the last change of the step's file, when nothing came after it that may have used the file. */
function findUnused(steps: readonly CleanStep[], step: CleanStep): number {
  const path = pathOf(step);
  if (path === undefined || step.effect !== "changes") return -1;
  for (let index = steps.length - 1; index >= 0; index--) {
    const each = steps[index];
    if (each === undefined) return -1;
    if (pathOf(each) === path) return each.effect === "changes" ? index : -1;
    if (each.tool === "file.read" || each.effect === "changes") continue;
    if (each.effect !== "reads") return -1;
  }
  return -1;
}

interface Folded {
  /** What stands in the earlier one's place, if anything. */
  readonly step?: CleanStep;
  readonly left: CleanStep;
  readonly why: string;
  /** Both go. */
  readonly isUndone?: boolean;
}

function foldTwo(earlier: CleanStep, later: CleanStep): Folded | undefined {
  if (later.tool === "file.delete" && earlier.tool === "file.write") {
    const isNew = isCreated(earlier);
    return { left: earlier, why: "the file was deleted before anything used it", isUndone: isNew };
  }
  if (later.tool === "file.write" && (earlier.tool === "file.write" || earlier.tool === "file.patch")) {
    return { step: takeOver(earlier, later), left: earlier, why: "the file was written anew before anything used it" };
  }
  return later.tool === "file.patch" ? foldPatch(earlier, later) : undefined;
}

function foldPatch(earlier: CleanStep, later: CleanStep): Folded | undefined {
  const edits = editsOf(later);
  if (edits === undefined) return undefined;
  const why = "what it changed was changed again before anything used it";
  const text = earlier.tool === "file.write" ? textOf(earlier) : undefined;
  if (text !== undefined) {
    const result = foldEdits([{ find: "", replace: text, all: false }], edits)?.[0];
    return (
      result && { step: { ...earlier, input: { ...toObject(earlier.input), text: result.replace } }, left: later, why }
    );
  }
  const before = earlier.tool === "file.patch" ? editsOf(earlier) : undefined;
  const result = before && foldEdits(before, edits);
  if (result === undefined) return undefined;
  const left = result.filter(({ find, replace }) => find !== replace);
  if (left.length === 0) return { left: earlier, why: "it was taken back", isUndone: true };
  const input = {
    ...toObject(earlier.input),
    edits: left.map(({ find, replace, all }) => (all ? { find, replace, all } : { find, replace })),
  };
  return { step: { ...earlier, input }, left: later, why };
}

/** The later write, which made the file if the earlier one did. */
function takeOver(earlier: CleanStep, later: CleanStep): CleanStep {
  if (!isCreated(earlier)) return later;
  return { ...later, output: { ...toObject(later.output), created: true } };
}

function isCreated({ tool, output }: CleanStep): boolean {
  return tool === "file.write" && toObject(output).created === true;
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function isSameStep(left: CleanStep, right: CleanStep): boolean {
  return left.tool === right.tool && isSameJson(left.input, right.input);
}
