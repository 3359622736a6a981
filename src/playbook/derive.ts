// Derivations
//
// Finds the transforms that make each wanted text of its source, the same ones for every run. Nothing is taken that does not hold for all.
//
// Invariants:
//   V1. `applyAll(found, sources[i])` is `wanted[i]` for every i.

import { splitName } from "./cases.ts";
import { shapeOf } from "./tokens.ts";
import { applyAll, type Transform, transform } from "./transforms.ts";

const cases: readonly Transform[] = [
  ...[transform("lower"), transform("camel"), transform("kebab"), transform("snake"), transform("pascal")],
  ...[transform("constant"), transform("title"), transform("upper")],
];
/** Of names and of titles, where they differ: `SQLite` is two words of a name and one of a title. */
const titleCases: readonly Transform[] = [transform("slug"), ...cases];
const parts: readonly Transform[] = [transform("base"), transform("stem"), transform("dir"), transform("ext")];
const bumps: readonly Transform[] = [
  transform("bump", "patch"),
  transform("bump", "minor"),
  transform("bump", "major"),
];
const simple: readonly (readonly Transform[])[] = [
  ...[[], [transform("trim")]],
  ...cases.map((each) => [each]),
  [transform("slug")],
  ...parts.map((each) => [each]),
  ...parts.flatMap((part) => cases.map((each) => [part, each])),
  [transform("dir"), transform("base")],
  ...bumps.map((each) => [each]),
];
const shortChars = 400;

/** How each text of `wanted` comes of a short source, a parameter's value; the simplest way. */
export function derive(sources: readonly string[], wanted: readonly string[]): readonly Transform[] | undefined {
  if (sources.some((each) => each.length > shortChars)) return undefined;
  const isDerived = (each: readonly Transform[]): boolean => gives(each, sources, wanted);
  const spellings = listSpellings(sources);
  return (
    spellings.find(isDerived) ?? simple.find(isDerived) ?? deriveSum(sources, wanted) ?? deriveCut(sources, wanted)
  );
}

/** Only another spelling of the same words. */
export function deriveCase(sources: readonly string[], wanted: readonly string[]): readonly Transform[] | undefined {
  return listSpellings(sources).find((each) => gives(each, sources, wanted));
}

/** The ways to spell `values`, the likeliest first. */
export function listSpellings(values: readonly string[]): readonly (readonly Transform[])[] {
  const areTitles = values.every((each) => /\s/.test(each));
  return [[], ...(areTitles ? titleCases : [...cases, transform("slug")]).map((each) => [each])];
}

/** Whether `transforms` make each text of `wanted` of its source (V1). */
export function gives(
  transforms: readonly Transform[],
  sources: readonly string[],
  wanted: readonly string[],
): boolean {
  return wanted.every((each, index) => String(applyAll(transforms, sources[index] ?? "")) === each);
}

/** A whole number that is as far from its source in every run. */
function deriveSum(sources: readonly string[], wanted: readonly string[]): readonly Transform[] | undefined {
  const [source = "", result = ""] = [sources[0], wanted[0]];
  if (!/^\d{1,15}$/.test(source) || !/^\d{1,15}$/.test(result)) return undefined;
  const amount = Number(result) - Number(source);
  if (amount === 0 || Math.abs(amount) > 9) return undefined;
  const sum = [transform("add", String(amount))];
  return gives(sum, sources, wanted) ? sum : undefined;
}

/** The part between what stands before and after it in every run. */
function deriveCut(sources: readonly string[], wanted: readonly string[]): readonly Transform[] | undefined {
  const [source = "", result = ""] = [sources[0], wanted[0]];
  if (result === "" || !isPart(result)) return undefined;
  for (let at = source.indexOf(result); at !== -1; at = source.indexOf(result, at + 1)) {
    const begin = source.slice(0, at);
    const end = source.slice(at + result.length);
    for (const each of [transform("between", begin, end), transform("between", begin, end.slice(0, 1))]) {
      if (!/^[\p{L}\p{N}]/u.test(end) && gives([each], sources, wanted)) return [each];
    }
  }
  return undefined;
}

/** A cut of a letter or two is likely by chance. */
function isPart(text: string): boolean {
  return text.length > 2 || /\d/.test(text);
}

/** A text that comes of a value. */
export interface DerivedForm {
  readonly text: string;
  readonly transforms: readonly Transform[];
}

/** Every spelling and part of `value` that may stand in another text, with how it comes of it; for a single run, where nothing can be compared. */
export function listForms(value: string): DerivedForm[] {
  const forms: DerivedForm[] = [{ text: value, transforms: [] }];
  const add = (transforms: readonly Transform[]): void => {
    const text = applyAll(transforms, value);
    if (typeof text !== "string" || text.length < 3 || forms.some((each) => each.text === text)) return;
    forms.push({ text, transforms });
  };
  if (value.length > shortChars) return forms;
  const shape = shapeOf(value);
  if (shape === "path") {
    const segments = value.split("/");
    for (let index = 1; index < segments.length - 1; index++) {
      const begin = `${segments.slice(0, index).join("/")}/`;
      add([transform("between", begin, "")]);
      const ext = applyAll([transform("ext")], value);
      if (typeof ext === "string") add([transform("between", begin, `.${ext}`)]);
    }
    add([transform("base")]);
    add([transform("stem")]);
  }
  const isName = shape === "name" || shape === "word" || (shape === "text" && /^[\p{L}\p{N} ]+$/u.test(value));
  if (isName && splitName(value).length > 1) for (const each of listSpellings([value])) add(each);
  return forms;
}
