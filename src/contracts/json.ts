// JSON values
//
// The one rule for data at every border: a value travels as `JSON.stringify` would write it, or it is refused with its path before
// any work is lost. Owns: which values are JSON, how they are compared, and how JSON text is read. Does not own: bytes; the codec does.
//
// Invariants:
//   JSON-1. What `toJson` returns is plain: it reads back from JSON text and from MessagePack as the same value.
//   JSON-2. Nothing is changed silently. `toJSON` methods are followed and absent fields are left out, as `JSON.stringify` does; every
//           other value that JSON would drop or alter is refused.
//   JSON-3. The order of keys is not content: `canonicalJson` gives one text for each value.
//   JSON-4. Any text is a key. `__proto__` is data like `a`, and never reaches a prototype.
//   JSON-5. Looking at a value takes bounded time, and never throws what the value's own getters, `toJSON` methods or proxies throw.

import { AionisError } from "./failures.ts";
import { limits } from "./limits.ts";

/** A value as it comes back from JSON: dates and other objects with `toJSON` as what that gives, functions and the like not at all. */
export type Jsonify<Value> = 0 extends 1 & Value
  ? Value // any
  : Value extends string | number | boolean | null | undefined
    ? Value
    : Value extends { toJSON(...rest: never[]): infer Written }
      ? Jsonify<Written>
      : Value extends NeverJson
        ? never
        : Value extends readonly unknown[]
          ? { [Index in keyof Value]: Jsonify<Value[Index]> }
          : Value extends object
            ? { [Key in keyof Value]: Jsonify<Value[Key]> }
            : Value; // unknown, and what a caller has not decided yet

type NeverJson =
  | bigint
  | symbol
  | ((...rest: never[]) => unknown)
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | Promise<unknown>
  | RegExp
  | Error;

/** A part of a value that JSON cannot carry. */
export interface Misfit {
  /** Where it stands, such as `rows.0.createdAt`; empty for the value itself. */
  path: string;
  /** What it is, and what to do, as two sentences. */
  message: string;
}

/**
 * `value` as plain JSON; the very same object where nothing in it has to change.
 * @throws AionisError `VALUE_INVALID` with the path of the first part that JSON cannot carry, `MESSAGE_TOO_LARGE` with that of a part that
 *   nests too deep or has too many others in it; `subject` names the value in the message.
 */
export function toJson(value: unknown, subject: string): unknown {
  if (isPlain(value)) return value; // nearly always
  const look: Look = { path: "", message: "", code: "VALUE_INVALID", partsLeft: limits.messageValues };
  const plain = convert(value, "", [], look);
  if (plain !== unfit) return plain;
  const { path, message, code } = look;
  const where = path === "" ? subject : `${subject}: ${path}`;
  throw new AionisError(code, `${where} ${message}`, { facts: { path, issues: [{ path, message }] } });
}

/** A value that is being looked at, and what was found. */
interface Look extends Misfit {
  code: "VALUE_INVALID" | "MESSAGE_TOO_LARGE";
  /** How many more objects and lists it may hold, each counted as often as it stands there (JSON-5). */
  partsLeft: number;
}

/** Whether two JSON values are the same, whatever the order of their keys. Their depth was bounded when they were decoded. */
export function isSameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => isSameJson(item, right[index]));
  }
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && isSameJson(Reflect.get(left, key), Reflect.get(right, key)));
}

/** The text of a JSON value with the keys of each object in one order: the same text for the same value (JSON-3). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(orderKeys(value)) ?? "null"; // of undefined there is no text
}

/** A copy whose objects have their keys in one order; a copy and one `JSON.stringify` take half as long as a text made of parts. */
function orderKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(orderKeys);
  const ordered: Record<string, unknown> = {};
  for (const key of toOrderedKeys(value)) {
    const item = orderKeys((value as Record<string, unknown>)[key]); // an object that is no list
    if (key === "__proto__")
      Object.defineProperty(ordered, key, { value: item, enumerable: true }); // JSON-4
    else ordered[key] = item;
  }
  return ordered;
}

/** Most objects have few keys, for which an insertion sort needs no memory of its own. */
function toOrderedKeys(value: object): string[] {
  const keys = Object.keys(value);
  if (keys.length > fewKeys) return keys.sort();
  for (let from = 1; from < keys.length; from += 1) {
    const key = keys[from] as string; // within the length, as are those below
    let to = from;
    for (; to > 0 && (keys[to - 1] as string) > key; to -= 1) keys[to] = keys[to - 1] as string;
    keys[to] = key;
  }
  return keys;
}

