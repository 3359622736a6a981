// Shapes
//
// Any value for people by its shape: an object as a card, a list of objects as a table. What has a form of its own is in `show.ts`.

import { toIsoTime } from "../kernel/iso-time.ts";
import { escapeBlock, escapeLine, toTable } from "./text.ts";
import { toDuration } from "./units.ts";
import { toKebab } from "./words.ts";

/** How words stand out; without a terminal they do not. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
  /** The width of the terminal, if there is one. */
  columns: number | undefined;
}

/** Any value by its shape: an object as a card, a list of objects as a table. */
export function showAny(value: unknown, style: Style): string {
  return showValue(value, "", style);
}

function showValue(value: unknown, indent: string, style: Style): string {
  if (typeof value !== "object" || value === null) return indent + escapeLine(toScalar("", value));
  if (Array.isArray(value)) return indented(showRows(value, style), indent);
  const entries = Object.entries(value).filter(([, item]) => !isNothing(item));
  const labels = entries.filter(([key, item]) => isInline(key, item)).map(([key]) => toLabel(key).length);
  const width = Math.max(0, ...labels);
  const lines = entries.map(([key, item]) => {
    const label = toLabel(key);
    if (isInline(key, item)) return `${indent}${style.dim(label.padEnd(width))}  ${toInline(key, item)}`;
    const block = typeof item === "string" ? escapeBlock(item, `${indent}  `) : showValue(item, `${indent}  `, style);
    return `${indent}${style.dim(label)}\n${block}`;
  });
  return lines.join("\n");
}

/** A table when the items are objects with the same simple fields, else one line each. */
export function showRows(items: readonly unknown[], style: Style): string {
  const objects = items.filter((item): item is Record<string, unknown> => typeof item === "object" && item !== null);
  if (objects.length < items.length) return items.map((item) => escapeLine(toScalar("", item))).join("\n");
  const keys = [...new Set(objects.flatMap((item) => Object.keys(item).filter((key) => !isNothing(item[key]))))];
  const rows = objects.map((item) => keys.map((key) => (isNothing(item[key]) ? "" : toInline(key, item[key]))));
  return toTable([keys.map((key) => style.dim(toLabel(key).toUpperCase())), ...rows], style.columns);
}

/** Whether it fits beside its label. */
function isInline(key: string, value: unknown): boolean {
  if (typeof value === "string") return !value.includes("\n") && value.length <= 120;
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value))
    return value.every((item) => typeof item !== "object") && toInline(key, value).length <= 120;
  return isTargetLike(value);
}

/** Whom something is for, or who did it: one or two short names. */
function isTargetLike(value: object): boolean {
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => key === "agent" || key === "role");
}

function toInline(key: string, value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item !== "object"))
    return value.map((item) => escapeLine(String(item))).join(", ");
  if (typeof value === "object" && value !== null && isTargetLike(value))
    return Object.entries(value)
      .map(([part, name]) => escapeLine(`${part}:${String(name)}`))
      .join(" ");
  return escapeLine(toScalar(key, value));
}

/** One value in a line; `key` says what a number counts. */
export function toScalar(key: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" && (key === "at" || /(At|Until)$/.test(key))) return toIsoTime(value);
  if (typeof value === "number" && key.endsWith("Ms")) return toDuration(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return JSON.stringify(value) ?? "";
}

/** Absent, or empty however deep. */
function isNothing(value: unknown): boolean {
  return value === undefined || (typeof value === "object" && value !== null && Object.values(value).every(isNothing));
}

/** `claimedAt` as `claimed`, `leaseMs` as `lease`: the unit is in the value. */
function toLabel(key: string): string {
  return toKebab(key.replace(/(?<=.)(At|Ms)$/, "")).replaceAll("-", " ");
}

function indented(text: string, indent: string): string {
  return text
    .split("\n")
    .map((line) => indent + line)
    .join("\n");
}

/** How to see what comes after `next`, if there is more. */
export function more(next: string | number | undefined, verb: string, flag: string, style: Style): string {
  return next === undefined ? "" : `\n${style.dim(`more: aionis ${verb} --${flag} ${escapeLine(String(next))}`)}`;
}
