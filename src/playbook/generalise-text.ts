// One text of several runs becomes a template
//
// What is the same in all stays; what differs is explained, the largest piece first: whole, then by lines, words, and parts of words. What
// nothing explains is asked for, as one word or one line. Owns: how a text is cut. Does not own: what explains a value (origins.ts).
//
// Invariants:
//   G1. The parts render to each run's own text.

import type { Origins, Scope } from "./origins.ts";
import type { Tuple } from "./parameter-drafts.ts";
import { findShared, type Stretch } from "./shared-pieces.ts";
import { listSplits } from "./split-known.ts";
import type { Part, Slot } from "./template.ts";
import { cutText, isTelling, type Level, levels, toFiner } from "./tokens.ts";

const textChars = 100_000;
const keptMax = 4;
const stretchesMax = 300;
const splitsMax = 4;

/** How texts of some runs are made into one. */
export interface Cutting {
  readonly origins: Origins;
  readonly scope: Scope;
}

/**
 * The parts of a text that is each run's own (G1), or `undefined` when something differs that nothing explains. What a brief or the data say
 * is looked for in all of it before anything that a step gave back is: that holds every value by chance.
 */
export function explainText(tuple: Tuple, cutting: Cutting, level: Level = levels.lines): Part[] | undefined {
  const [first = ""] = tuple.texts;
  if (tuple.texts.every((each) => each === first)) return first === "" ? [] : [first];
  if (tuple.texts.some((each) => each.length > textChars)) return undefined;
  const { origins, scope } = cutting;
  const copied = origins.explainCopy(tuple, scope);
  if (copied !== undefined) return [copied];
  const said = { origins, scope: { ...scope, usesOutputs: false } };
  const parts = explainFrom(tuple, said, level, explainSaid);
  return parts ?? (scope.usesOutputs ? explainFrom(tuple, cutting, level, explainText) : undefined);
}

type Explain = (tuple: Tuple, cutting: Cutting, level: Level) => Part[] | undefined;

function explainSaid(tuple: Tuple, cutting: Cutting, level: Level): Part[] | undefined {
  const [first = ""] = tuple.texts;
  if (tuple.texts.every((each) => each === first)) return [first];
  return explainFrom(tuple, cutting, level, explainSaid);
}

function explainFrom(tuple: Tuple, cutting: Cutting, level: Level, explain: Explain): Part[] | undefined {
  const { origins, scope } = cutting;
  const whole = origins.explain(tuple, scope);
  if (whole !== undefined) return [whole];
  const middle = explainMiddle(tuple, cutting, level);
  if (middle !== undefined) return middle;
  const split = explainSplit(tuple, cutting, level, explain);
  if (split !== undefined) return split;
  const words = level === levels.lines ? undefined : explainEdges(tuple, cutting, level, explain);
  if (words !== undefined) return words;
  for (let each: Level | undefined = level; each !== undefined; each = toFiner(each)) {
    const finer = toFiner(each);
    const stretches = cutAll(tuple, each);
    for (const cut of each === levels.lines ? [pairLines(stretches)] : [joinBlank(stretches), stretches]) {
      const parts = explainStretches(cut, tuple, (stretch) => {
        if (finer !== undefined)
          return explain(stretch, cutting, cut === stretches || each === levels.lines ? finer : (each ?? finer));
        const found = origins.explain(stretch, scope);
        return found && [found];
      });
      if (parts !== undefined) return parts;
      if (stretches.length === cut.length && cut !== stretches) break;
    }
  }
  return undefined;
}

/** What stands around a known value is explained by itself. */
function explainSplit(tuple: Tuple, cutting: Cutting, level: Level, explain: Explain): Part[] | undefined {
  for (const { before, slot, after } of listSplits(tuple, cutting.origins).slice(0, splitsMax)) {
    const around = [before, after].map((each) => explainRest(each, cutting, level, explain));
    const [left, right] = around;
    if (left !== undefined && right !== undefined) return [...left, slot, ...right];
  }
  return undefined;
}

function explainRest(tuple: Tuple, cutting: Cutting, level: Level, explain: Explain): Part[] | undefined {
  const [first = ""] = tuple.texts;
  if (tuple.texts.every((each) => each === first)) return first === "" ? [] : [first];
  return tuple.texts.includes("") ? undefined : explain(tuple, cutting, level);
}

/** The first or the last word is told from the others, which need not be as many in each run. */
function explainEdges(tuple: Tuple, cutting: Cutting, level: Level, explain: Explain): Part[] | undefined {
  const { runs, texts } = tuple;
  if (texts.some((each) => each.length > 400 || !/^\S+ [^\n]*\S$/.test(each))) return undefined;
  for (const at of [(each: string) => each.indexOf(" "), (each: string) => each.lastIndexOf(" ")]) {
    const left = explainRest({ runs, texts: texts.map((each) => each.slice(0, at(each))) }, cutting, level, explain);
    const right =
      left && explainRest({ runs, texts: texts.map((each) => each.slice(at(each) + 1)) }, cutting, level, explain);
    if (left !== undefined && right !== undefined) return [...left, " ", ...right];
  }
  return undefined;
}

