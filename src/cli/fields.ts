// Fields
//
// The inputs of an operation as arguments and options, made from its schema, and what is written there as input again.
//
// A scalar is an option. A list of scalars is an option that may be repeated, in the singular (`roles` is `--role`). Whom a thing is
// for is `any`, `role:…` or `agent:…`. What ends in `At` is a moment, in `Ms` a length of time. Values by names that are free are
// `name=value`, once a name. Everything else is JSON, but for what `FieldTraits` say: an object whose fields are options of their own, a
// path, another name.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { fromDuration } from "../contracts/duration.ts";
import { isFailure } from "../contracts/failures.ts";
import { parseJson as readJsonText } from "../contracts/json.ts";
import { limits } from "../contracts/limits.ts";
import { toUsageError } from "./report.ts";
import { fromMoment } from "./units.ts";
import { meanings, toKebab } from "./words.ts";

type Schema = z.core.JSONSchema.BaseSchema;

type Kind = keyof typeof placeholders;

export interface Field {
  /** As the operation's input calls it. */
  name: string;
  /** The input that it is a field of, if it is one of an object's. */
  within: string | undefined;
  /** Without the dashes. */
  flag: string;
  kind: Kind;
  isList: boolean;
  isRequired: boolean;
  /** What stands for the value in help texts, such as `<text>`. */
  placeholder: string;
  /** For help texts: the meaning, choices, bounds and default. */
  description: string;
  /** Of a switch: whether it is on when it is not given. */
  isOn: boolean;
  /** Whether it is given by its place, not as an option. */
  isArgument: boolean;
}

/** The field as it is written on the command line: `--state`, or `<task-id>`. */
function labelOf({ flag, isArgument, isOn }: Pick<Field, "flag" | "isArgument" | "isOn">): string {
  return isArgument ? `<${flag}>` : `--${isOn ? "no-" : ""}${flag}`;
}

/** Where in an input something is, as it was written on the command line; nothing of the input as a whole. */
export function labelPath(fields: readonly Field[], path: readonly PropertyKey[]): string {
  const [first, second] = path.map(String);
  const field = fields.find(({ name, within }) =>
    within === undefined ? name === first : within === first && name === second,
  );
  if (field === undefined) return path.map(String).join(".");
  const inner = path.slice(field.within === undefined ? 1 : 2).map(String);
  const isItem = field.isList && inner.length === 1; // each item was an option of its own
  return inner.length === 0 || isItem ? labelOf(field) : `${labelOf(field)} at ${inner.join(".")}`;
}

/** What a schema cannot say of its fields, by their names. */
export interface FieldTraits {
  /** Inputs that are given by position; by default the required ids. */
  positional?: readonly string[];
  /** Objects whose fields are options of their own. */
  spread?: readonly string[];
  /** Texts that are paths of this machine, resolved against the current folder. */
  paths?: readonly string[];
  /** Options that read better under another name. */
  flags?: Readonly<Record<string, string>>;
  /** What a field means here, where that differs from what it means elsewhere. */
  meanings?: Readonly<Record<string, string>>;
}

/** What reading a value may need. */
export interface FieldReader {
  cwd: string;
  now(): number;
  /** All of stdin; a second call fails. */
  stdin(): Promise<string>;
}

/** The inputs of an operation, in the order of its schema. Of several forms it has the inputs of all, and needs those that all need. */
export function toFields(input: z.ZodType, traits: FieldTraits = {}): Field[] {
  return listFields(z.toJSONSchema(input, { io: "input", unrepresentable: "any" }), traits);
}

function listFields(input: Schema, traits: FieldTraits): Field[] {
  const forms = toForms(input);
  const properties = new Map(forms.flatMap((form) => Object.entries(form.properties ?? {})));
  return [...properties].flatMap(([name, property]) => {
    const schema = asSchema(property);
    if (traits.spread?.includes(name) === true) {
      return listFields(schema, traits).map((field) => ({ ...field, within: name }));
    }
    const isRequired = forms.every((form) => form.required?.includes(name) === true);
    return [toField(name, schema, isRequired, traits)];
  });
}

const idFields = ["taskId", "packetId", "sessionId", "id", "lessons", "receipt"];

/** Whether it names what must be there. */
export function isId({ name }: Field): boolean {
  return idFields.includes(name);
}

/** The inputs that are given by position: those that `positional` names, else the ids that the operation cannot do without. */
export function positionalOf({ positional }: FieldTraits, fields: readonly Field[]): Field[] {
  const isAsked = (field: Field): boolean => positional !== undefined || field.isRequired;
  return (positional ?? idFields).flatMap((name) => fields.filter((field) => field.name === name && isAsked(field)));
}

