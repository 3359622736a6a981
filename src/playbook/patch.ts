// Patches: a repair put onto what a playbook says.

import { limits } from "../contracts/limits.ts";
import type { PlaybookContent, PlaybookPatch, PlaybookStep } from "../contracts/playbook.ts";
import { findProblems } from "./problems.ts";

/** What a repair makes. */
type Patched = { kind: "patched"; content: PlaybookContent } | { kind: "refused"; problems: string[] };

/** `content` with `patch`, when every step that it names is there and nothing stands wrong afterwards. */
export function patchContent(content: PlaybookContent, patch: PlaybookPatch): Patched {
  const unknown = listUnknown(content, patch);
  if (unknown.length > 0) return { kind: "refused", problems: unknown.map((key) => `there is no step ${key}`) };
  const patched: PlaybookContent = {
    ...content,
    ...(patch.title !== undefined && { title: patch.title }),
    ...(patch.checks !== undefined && { checks: patch.checks }),
    parameters: patchParameters(content, patch),
    steps: removeSteps(insertSteps(changeSteps(content, patch), patch), patch),
  };
  const problems = [...findExcess(patched), ...findProblems(patched)];
  return problems.length > 0 ? { kind: "refused", problems } : { kind: "patched", content: patched };
}

/** Keys that the patch names and that are not there; an inserted step may stand after one that is inserted before it. */
function listUnknown({ steps }: PlaybookContent, patch: PlaybookPatch): string[] {
  const keys = new Set(steps.map(({ key }) => key));
  const unknown = Object.keys(patch.steps).filter((key) => !keys.has(key));
  for (const { after, step } of patch.insert) {
    if (after !== null && !keys.has(after)) unknown.push(after);
    keys.add(step.key);
  }
  return unknown;
}

function patchParameters({ parameters }: PlaybookContent, patch: PlaybookPatch): PlaybookContent["parameters"] {
  const replaced = new Map(patch.parameters.map((each) => [each.name, each]));
  const known = new Set(parameters.map(({ name }) => name));
  return [
    ...parameters.map((each) => replaced.get(each.name) ?? each),
    ...patch.parameters.filter(({ name }) => !known.has(name)),
  ];
}

function changeSteps({ steps }: PlaybookContent, patch: PlaybookPatch): PlaybookStep[] {
  return steps.map((step) => {
    const change = Object.hasOwn(patch.steps, step.key) ? patch.steps[step.key] : undefined;
    return change === undefined || change === null ? step : { ...step, ...dropUndefined(change) };
  });
}

/** Several after the same step stand in the order in which they are given. */
function insertSteps(steps: readonly PlaybookStep[], { insert }: PlaybookPatch): PlaybookStep[] {
  const placed = [...steps];
  const lastBehind = new Map<string | null, string>();
  for (const { after, step } of insert) {
    const anchor = lastBehind.get(after) ?? after;
    placed.splice(placed.findIndex(({ key }) => key === anchor) + 1, 0, { ...step, from: [] }); // the beginning is behind none
    lastBehind.set(after, step.key);
  }
  return placed;
}

function removeSteps(steps: readonly PlaybookStep[], patch: PlaybookPatch): PlaybookStep[] {
  return steps.filter(({ key }) => !(Object.hasOwn(patch.steps, key) && patch.steps[key] === null));
}

function findExcess({ steps, parameters }: PlaybookContent): string[] {
  return [
    ...(steps.length > limits.playbookSteps ? [`it would have over ${limits.playbookSteps} steps`] : []),
    ...(parameters.length > limits.playbookParameters
      ? [`it would have over ${limits.playbookParameters} parameters`]
      : []),
  ];
}

/** A field that is not given stays. */
function dropUndefined<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> }; // of the same keys
}
