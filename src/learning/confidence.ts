// Confidence
//
// How sure it is that the first lesson is the right one, and from which confidence on an answer counts as sure. Learns from what a finished
// run's goal would have been answered with before its own lesson had learned from it; the answer is right if that is the run's own lesson.
// Owns: the row of what was learned. Starts from weights that were set on the labelled set's tuning half.

import { emptyRow, type LessonsLearnedRow, type RecallRows } from "../recall/index.ts";

/** What the confidence is told from, each 0 to 1. */
export interface Doubt {
  /** How much of the question the first lesson says, and how much it has to say of it: in several fields, in the words of several runs. */
  centre: number;
  /** By how much it leads, against its score. */
  lead: number;
}

const start = [-2.7, 5.2, 5];
const rate = 0.03;
const pairsMax = 500;
const pairsMin = 200; // before, most runs are of new work, which says little of later questions
const kernelWidth = 0.4;
const ownPairs = 40;
const answersMax = 400;
const answersMin = pairsMin;
const sureShare = 0.8;
const prudent = 0.9; // while there are few answers
const floor = 0.6; // below, being right often enough was luck
const priorAnswers = 5;

/** The probability that the first lesson is the right one. */
export function toConfidence(learned: LessonsLearnedRow, doubt: Doubt): number {
  const raw = toLogOdds(learned, doubt);
  if (learned.pairs.length < 2 * pairsMin) return sigmoid(raw);
  let hits = ownPairs * sigmoid(raw);
  let all = ownPairs;
  for (let at = 0; at < learned.pairs.length; at += 2) {
    const weight = Math.exp(-0.5 * (((learned.pairs[at] ?? 0) - raw) / kernelWidth) ** 2);
    hits += weight * (learned.pairs[at + 1] ?? 0);
    all += weight;
  }
  return hits / all;
}

/** Learns from one answer. */
export function learnConfidence(rows: RecallRows, doubt: Doubt, isHit: boolean): void {
  const learned = readLearned(rows);
  const hit = isHit ? 1 : 0;
  const confidence = toConfidence(learned, doubt);
  const raw = toLogOdds(learned, doubt);
  const error = hit - sigmoid(raw);
  for (const [at, input] of toInputs(doubt).entries()) {
    const gradient = error * input;
    const squares = (learned.squares[at] ?? 1) + gradient ** 2;
    learned.squares[at] = squares;
    learned.weights[at] = (learned.weights[at] ?? start[at] ?? 0) + (rate * gradient) / Math.sqrt(squares);
  }
  keepPair(learned.pairs, [raw, hit], pairsMax);
  keepPair(learned.answers, [confidence, hit], answersMax);
  learned.sureFrom = findSureFrom(learned);
  rows.put("lessonsLearned", 0, learned);
}

export function readLearned(rows: RecallRows): LessonsLearnedRow {
  return rows.get("lessonsLearned", 0) ?? { ...emptyRow("lessonsLearned"), sureFrom: prudent };
}

/** What was learned from comparing answers with what runs turned out to be. */
export interface LessonWeights {
  /** The newest answers that were compared, at most 400. */
  compared: number;
  /** Share of them whose first lesson was right; new kinds of work, which no lesson answers, are among them. */
  hitRate: number;
  /** The confidence from which on four of five were right; above 1 if there is none. */
  sureFrom: number;
}

export function toWeights({ answers, sureFrom }: LessonsLearnedRow): LessonWeights {
  const compared = answers.length / 2;
  const hits = answers.reduce((sum, value, at) => sum + (at % 2) * value, 0);
  return { compared, hitRate: compared === 0 ? 0 : hits / compared, sureFrom };
}

/** Begins anew; the row stays, so that it is written. */
export function resetLearned(rows: RecallRows): void {
  rows.put("lessonsLearned", 0, { ...emptyRow("lessonsLearned"), sureFrom: prudent });
}

/** The lowest confidence at which, of the newest answers at least that sure, enough were right; the prudent one while there are few. */
function findSureFrom({ answers }: LessonsLearnedRow): number {
  const sorted: (readonly [confidence: number, hit: number])[] = [];
  for (let at = 0; at < answers.length; at += 2) sorted.push([answers[at] ?? 0, answers[at + 1] ?? 0]);
  if (sorted.length < answersMin) return prudent;
  sorted.sort((left, right) => right[0] - left[0]);
  let hits = sureShare * priorAnswers;
  let lowest = 1.01;
  for (const [index, [confidence, hit]] of sorted.entries()) {
    hits += hit;
    if (hits / (index + 1 + priorAnswers) >= sureShare) lowest = confidence;
  }
  return Math.max(floor, lowest);
}

function toLogOdds(learned: LessonsLearnedRow, doubt: Doubt): number {
  return toInputs(doubt).reduce((sum, input, at) => sum + input * (learned.weights[at] ?? start[at] ?? 0), 0);
}

function toInputs({ centre, lead }: Doubt): number[] {
  return [1, centre, lead];
}

function keepPair(list: number[], pair: readonly [number, number], max: number): void {
  list.push(...pair);
  if (list.length > 2 * max) list.splice(0, 2);
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
