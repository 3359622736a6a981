// Binding: the values that are given become those that a playbook runs with.

import { parseJson } from "../contracts/json.ts";
import { limits } from "../contracts/limits.ts";
import type { Parameter, ParameterValues, PlaybookContent } from "../contracts/playbook.ts";
import { listSlots } from "./json-template.ts";
import { isPlainNumber } from "./parameter-drafts.ts";
import { toText } from "./transforms.ts";

/** What is there, what nobody gave, and what does not fit. */
interface Bound {
  readonly values: ParameterValues;
  readonly missing: string[];
  readonly invalid: { name: string; why: string }[];
}

/** `given` with fallbacks, each of its parameter's type. A parameter that only branches for it use is not missed. */
export function bindParameters(content: PlaybookContent, given: ParameterValues): Bound {
  const values: ParameterValues = {};
  const missing: string[] = [];
  const invalid: { name: string; why: string }[] = [];
  const known = new Set(content.parameters.map(({ name }) => name));
  for (const name of Object.keys(given)) if (!known.has(name)) invalid.push({ name, why: "is no parameter of it" });
  const optional = listOptional(content);
  for (const parameter of content.parameters) {
    const { name, fallback } = parameter;
    const value = Object.hasOwn(given, name) ? given[name] : fallback;
    if (value === undefined) {
      if (!optional.has(name)) missing.push(name);
      continue;
    }
    const why = whyInvalid(parameter, value);
    if (why === undefined) values[name] = toTyped(parameter, value);
    else invalid.push({ name, why });
  }
  return { values, missing, invalid };
}

/** Parameters that stand only in steps which are taken when they, or others that stand nowhere else, are given. */
export function listOptional({ parameters, steps, checks }: PlaybookContent): Set<string> {
  const always = steps.filter(({ when }) => when?.kind !== "given");
  const needed = new Set(
    [always.map(({ input, before, after, when }) => [input, before, after, when ?? []]), checks].flatMap((each) =>
      listNames(each),
    ),
  );
  return new Set(parameters.map(({ name }) => name).filter((name) => !needed.has(name)));
}

function listNames(template: unknown): string[] {
  return listSlots(template).flatMap(({ reference }) => (reference.length === 1 ? (reference[0] ?? []) : []));
}

/** A number that is written otherwise than a program would is kept as it was written. */
function toTyped({ type }: Parameter, value: string | number | boolean): string | number | boolean {
  if (type === "number" && typeof value === "string" && isPlainNumber(value.trim())) return Number(value);
  return type === "number" || type === "json" ? value : String(value);
}

const rules: Readonly<Record<Parameter["type"], { fits(text: string): boolean; why: string }>> = {
  text: { fits: () => true, why: "" },
  word: { fits: (text) => /^\S{1,500}$/.test(text), why: "is no single word" },
  path: { fits: isPath, why: "is no path within the workspace" },
  version: { fits: (text) => /^v?\d{1,9}(?:\.\d{1,9}){0,3}(?:[-+][\w.+-]{1,60})?$/.test(text), why: "is no version" },
  url: { fits: (text) => /^[a-z][a-z\d+.-]{0,20}:\/\/\S{1,2000}$/i.test(text), why: "is no address with its scheme" },
  number: { fits: (text) => /^\s*-?\d{1,20}(?:\.\d{1,20})?\s*$/.test(text), why: "is no number" },
  json: { fits: isJson, why: "is no JSON" },
};

/** Whether `text` may be a value of that type. */
export function isOfType(type: Parameter["type"], text: string): boolean {
  return rules[type].fits(text);
}

function whyInvalid({ type }: Parameter, value: string | number | boolean): string | undefined {
  const text = toText(value) ?? "";
  if (text === "" && type !== "text") return "is empty";
  return rules[type].fits(text) ? undefined : rules[type].why;
}

function isPath(text: string): boolean {
  return text.length <= limits.pathChars && !/[\n\0]/.test(text) && !text.split("/").includes("..");
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch {
    return false; // that is what is asked
  }
}
