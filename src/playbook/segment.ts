// One text of a single run becomes a template
//
// With one run alone nothing shows what differs, so that only what stands out is taken as a value: what the data say, what the brief has in
// quotes or what has the form of a path, a version, an address, a number or a name, and short results of earlier steps. Plain words stay.
//
// Invariants:
//   S1. The parts render to the run's own text.

import { type DerivedForm, listForms } from "./derive.ts";
import { listMentions, type Mention } from "./mentions.ts";
import type { Origins, Scope } from "./origins.ts";
import { type DraftSource, valuesIn } from "./parameter-drafts.ts";
import type { Part, Slot } from "./template.ts";
import { bordersOf, shapeOf } from "./tokens.ts";
import { applyAll, transform } from "./transforms.ts";

/** One text that is to be found, and the slot that stands for it. */
export interface Known {
  readonly text: string;
  readonly needsFree: boolean;
  toSlot(): Slot;
}

const textChars = 100_000;
const knownMax = 400;
const foundMax = 1_000;

/** What a single run's texts are looked through for; made once a step. */
export function listKnown(
  origins: Origins,
  run: number,
  scope: Scope,
  isConstant: (value: string) => boolean,
): readonly Known[] {
  const known: Known[] = [];
  for (const draft of origins.parameters.all) {
    const [value] = valuesIn(draft, [run]) ?? [];
    if (value !== undefined && !draft.isJson) known.push(...toForms(value, true, () => draft.id));
  }
  if (scope.makesParameters) {
    const take = (text: string, source: DraftSource): (() => string) => {
      return () => origins.parameters.take({ runs: [run], texts: [text] }, source).id;
    };
    for (const { path, text } of origins.data[run] ?? []) {
      if (isTellingData(text)) known.push(...toForms(text, true, take(text, { from: "data", path })));
    }
    for (const mention of listMentions(origins.briefs[run] ?? "")) {
      const text = mention.isQuoted ? mention.text : mention.text.replace(/^\/(?=[^/]*$)/, "");
      if (standsOut(mention) && !isConstant(text))
        known.push(...toForms(text, mention.isQuoted, take(text, { from: "brief" })));
    }
  }
  known.push(...listResults(origins, run, scope));
  return known.slice(0, knownMax).sort((left, right) => right.text.length - left.text.length);
}

/** The parts of `text` with slots for what is known (S1). */
export function segmentText(text: string, known: readonly Known[]): Part[] {
  if (text.length > textChars) return text === "" ? [] : [text];
  const taken: { from: number; to: number; slot: Slot }[] = [];
  const covered = new Uint8Array(text.length);
  for (const each of known) {
    if (taken.length > foundMax) break;
    for (let from = text.indexOf(each.text); from !== -1; from = text.indexOf(each.text, from + each.text.length)) {
      const to = from + each.text.length;
      const borders = from === 0 && to === text.length ? "free" : bordersOf(text, from, to);
      if (
        borders === "none" ||
        (borders === "inside" && each.needsFree) ||
        covered[from] === 1 ||
        covered[to - 1] === 1
      )
        continue;
      covered.fill(1, from, to);
      taken.push({ from, to, slot: each.toSlot() });
    }
  }
  taken.sort((left, right) => left.from - right.from);
  const parts: Part[] = [];
  let at = 0;
  for (const { from, to, slot } of taken) {
    if (from > at) parts.push(text.slice(at, from));
    parts.push(slot);
    at = to;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

function toForms(value: string, isSure: boolean, id: () => string): Known[] {
  const needsFree = !isSure || shapeOf(value) === "number" || shapeOf(value) === "word";
  return listForms(value).map(({ text, transforms }: DerivedForm): Known => {
    return { text, needsFree: needsFree || text.length < 4, toSlot: () => ({ reference: [id()], transforms }) };
  });
}

/** One line that a command printed and that is a value by its form. */
function listResults(origins: Origins, run: number, scope: Scope): Known[] {
  return origins.outputsFor([run], scope).flatMap(({ key, leaves }): Known[] => {
    return (leaves[run] ?? []).flatMap(({ path, text, isText }) => {
      const value = text.trim();
      const shape = shapeOf(value);
      if (!isText || value.length < 3 || shape === "text" || shape === "word") return [];
      const transforms = value === text ? [] : [transform("trim")];
      if (applyAll(transforms, text) !== value) return [];
      return [{ text: value, needsFree: false, toSlot: () => ({ reference: ["steps", key, ...path], transforms }) }];
    });
  });
}

function isTellingData(text: string): boolean {
  return text.length > 2 || /^\d{2,}$/.test(text);
}

/** Whether a brief has it for its own sake: nobody quotes a plain word of the language, or writes one as a path. */
function standsOut({ text, isQuoted }: Mention): boolean {
  if (isQuoted) return text.length > 1;
  const shape = shapeOf(text);
  if (shape === "number") return text.length > 1;
  if (shape === "word") return /^\p{Lu}{2,}[\p{Lu}\p{N}]+$/u.test(text);
  if (shape === "name" || shape === "path") return text.length > 2 && !/^[\p{Ll}]+(?:-\p{Ll}+)+$/u.test(text);
  return shape !== "text";
}
