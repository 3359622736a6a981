// Rendering: templates become what a tool is handed.

import { limits } from "../contracts/limits.ts";
import type { Condition } from "../contracts/playbook.ts";
import { SlotError } from "./slot-error.ts";
import { type Part, parseTemplate, printPath, type Slot } from "./template.ts";
import { applyAll, toText } from "./transforms.ts";

/** What slots are filled from. */
export interface SlotScope {
  /** The parameters, by name. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What the steps that already ran gave back, by key. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

const depthMax = 100;

/**
 * `template` with the texts in it filled; keys stay as they are. A text that is one slot alone has the value's own type.
 * @throws SlotError when a slot names nothing that is there, its value does not fit, or a text is no template or gets too long.
 */
export function renderInput(template: unknown, scope: SlotScope, depth = 0): unknown {
  if (typeof template === "string") return renderText(template, scope);
  if (typeof template !== "object" || template === null) return template;
  if (depth > depthMax) throw new SlotError("", "is nested too deep");
  if (Array.isArray(template)) return template.map((each) => renderInput(each, scope, depth + 1));
  return Object.fromEntries(Object.entries(template).map(([key, each]) => [key, renderInput(each, scope, depth + 1)]));
}

/** `condition` with its texts filled. @throws SlotError as `renderInput` does, and for a port that is none. */
export function renderCondition(condition: Condition, scope: SlotScope): Condition {
  const render = (template: string): string => fill(parseTemplate(template), scope);
  switch (condition.kind) {
    case "file_exists":
    case "path_not_exists":
      return { ...condition, path: render(condition.path) };
    case "command_available":
      return { ...condition, command: render(condition.command) };
    case "env_equals":
      return { ...condition, value: render(condition.value) };
    case "port_free":
      return {
        ...condition,
        port: typeof condition.port === "number" ? condition.port : toPort(render(condition.port)),
      };
    case "cwd_contains":
      return { ...condition, names: condition.names.map(render) };
    case "output_matches":
      return { ...condition, pattern: render(condition.pattern) };
    case "env_exists":
    case "exit_code":
    case "check":
      return condition;
  }
}

function renderText(template: string, scope: SlotScope): unknown {
  const parts = parseTemplate(template);
  const [only] = parts;
  return parts.length === 1 && typeof only === "object" ? resolve(only, scope) : fill(parts, scope);
}

/** Bounded while it grows: a short template may name a long value many times. */
function fill(parts: readonly Part[], scope: SlotScope): string {
  let filled = "";
  for (const part of parts) {
    filled += typeof part === "string" ? part : resolveText(part, scope);
    if (filled.length > limits.textChars)
      throw new SlotError("", `makes a text of over ${limits.textChars} characters`);
  }
  return filled;
}

function resolveText(slot: Slot, scope: SlotScope): string {
  const value = resolve(slot, scope);
  return toText(value) ?? fail(slot, "has a value that cannot stand in a text");
}

function resolve(slot: Slot, scope: SlotScope): unknown {
  const { reference, transforms } = slot;
  const isStep = reference.length > 1 && reference[0] === "steps";
  const value = isStep ? follow(scope.outputs, reference.slice(1)) : follow(scope.values, reference);
  if (value === undefined) return fail(slot, isStep ? "no earlier step gave this back" : "no such parameter was given");
  const result = applyAll(transforms, value);
  return result === undefined ? fail(slot, "its value does not fit the transform") : result;
}

/** Follows own properties alone: any key is data, and none reaches a prototype. */
function follow(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    if (Array.isArray(value) && !/^\d+$/.test(key)) return undefined; // its length is no item
    value = Reflect.get(value, key);
  }
  return value;
}

function toPort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new SlotError(text, "is no port");
  return port;
}

function fail({ reference }: Slot, why: string): never {
  throw new SlotError(printPath(reference), why);
}