/** Puts a field's value where the operation's input has it. */
export function putField(input: Record<string, unknown>, { name, within }: Field, value: unknown): void {
  if (within === undefined) input[name] = value;
  else input[within] = { ...(input[within] as object | undefined), [name]: value }; // put there before, by this function
}

function toForms(schema: Schema): Schema[] {
  const branches = schema.anyOf ?? schema.oneOf;
  return branches === undefined ? [schema] : branches.flatMap((branch) => toForms(asSchema(branch)));
}

/** The value that `texts` write, one text for each time the option was given. */
export async function readField(field: Field, texts: readonly string[], reader: FieldReader): Promise<unknown> {
  if (field.kind === "pair") return readPairs(field, texts, reader);
  if (!field.isList) return readOne(field, texts.at(-1) ?? "", reader);
  const [first = ""] = texts;
  if (texts.length === 1 && first.startsWith("[")) return parseJson(field, first);
  const split = field.kind === "choice" ? texts.flatMap((text) => text.split(",")) : texts;
  return Promise.all(split.map((text) => readOne(field, text, reader)));
}

/** One option for each time in the plural that an API's reader may write. */
export function toPlural(field: Field): string | undefined {
  const plural = toKebab(field.name);
  return field.isList && plural !== field.flag ? plural : undefined;
}

function toField(name: string, schema: Schema, isRequired: boolean, traits: FieldTraits): Field {
  const items = schema.type === "array" ? asSchema(schema.items) : undefined;
  const itemKind = items === undefined ? undefined : toKind(name, items);
  const isList = itemKind !== undefined && itemKind !== "json" && itemKind !== "any";
  const kind = traits.paths?.includes(name) === true ? "path" : isList ? itemKind : toKind(name, schema);
  const isMany = isList || kind === "pair";
  const choices = isList ? items?.enum : schema.enum;
  return {
    name,
    within: undefined,
    flag: traits.flags?.[name] ?? toKebab(isMany && name.endsWith("s") ? name.slice(0, -1) : name),
    kind,
    isList: isMany,
    isRequired,
    isOn: kind === "switch" && schema.default === true,
    isArgument: false,
    placeholder: `<${placeholders[kind]}>`,
    description: describe(traits.meanings?.[name] ?? meaningOf(name, schema), schema, {
      kind,
      isList: isMany,
      choices,
    }),
  };
}

const placeholders = {
  switch: "",
  number: "n",
  moment: "time",
  duration: "duration",
  text: "text",
  longText: "text",
  path: "path",
  choice: "word",
  tagged: "any|role:R|agent:A",
  pair: "name=value",
  any: "json",
  json: "json",
} as const;

function toKind(name: string, schema: Schema): Kind {
  if (schema.enum !== undefined) return "choice";
  switch (schema.type) {
    case "boolean":
      return "switch";
    case "integer":
    case "number":
      return name.endsWith("At") ? "moment" : name.endsWith("Ms") ? "duration" : "number";
    case "string":
      return (schema.maxLength ?? 0) > limits.lineChars ? "longText" : "text";
    case "object":
      return isMap(schema) ? "pair" : "json";
    case undefined:
      return toUnionKind(schema) ?? (Object.keys(schema).every((key) => notTypes.has(key)) ? "any" : "json");
    default:
      return "json";
  }
}

const notTypes = new Set(["description", "title", "default", "examples"]);

/** Scalars by names that are free. */
function isMap({ additionalProperties, properties }: Schema): boolean {
  if (properties !== undefined || typeof additionalProperties !== "object") return false;
  const values = additionalProperties.anyOf?.map(asSchema) ?? [additionalProperties];
  return values.every(({ type }) => type === "string" || type === "number" || type === "boolean");
}

/** Unions that are written without JSON: whom a thing is for, and ids of several kinds. */
function toUnionKind(schema: Schema): Kind | undefined {
  const branches = (schema.anyOf ?? []).map(asSchema);
  if (isTarget(branches)) return "tagged";
  return branches.length > 0 && branches.every(({ type }) => type === "string") ? "text" : undefined;
}

/** The one union that has a short form: see `Target` in the contracts. */
function isTarget(branches: readonly Schema[]): boolean {
  const keys = branches.map((branch) => branch.const ?? Object.keys(branch.properties ?? {}).join());
  return keys.length === 3 && ["agent", "role", "any"].every((key) => keys.includes(key));
}