/** Lines that differ in all runs, as many in each, are told apart. */
function pairLines(stretches: readonly Stretch[]): Stretch[] {
  return stretches.flatMap((stretch): Stretch[] => {
    const [first = [], ...others] = stretch.lists;
    if (stretch.isShared || others.some((each) => each.length !== first.length)) return [stretch];
    return first.map((_, index) => ({
      isShared: false,
      lists: stretch.lists.map((each) => each.slice(index, index + 1)),
    }));
  });
}

/** What differs on both sides of a blank is likely one value. */
function joinBlank(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const [index, stretch] of stretches.entries()) {
    const last = joined.at(-1);
    const isBlank = stretch.isShared && /^ +$/.test((stretch.lists[0] ?? []).join("")) && index < stretches.length - 1;
    if (last === undefined || last.isShared || !(isBlank || (!stretch.isShared && joined.length > 0)))
      joined.push(stretch);
    else
      joined[joined.length - 1] = {
        isShared: false,
        lists: last.lists.map((each, run) => [...each, ...(stretch.lists[run] ?? [])]),
      };
  }
  return joined;
}

/** The same, where what nothing explains is asked for. */
export function askText(tuple: Tuple, cutting: Cutting, level: Level = levels.lines): Part[] {
  const ask = (each: Tuple): Part[] => [cutting.origins.ask(each)];
  const stretches = cutAll(tuple, level);
  if (level > levels.words || !hasMuchShared(stretches, level)) return ask(tuple);
  const finer = toFiner(level) ?? levels.pieces;
  if (stretches.length === 1) return askText(tuple, cutting, finer);
  return (
    explainStretches(stretches, tuple, (each) => explainText(each, cutting, level) ?? askText(each, cutting, finer)) ??
    ask(tuple)
  );
}

function cutAll({ texts }: Tuple, level: Level): Stretch[] {
  return findShared(texts.map((each) => cutText(each, level)));
}

/** Makes each stretch that differs into parts; `undefined` when one cannot be, or nothing is shared. */
function explainStretches(
  stretches: readonly Stretch[],
  { runs }: Tuple,
  explain: (tuple: Tuple) => Part[] | undefined,
): Part[] | undefined {
  if (stretches.length < 2 || stretches.length > stretchesMax) return undefined;
  const parts: Part[] = [];
  for (const { isShared, lists } of stretches) {
    const texts = lists.map((each) => each.join(""));
    if (isShared) {
      parts.push(texts[0] ?? "");
      continue;
    }
    const explained = texts.some((each) => each === "") ? undefined : explain({ runs, texts });
    if (explained === undefined) return undefined;
    parts.push(...explained);
  }
  return parts;
}

/** Only words that are left out of the one or put into the other run are asked for as the line that they stand in. */
function hasMuchShared(stretches: readonly Stretch[], level: Level): boolean {
  const count = (isShared: boolean): number =>
    stretches
      .filter((each) => each.isShared === isShared)
      .reduce((sum, { lists }) => sum + (lists[0] ?? []).join("").length, 0);
  const isCut = stretches.some(({ isShared, lists }) => !isShared && lists.some((each) => each.length === 0));
  return !isCut && (level === levels.lines ? count(true) > 0 || stretches.length === 1 : count(true) >= count(false));
}

/** What differs with as much of what stands around it in all runs as makes it a value. */
function explainMiddle(tuple: Tuple, { origins, scope }: Cutting, level: Level): Part[] | undefined {
  if (level > levels.names || tuple.texts.some((each) => each.length > 400)) return undefined;
  const pieces = tuple.texts.map((each) => cutText(each, levels.names));
  const shortest = Math.min(...pieces.map((each) => each.length));
  const before = countShared(shortest, (index) => pieces.map((each) => each[index]));
  const after = countShared(shortest - before, (index) => pieces.map((each) => each[each.length - 1 - index]));
  const most = Math.min(before, keptMax) + Math.min(after, keptMax);
  for (let step = 0; step <= most; step++) {
    // With what stands around it in all runs it must be said as it is: other spellings of that are chance.
    const isCore = !scope.usesOutputs && step === most;
    const explain = (each: Tuple): Slot | undefined =>
      scope.usesOutputs || isCore ? origins.explain(each, scope) : origins.explainExactly(each, scope);
    const kept = scope.usesOutputs ? step : most - step; // what a step gave back holds longer texts by chance
    for (let left = Math.min(before, keptMax, kept); left >= 0 && kept - left <= Math.min(after, keptMax); left--) {
      const right = kept - left;
      if (before - left === 0 && after - right === 0) continue; // the whole was tried
      const [from, to] = [before - left, after - right];
      const texts = pieces.map((each) => each.slice(from, each.length - to).join(""));
      const found = texts.every((each) => each !== "" && isTelling(each))
        ? explain({ runs: tuple.runs, texts })
        : undefined;
      if (found === undefined) continue;
      const [first = []] = pieces;
      const parts: Part[] = [first.slice(0, from).join(""), found, first.slice(first.length - to).join("")];
      return parts.filter((part) => part !== "");
    }
  }
  return undefined;
}

function countShared(max: number, at: (index: number) => readonly (string | undefined)[]): number {
  let count = 0;
  while (count < max && new Set(at(count)).size === 1) count += 1;
  return count;
}
