// Outcomes
//
// A probability that is learned from answers and how they turned out: a logistic value over a few inputs, mended by a kernel regression over
// the newest outcomes, and the value from which on enough answers were right. Owns: the arithmetic. Does not own: what the inputs are, and
// where the numbers are kept.

/** The numbers of one such probability, flat and bounded, as a row holds them. */
export interface Outcomes {
  weights: number[];
  squares: number[];
  /** The newest pairs of log-odds and outcome. */
  pairs: number[];
  /** The newest pairs of final probability and outcome. */
  answers: number[];
}

/** How it is learned. */
export interface OutcomeRules {
  /** Weights to begin with. */
  start: readonly number[];
  rate: number;
  /** With fewer outcomes the logistic value counts alone; with more it counts as so many of them. */
  pairsMin: number;
  ownPairs: number;
  kernelWidth: number;
}

const pairsMax = 500;
const answersMax = 400;

/** The probability for `inputs`, as of what is known now. */
export function toProbability(outcomes: Outcomes, inputs: readonly number[], rules: OutcomeRules): number {
  const { pairs } = outcomes;
  const raw = toLogOdds(outcomes, inputs, rules);
  if (pairs.length < 2 * rules.pairsMin) return sigmoid(raw);
  // A kernel regression (Nadaraya and Watson).
  let hits = rules.ownPairs * sigmoid(raw);
  let all = rules.ownPairs;
  for (let at = 0; at < pairs.length; at += 2) {
    const weight = Math.exp(-0.5 * (((pairs[at] ?? 0) - raw) / rules.kernelWidth) ** 2);
    hits += weight * (pairs[at + 1] ?? 0);
    all += weight;
  }
  return hits / all;
}

/** Learns from one answer, by AdaGrad (Duchi, Hazan and Singer 2011). */
export function learnOutcome(outcomes: Outcomes, inputs: readonly number[], isHit: boolean, rules: OutcomeRules): void {
  const hit = isHit ? 1 : 0;
  const probability = toProbability(outcomes, inputs, rules);
  const raw = toLogOdds(outcomes, inputs, rules);
  const error = hit - sigmoid(raw);
  const { weights, squares } = outcomes;
  for (const [at, input] of inputs.entries()) {
    const gradient = error * input;
    const square = (squares[at] ?? 1) + gradient ** 2;
    squares[at] = square;
    weights[at] = (weights[at] ?? rules.start[at] ?? 0) + (rules.rate * gradient) / Math.sqrt(square);
  }
  keepPair(outcomes.pairs, [raw, hit], pairsMax);
  keepPair(outcomes.answers, [probability, hit], answersMax);
}

/** When enough answers were right. */
export interface SureRules {
  share: number;
  /** Answers, of which that share was right, that count beside the known ones. */
  priorAnswers: number;
  /** Standard deviations off: the lowest of many thresholds that seem good enough is often luck. */
  safety: number;
}

/** The lowest probability at which, of the newest answers at least that sure, enough were right; above 1 when there is none. */
export function findSureFrom(
  { answers }: Pick<Outcomes, "answers">,
  { share, priorAnswers, safety }: SureRules,
): number {
  const sorted: (readonly [probability: number, hit: number])[] = [];
  for (let at = 0; at < answers.length; at += 2) sorted.push([answers[at] ?? 0, answers[at + 1] ?? 0]);
  sorted.sort((left, right) => right[0] - left[0]);
  let hits = share * priorAnswers;
  let lowest = 1.01;
  for (const [index, [probability, hit]] of sorted.entries()) {
    hits += hit;
    const deviation = Math.sqrt((share * (1 - share)) / (index + 1));
    if (hits / (index + 1 + priorAnswers) - safety * deviation >= share) lowest = probability;
  }
  return lowest;
}

function toLogOdds({ weights }: Outcomes, inputs: readonly number[], { start }: OutcomeRules): number {
  return inputs.reduce((sum, input, at) => sum + input * (weights[at] ?? start[at] ?? 0), 0);
}

function keepPair(list: number[], pair: readonly [number, number], max: number): void {
  list.push(...pair.map(Math.fround)); // what is stored: in half the bytes
  if (list.length > 2 * max) list.splice(0, 2);
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
