// Compiling
//
// Makes runs that succeeded into one playbook, without a model: detours out (clean.ts), runs beside one another (align.ts), what belongs to the
// work (plan.ts), inputs to templates (drafts.ts), and then what only looked and was of no use left out. The same runs give the same playbook.
//
// Invariants:
//   C1. What is compiled has no problems by `findProblems`: every slot names a parameter that is there or a step that stands earlier.
//   C2. It is within the bounds of `limits`, or refused.

import { limits } from "../contracts/limits.ts";
import type { Condition, Parameter, PlaybookContent, PlaybookStep } from "../contracts/playbook.ts";
import { alignRuns } from "./align.ts";
import { generaliseChecks } from "./checks.ts";
import { type CleanStep, cleanRun, type LeftOut } from "./clean.ts";
import { inferAfter, inferBefore, pathTemplateOf } from "./conditions.ts";
import { isNamedAt } from "./cues.ts";
import { draftSteps, generalisingFor, listUsedSteps, type StepDraft } from "./drafts.ts";
import { listSlots, mapSlots, mapTexts, parameterOf } from "./json-template.ts";
import { isShallow } from "./leaves.ts";
import { findPlaces } from "./mentions.ts";
import { nameParameters } from "./names.ts";
import { Origins } from "./origins.ts";
import { type ParameterDraft, typeOf } from "./parameter-drafts.ts";
import { type Planned, plan } from "./plan.ts";
import type { RecordedRun } from "./run.ts";
import { type Part, parseTemplate, printPath, printTemplate } from "./template.ts";
import { toTitle } from "./title.ts";
import { safetyOf } from "./tools.ts";
import { transform } from "./transforms.ts";

/** Stands for the step where there is none: at the end, when checks are run. Nothing is asked for there. */
const nobody: CleanStep = {
  ...{ seq: Infinity, title: "", tool: "", effect: "reads", isDoubtful: false, isAsked: false },
  input: null,
  output: null,
};

/** What runs come to. */
type Compiled = { kind: "compiled"; content: PlaybookContent } | { kind: "refused"; why: string };

/** The playbook of `runs`, which are of the same work. A run that failed or is open counts as far as it came. */
export function compile(runs: readonly RecordedRun[], options: { title?: string } = {}): Compiled {
  const why = whyUnusable(runs);
  if (why !== undefined) return { kind: "refused", why };
  const drafted = draft(runs);
  if (typeof drafted === "string") return { kind: "refused", why: drafted };
  const { origins, used, left } = drafted;
  const { checks, leftOut } = draftChecks(runs, origins);
  const branches = used.map(({ given }) => (given === undefined ? "" : `{{${given}}}`));
  const names = nameParameters(
    origins.parameters.all,
    [used.map(({ input }) => input), branches, checks],
    origins.briefs,
  );
  if (names.size > limits.playbookParameters) return { kind: "refused", why: tooDifferent };
  const parameters = origins.parameters.all.flatMap((each) => toParameter(each, names.get(each.id), origins.briefs));
  const rename = toRename(parameters, names);
  const content: PlaybookContent = {
    title: options.title ?? toTitle(runs, origins.parameters.all),
    ...toFamily(runs),
    goals: runs.map(({ goal }) => cut(goal, limits.lessonTextChars)),
    parameters,
    steps: toSteps(used, rename, names),
    checks: checks.slice(0, limits.checks).map((check) => rename(check) as typeof check), // texts alone are changed
    leftOut: [...left, ...leftOut]
      .slice(0, limits.playbookSteps)
      .map((each) => ({ ...each, why: cut(each.why, limits.lineChars) })),
    sources: runs.map(({ taskId }) => taskId as PlaybookContent["sources"][number]), // ids of tasks that the journal holds
  };
  return { kind: "compiled", content };
}

const tooDifferent = `they differ in over ${limits.playbookParameters} places`;
const tooLong = `they have over ${limits.playbookSteps} steps`;

/** The steps that stay, by their drafts, and what is left out; or why there is no playbook in them (C2). */
function draft(runs: readonly RecordedRun[]): { origins: Origins; used: StepDraft[]; left: LeftOut[] } | string {
  const cleaned = runs.map(cleanRun);
  const steps = cleaned.map((each) => each.steps);
  const { planned, leftOut: unplanned } = plan(alignRuns(steps, findBase(steps)), runs.length);
  if (planned.filter(({ last }) => last.effect !== "reads").length > limits.playbookSteps) return tooLong;
  const { origins, drafts, leftOut: undrafted } = draftTwice(planned, runs, steps);
  if (drafts.length === 0 && origins.parameters.all.length > limits.playbookParameters) return tooDifferent;
  const { used, unused } = dropUnused(drafts);
  if (used.length === 0) return "no step of theirs can be run again";
  if (used.length > limits.playbookSteps) return tooLong;
  return { origins, used, left: [...cleaned.flatMap((each) => each.leftOut), ...unplanned, ...undrafted, ...unused] };
}

function draftChecks(runs: readonly RecordedRun[], origins: Origins): ReturnType<typeof generaliseChecks> {
  const scope = { usesOutputs: false, makesParameters: true, steps: runs.map(() => undefined) };
  const how = generalisingFor(origins, { runs: [...runs.keys()], last: nobody }, scope);
  return generaliseChecks(
    runs.map(({ checks }) => checks),
    how,
  );
}

function toFamily(runs: readonly RecordedRun[]): { family?: string } {
  const family = runs[0]?.family;
  return family !== undefined && runs.every((run) => run.family === family) ? { family } : {};
}

