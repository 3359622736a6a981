// Templates within JSON: visiting and changing the texts of an input, a condition or a check. Keys stay as they are.

import { type Part, parseTemplate, printTemplate, type Slot } from "./template.ts";

/** `value` with `change` made to each text in it. */
export function mapTexts(value: unknown, change: (text: string) => unknown): unknown {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, change));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, change)]));
}

/** Every slot in the texts of `value`. @throws SlotError for a text that is no template. */
export function listSlots(value: unknown): Slot[] {
  const slots: Slot[] = [];
  mapTexts(value, (text) => {
    for (const part of parseTemplate(text)) if (typeof part === "object") slots.push(part);
    return text;
  });
  return slots;
}

/** `value` with each slot in its texts exchanged. @throws SlotError for a text that is no template. */
export function mapSlots(value: unknown, change: (slot: Slot) => Part): unknown {
  return mapTexts(value, (text) =>
    printTemplate(parseTemplate(text).map((part) => (typeof part === "object" ? change(part) : part))),
  );
}

/** `value` as a template that gives exactly it. */
export function toLiteral(value: unknown): unknown {
  return mapTexts(value, (text) => printTemplate([text]));
}

/** The parameter that a slot names, or `undefined` for one that names a step. */
export function parameterOf({ reference }: Slot): string | undefined {
  return reference.length === 1 ? reference[0] : undefined;
}

/** The key of the step that a slot names, if it names one. */
export function stepOf({ reference }: Slot): string | undefined {
  return reference.length > 1 && reference[0] === "steps" ? reference[1] : undefined;
}
