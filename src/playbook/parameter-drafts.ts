// Drafts of parameters: values that differ from run to run, before they have names. Two that have the same values are one.

import type { ParameterType } from "../contracts/playbook.ts";
import { shapeOf } from "./tokens.ts";
import { toText } from "./transforms.ts";

/** Where the runs had a value from. */
export type DraftSource =
  | { readonly from: "brief" | "asked" }
  | { readonly from: "data"; readonly path: readonly string[] };

/** A parameter by the name that slots have for it until it gets its own. */
export interface ParameterDraft {
  readonly id: string;
  /** By the run's place; `undefined` where a run had none. */
  readonly values: readonly (string | undefined)[];
  readonly source: DraftSource;
  /** Whether it stands for JSON that is no single value. */
  readonly isJson: boolean;
}

/** The texts of one place, and of which runs they are. */
export interface Tuple {
  readonly runs: readonly number[];
  readonly texts: readonly string[];
}

/** The parameters that were found so far. */
export class ParameterDrafts {
  readonly #drafts: ParameterDraft[];
  readonly #count: number;

  /** For so many runs; those that were found before come first. */
  constructor(count: number, found: readonly ParameterDraft[]) {
    this.#count = count;
    this.#drafts = found.map((each, index) => ({ ...each, id: `p${index}` }));
  }

  get all(): readonly ParameterDraft[] {
    return this.#drafts;
  }

  /** The one with these values; made if there is none. One of a brief or the data takes in what was only asked for. */
  take(tuple: Tuple, source: DraftSource, isJson = false): ParameterDraft {
    const known = this.#drafts.find(
      (each) => each.isJson === isJson && isSame(valuesIn(each, tuple.runs), tuple.texts),
    );
    if (known !== undefined) return known;
    const values = Array.from({ length: this.#count }, (): string | undefined => undefined);
    for (const [index, run] of tuple.runs.entries()) values[run] = tuple.texts[index];
    const draft = { id: `p${this.#drafts.length}`, values, source, isJson };
    this.#drafts.push(draft);
    return draft;
  }
}

/** The draft's values in `runs`, or nothing when one of them has none. */
export function valuesIn({ values }: ParameterDraft, runs: readonly number[]): string[] | undefined {
  const texts = runs.map((run) => values[run]);
  return texts.every((each) => each !== undefined) ? texts : undefined;
}

/** What type all of `values` are of. */
export function typeOf(values: readonly string[], isJson: boolean): ParameterType {
  if (isJson) return "json";
  const shapes = new Set(values.map(shapeOf));
  if (values.length > 0 && values.every(isPlainNumber)) return "number";
  const [only, other] = shapes;
  if (other === undefined && (only === "version" || only === "url" || only === "path")) return only;
  if (values.length === 1 && only === "word") return "text"; // the next one may have two words
  return values.every(
    (each) => /^[\p{L}\p{M}\p{N}_@-][\p{L}\p{M}\p{N}_@./-]{0,99}$/u.test(each) && shapeOf(each) !== "path",
  )
    ? "word"
    : "text";
}

/** A number that is written as a program would write it, so that nothing is lost by taking it as one. */
export function isPlainNumber(text: string): boolean {
  return shapeOf(text) === "number" && toText(Number(text)) === text;
}

function isSame(left: readonly string[] | undefined, right: readonly string[]): boolean {
  return left?.every((each, index) => each === right[index]) ?? false;
}