/** What one step shows is known in all of them the second time: a path may be put together of what its text is made of. */
function draftTwice(
  planned: readonly Planned[],
  runs: readonly RecordedRun[],
  steps: readonly (readonly CleanStep[])[],
): ReturnType<typeof draftSteps> & { origins: Origins } {
  const first = new Origins(runs, steps);
  const once = draftSteps(planned, first);
  if (runs.length === 1) return { ...once, origins: first };
  const used = new Set(listSlots(once.drafts.map(({ input }) => input)).map(parameterOf));
  const found = first.parameters.all.filter(({ id, source }) => source.from !== "asked" && used.has(id));
  const origins = new Origins(runs, steps, found);
  return { ...draftSteps(planned, origins), origins };
}

function whyUnusable(runs: readonly RecordedRun[]): string | undefined {
  if (runs.length === 0) return "there are none";
  if (runs.length > limits.playbookSources) return `they are over ${limits.playbookSources}`;
  if (runs.some(({ steps }) => steps.length > limits.runSteps)) return `one has over ${limits.runSteps} steps`;
  const isDeep = ({ data, steps }: RecordedRun): boolean =>
    !isShallow(data, limits.messageDepth) ||
    steps.some(({ input, output }) => !isShallow([input, output], limits.messageDepth));
  return runs.some(isDeep) ? "one has data that are nested too deep" : undefined;
}

/** The run with the fewest steps went straightest. */
function findBase(steps: readonly (readonly CleanStep[])[]): number {
  const counts = steps.map(({ length }) => length);
  const least = Math.min(...counts.map((each) => (each === 0 ? Infinity : each)));
  return Math.max(0, counts.indexOf(least));
}

/** What only looked stays when a later step names what it gave back. */
function dropUnused(drafts: readonly StepDraft[]): { used: StepDraft[]; unused: LeftOut[] } {
  const used: StepDraft[] = [];
  const unused: LeftOut[] = [];
  const named = new Set<string>();
  for (const draft of drafts.toReversed()) {
    if (draft.last.effect === "reads" && !named.has(draft.key)) {
      unused.unshift({ title: draft.last.title, why: "nothing used what it gave back" });
      continue;
    }
    used.unshift(draft);
    for (const key of listUsedSteps(draft.input)) named.add(key);
  }
  return { used, unused };
}

function toParameter(
  { values, source, isJson }: ParameterDraft,
  name: string | undefined,
  briefs: readonly string[],
): Parameter[] {
  if (name === undefined) return [];
  const known = values.filter((each) => each !== undefined);
  const from =
    source.from === "data" ? ({ from: "data", path: printPath(source.path) } as const) : { from: source.from };
  const examples = known.map((each) => cut(each, limits.lineChars));
  const type =
    known.length === 1 && source.from === "brief" && isNamed(known[0] ?? "", briefs) ? "text" : typeOf(known, isJson);
  return [{ name, type, source: from, examples }];
}

/** What a brief gives as a name or a default may be anything the next time. */
function isNamed(value: string, briefs: readonly string[]): boolean {
  return briefs.some((brief) => findPlaces(brief, value).some(({ from }) => isNamedAt(brief, from)));
}

/** Puts the names in, and keeps a text a text where a number's slot stands alone. */
function toRename(
  parameters: readonly Parameter[],
  names: ReadonlyMap<string, string>,
): (template: unknown) => unknown {
  const typed = new Set(parameters.filter(({ type }) => type === "number").map(({ name }) => name));
  const keepText = (text: string): string => {
    const [only, ...others]: Part[] = parseTemplate(text);
    if (
      typeof only !== "object" ||
      others.length > 0 ||
      only.transforms.length > 0 ||
      !typed.has(printPath(only.reference))
    )
      return text;
    return printTemplate([{ ...only, transforms: [transform("text")] }]);
  };
  const toNamed = (id: string | undefined): string => names.get(id ?? "") ?? id ?? "";
  return (template) =>
    mapTexts(
      mapSlots(template, (slot) =>
        slot.reference.length === 1 ? { ...slot, reference: [toNamed(slot.reference[0])] } : slot,
      ),
      keepText,
    );
}

function toSteps(
  drafts: readonly StepDraft[],
  rename: (template: unknown) => unknown,
  names: ReadonlyMap<string, string>,
): PlaybookStep[] {
  const touched = new Set<string>();
  return drafts.map(({ key, last, steps, input, expects, given }): PlaybookStep => {
    const named = rename(input);
    const present = steps.filter((each) => each !== undefined);
    const path = pathTemplateOf(last.tool, named);
    const before: Condition[] = path === undefined || touched.has(path) ? [] : inferBefore(present, path);
    if (path !== undefined && last.tool !== "file.read") touched.add(path);
    const parameter = given === undefined ? undefined : names.get(given);
    return {
      ...{
        key,
        title: last.title,
        tool: last.tool,
        input: named,
        before,
        after: inferAfter(present),
        safety: present.some(({ isAsked }) => isAsked) ? "needs_confirm" : safetyOf(last),
      },
      ...(parameter !== undefined && { when: { kind: "given", parameter } as const }),
      ...(expects !== undefined && { expects: renameKnown(expects, rename, names) }),
      from: present.map(({ seq }) => seq),
    };
  });
}

/** What a step is expected to give back may hold parameters that nothing else uses; those are of no use there either. */
function renameKnown(
  template: unknown,
  rename: (template: unknown) => unknown,
  names: ReadonlyMap<string, string>,
): unknown {
  return rename(mapSlots(template, (slot) => (names.has(slot.reference[0] ?? "") ? slot : "")));
}

function cut(text: string, chars: number): string {
  return text.slice(0, chars).toWellFormed(); // the cut may go through a pair
}
