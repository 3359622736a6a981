// Origins
//
// Where the values of steps come from: a run's brief, its data, or what an earlier step gave back. Owns: the slot that stands for a value in
// every run at once. Does not own: which texts of an input are values (generalise.ts).
//
// Invariants:
//   O1. A slot that is given for a tuple renders to its text in each of its runs.
//   O2. What a step gives back is named only by steps that came after it in every run.

import type { CleanStep } from "./clean.ts";
import { derive, deriveCase } from "./derive.ts";
import { deriveFromOutput } from "./derive-output.ts";
import { type Leaf, listLeaves } from "./leaves.ts";
import { findPlaces, toBrief } from "./mentions.ts";
import { type ParameterDraft, ParameterDrafts, type Tuple, valuesIn } from "./parameter-drafts.ts";
import type { RecordedRun } from "./run.ts";
import { findSpelled, isTellingValue, isWhole, widen } from "./said.ts";
import type { Slot } from "./template.ts";
import { pathOf, readField } from "./tools.ts";
import type { Transform } from "./transforms.ts";

/** A step that later ones may name. */
export interface OutputSource {
  readonly key: string;
  readonly steps: readonly (CleanStep | undefined)[];
  /** By the run's place. */
  readonly leaves: readonly (readonly Leaf[])[];
}

/** What may explain a value: everything, or only parameters that are known already. */
export interface Scope {
  readonly usesOutputs: boolean;
  readonly makesParameters: boolean;
  /** The steps being made, by the run's place: what came after them explains nothing. */
  readonly steps: readonly (CleanStep | undefined)[];
}

const valueChars = 400;
const copiedChars = 40;
const outputCharsMax = 30_000_000;

/** Explains values of some runs at once. */
export class Origins {
  readonly briefs: readonly string[];
  readonly data: readonly (readonly Leaf[])[];
  /** Of each run, the files that its steps worked on, and whether they were there before. */
  readonly files: readonly ReadonlyMap<string, boolean>[];
  readonly parameters: ParameterDrafts;
  readonly #outputs: OutputSource[] = [];
  /** What steps gave back is looked through for every value: a bound of all of it together. */
  #charsLeft = outputCharsMax;

  /** What the runs come down to is `steps`; `found` are parameters that are known already. */
  constructor(
    runs: readonly RecordedRun[],
    steps: readonly (readonly CleanStep[])[],
    found: readonly ParameterDraft[] = [],
  ) {
    this.briefs = runs.map(({ goal }) => toBrief(goal));
    this.data = runs.map(({ data }) => listLeaves(data));
    this.files = steps.map(listFiles);
    this.parameters = new ParameterDrafts(runs.length, found);
  }

  /** Lets later steps name what this one gave back. */
  addOutput(key: string, steps: readonly (CleanStep | undefined)[]): void {
    this.#outputs.push({ key, steps, leaves: steps.map((step) => listLeaves(step?.output)) });
  }

  /** The outputs that a step of `scope` may name, the latest first (O2). */
  outputsFor(runs: readonly number[], scope: Scope): OutputSource[] {
    if (!scope.usesOutputs) return [];
    const isBefore = ({ steps }: OutputSource, run: number): boolean =>
      (steps[run]?.seq ?? Infinity) < (scope.steps[run]?.seq ?? 0);
    return this.#outputs.filter((each) => runs.every((run) => isBefore(each, run))).reverse();
  }

