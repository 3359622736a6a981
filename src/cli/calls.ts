// Calls
//
// An operation with its input as the command that would make the call, so that an answer that names one can be followed by hand.

import { type Field, positionalOf, toFields } from "./fields.ts";
import { escapeLine } from "./text.ts";
import { findVerb } from "./verbs.ts";

/** The command, in one line (X1); the operation's name alone where it has no verb. */
export function toCommand(operation: string, input: Readonly<Record<string, unknown>>): string {
  const verb = findVerb(operation);
  if (verb === undefined) return escapeLine(operation);
  const fields = toFields(verb.input, verb.traits).map((field) => ({ field, value: readValue(input, field) }));
  const given = fields.filter(({ value }) => value !== undefined);
  const positional = positionalOf(
    verb.traits,
    fields.map(({ field }) => field),
  );
  const byPlace = positional.flatMap((field) => given.filter((entry) => entry.field === field));
  const options = given.filter(({ field }) => !positional.includes(field));
  const words = [
    ...byPlace.flatMap(({ value }) => toTexts(value)),
    ...options.flatMap(({ field, value }) => {
      const texts = toTexts(value);
      const shown = texts.length === 0 ? [field.flag.toUpperCase()] : texts; // an empty list is one to be filled in
      return shown.flatMap((text) => [`--${field.flag}`, text]);
    }),
  ];
  return ["aionis", ...verb.words, ...words.map(toWord)].join(" ");
}

function readValue(input: Readonly<Record<string, unknown>>, { name, within }: Field): unknown {
  const object = within === undefined ? input : input[within];
  return typeof object === "object" && object !== null ? Reflect.get(object, name) : undefined;
}

function toTexts(value: unknown): string[] {
  return [value].flat().map((item) => (typeof item === "string" ? item : JSON.stringify(item)));
}

/** As a shell reads it back, as far as it can be shown. */
function toWord(text: string): string {
  const shown = escapeLine(text);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}
