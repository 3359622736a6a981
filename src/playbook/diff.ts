// Differences of two playbooks, as paths into what they say. Steps and parameters are the same by their keys and names, wherever they stand.

import { isSameJson } from "../contracts/json.ts";
import { limits } from "../contracts/limits.ts";
import type { PlaybookChange, PlaybookContent } from "../contracts/playbook.ts";

/** What changed from `before` to `after`, field by field; at most `limits.listItems`. */
export function diffContents(before: PlaybookContent, after: PlaybookContent): PlaybookChange[] {
  const changes: PlaybookChange[] = [];
  const add = (at: string, left: unknown, right: unknown): void => {
    if (isSameJson(left, right) || changes.length >= limits.listItems) return;
    changes.push({
      at: at.slice(0, limits.lineChars),
      ...(left !== undefined && { before: left }),
      ...(right !== undefined && { after: right }),
    });
  };
  for (const field of ["title", "family", "goals", "leftOut", "sources"] as const)
    add(field, before[field], after[field]);
  diffNamed("parameters", byKey(before.parameters, "name"), byKey(after.parameters, "name"), add);
  diffNamed("steps", byKey(before.steps, "key"), byKey(after.steps, "key"), add);
  diffNamed("checks", byKey(before.checks, "name"), byKey(after.checks, "name"), add);
  for (const [field, key] of [
    ["parameters", "name"],
    ["steps", "key"],
    ["checks", "name"],
  ] as const) {
    const [left, right] = [before, after].map((each) => listKept(each, before, after, field, key));
    add(`${field}.order`, left, right);
  }
  return changes;
}

type Add = (at: string, left: unknown, right: unknown) => void;
type Items = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

function diffNamed(field: string, before: Items, after: Items, add: Add): void {
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [left, right] = [before.get(name), after.get(name)];
    const at = `${field}.${name}`;
    if (left === undefined || right === undefined) add(at, left, right);
    else
      for (const key of new Set([...Object.keys(left), ...Object.keys(right)]))
        add(`${at}.${key}`, left[key], right[key]);
  }
}

function byKey(items: readonly Readonly<Record<string, unknown>>[], key: string): Items {
  return new Map(items.map((each) => [String(each[key]), each]));
}

/** The names that both have, in the order of `content`. */
function listKept(
  content: PlaybookContent,
  before: PlaybookContent,
  after: PlaybookContent,
  field: "parameters" | "steps" | "checks",
  key: string,
): string[] {
  const namesOf = (each: PlaybookContent): string[] => each[field].map((item) => String(Reflect.get(item, key)));
  const [left, right] = [new Set(namesOf(before)), new Set(namesOf(after))];
  return namesOf(content).filter((name) => left.has(name) && right.has(name));
}
