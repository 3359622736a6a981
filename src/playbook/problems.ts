// Problems: why what a playbook says could not be run, whatever its parameters are. A repair that has one is refused.

import { limits } from "../contracts/limits.ts";
import type { Branch, Condition, PlaybookContent, PlaybookStep } from "../contracts/playbook.ts";
import { listSlots, parameterOf, stepOf } from "./json-template.ts";
import { isShallow } from "./leaves.ts";
import { SlotError } from "./slot-error.ts";
import { printPath, type Slot } from "./template.ts";

const problemsMax = 50;
const depthMax = limits.messageDepth;

/** One sentence each; none for what can be run. */
export function findProblems(content: PlaybookContent): string[] {
  const { parameters, steps, checks } = content;
  const names = new Set(parameters.map(({ name }) => name));
  const problems = [
    ...listDoubles(parameters.map(({ name }) => name)).map((name) => `two parameters are called ${name}`),
    ...listDoubles(steps.map(({ key }) => key)).map((key) => `two steps have the key ${key}`),
    ...(names.has("steps") ? ["no parameter can be called steps"] : []),
    ...(steps.length === 0 ? ["it has no steps"] : []),
  ];
  const earlier = new Map<string, PlaybookStep>();
  for (const step of steps) {
    problems.push(...findInStep(step, names, earlier));
    earlier.set(step.key, step);
  }
  for (const { name, command } of checks) {
    problems.push(...findInTemplate(command ?? [], `check ${name}`, (slot) => whyUnknown(slot, names, undefined)));
  }
  return problems.slice(0, problemsMax);
}

function findInStep(
  step: PlaybookStep,
  names: ReadonlySet<string>,
  earlier: ReadonlyMap<string, PlaybookStep>,
): string[] {
  const { key, input, before, after, when } = step;
  const at = `step ${key}`;
  const why = (slot: Slot): string | undefined => whyUnknown(slot, names, earlier);
  const own = new Map([...earlier, [key, step]]);
  return [
    ...findInTemplate(input, at, why),
    ...findInTemplate(before, at, why),
    ...findInTemplate(after, at, (slot) => whyUnknown(slot, names, own)),
    ...findInBranch(when, at, names, why),
    ...before.filter(isAfterOnly).map(({ kind }) => `${at}: ${kind} can only hold after a step`),
    ...(step.tool === "command"
      ? []
      : after.filter(({ kind }) => kind === "exit_code").map(() => `${at}: only a command has an exit_code`)),
  ];
}

function findInBranch(
  when: Branch | undefined,
  at: string,
  names: ReadonlySet<string>,
  why: (slot: Slot) => string | undefined,
): string[] {
  if (when === undefined) return [];
  if (when.kind !== "given")
    return [
      ...findInTemplate(when, at, why),
      ...(isAfterOnly(when) ? [`${at}: ${when.kind} can only hold after a step`] : []),
    ];
  return names.has(when.parameter) ? [] : [`${at}: there is no parameter ${when.parameter}`];
}

function isAfterOnly({ kind }: Condition): boolean {
  return kind === "output_matches" || kind === "exit_code";
}

function findInTemplate(template: unknown, at: string, why: (slot: Slot) => string | undefined): string[] {
  if (!isShallow(template, depthMax)) return [`${at}: it is nested too deep`];
  try {
    return listSlots(template).flatMap((slot) => {
      const problem = why(slot);
      return problem === undefined ? [] : [`${at}: ${problem}`];
    });
  } catch (error) {
    if (!(error instanceof SlotError)) throw error;
    return [`${at}: ${error.message}`];
  }
}

/** `earlier` is undefined where no step has run. */
function whyUnknown(
  slot: Slot,
  names: ReadonlySet<string>,
  earlier: ReadonlyMap<string, PlaybookStep> | undefined,
): string | undefined {
  const key = stepOf(slot);
  const name = parameterOf(slot);
  if (name !== undefined) return names.has(name) ? undefined : `there is no parameter ${name}`;
  if (key === undefined) return `{{${printPath(slot.reference)}}} is neither a parameter nor a step`;
  if (earlier === undefined) return `{{${printPath(slot.reference)}}} names a step, and nothing has run there`;
  return earlier.has(key) ? undefined : `no earlier step is called ${key}`;
}

function listDoubles(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
