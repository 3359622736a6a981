// Confidence
//
// How sure it is that the first lesson is the right one, and from which confidence on an answer counts as sure. Learns from what a finished
// run's goal would have been answered with before its own lesson had learned from it; the answer is right if that is the run's own lesson.
// Owns: the row of what was learned. Starts from weights that were set on the labelled set's tuning half.

import {
  emptyRow,
  findSureFrom,
  type LessonsLearnedRow,
  learnOutcome,
  type OutcomeRules,
  type RecallRows,
  toProbability,
} from "../recall/index.ts";

/** What the confidence is told from, each 0 to 1. */
export interface Doubt {
  /** How much of the question the first lesson says, and how much it has to say of it: in several fields, in the words of several runs. */
  centre: number;
  /** By how much it leads, against its score. */
  lead: number;
}

const rules: OutcomeRules = {
  start: [-2.7, 5.2, 5],
  rate: 0.03,
  pairsMin: 200, // before, most runs are of new work, which says little of later questions
  ...{ ownPairs: 40, kernelWidth: 0.4 },
};
const sure = { share: 0.8, priorAnswers: 5, safety: 0 };
const prudent = 0.9; // while there are few answers
const floor = 0.6; // below, being right often enough was luck

/** The probability that the first lesson is the right one. */
export function toConfidence(learned: LessonsLearnedRow, doubt: Doubt): number {
  return toProbability(learned, toInputs(doubt), rules);
}

/** Learns from one answer. */
export function learnConfidence(rows: RecallRows, doubt: Doubt, isHit: boolean): void {
  const learned = readLearned(rows);
  learnOutcome(learned, toInputs(doubt), isHit, rules);
  const isKnown = learned.answers.length >= 2 * rules.pairsMin;
  learned.sureFrom = isKnown ? Math.max(floor, findSureFrom(learned, sure)) : prudent;
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

function toInputs({ centre, lead }: Doubt): number[] {
  return [1, centre, lead];
}
