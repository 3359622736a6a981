// Transforms: what a slot may do with its value. Pure, and linear in the text.

import { parseJson } from "../contracts/json.ts";
import { toCamel, toConstant, toKebab, toPascal, toSlug, toSnake, toTitle } from "./cases.ts";
import { findLastText, findText } from "./find-text.ts";

export const transformNames = [
  ...([
    "text",
    "json",
    "trim",
    "lower",
    "upper",
    "title",
    "slug",
    "kebab",
    "snake",
    "camel",
    "pascal",
    "constant",
  ] as const),
  ...(["base", "stem", "ext", "dir", "first-line", "last-line", "between", "between-last", "bump", "add"] as const),
] as const;
export type TransformName = (typeof transformNames)[number];

/** One transform with what stands in its brackets. */
export interface Transform {
  readonly name: TransformName;
  readonly arguments: readonly string[];
}

/** How many texts stand in the brackets of a transform. */
export function countArguments(name: TransformName): number {
  if (name === "between" || name === "between-last") return 2;
  return name === "bump" || name === "add" ? 1 : 0;
}

/** A transform without brackets, or with these texts in them. */
export function transform(name: TransformName, ...texts: string[]): Transform {
  return { name, arguments: texts };
}

/** What all of them make of `value` one after the other, or `undefined` when one of them does not fit it. */
export function applyAll(transforms: readonly Transform[], value: unknown): unknown {
  let result = value;
  for (const each of transforms) {
    const text = toText(result);
    if (text === undefined) return undefined;
    result = apply(each, text);
  }
  return result;
}

/** A value as it stands in a text, or `undefined` for one that has no such form. */
export function toText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

function apply({ name, arguments: [first = "", second = ""] }: Transform, text: string): unknown {
  switch (name) {
    case "text":
      return text;
    case "json":
      return toValue(text);
    case "trim":
      return text.trim();
    case "lower":
      return text.toLowerCase();
    case "upper":
      return text.toUpperCase();
    case "title":
      return toTitle(text);
    case "slug":
      return toSlug(text);
    case "kebab":
      return toKebab(text);
    case "snake":
      return toSnake(text);
    case "camel":
      return toCamel(text);
    case "pascal":
      return toPascal(text);
    case "constant":
      return toConstant(text);
    case "base":
      return toBase(text);
    case "stem":
      return toBase(text).replace(/(?<=.)\.[^.]*$/, "");
    case "ext":
      return /.\.([^.]*)$/.exec(toBase(text))?.[1];
    case "dir":
      return text.includes("/") ? text.slice(0, text.lastIndexOf("/")) || "/" : ".";
    case "first-line":
      return /\S[^\n]*/.exec(text)?.[0].trimEnd();
    case "last-line":
      return text.trimEnd().split("\n").at(-1)?.trim();
    case "between":
      return cutBetween(text, findText(text, first), first, second);
    case "between-last":
      return cutBetween(text, findLastText(text, first), first, second);
    case "bump":
      return bump(text, first);
    case "add":
      return add(text, first);
  }
}

function toValue(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined; // it does not fit, or would not come back as it is
  }
}

function toBase(path: string): string {
  const whole = path.endsWith("/") ? path.slice(0, -1) : path;
  return whole.slice(whole.lastIndexOf("/") + 1);
}

/** An empty end is the end of the text, which also ends a line. */
function cutBetween(text: string, found: number, begin: string, end: string): string | undefined {
  if (found === -1) return undefined;
  const from = found + begin.length;
  const to = end === "" ? text.length : findText(text, end, from);
  if (to === -1) return end === "\n" ? text.slice(from) : undefined;
  return text.slice(from, to);
}

function bump(text: string, part: string): string | undefined {
  const found = /^(v?)(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/.exec(text.trim());
  if (found === null) return undefined;
  const [, mark = "", major = "", minor = "", patch = ""] = found;
  if (part === "major") return `${mark}${Number(major) + 1}.0.0`;
  if (part === "minor") return `${mark}${major}.${Number(minor) + 1}.0`;
  return part === "patch" ? `${mark}${major}.${minor}.${Number(patch) + 1}` : undefined;
}

/** Keeps the zeros in front: what follows `0042` is `0043`. */
function add(text: string, amount: string): string | undefined {
  const digits = text.trim();
  if (!/^-?\d{1,15}$/.test(digits) || !/^-?\d{1,9}$/.test(amount)) return undefined;
  const sum = Number(digits) + Number(amount);
  return sum < 0 ? String(sum) : String(sum).padStart(digits.startsWith("0") ? digits.length : 1, "0");
}
