// Dry run
//
// Goes through a playbook without touching anything: fills every slot, has every input checked by its tool, lets the tools that can say so
// without doing anything find out what they would do, and looks at the conditions before the steps. Owns: what can be known beforehand.
//
// Invariants:
//   D1. No tool is executed and nothing is written.
//   D2. What cannot be known breaks nothing: a condition that does not hold yet behind a command that may change anything, and whatever is
//       made of an output that no tool could foretell.

import { isFailure } from "../../src/contracts/failures.ts";
import type { Condition, PlaybookStep } from "../../src/contracts/playbook.ts";
import { effectOf, renderInput } from "../../src/playbook/index.ts";
import { listSlots, stepOf } from "../../src/playbook/json-template.ts";
import type { Tool } from "../tools/tool.ts";
import { Broken } from "./broken.ts";
import { fillCondition, fillInput, fillTexts, look, type ReplayParts, toSite } from "./step.ts";

/** What would be different by now. */
export interface Foreseen {
  /** By path, whether something would stand there. */
  readonly paths: Map<string, boolean>;
  /** Keys of steps of which nobody knows what they would give back: what they once gave stands for it. */
  readonly guessed: Set<string>;
  /** A command would have run of which nobody knows what it does. */
  isOpen: boolean;
}

export function createForeseen(): Foreseen {
  return { paths: new Map(), guessed: new Set(), isOpen: false };
}

/** What a dry run records of a step: what it would hand its tool, and which of its conditions cannot be known before. */
interface Foresight {
  would: unknown;
  unknown: Condition[];
}

/** Whether the step would be taken; one that cannot be known is. */
export async function wouldBeTaken(parts: ReplayParts, { when }: PlaybookStep, foreseen: Foreseen): Promise<boolean> {
  if (when === undefined) return true;
  if (when.kind === "given") return Object.hasOwn(parts.scope.values, when.parameter);
  return (await foresee(parts, when, foreseen)).is !== "fails";
}

/** What the step would do, and what it would give back. @throws Broken */
export async function simulateStep(
  parts: ReplayParts,
  tool: Tool | undefined,
  step: PlaybookStep,
  foreseen: Foreseen,
): Promise<{ foresight: Foresight; output: unknown }> {
  const isGuess = namesGuessed(step.input, foreseen);
  const unchecked = { input: fillTexts(parts, step.input), parsed: undefined };
  const { input, parsed } = tool === undefined || isGuess ? unchecked : fillInput(parts, tool, step);
  const unknown: Condition[] = [];
  for (const template of step.before) {
    const seen = await foresee(parts, template, foreseen);
    if (seen.is === "fails") throw new Broken(seen.why, seen.condition);
    if (seen.is === "unknown") unknown.push(seen.condition);
  }
  const foretold = tool === undefined || isGuess ? undefined : await foretell(parts, tool, parsed, foreseen);
  if (foretold === undefined) foreseen.guessed.add(step.key);
  note(foreseen, step, input);
  return { foresight: { would: input, unknown }, output: foretold ?? fillExpected(parts, step) };
}

type Seen = { condition: Condition } & ({ is: "holds" | "unknown" } | { is: "fails"; why: string });

async function foresee(parts: ReplayParts, template: Condition, foreseen: Foreseen): Promise<Seen> {
  const condition = fillCondition(template, parts.scope);
  if (namesGuessed(template, foreseen)) return { is: "unknown", condition };
  if (condition.kind === "file_exists" || condition.kind === "path_not_exists") {
    const is = foreseen.paths.get(condition.path);
    const isWanted = condition.kind === "file_exists";
    if (is === isWanted) return { is: "holds", condition };
    if (is !== undefined) return { is: "fails", condition, why: `An earlier step ${is ? "makes" : "removes"} it.` };
  }
  const verdict = await look(condition, toSite(parts));
  if (verdict.holds) return { is: "holds", condition };
  return foreseen.isOpen ? { is: "unknown", condition } : { is: "fails", condition, why: verdict.why };
}

/** What the tool says that it would give back, where nothing that an earlier step would change is in its way. */
async function foretell(
  { ctx, exec, folder }: ReplayParts,
  tool: Tool,
  parsed: unknown,
  { paths, isOpen }: Foreseen,
): Promise<unknown> {
  const isTouched = isOpen || (tool.files?.(parsed) ?? []).some((path) => paths.has(path));
  if (tool.dryRun === undefined || isTouched) return undefined;
  try {
    return await tool.dryRun(parsed, { workspace: folder, key: "", signal: ctx.signal, exec });
  } catch (error) {
    throw new Broken(isFailure(error) ? error.detail : String(error));
  }
}

function fillExpected({ scope }: ReplayParts, { expects }: PlaybookStep): unknown {
  try {
    return renderInput(expects, scope);
  } catch {
    return expects; // what it gave back then, braces and all
  }
}

function namesGuessed(template: unknown, { guessed }: Foreseen): boolean {
  if (guessed.size === 0) return false;
  return listSlots(template).some((slot) => guessed.has(stepOf(slot) ?? ""));
}

function note(foreseen: Foreseen, { tool }: PlaybookStep, input: unknown): void {
  const effect = effectOf({ tool, input });
  const path = typeof input === "object" && input !== null && "path" in input ? input.path : undefined;
  if (effect === "unknown") foreseen.isOpen = true;
  if (effect === "changes" && typeof path === "string") foreseen.paths.set(path, tool !== "file.delete");
}
