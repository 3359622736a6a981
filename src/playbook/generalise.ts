// JSON of several runs becomes one template
//
// Lays the inputs of one step beside one another, value by value. Texts are cut (generalise-text.ts), or looked through where there is one
// run alone (segment.ts). A text that holds a whole text which an earlier step gave back names that step, also where all runs have the same:
// what was read and written again is read again.
//
// Invariants:
//   J1. The template renders to each run's own value; of lists of several lengths to those of the length that more than half of them have.

import { isSameJson } from "../contracts/json.ts";
import type { CleanStep } from "./clean.ts";
import { askText, type Cutting, explainText } from "./generalise-text.ts";
import { markIdentifiers } from "./identifiers.ts";
import { joinSlots } from "./join-slots.ts";
import type { Tuple } from "./parameter-drafts.ts";
import { type Known, segmentText } from "./segment.ts";
import { type Part, printTemplate } from "./template.ts";
import { pathOf } from "./tools.ts";
import { toText, transform } from "./transforms.ts";

/** How values of some runs are made into one; `known` is for a single run. */
export interface Generalising extends Cutting {
  readonly runs: readonly number[];
  readonly known: readonly Known[];
  /** Whether the texts are of a program. */
  readonly isCode: boolean;
  /** Whether what nothing explains is asked for. */
  readonly asks: boolean;
}

const copiedChars = 16;

/** The template of `values`, one of each run (J1), or `undefined` when they differ in what nothing explains and nothing is asked for. */
export function generalise(values: readonly unknown[], how: Generalising): unknown {
  const [first] = values;
  if (values.every((each) => typeof each === "string"))
    return print(generaliseText({ runs: how.runs, texts: values }, how), how);
  if (values.every(Array.isArray)) {
    const most = findMost(values);
    if (most === undefined) return generaliseWhole(values, how);
    if (most.length < values.length) return generaliseSome(values, most, how);
    return gather(
      values[0]?.keys() ?? [],
      (key) =>
        generalise(
          values.map((each): unknown => each[key]),
          how,
        ),
      (items) => items.map(([, each]) => each),
    );
  }
  if (values.every(isObject)) {
    const keys = Object.keys(values[0] ?? {});
    const areSame = values.every(
      (each) => Object.keys(each).length === keys.length && keys.every((key) => Object.hasOwn(each, key)),
    );
    if (!areSame) return generaliseWhole(values, how);
    return gather(
      keys,
      (key) =>
        generalise(
          values.map((each): unknown => Reflect.get(each, key)),
          how,
        ),
      Object.fromEntries,
    );
  }
  return values.every((each) => isSameJson(each, first)) ? first : generaliseWhole(values, how);
}

/** Which of the lists have the length that most of them have; none when no length has more than half. */
function findMost(lists: readonly (readonly unknown[])[]): number[] | undefined {
  const most = lists.map(({ length }) => [...lists.keys()].filter((index) => lists[index]?.length === length));
  return most.find((indexes) => 2 * indexes.length > lists.length);
}

/** What most runs did goes before what one of them did in another number of parts. */
function generaliseSome(values: readonly unknown[], which: readonly number[], how: Generalising): unknown {
  const runs = which.flatMap((index) => how.runs[index] ?? []);
  return generalise(
    which.map((index) => values[index]),
    { ...how, runs },
  );
}

/** A value that differs as a whole: one slot that gives it in its own type. */
function generaliseWhole(values: readonly unknown[], { runs, origins, scope, asks }: Generalising): unknown {
  const texts = values.map(toText);
  const found = texts.every((each) => each !== undefined) ? origins.explain({ runs, texts }, scope) : undefined;
  if (found !== undefined) return printTemplate([{ ...found, transforms: [...found.transforms, transform("json")] }]);
  if (!asks) return undefined;
  const asked = origins.ask({ runs, texts: values.map((each) => JSON.stringify(each) ?? "null") }, true);
  return printTemplate([{ ...asked, transforms: [...asked.transforms, transform("json")] }]);
}

function generaliseText(tuple: Tuple, how: Generalising): Part[] | undefined {
  const copied = splitCopied(tuple, how);
  if (copied !== undefined) {
    const around = [copied.before, copied.after].map((each) => generaliseText(each, how));
    return around.every((each) => each !== undefined)
      ? [...(around[0] ?? []), copied.slot, ...(around[1] ?? [])]
      : undefined;
  }
  if (tuple.runs.length === 1) return segmentText(tuple.texts[0] ?? "", how.known);
  const parts = explainText(tuple, how) ?? (how.asks ? askText(tuple, how) : undefined);
  return parts && (how.scope.makesParameters ? joinSlots(parts, tuple.runs, how.origins) : parts);
}

/** The text before and after a whole text that an earlier step gave back in every run. */
function splitCopied(
  { runs, texts }: Tuple,
  { origins, scope }: Generalising,
): { before: Tuple; slot: Exclude<Part, string>; after: Tuple } | undefined {
  for (const { key, steps, leaves } of origins.outputsFor(runs, scope)) {
    for (const { path, text, isText } of leaves[runs[0] ?? 0] ?? []) {
      const least = runs.every((run) => isOwnFile(steps[run], scope.steps[run])) ? 2 : copiedChars;
      if (!isText || text.length < least || !text.endsWith("\n") || !texts[0]?.includes(text)) continue;
      const sources = runs.map(
        (run) => leaves[run]?.find((each) => each.path.join("\0") === path.join("\0"))?.text ?? "",
      );
      const found = sources.map((source, index) => (source.length < least ? -1 : (texts[index] ?? "").indexOf(source)));
      if (found.includes(-1)) continue;
      const before = texts.map((each, index) => each.slice(0, found[index]));
      const after = texts.map((each, index) => each.slice((found[index] ?? 0) + (sources[index] ?? "").length));
      return {
        before: { runs, texts: before },
        slot: { reference: ["steps", key, ...path], transforms: [] },
        after: { runs, texts: after },
      };
    }
  }
  return undefined;
}

/** Whether a step read the file that another one works on. */
function isOwnFile(read: CleanStep | undefined, step: CleanStep | undefined): boolean {
  return read?.tool === "file.read" && step !== undefined && pathOf(read) === pathOf(step);
}

/** Both are made of what `make` gives, or nothing is when it gives nothing once. */
function gather<Key>(
  keys: Iterable<Key>,
  make: (key: Key) => unknown,
  join: (items: [Key, unknown][]) => unknown,
): unknown {
  const items: [Key, unknown][] = [];
  for (const key of keys) {
    const made = make(key);
    if (made === undefined) return undefined;
    items.push([key, made]);
  }
  return join(items);
}

function print(parts: readonly Part[] | undefined, { origins, runs, isCode }: Generalising): string | undefined {
  if (parts === undefined) return undefined;
  const textsOf = (index: number): readonly string[] => {
    const part = parts[index];
    return typeof part === "object" ? origins.valuesOf(part, runs) : [];
  };
  return printTemplate(isCode ? markIdentifiers(parts, textsOf) : parts);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