const fewKeys = 16;

/**
 * The value of a JSON text. A number is refused when a double cannot carry it: its whole part is beyond 2^53 and would come back with other
 * digits, or it is beyond all doubles. That a fraction is rounded to the nearest double is JSON's own rule.
 * @throws AionisError `VALUE_INVALID` for such a number, with its path; SyntaxError when `text` is no JSON.
 */
export function parseJson(text: string, subject = "The JSON text"): unknown {
  if (!mayHoldLarge.test(text)) return JSON.parse(text);
  const found: { path: string[]; holder: unknown; source: string } = { path: [], holder: undefined, source: "" };
  const value: unknown = JSON.parse(text, function (this: unknown, key: string, item: unknown, context?: Source) {
    // Children come before their parents: the path grows from the number outwards.
    if (found.source === "" && isChanged(item, context)) {
      Object.assign(found, { path: [key], holder: this, source: context?.source });
    } else if (found.source !== "" && item === found.holder && typeof item === "object") {
      found.path.unshift(key);
      found.holder = this;
    }
    return item;
  });
  if (found.source === "") return value;
  const path = found.path.slice(1).join("."); // the outermost key is that of the reviver's own holder
  const what = Number.isFinite(Number(found.source))
    ? `${Number.isInteger(Number(found.source)) && !found.source.includes(".") ? "an integer" : "a number"} beyond 2^53 that a number would change`
    : "which is beyond every number";
  const message = `is ${found.source.slice(0, 40)}, ${what}. Send it as a text.`;
  throw new AionisError("VALUE_INVALID", `${path === "" ? subject : `${subject}: ${path}`} ${message}`, {
    facts: { path, issues: [{ path, message }] },
  });
}

/** What a reviver is told of a primitive value (ECMAScript's "JSON.parse source text access"). */
interface Source {
  source?: string;
}

const mayHoldLarge = /\d{16}|[eE]\+?\d{3}/; // 2^53 has 16 digits, and the largest double an exponent of 308

function isChanged(item: unknown, context: Source | undefined): boolean {
  if (typeof item !== "number" || Number.isSafeInteger(item)) return false;
  if (!Number.isFinite(item)) return true;
  const [, whole = "", fraction = ""] = /^(-?\d+)(?:\.(\d+))?/.exec(context?.source ?? "") ?? [];
  if (Number.isSafeInteger(Number(whole))) return false; // of a number with an exponent these are its digits alone
  return String(Number(whole)) !== whole || /[1-9]/.test(fraction); // other digits would come back
}

let partsLeft = 0; // of the value that `isPlain` looks at

function isPlain(value: unknown): boolean {
  partsLeft = limits.messageValues;
  try {
    return isPlainJson(value, 0);
  } catch {
    return false; // a getter or a proxy threw: the second look says where
  }
}

/** Whether `value` is JSON as it stands; false of what needs a second look. Allocates nothing [0.3 µs for a step's record]. */
function isPlainJson(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
      return value.isWellFormed();
    case "number":
      return Number.isFinite(value);
    case "object":
      break;
    default:
      return typeof value === "boolean" || value === undefined;
  }
  if (value === null) return true;
  partsLeft -= 1;
  if (depth === limits.messageDepth || partsLeft < 0) return false;
  if (Array.isArray(value)) {
    if (value.length > limits.messageValues) return false;
    for (let index = 0; index < value.length; index += 1) {
      if (value[index] === undefined || !isPlainJson(value[index], depth + 1)) return false;
    }
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key in value) {
    if (key === "toJSON" || !key.isWellFormed() || !isPlainJson((value as Record<string, unknown>)[key], depth + 1))
      return false; // a record of what was not looked at yet
  }
  return true;
}

const unfit = Symbol("unfit");
const depthMax = 1_000; // far beyond what a message may nest; a cycle is met long before

/** The plain value, or `unfit` with `look` filled. `open` holds the objects round this one. */
function convert(value: unknown, key: string, open: object[], look: Look): unknown {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? value : refuse(look, halfPair);
    case "number":
      return Number.isFinite(value) ? value : refuse(look, `is ${value}. Give null or a text.`);
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
      return refuse(look, "is a BigInt. Give it as a text: String(value).");
    case "function":
      return refuse(look, "is a function. Leave it out, or give what it returns.");
    case "symbol":
      return refuse(look, "is a symbol. Give it as a text.");
    case "object":
      break;
  }
  if (value === null) return null;
  try {
    return convertWhole(value, key, open, look);
  } catch (error) {
    return refuse(look, toUnreadable(error)); // JSON-5
  }
}

