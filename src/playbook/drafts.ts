// Drafts of steps: each planned step with its input as a template, before what nobody uses is taken out and parameters have names.

import { limits } from "../contracts/limits.ts";
import type { LeftOut } from "./clean.ts";
import { type Generalising, generalise } from "./generalise.ts";
import { listSlots, parameterOf, stepOf, toLiteral } from "./json-template.ts";
import { toKey } from "./keys.ts";
import { listKnown } from "./known.ts";
import type { Origins, Scope } from "./origins.ts";
import { type ParameterDraft, valuesIn } from "./parameter-drafts.ts";
import type { Planned } from "./plan.ts";
import { pathOf } from "./tools.ts";

/** A step whose input is a template. */
export interface StepDraft extends Planned {
  readonly key: string;
  readonly input: unknown;
  readonly expects: unknown;
  /** The parameter whose being given takes the branch. */
  readonly given: string | undefined;
}

const draftsMax = 2 * limits.playbookParameters; // what steps only looked for is not among those that stay
const expectsChars = 20_000;

/** Makes `planned` into drafts, and says which cannot be. Those that all runs did come first, so that branches find their parameters known. */
export function draftSteps(planned: readonly Planned[], origins: Origins): { drafts: StepDraft[]; leftOut: LeftOut[] } {
  const keys = new Set<string>();
  const leftOut: LeftOut[] = [];
  const drafts: StepDraft[] = [];
  const count = origins.briefs.length;
  for (const step of [...planned].sort((left, right) =>
    left.taken === right.taken ? left.place - right.place : left.taken === "always" ? -1 : 1,
  )) {
    if (origins.parameters.all.length > draftsMax) return { drafts: [], leftOut };
    const draft = draftStep(step, origins, toKey(step.last.title, keys));
    if (typeof draft === "string") leftOut.push({ title: step.last.title, why: draft });
    else {
      drafts.push(draft);
      if (step.runs.length === count) origins.addOutput(draft.key, step.steps);
    }
  }
  return { drafts: drafts.sort((left, right) => left.place - right.place), leftOut };
}

function draftStep(step: Planned, origins: Origins, key: string): StepDraft | string {
  const { runs, steps, last, taken } = step;
  const how = generalisingFor(origins, step, { usesOutputs: true, makesParameters: true, steps });
  const present = steps.filter((each) => each !== undefined);
  const input =
    generalise(
      present.map((each) => each.input),
      how,
    ) ?? (last.input === undefined ? null : undefined);
  if (input === undefined) return "it looked at something else in each run, and nothing says why";
  const given = taken === "some" ? findGiven(input, origins, runs) : undefined;
  if (taken === "some" && given === undefined && runs.length * 2 <= origins.briefs.length) {
    return `only ${runs.length} of ${origins.briefs.length} runs did it, and nothing says when`;
  }
  return { ...step, key, input, expects: toExpects(step, origins), given };
}

/** How the values of a step's runs are made into one. */
export function generalisingFor(origins: Origins, step: Pick<Planned, "runs" | "last">, scope: Scope): Generalising {
  const { runs, last } = step;
  const [only] = runs;
  const asks = scope.makesParameters && last.effect !== "reads";
  const known = runs.length === 1 && only !== undefined ? listKnown(origins, only, scope, last) : [];
  const isCode = /\.(?:[cm]?[jt]sx?|vue|svelte)$/.test(pathOf(last) ?? "");
  return { origins, scope, runs, known, isCode, asks };
}

function findGiven(input: unknown, origins: Origins, runs: readonly number[]): string | undefined {
  const used = listSlots(input).map(parameterOf);
  const others = [...origins.briefs.keys()].filter((run) => !runs.includes(run));
  const isOwn = (draft: ParameterDraft): boolean => {
    if (draft.source.from === "asked" || valuesIn(draft, runs) === undefined) return false;
    const values = draft.values.filter((each) => each !== undefined);
    return others.every(
      (run) => draft.values[run] === undefined && values.every((value) => !origins.briefs[run]?.includes(value)),
    );
  };
  return origins.parameters.all.find((draft) => used.includes(draft.id) && isOwn(draft))?.id;
}

/** What the last run's step gave back, with known parameters as slots where that holds for every run. */
function toExpects(step: Planned, origins: Origins): unknown {
  const { output } = step.last;
  const chars = JSON.stringify(output)?.length ?? Infinity;
  if (chars > expectsChars) return undefined;
  const how = generalisingFor(origins, step, { usesOutputs: false, makesParameters: false, steps: step.steps });
  const outputs = step.steps.flatMap((each) => (each === undefined ? [] : [each.output]));
  return generalise(outputs, how) ?? toLiteral(output);
}

/** The keys of the steps whose results `templates` name. */
export function listUsedSteps(templates: unknown): Set<string> {
  return new Set(listSlots(templates).flatMap((slot) => stepOf(slot) ?? []));
}
