// Calibration
//
// How sure the first file is, as a share of answers that turn out right, and from which share on an answer counts as sure. Learns from
// answers and their outcomes, in order; an outcome never bears on its own answer. Owns: the calibration's part of the learned row.

import type { LearnedRow } from "./rows.ts";

/** What the confidence is told from. */
export interface Doubt {
  /** Softmax of the first file and the score by which it leads. */
  probability: number;
  lead: number;
  /** Of the first file: nearest episode with absolute likeness, noisy-or of words, share of the name met. */
  likeness: number;
  words: number;
  name: number;
  /** Share of the question's rarity in known words. */
  known: number;
}

const rate = 0.15;
const start = [-0.2, 0.6, 0, 0, 0, 0, 0, 0];
const hitRateShare = 0.03;
const pairsMax = 500;
const pairsMin = 40;
const kernelWidth = 0.35;
const ownPairs = 12;
const answersMax = 400;
const sureShare = 0.8;
const priorAnswers = 2;
const safety = 0.2; // standard deviations: the lowest of many thresholds that seem good enough is often luck

/** The first file's probability of being right, as of what is known now. */
export function toConfidence(learned: LearnedRow, doubt: Doubt): number {
  const raw = toLogOdds(learned, doubt);
  if (learned.pairs.length < 2 * pairsMin) return sigmoid(raw);
  // A kernel regression (Nadaraya and Watson) over the newest outcomes, with the logistic value as some outcomes more.
  let hits = ownPairs * sigmoid(raw);
  let all = ownPairs;
  for (let at = 0; at < learned.pairs.length; at += 2) {
    const weight = Math.exp(-0.5 * (((learned.pairs[at] ?? 0) - raw) / kernelWidth) ** 2);
    hits += weight * (learned.pairs[at + 1] ?? 0);
    all += weight;
  }
  return hits / all;
}

/** The lowest confidence at which, of the newest answers at least that sure, enough were right; above 1 when there is none. */
function findSureFrom(learned: LearnedRow): number {
  const answers: (readonly [confidence: number, hit: number])[] = [];
  for (let at = 0; at < learned.answers.length; at += 2) {
    answers.push([learned.answers[at] ?? 0, learned.answers[at + 1] ?? 0]);
  }
  answers.sort((left, right) => right[0] - left[0]);
  let hits = sureShare * priorAnswers;
  let lowest = 1.01;
  for (const [index, [confidence, hit]] of answers.entries()) {
    hits += hit;
    const deviation = Math.sqrt((sureShare * (1 - sureShare)) / (index + 1));
    if (hits / (index + 1 + priorAnswers) - safety * deviation >= sureShare) lowest = confidence;
  }
  return lowest;
}

/** Learns from one answer. */
export function calibrate(learned: LearnedRow, doubt: Doubt, isHit: boolean): void {
  const hit = isHit ? 1 : 0;
  const confidence = toConfidence(learned, doubt);
  const raw = toLogOdds(learned, doubt);
  const error = hit - sigmoid(raw);
  for (const [at, input] of toInputs(learned, doubt).entries()) {
    const gradient = error * input;
    const squares = (learned.confidenceSquares[at] ?? 1) + gradient ** 2;
    learned.confidenceSquares[at] = squares;
    learned.confidence[at] = (learned.confidence[at] ?? start[at] ?? 0) + (rate * gradient) / Math.sqrt(squares);
  }
  learned.hitRate += hitRateShare * (hit - learned.hitRate);
  keepPairs(learned.pairs, [raw, hit], pairsMax);
  keepPairs(learned.answers, [confidence, hit], answersMax);
  learned.sureFrom = findSureFrom(learned);
}

function toLogOdds(learned: LearnedRow, doubt: Doubt): number {
  return toInputs(learned, doubt).reduce(
    (sum, input, at) => sum + input * (learned.confidence[at] ?? start[at] ?? 0),
    0,
  );
}

function toInputs({ hitRate }: LearnedRow, doubt: Doubt): number[] {
  const probability = Math.min(0.999, Math.max(0.001, doubt.probability));
  return [
    ...[1, Math.log(probability / (1 - probability)), Math.min(4, doubt.lead)],
    ...[doubt.likeness, doubt.words, doubt.name, doubt.known, 2 * (hitRate - 0.5)],
  ];
}

function keepPairs(list: number[], pair: readonly [number, number], max: number): void {
  list.push(...pair.map(Math.fround)); // what is stored: in half the bytes
  if (list.length > 2 * max) list.splice(0, 2);
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