function convertWhole(value: object, key: string, open: object[], look: Look): unknown {
  if (ArrayBuffer.isView(value)) return refuse(look, "holds bytes. Give them as a text, such as base64."); // a Buffer has a toJSON
  if (open.includes(value)) return refuse(look, "contains itself. Give the parts without it.");
  if (open.length >= depthMax) return refuseSize(look, `nests deeper than ${depthMax} levels. Give it flatter.`);
  look.partsLeft -= 1;
  if (look.partsLeft < 0 || (Array.isArray(value) && value.length > limits.messageValues))
    return refuseSize(look, tooMany);
  if (hasToJson(value)) return follow(value, key, open, look);
  open.push(value);
  const plain = Array.isArray(value) ? convertList(value, open, look) : convertObject(value, open, look);
  open.pop();
  return plain;
}

/** What `toJSON` gives, as `JSON.stringify` asks it. A date without a moment would become null. */
function follow(value: { toJSON(key: string): unknown }, key: string, open: object[], look: Look): unknown {
  const written = value.toJSON(key);
  if (written === null && "getTime" in value) return refuse(look, "is a date without a time. Give null.");
  open.push(value);
  const plain = convert(written, key, open, look);
  open.pop();
  return plain;
}

function convertList(list: readonly unknown[], open: object[], look: Look): unknown {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index];
    const plain = convert(item, `${index}`, open, look) ?? null; // an absent item is null, as JSON has it
    if (plain === unfit) return within(look, `${index}`);
    if (plain !== item && copy === undefined) copy = list.slice(0, index);
    copy?.push(plain);
  }
  return copy ?? list;
}

function convertObject(object: object, open: object[], look: Look): unknown {
  if (!isWithoutClass(object)) return refuse(look, toAdvice(object));
  const keys = Object.keys(object);
  let changed: Map<string, unknown> | undefined;
  for (const key of keys) {
    if (!key.isWellFormed()) return within(refusal(look, halfPair), key.toWellFormed());
    const item = readItem(object, key, look);
    const plain = item === unfit ? unfit : convert(item, key, open, look);
    if (plain === unfit) return within(look, key);
    if (plain !== item) changed = (changed ?? new Map<string, unknown>()).set(key, plain);
  }
  if (changed === undefined) return object;
  const entries = keys.map((key) => [key, changed.has(key) ? changed.get(key) : Reflect.get(object, key)] as const);
  return Object.fromEntries(entries); // JSON-4: it defines keys, and does not assign them
}

/** A getter may throw. */
function readItem(object: object, key: string, look: Look): unknown {
  try {
    return Reflect.get(object, key);
  } catch (error) {
    return refuse(look, toUnreadable(error));
  }
}

/** An object of any realm without a class: its prototype is absent, or is one that has none. */
function isWithoutClass(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "hasOwnProperty");
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function toAdvice(object: object): string {
  if (object instanceof Map) return "is a Map. Give Object.fromEntries(map), or a list of its entries.";
  if (object instanceof Set) return "is a Set. Give a list: [...set].";
  if (object instanceof Error) return "is an error. Give its message.";
  if ("then" in object && typeof object.then === "function") return "is a promise. Await it.";
  const made: unknown = object.constructor;
  const name = typeof made === "function" && made.name !== "" ? made.name : "a class";
  return `is an object of ${name.slice(0, 80)}. Copy its fields into a plain object, or give it a toJSON method.`;
}

function toUnreadable(error: unknown): string {
  const why = error instanceof Error && typeof error.message === "string" ? `: ${error.message.slice(0, 200)}` : "";
  return `cannot be read${why.toWellFormed()}. Give a plain copy of it.`;
}

const tooMany = `has more than ${limits.messageValues} values. Keep them in a file, and give its name.`;

const halfPair = "holds half of a surrogate pair, which is no Unicode text. Call toWellFormed() on it.";

function refusal(look: Look, message: string): Look {
  look.message = message;
  return look;
}

function refuse(look: Look, message: string): typeof unfit {
  refusal(look, message);
  return unfit;
}

function refuseSize(look: Look, message: string): typeof unfit {
  look.code = "MESSAGE_TOO_LARGE";
  return refuse(look, message);
}

function within(look: Look, key: string): typeof unfit {
  look.path = look.path === "" ? key : `${key}.${look.path}`;
  return unfit;
}
