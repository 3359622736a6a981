// The index: from words to the lessons that have them. Owns: the rows of words and what a lesson's row says of its words.
// A word's list of lessons is bounded and finds them; a lesson's own list of words is what they are compared by.

import {
  addTo,
  emptyRow,
  type LessonRow,
  type LessonTotalsRow,
  type LessonWordRow,
  type RecallRows,
  rarity,
  strongest,
} from "../recall/index.ts";
import { lessonBounds as bounds } from "./bounds.ts";
import type { Form } from "./words.ts";

/** A word of a question that some lesson has. */
export interface KnownWord extends Form {
  rarity: number;
  row: LessonWordRow;
}

/** How a lesson has a word. */
export interface OwnWord {
  number: number;
  /** Runs that said it, at most 15. */
  runs: number;
  bits: number;
}

const saturation = 0.8; // BM25's k1
const weightMax = 4;
const weightStep = 1 / 60; // of what a posting keeps in a byte
const runWorth = 0.25;
const runsMax = 15;

/** Enters what one run or entry says of `lesson`; `row` and `totals` are changed in place. */
export function enterWords(
  rows: RecallRows,
  totals: LessonTotalsRow,
  { lesson, row, words }: { lesson: number; row: LessonRow; words: ReadonlyMap<string, number> },
): void {
  const own = new Map(row.words.map((code) => [decodeWord(code).number, decodeWord(code)]));
  const isFull = own.size >= bounds.lessonWords;
  for (const [word, bits] of words) {
    const known = rows.get("lessonWords", word) ?? { ...emptyRow("lessonWords"), number: totals.words++ };
    const before = own.get(known.number);
    const entry = {
      number: known.number,
      runs: Math.min(runsMax, (before?.runs ?? 0) + 1),
      bits: bits | (before?.bits ?? 0),
    };
    own.delete(known.number);
    own.set(known.number, entry);
    if (before === undefined) known.lessons += 1;
    // A full list may have let go of a word that the index still has.
    if (before !== undefined || isFull)
      known.postings = known.postings.filter((posting) => Math.floor(posting / 256) !== lesson);
    known.postings.push(lesson * 256 + Math.round(weigh(entry) / weightStep));
    if (known.postings.length > bounds.wordLessons) known.postings.shift();
    rows.put("lessonWords", word, known);
  }
  // Those that most runs said stay, and of these the newest; a map keeps the order, and sorting does.
  const kept = [...own.values()].reverse().sort((left, right) => right.runs - left.runs);
  row.words = kept.slice(0, bounds.lessonWords).reverse().map(encodeWord);
}

/** The known ones of `forms`, those that tell most first, and what each word would tell if it was met as it was said. */
export function lookUp(
  rows: RecallRows,
  totals: LessonTotalsRow,
  forms: readonly Form[],
): { known: KnownWord[]; worths: ReadonlyMap<number, number> } {
  const known: KnownWord[] = [];
  const worths = new Map<number, number>();
  for (const form of forms.slice(0, bounds.lookups)) {
    const row = rows.get("lessonWords", form.word);
    const rare = rarity(totals.lessons, row?.lessons ?? 0);
    if (!worths.has(form.of)) worths.set(form.of, form.weight * rare);
    if (row !== undefined) known.push({ ...form, row, rarity: rare });
  }
  known.sort((left, right) => right.weight * right.rarity - left.weight * left.rarity);
  return { known, worths };
}

/** The lessons that have most of `words`, by the lists of the rarest of these. */
export function findLessons(words: readonly KnownWord[], count: number): number[] {
  const scores = new Map<number, number>();
  for (const { row, weight, rarity: rare } of words.slice(0, bounds.queryWords)) {
    for (const posting of row.postings) {
      addTo(scores, Math.floor(posting / 256), weight * rare * toImpact((posting % 256) * weightStep));
    }
  }
  return strongest(scores, count).map(([lesson]) => lesson);
}

/**
 * BM25's weight of a word that a lesson has so much of. Without its part for the length: a lesson is long because several runs taught it,
 * which is no reason to doubt it [measured: any such part loses].
 */
export function toImpact(weight: number): number {
  return (weight * (saturation + 1)) / (weight + saturation);
}

/** How much a lesson has of a word: its fields, a little more for each run that said it. */
export function weigh({ runs, bits }: OwnWord): number {
  return Math.min(weightMax, countFields(bits) * (1 + runWorth * Math.min(2, runs - 1)));
}

/** How many fields have the word. */
export function countFields(bits: number): number {
  let count = 0;
  for (let rest = bits; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

export function decodeWord(code: number): OwnWord {
  return { number: Math.floor(code / 1_024), runs: Math.floor(code / 64) % 16, bits: code % 64 };
}

function encodeWord({ number, runs, bits }: OwnWord): number {
  return number * 1_024 + runs * 64 + bits;
}
