// Calibration
//
// How sure the first file is, as a share of answers that turn out right, and from which share on an answer counts as sure. Learns from
// answers and their outcomes, in order; an outcome never bears on its own answer. Owns: the calibration's part of the learned row.

import { findSureFrom, learnOutcome, type OutcomeRules, type Outcomes, toProbability } from "./outcomes.ts";
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

const rules: OutcomeRules = {
  start: [-0.2, 0.6, 0, 0, 0, 0, 0, 0],
  ...{ rate: 0.15, pairsMin: 40, ownPairs: 12, kernelWidth: 0.35 },
};
const sure = { share: 0.8, priorAnswers: 2, safety: 0.2 };
const hitRateShare = 0.03;

/** The first file's probability of being right, as of what is known now. */
export function toConfidence(learned: LearnedRow, doubt: Doubt): number {
  return toProbability(toOutcomes(learned), toInputs(learned, doubt), rules);
}

/** Learns from one answer. */
export function calibrate(learned: LearnedRow, doubt: Doubt, isHit: boolean): void {
  learnOutcome(toOutcomes(learned), toInputs(learned, doubt), isHit, rules);
  learned.hitRate += hitRateShare * ((isHit ? 1 : 0) - learned.hitRate);
  learned.sureFrom = findSureFrom(learned, sure);
}

/** Its lists are the row's own. */
function toOutcomes({ confidence: weights, confidenceSquares: squares, pairs, answers }: LearnedRow): Outcomes {
  return { weights, squares, pairs, answers };
}

function toInputs({ hitRate }: LearnedRow, doubt: Doubt): number[] {
  const probability = Math.min(0.999, Math.max(0.001, doubt.probability));
  return [
    ...[1, Math.log(probability / (1 - probability)), Math.min(4, doubt.lead)],
    ...[doubt.likeness, doubt.words, doubt.name, doubt.known, 2 * (hitRate - 0.5)],
  ];
}
