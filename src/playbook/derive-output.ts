// Derivations from what a step gave back
//
// Finds a value in a longer text: the whole of it, its first or last line, or what stands between two texts in every run.

import { derive, gives } from "./derive.ts";
import { bordersOf } from "./tokens.ts";
import { applyAll, type Transform, transform } from "./transforms.ts";

const wholes: readonly (readonly Transform[])[] = [
  [],
  [transform("trim")],
  [transform("last-line")],
  [transform("first-line")],
];
const valueChars = 300;
const textChars = 60_000;
const occurrencesMax = 6;
const beforeChars = 60;
const afterChars = 12;

/** How each text of `wanted` comes of what a step gave back in its run, or `undefined`. A source that is longer than is looked at gives nothing. */
export function deriveFromOutput(
  sources: readonly string[],
  wanted: readonly string[],
): readonly Transform[] | undefined {
  const whole = wholes.find((each) => gives(each, sources, wanted));
  if (whole !== undefined) return whole;
  if (wanted.some((each) => each === "" || each.length > valueChars || each.includes("\n"))) return undefined;
  if (sources.some((each) => each.length > textChars)) return undefined;
  return deriveFound(sources, wanted) ?? deriveNext(sources, wanted);
}

function deriveFound(sources: readonly string[], wanted: readonly string[]): readonly Transform[] | undefined {
  const keyed = cutAround(sources, wanted, /\p{L}[^\n]*$/u);
  if (keyed !== undefined) return keyed; // what stands behind its key is found wherever that line stands
  for (const line of [transform("last-line"), transform("first-line")]) {
    const lines = sources.map((each) => applyAll([line], each));
    if (!lines.every((each) => typeof each === "string")) continue;
    const rest = derive(lines, wanted);
    if (rest !== undefined) return [line, ...rest];
  }
  return cutAround(sources, wanted, /(?:)/);
}

/** What follows a number or a version that is found there. */
function deriveNext(sources: readonly string[], wanted: readonly string[]): readonly Transform[] | undefined {
  if (wanted.every((each) => /^\d{1,15}$/.test(each) && Number(each) > 0)) {
    const before = wanted.map((each) => String(Number(each) - 1).padStart(each.startsWith("0") ? each.length : 1, "0"));
    const found = deriveFound(sources, before);
    return found && [...found, transform("add", "1")];
  }
  if (!wanted.every((each) => /^v?\d+\.\d+\.\d+$/.test(each))) return undefined;
  for (const part of ["patch", "minor", "major"]) {
    const bump = transform("bump", part);
    const before = sources.map((each, index) => findBumped(each, bump, wanted[index] ?? ""));
    const found = before.every((each) => each !== undefined) ? deriveFound(sources, before) : undefined;
    if (found !== undefined) return [...found, bump];
  }
  return undefined;
}

function findBumped(text: string, bump: Transform, wanted: string): string | undefined {
  const versions = text.match(/(?<![\w.])v?\d{1,9}\.\d{1,9}\.\d{1,9}(?![\w.])/g) ?? [];
  return versions.slice(0, 50).find((each) => applyAll([bump], each) === wanted);
}

/** Between the texts that stand around it in every run, of which the one before it is like `key`. */
function cutAround(
  sources: readonly string[],
  wanted: readonly string[],
  key: RegExp,
): readonly Transform[] | undefined {
  for (const first of listSurroundings(sources[0] ?? "", wanted[0] ?? "")) {
    let { before, after } = first;
    for (const [index, source] of sources.entries()) {
      if (index === 0) continue;
      const likest = findLikest(listSurroundings(source, wanted[index] ?? ""), before);
      if (likest === undefined) return undefined;
      before = sharedEnd(before, likest.before);
      after = sharedBeginning(after, likest.after);
    }
    const cut = key.test(before) ? tryCuts({ before, after }, sources, wanted) : undefined;
    if (cut !== undefined) return cut;
  }
  return undefined;
}

interface Surroundings {
  readonly before: string;
  readonly after: string;
}

function tryCuts(
  { before, after }: Surroundings,
  sources: readonly string[],
  wanted: readonly string[],
): readonly Transform[] | undefined {
  if (!/[\p{L}\p{N}]/u.test(before) && !/[\p{L}\p{N}]/u.test(after)) return undefined; // nothing says that it is this one
  for (const end of new Set([after.slice(0, 1), after])) {
    for (const name of ["between", "between-last"] as const) {
      const cut = [transform(name, before, end)];
      if (gives(cut, sources, wanted)) return cut;
    }
  }
  return undefined;
}

/** What stands before and after each place of `value`, on its line. */
function listSurroundings(text: string, value: string): Surroundings[] {
  const found: Surroundings[] = [];
  for (let at = text.indexOf(value); at !== -1 && found.length < occurrencesMax; at = text.indexOf(value, at + 1)) {
    const end = at + value.length;
    if (bordersOf(text, at, end) === "none") continue;
    const line = text.lastIndexOf("\n", at - 1);
    const before = at === 0 ? "" : text.slice(Math.max(line, at - beforeChars, 0), at);
    const next = text.indexOf("\n", end);
    found.push({ before, after: text.slice(end, Math.min(next === -1 ? text.length : next + 1, end + afterChars)) });
  }
  return found;
}

function findLikest(all: readonly Surroundings[], before: string): Surroundings | undefined {
  let likest = all[0];
  for (const each of all)
    if (sharedEnd(each.before, before).length > sharedEnd(likest?.before ?? "", before).length) likest = each;
  return likest;
}

function sharedEnd(left: string, right: string): string {
  let length = 0;
  while (length < left.length && length < right.length && left.at(-1 - length) === right.at(-1 - length)) length += 1;
  return left.slice(left.length - length);
}

function sharedBeginning(left: string, right: string): string {
  let length = 0;
  while (length < left.length && length < right.length && left[length] === right[length]) length += 1;
  return left.slice(0, length);
}