function describe(
  meaning: string,
  schema: Schema,
  { kind, isList, choices }: { kind: Kind; isList: boolean; choices: Schema["enum"] },
): string {
  const parts = [meaning];
  if (choices !== undefined) parts.push(`one of ${choices.join(", ")}`);
  if (kind === "number" && schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER)
    parts.push(`${schema.minimum ?? schema.exclusiveMinimum ?? 0} to ${schema.maximum}`);
  if (kind === "moment") parts.push("2026-01-31T12:00, +2h, or milliseconds since 1970");
  if (kind === "duration") parts.push("90s, 1h30m, or milliseconds");
  if (kind === "json" || kind === "any") parts.push("JSON, @FILE, or - for stdin");
  if (isList) parts.push("may be repeated");
  const hasDefault = schema.default !== undefined && kind !== "switch" && !isEmpty(schema.default);
  return parts.join("; ") + (hasDefault ? ` (default: ${toText(schema.default)})` : "");
}

function meaningOf(name: string, schema: Schema): string {
  return schema.description ?? meanings[name] ?? toKebab(name).replaceAll("-", " ");
}

async function readOne(field: Field, text: string, reader: FieldReader): Promise<unknown> {
  switch (field.kind) {
    case "number":
      return orRefuse(field, text, "a number", /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined);
    case "moment":
      return orRefuse(field, text, "a time", fromMoment(text, reader.now()));
    case "duration":
      return orRefuse(field, text, "a length of time", fromDuration(text));
    case "tagged":
      return toTarget(field, text);
    case "path":
      return resolve(reader.cwd, orRefuse(field, text, "a path", text || undefined));
    case "longText":
      return text === "-" ? reader.stdin() : text;
    case "any":
    case "json":
      return readJson(field, text, reader);
    default:
      return text;
  }
}

/** `role:code.fix`, as the product's own texts write it. */
function toTarget(field: Field, text: string): unknown {
  if (text.startsWith("{")) return parseJson(field, text);
  if (text === "any") return text;
  const [, kind = "", name = ""] = /^(role|agent):(.+)$/s.exec(text) ?? [];
  return { [orRefuse(field, text, "role:NAME, agent:NAME or any", kind || undefined)]: name };
}

/** What stands before the first `=` names the value. */
function readPairs(field: Field, texts: readonly string[], reader: FieldReader): unknown {
  const [first = ""] = texts;
  if (texts.length === 1 && /^(\{|@|-$)/.test(first)) return readJson(field, first, reader);
  const pairs = texts.map((text) => {
    const at = text.indexOf("=");
    return orRefuse(
      field,
      text,
      "a name=value",
      at < 1 ? undefined : ([text.slice(0, at), text.slice(at + 1)] as const),
    );
  });
  return Object.fromEntries(pairs);
}

async function readJson(field: Field, text: string, reader: FieldReader): Promise<unknown> {
  // a variable of a script that is not set must not be recorded as an empty text; as an argument one can be meant
  if (text.trim() === "" && !field.isArgument)
    throw toUsageError(`${labelOf(field)} is empty. Give it a value, or leave it out.`);
  if (text === "-") return parseJson(field, await reader.stdin());
  if (text.startsWith("@")) return parseJson(field, readFile(field, resolve(reader.cwd, text.slice(1))));
  if (field.kind === "any" && !/^\s*[[{"]/.test(text)) return parseOrText(field, text);
  return parseJson(field, text);
}

function parseJson(field: Field, text: string): unknown {
  if (text.trim() === "") throw toUsageError(`${labelOf(field)} is no JSON: there is nothing in it.`);
  try {
    return readJsonText(withoutMark(text), labelOf(field));
  } catch (cause) {
    if (isFailure(cause)) throw cause; // a number that would not come back
    throw toUsageError(`${labelOf(field)} is no JSON: ${cause instanceof Error ? cause.message : String(cause)}.`);
  }
}

/** Without the byte order mark that some editors put before a text: RFC 8259 lets a reader pass it over. */
export function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** `true`, `42` and `null` are JSON; a word is a text. */
function parseOrText(field: Field, text: string): unknown {
  try {
    return readJsonText(text, labelOf(field));
  } catch (cause) {
    if (isFailure(cause)) throw cause; // as above
    return text; // the short form of a JSON string
  }
}

function readFile(field: Field, path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw toUsageError(
      `${labelOf(field)}: ${path} cannot be read (${cause instanceof Error ? cause.message : cause}).`,
    );
  }
  return decodeText(bytes, path);
}

/** The text that `bytes` are, all of it: another decoder would put U+FFFD for what it does not understand, and that would be stored. */
export function decodeText(bytes: Uint8Array, from: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw toUsageError(`${from} is not text in UTF-8.`);
  }
}

function orRefuse<Value>(field: Field, text: string, what: string, value: Value | undefined): Value {
  if (value !== undefined) return value;
  throw toUsageError(`${labelOf(field)} is "${text.slice(0, 80)}", which is not ${what}.`);
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** JSON Schema has `true` for anything; zod writes `{}`. */
function asSchema(schema: unknown): Schema {
  return typeof schema === "object" && schema !== null ? (schema as Schema) : {};
}
