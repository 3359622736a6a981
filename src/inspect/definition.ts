// Definitions
//
// A machine as JSON text, as tools for XState read it: its states in the order in which they were written, to their full depth, with
// guards and actions by their names.
//
// Invariants:
//   D1. What a machine holds as values (context, inputs, parameters, meta) is not in it: only keys that say how it moves are taken.
//   D2. Whatever it is given, it throws nothing and runs nothing of it: getters are not read.
//   D3. Its size is bounded: past `charsMax` the rest is left out.

import { sha256, toHex } from "../kernel/digest.ts";
import { cut } from "./text.ts";

export interface Definition {
  readonly json: string;
  /** Tells definitions apart, for whoever keeps something by them: hexadecimal. */
  readonly hash: string;
}

/** The definition of a machine, made once; of any other logic, and of what is none, only `name` as its id. */
export function definitionOf(logic: unknown, name: string): Definition {
  const config = read(logic, "config");
  if (typeof config !== "object" || config === null) return toDefinition({ id: cut(name, nameChars) });
  const known = definitions.get(config);
  if (known !== undefined) return known;
  const id = read(config, "id");
  const writer: Writer = { charsLeft: charsMax, open: new Set() };
  const states = writeFields(config, machineKeys, writer);
  const definition = toDefinition({ id: cut(typeof id === "string" ? id : "(machine)", nameChars), ...states });
  definitions.set(config, definition);
  return definition;
}

const charsMax = 40 * 1024; // so that it fits into one message with what is around it
const nameChars = 200;
const levelsMax = 200; // objects in each other; deeper ones are left out
const itemsMax = 1_000; // of one list
const definitions = new WeakMap<object, Definition>();

interface Writer {
  charsLeft: number;
  /** The objects that hold what is being written: what is met again in itself is left out. */
  readonly open: Set<object>;
}

/** How the value of a key is written; `undefined` leaves it out. */
type Write = (value: unknown, writer: Writer, key: string) => unknown;

const writeText: Write = (value, writer) => {
  if (typeof value !== "string") return undefined;
  const text = cut(value);
  writer.charsLeft -= JSON.stringify(text).length;
  return writer.charsLeft < 0 ? undefined : text;
};

const writeFlag: Write = (value) => (typeof value === "boolean" ? value : undefined);

/** A guard or an action: its name, as the machine's author wrote it or gave it to the function. */
const writeName: Write = (value, writer, key) => writeText(toName(value, key), writer, key);

/** Logic that is invoked: its name, or the id of the machine itself. */
const writeSource: Write = (value, writer, key) => {
  const id = read(read(value, "config"), "id");
  return writeText(typeof id === "string" ? id : toName(value, key), writer, key);
};

const writeState: Write = (value, writer) => writeFields(value, stateKeys, writer);
const writeInvoke: Write = (value, writer) => writeFields(value, invokeKeys, writer);
const writeTransition: Write = (value, writer, key) =>
  writeText(value, writer, key) ?? writeFields(value, transitionKeys, writer);

const writeTransitions = oneOrMore(writeTransition);
const writeNames = oneOrMore(writeName);
const transitionKeys: Record<string, Write> = {
  target: oneOrMore(writeText),
  guard: writeName,
  actions: writeNames,
  reenter: writeFlag,
  description: writeText,
};
const invokeKeys: Record<string, Write> = {
  id: writeText,
  systemId: writeText,
  src: writeSource,
  onDone: writeTransitions,
  onError: writeTransitions,
  onSnapshot: writeTransitions,
};
const stateKeys: Record<string, Write> = {
  id: writeText,
  type: writeText,
  description: writeText,
  tags: oneOrMore(writeText),
  history: (value, writer, key) => writeFlag(value, writer, key) ?? writeText(value, writer, key),
  target: writeText,
  initial: writeTransition,
  entry: writeNames,
  exit: writeNames,
  invoke: oneOrMore(writeInvoke),
  on: eachOf(writeTransitions),
  after: eachOf(writeTransitions),
  always: writeTransitions,
  onDone: writeTransitions,
  states: eachOf(writeState),
};
const { id: _id, ...ownKeys } = stateKeys; // the root's id is there already, and always
const machineKeys: Record<string, Write> = { version: writeText, ...ownKeys };

/** The fields of an object that are among `keys`, in the object's own order. */
function writeFields(value: unknown, keys: Record<string, Write>, writer: Writer): object | undefined {
  return writeObject(value, writer, (key) => (Object.hasOwn(keys, key) ? keys[key] : undefined));
}

function eachOf(write: Write): Write {
  return (value, writer) => writeObject(value, writer, () => write);
}

function oneOrMore(write: Write): Write {
  return (value, writer, key) => {
    if (!isList(value)) return write(value, writer, key);
    const written: unknown[] = [];
    const { open } = writer;
    if (open.has(value) || open.size >= levelsMax) return undefined;
    open.add(value);
    const length = Math.min(Number(read(value, "length")), itemsMax); // D3
    for (let index = 0; index < length && writer.charsLeft > 0; index += 1) {
      writer.charsLeft -= 2;
      const item = write(read(value, String(index)), writer, key);
      if (item !== undefined) written.push(item);
    }
    open.delete(value);
    return written;
  };
}

function writeObject(
  value: unknown,
  writer: Writer,
  writeOf: (key: string) => Write | undefined,
): Record<string, unknown> | undefined {
  const { open } = writer;
  if (typeof value !== "object" || value === null || isList(value)) return undefined;
  if (open.has(value) || open.size >= levelsMax) return undefined;
  open.add(value);
  const written = Object.create(null) as Record<string, unknown>; // a state may be called `__proto__`
  for (const key of keysOf(value)) {
    const write = writeOf(key);
    if (write === undefined || writer.charsLeft <= 0) continue;
    const name = cut(key);
    writer.charsLeft -= JSON.stringify(name).length + 4; // with what stands around it
    const field = write(read(value, key), writer, key);
    if (field !== undefined) written[name] = field;
  }
  open.delete(value);
  return written;
}

/** `not(isSession)` for a guard made of guards; "(inline)" for a function whose name is only that of the key it stands at. */
function toName(value: unknown, key: string, levels = 8): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "object") return toName(read(value, "type"), "type");
  if (typeof value !== "function") return undefined;
  const type = read(value, "type");
  if (typeof type === "string") return type;
  const name = read(value, "name");
  if (typeof name !== "string" || name === "" || name === key) return "(inline)";
  const guards = read(value, "guards");
  if (!isList(guards) || levels === 0) return name;
  const parts = keysOf(guards)
    .slice(0, 20)
    .map((index) => toName(read(guards, index), "", levels - 1));
  return `${name}(${parts.filter((part) => part !== undefined).join(", ")})`;
}

function toDefinition(value: object): Definition {
  const json = JSON.stringify(value);
  return { json, hash: toHex(sha256(json)) };
}

function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false; // a revoked proxy
  }
}

function keysOf(value: object): string[] {
  try {
    return Object.keys(value);
  } catch {
    return []; // a proxy's own doing
  }
}

/** An own field that holds a value; a getter is not run (D2). */
function read(value: unknown, key: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  try {
    return Object.getOwnPropertyDescriptor(value, key)?.value;
  } catch {
    return undefined; // a proxy's own doing
  }
}