  /** The slot whose value is every text of `tuple` as it stands, if a brief, the data or a parameter have it. */
  explainExactly(tuple: Tuple, { makesParameters: makes }: Scope): Slot | undefined {
    if (tuple.texts.some((each) => each.length > valueChars || each === "")) return undefined;
    const known = this.#explainByKnown(tuple, deriveSame);
    return known ?? (makes ? (this.#explainByData(tuple, deriveSame) ?? this.#explainByBrief(tuple)) : undefined);
  }

  /** The slot that gives every text of `tuple` in its run (O1). */
  explain(tuple: Tuple, scope: Scope): Slot | undefined {
    return (
      this.explainCopy(tuple, scope) ??
      (tuple.texts.some((each) => each.length > valueChars || each === "")
        ? undefined
        : this.#explainValue(tuple, scope))
    );
  }

  /** A longer text that an earlier step gave back whole. */
  explainCopy(tuple: Tuple, scope: Scope): Slot | undefined {
    if (!tuple.texts.every(isCopied)) return undefined;
    return this.#explainByOutput(tuple, scope, (sources) =>
      sources.every((each, index) => each === tuple.texts[index]) ? [] : undefined,
    );
  }

  /** A parameter that somebody has to say. */
  ask(tuple: Tuple, isJson = false): Slot {
    return toSlot(this.parameters.take(tuple, { from: "asked" }, isJson), []);
  }

  /** Whether a step so far gave back a text with `text` in it. */
  hasShown(text: string, run: number): boolean {
    return this.#outputs.some(({ leaves }) => leaves[run]?.some((leaf) => leaf.text.includes(text)) ?? false);
  }

  /** What a parameter's slot comes to in `runs`, before its transforms; the empty text for any other slot. */
  valuesOf({ reference: [id, ...rest] }: Slot, runs: readonly number[]): string[] {
    const draft = rest.length === 0 ? this.parameters.all.find((each) => each.id === id) : undefined;
    return (draft && valuesIn(draft, runs)) ?? [""];
  }

  #explainValue(tuple: Tuple, scope: Scope): Slot | undefined {
    const { makesParameters: makes } = scope;
    return (
      this.explainExactly(tuple, scope) ??
      this.#explainByKnown(tuple, derive) ??
      (makes ? (this.#explainByData(tuple, derive) ?? this.#explainByWords(tuple)) : undefined) ??
      this.#explainByOutput(tuple, scope, (sources) => deriveFromOutput(sources, tuple.texts))
    );
  }

  #explainByKnown(tuple: Tuple, how: Derive): Slot | undefined {
    for (const draft of this.parameters.all) {
      const values = draft.isJson ? undefined : valuesIn(draft, tuple.runs);
      const transforms = values && how(values, tuple.texts);
      if (transforms !== undefined) return toSlot(draft, transforms);
    }
    return undefined;
  }

  #explainByData(tuple: Tuple, how: Derive): Slot | undefined {
    const [first = 0] = tuple.runs;
    for (const { path } of this.data[first] ?? []) {
      const texts = tuple.runs.map((run) => findLeaf(this.data[run], path)?.text);
      if (!texts.every((each) => each !== undefined)) continue;
      const transforms = how(texts, tuple.texts);
      if (transforms !== undefined) return toSlot(this.#takeData(path, { runs: tuple.runs, texts }), transforms);
    }
    return undefined;
  }

  /** Values of the data are known in all runs that have them, not in these alone. */
  #takeData(path: readonly string[], known: Tuple): ParameterDraft {
    const all = this.data.flatMap((leaves, run) => {
      const leaf = findLeaf(leaves, path);
      return leaf === undefined ? [] : [{ run, text: leaf.text }];
    });
    const tuple =
      all.length > known.runs.length ? { runs: all.map(({ run }) => run), texts: all.map(({ text }) => text) } : known;
    return this.parameters.take(tuple, { from: "data", path });
  }

  #explainByBrief(tuple: Tuple): Slot | undefined {
    const places = tuple.runs.map((run, index) => findPlaces(this.briefs[run] ?? "", tuple.texts[index] ?? ""));
    if (places.some((each) => each.length === 0) || !tuple.texts.every(isTellingValue)) return undefined;
    const take = (texts: readonly string[], transforms: readonly Transform[]): Slot =>
      toSlot(this.parameters.take({ runs: tuple.runs, texts }, { from: "brief" }), transforms);
    const isWithin = (index: number): boolean =>
      places[index]?.every(({ quoted }) => quoted !== undefined && quoted !== tuple.texts[index]) ?? false;
    if (places.every((_, index) => isWithin(index))) {
      const quoted = widen(places, tuple.texts, (place) => place.quoted);
      return quoted && take(quoted.texts, quoted.transforms); // what stands in quotes is one value
    }
    if (places.every((each, index) => each.some((place) => isWhole(place, tuple.texts[index] ?? ""))))
      return take(tuple.texts, []);
    const words = widen(places, tuple.texts, (place) => place.word);
    if (words !== undefined) return take(words.texts, words.transforms);
    const free = places.filter((each) => each.some(({ borders }) => borders === "free")).length;
    return free * 2 > places.length ? take(tuple.texts, []) : undefined;
  }

  /** The same words as in the brief, spelled otherwise. */
  #explainByWords(tuple: Tuple): Slot | undefined {
    if (!tuple.texts.every((each) => each.length > 2)) return undefined;
    const spelled: string[] = [];
    for (const [index, run] of tuple.runs.entries()) {
      const found = findSpelled(this.briefs[run] ?? "", tuple.texts[index] ?? "");
      if (found === undefined) return undefined;
      spelled.push(found);
    }
    const transforms = deriveCase(spelled, tuple.texts);
    if (transforms === undefined) return undefined;
    return toSlot(this.parameters.take({ runs: tuple.runs, texts: spelled }, { from: "brief" }), transforms);
  }

  #explainByOutput(
    tuple: Tuple,
    scope: Scope,
    how: (sources: readonly string[]) => readonly Transform[] | undefined,
  ): Slot | undefined {
    const [first = 0] = tuple.runs;
    for (const { key, leaves } of this.outputsFor(tuple.runs, scope)) {
      for (const { path, isText } of leaves[first] ?? []) {
        const sources = tuple.runs.map((run) => findLeaf(leaves[run], path)?.text);
        if (!isText || !sources.every((each) => each !== undefined)) continue;
        this.#charsLeft -= sources.reduce((sum, { length }) => sum + length, 0);
        if (this.#charsLeft < 0) return undefined;
        const transforms = how(sources);
        if (transforms !== undefined) return { reference: ["steps", key, ...path], transforms };
      }
    }
    return undefined;
  }
}

type Derive = (sources: readonly string[], wanted: readonly string[]) => readonly Transform[] | undefined;

function deriveSame(sources: readonly string[], wanted: readonly string[]): readonly Transform[] | undefined {
  return sources.every((each, index) => each === wanted[index]) ? [] : undefined;
}

function listFiles(steps: readonly CleanStep[]): Map<string, boolean> {
  const files = new Map<string, boolean>();
  for (const step of steps) {
    const path = pathOf(step);
    if (path !== undefined && !files.has(path)) files.set(path, readField(step.output, "created") !== true);
  }
  return files;
}

function toSlot({ id }: ParameterDraft, transforms: readonly Transform[]): Slot {
  return { reference: [id], transforms };
}

function isCopied(text: string): boolean {
  return text.length >= copiedChars || /\S[^\n]*\n[\s\S]*\n$/.test(text);
}

function findLeaf(leaves: readonly Leaf[] | undefined, path: readonly string[]): Leaf | undefined {
  return leaves?.find(
    (each) => each.path.length === path.length && each.path.every((key, index) => key === path[index]),
  );
}
