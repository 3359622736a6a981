// Plain values
//
// What viewers are shown of a value that is none of ours, such as the context of a user's machine: bounded JSON.
//
// Invariants:
//   J1. It throws nothing, and runs nothing of the value: no getter, no `toJSON`. What a proxy does is its own; if it throws, that is said.
//   J2. What comes out is JSON that every reader takes, of at most `partsMax` values and about `charsMax` characters. Marks stand for the rest.

import { types } from "node:util";
import { toUtcTime } from "../kernel/iso-time.ts";
import { cut } from "./text.ts";

const levelsMax = 8;
const itemsMax = 50;
const textChars = 400;
const keyChars = 100;
const partsMax = 1_000;
const charsMax = 32 * 1024;

interface Left {
  parts: number;
  chars: number;
  /** The objects that hold what is being copied. */
  readonly open: Set<object>;
}

/** A copy of `value` that may be shown. */
export function toPlain(value: unknown): unknown {
  return copy(value, { parts: partsMax, chars: charsMax, open: new Set() });
}

function copy(value: unknown, left: Left): unknown {
  left.parts -= 1;
  if (left.parts < 0 || left.chars <= 0) return "[cut]";
  switch (typeof value) {
    case "string":
      return cutFor(left, value, textChars);
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : `[${value}]`;
    case "object":
      return value === null ? null : copyObject(value, left);
    default:
      return toMark(value);
  }
}

function toMark(value: unknown): string | undefined {
  if (typeof value === "undefined") return undefined; // left out, as JSON does
  return typeof value === "bigint" ? cut(`${value}n`) : `[${typeof value}]`;
}

function copyObject(value: object, left: Left): unknown {
  if (left.open.has(value)) return "[circular]";
  if (left.open.size >= levelsMax) return "[deep]";
  left.open.add(value);
  try {
    return Array.isArray(value) ? copyList(value, left) : copyFields(value, left);
  } catch {
    return "[unreadable]"; // J1: a proxy
  } finally {
    left.open.delete(value);
  }
}

function copyList(list: readonly unknown[], left: Left): unknown[] {
  const items: unknown[] = [];
  const { length } = list;
  for (let index = 0; index < Math.min(length, itemsMax); index += 1)
    items.push(copyField(list, String(index), left) ?? null);
  if (length > itemsMax) items.push(`[${length - itemsMax} more]`);
  return items;
}

function copyFields(value: object, left: Left): unknown {
  const special = toSpecial(value);
  if (special !== undefined) return special;
  const fields = Object.create(null) as Record<string, unknown>; // a key may be any
  const keys = Object.keys(value);
  for (const key of keys.slice(0, itemsMax)) {
    if (left.parts <= 0 || left.chars <= 0) break;
    fields[toKey(key, left)] = copyField(value, key, left);
  }
  if (keys.length > itemsMax) fields["…"] = `[${keys.length - itemsMax} more]`;
  return fields;
}

/** J1 */
function copyField(value: object, key: string, left: Left): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(value, key);
  if (descriptor === undefined) return undefined;
  return descriptor.get === undefined ? copy(descriptor.value, left) : "[getter]";
}

/** Of objects without fields of their own, what says most about them. What they are is asked of the engine, which runs nothing of theirs. */
function toSpecial(value: object): string | undefined {
  if (types.isProxy(value)) return undefined; // as it shows itself
  if (types.isDate(value)) return toUtcTime(structuredClone(value).getTime()); // a class of its own may not tell the time
  if (types.isMap(value)) return `[map of ${String(Reflect.get(Map.prototype, "size", value))}]`;
  if (types.isSet(value)) return `[set of ${String(Reflect.get(Set.prototype, "size", value))}]`;
  if (types.isPromise(value)) return "[promise]";
  if (types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) return "[bytes]";
  if (types.isNativeError(value))
    return cut(`[${textOf(value, "name") ?? "Error"}: ${textOf(value, "message") ?? ""}]`);
  return isActorRef(value) ? `[actor ${textOf(value, "sessionId") ?? ""}]` : undefined;
}

/** A machine that spawns holds its children, and each of them the whole system. */
function isActorRef(value: object): boolean {
  return textOf(value, "sessionId") !== undefined && Object.hasOwn(value, "_processingStatus");
}

/** J1; of the value itself, or of its class. */
function textOf(value: object, key: string): string | undefined {
  const own = Object.getOwnPropertyDescriptor(value, key);
  const text: unknown = (own ?? Object.getOwnPropertyDescriptor(Object.getPrototypeOf(value) ?? {}, key))?.value;
  return typeof text === "string" ? cut(text) : undefined;
}

/** Viewers may assign by key: one that reaches for a prototype is shown in brackets. */
function toKey(key: string, left: Left): string {
  const isTaken = key === "__proto__" || key === "constructor" || key === "prototype";
  return cutFor(left, isTaken ? `[${key}]` : key, keyChars);
}

function cutFor(left: Left, text: string, chars: number): string {
  const shown = cut(text, chars);
  left.chars -= shown.length;
  return shown;
}
