// Ranking
//
// Which lessons fit a question, best first. Owns: the signals and their weights, and what the confidence is told from.
//
// A score is the sum of its signals. Those of the fields (goal, files, …) say how much of the question the lesson says: BM25 over the fields
// of a lesson, against what a lesson with each word once would have. Then comes what the context says, then where the lesson stands.

import { emptyRow, isTelling, type LessonRow, type LessonTotalsRow, type RecallRows } from "../recall/index.ts";
import { lessonBounds as bounds } from "./bounds.ts";
import type { Doubt } from "./confidence.ts";
import {
  countFields,
  decodeWord,
  findLessons,
  type KnownWord,
  lookUp,
  type OwnWord,
  toImpact,
  weigh,
} from "./index-words.ts";
import { readLessonText, stateOf } from "./lesson.ts";
import { maskPath, toSignature } from "./volatile.ts";
import { fields, isIn, readQuestion, toFamilyWord } from "./words.ts";

/** What somebody is about to do. */
export interface LessonQuery {
  text: string;
  family?: string | undefined;
  /** Files that are known to matter, by their paths. */
  files?: readonly string[] | undefined;
  /** What went wrong, as it was printed. */
  error?: string | undefined;
  /** Files that recall expects, the likeliest first: the first ones are read. */
  predicted?: readonly { path: string; probability: number }[] | undefined;
}

/** A lesson among the answers. */
interface Ranked {
  lesson: number;
  row: LessonRow;
  score: number;
  signals: Record<string, number>;
}

const contextWeights = { family: 0.12, files: 0.35, predicted: 0.2, error: 0.4, similarity: 0.6 };
const stateWeights = { observed: -0.02, candidate: 0, trusted: 0.05, contested: -0.08, retired: -0.3 };
const recency = { weight: 0.005, halfLife: 500 }; // in changes
const frequency = { weight: 0.02, uses: 15 };
const predictedMax = 8;
const fullScore = 1.5; // about what a lesson has that says all of the question in several fields
const leadScale = 0.2;
const chance = 0.2; // what some lesson of many would have: in a scope with few, nothing to lead over is no evidence

/** Ranks for `query`, and says what the confidence is told from, and whether the question shares anything with what is known. */
export function rankLessons(
  rows: RecallRows,
  query: LessonQuery,
  similarity?: (lessonId: string) => number | undefined,
): { ranked: Ranked[]; doubt: Doubt | undefined; isGrounded: boolean } {
  const totals = rows.get("lessonTotals", 0) ?? emptyRow("lessonTotals");
  const { known, worths } = lookUp(rows, totals, readQuestion(query.text));
  const context = readContext(rows, totals, query);
  const measured: Measure = {
    words: Map.groupBy(known, ({ row }) => row.number),
    context: Map.groupBy(context, ({ row }) => row.number),
    full: [...worths.values()].reduce((sum, worth) => sum + worth, 0),
  };
  const byWorth = [...known, ...context].sort((left, right) => right.weight * right.rarity - left.weight * left.rarity);
  const ranked = findLessons(byWorth, bounds.compared).flatMap((lesson) => {
    const row = rows.get("lessons", lesson);
    if (row === undefined) return [];
    const signals = { ...measure(row, measured), ...measureStanding(row, totals) };
    const near = similarity?.(readLessonText(row).id);
    if (near !== undefined) signals.similarity = contextWeights.similarity * near;
    return [{ lesson, row, signals, score: Object.values(signals).reduce((sum, share) => sum + share, 0) }];
  });
  ranked.sort((left, right) => right.score - left.score || right.lesson - left.lesson);
  // That two words begin alike says too little by itself.
  const isGrounded = context.length > 0 || known.some(({ word }) => !word.startsWith("^") && isTelling(word));
  return { ranked, doubt: toDoubt(ranked), isGrounded };
}

interface ContextWord extends KnownWord {
  signal: string;
  worth: number;
}

function readContext(rows: RecallRows, totals: LessonTotalsRow, query: LessonQuery): ContextWord[] {
  const files = query.files?.slice(0, bounds.files) ?? [];
  const signature = toSignature(query.error ?? "");
  const asked = [
    ...(query.family === undefined ? [] : [["family", toFamilyWord(query.family), contextWeights.family] as const]),
    ...(/\p{L}/u.test(signature) ? [["error", `!${signature}`, contextWeights.error] as const] : []), // blanks and numbers are no error
    ...files.map((path) => ["files given", `/${maskPath(path)}`, contextWeights.files / files.length] as const),
    ...(query.predicted ?? [])
      .slice(0, predictedMax)
      .map(
        ({ path, probability }) =>
          ["files predicted", `/${maskPath(path)}`, contextWeights.predicted * probability] as const,
      ),
  ];
  return asked.flatMap(([signal, word, worth]) =>
    lookUp(rows, totals, [{ word, weight: 1, of: 0 }]).known.map((known) => ({ ...known, signal, worth })),
  );
}

interface Measure {
  /** By the number of the word. */
  words: ReadonlyMap<number, readonly KnownWord[]>;
  context: ReadonlyMap<number, readonly ContextWord[]>;
  /** What all words of the question are worth. */
  full: number;
}

function measure(row: LessonRow, { words, context, full }: Measure): Record<string, number> {
  const signals: Record<string, number> = {};
  const add = (name: string, share: number): void => {
    signals[name] = (signals[name] ?? 0) + share;
  };
  // Each word of the question counts once, by its best form.
  const best = new Map<number, { share: number; own: OwnWord }>();
  for (const code of row.words) {
    const own = decodeWord(code);
    for (const { of, weight, rarity } of words.get(own.number) ?? []) {
      const share = (weight * rarity * toImpact(weigh(own))) / full;
      if (share > (best.get(of)?.share ?? 0)) best.set(of, { share, own });
    }
    for (const { signal, worth } of context.get(own.number) ?? []) add(signal, worth);
  }
  for (const { share, own } of best.values()) {
    for (const field of fields) if (isIn(own.bits, field)) add(field, share / countFields(own.bits));
  }
  return signals;
}

function measureStanding(row: LessonRow, totals: LessonTotalsRow): Record<string, number> {
  const times = Math.min(1, Math.log2(1 + row.runs + row.used) / Math.log2(1 + frequency.uses));
  return {
    state: stateWeights[stateOf(row)],
    recency: recency.weight * 2 ** (-(totals.changes - row.lastChange) / recency.halfLife),
    frequency: frequency.weight * times,
  };
}

function toDoubt([first, second]: readonly Ranked[]): Doubt | undefined {
  if (first === undefined) return undefined;
  const said = fields.reduce((sum, field) => sum + (first.signals[field] ?? 0), 0);
  return {
    centre: Math.min(1, said / fullScore),
    lead: Math.min(
      1,
      Math.max(0, first.score - Math.max(chance, second?.score ?? 0)) / Math.max(leadScale, first.score),
    ),
  };
}
