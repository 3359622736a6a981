// Ranker
//
// A linear score over the signals, and over weights of single words, kinds, classes, files and folders. Its softmax over the candidates is
// nearly a probability, because the loss is the logarithm of the summed probability of all right files. It learns one step an episode
// with AdaGrad (Duchi, Hazan and Singer 2011). Owns: the weights, which lie in the rows of what they are about.

import { bounds } from "./bounds.ts";
import type { Candidate, Evidence } from "./evidence.ts";
import { kinds } from "./kinds.ts";
import { fileClasses } from "./paths.ts";
import type { LearnedRow, RecallRows } from "./rows.ts";
import { signalNames } from "./signals/index.ts";

const rate = 0.3;
const squaresFrom = 1;
const gradientMin = 0.01; // below, the weights of words and files are left as they are
const kindInput = 0.7;

/** A weight and its squared gradients, at `list[at]` and `list[at + 1]`, with what it is multiplied by. */
interface Slot {
  list: number[];
  at: number;
  input: number;
}

/** How likely each candidate is. */
export interface Scored {
  /** Softmax of the scores: sums to 1. */
  probabilities: number[];
  scores: number[];
  /** The part of the score that comes from weights of words, files and folders. */
  habits: number[];
}

/** Scores the candidates. Changes nothing. */
export function score(
  learned: LearnedRow,
  rows: RecallRows,
  { evidence, signals }: { evidence: Evidence; signals: readonly Float64Array[] },
): Scored {
  const inputs = toInputs(evidence);
  const habits = evidence.candidates.map((candidate) => {
    let sum = 0;
    visitSlots(rows, { learned, evidence, inputs, candidate, enter: false }, ({ list, at, input }) => {
      sum += (list[at] ?? 0) * input;
    });
    return sum;
  });
  const scores = signals.map((values, at) => {
    let sum = habits[at] ?? 0;
    for (let signal = 0; signal < values.length; signal += 1)
      sum += (learned.weights[signal] ?? 0) * (values[signal] ?? 0);
    return sum;
  });
  return { probabilities: softmax(scores), scores, habits };
}

/** One step towards the candidates that were right. Nothing is learned when none was. */
export function train(
  learned: LearnedRow,
  rows: RecallRows,
  {
    evidence,
    signals,
    probabilities,
    isRight,
  }: {
    evidence: Evidence;
    signals: readonly Float64Array[];
    probabilities: readonly number[];
    isRight: readonly boolean[];
  },
): void {
  const right = probabilities.reduce((sum, each, at) => sum + (isRight[at] === true ? each : 0), 0);
  if (!isRight.includes(true)) return;
  // The gradient of log(sum of the right ones' p): their share among the right ones minus p.
  const gradients = probabilities.map((each, at) => (isRight[at] === true ? each / Math.max(right, 1e-9) : 0) - each);
  for (let signal = 0; signal < signalNames.length; signal += 1) {
    let gradient = 0;
    for (let at = 0; at < gradients.length; at += 1) gradient += (gradients[at] ?? 0) * (signals[at]?.[signal] ?? 0);
    const squares = (learned.squares[signal] ?? squaresFrom) + gradient ** 2;
    learned.squares[signal] = squares;
    learned.weights[signal] = (learned.weights[signal] ?? 0) + (rate * gradient) / Math.sqrt(squares);
  }
  const inputs = toInputs(evidence);
  for (const [index, candidate] of evidence.candidates.entries()) {
    const gradient = gradients[index] ?? 0;
    if (Math.abs(gradient) < gradientMin) continue;
    visitSlots(rows, { learned, evidence, inputs, candidate, enter: true }, ({ list, at, input }) => {
      const step = gradient * input;
      const squares = (list[at + 1] ?? squaresFrom) + step ** 2;
      list[at + 1] = squares;
      list[at] = (list[at] ?? 0) + (rate * step) / Math.sqrt(squares);
    });
    rows.put("files", candidate.file, candidate.row);
  }
  for (const { word, row } of evidence.terms) rows.put("words", word, row);
}

/** The weights of the words in this question: rarity over their norm, as lengths of goals differ. */
function toInputs({ terms }: Evidence): number[] {
  const norm = Math.sqrt(terms.reduce((sum, { weight, rarity }) => sum + (weight * rarity) ** 2, 0));
  return terms.map(({ weight, rarity }) => (weight * rarity) / (norm || 1));
}

interface Visit {
  learned: LearnedRow;
  evidence: Evidence;
  inputs: readonly number[];
  candidate: Candidate;
  /** Whether weights that are not there yet are made. */
  enter: boolean;
}

function visitSlots(rows: RecallRows, visit: Visit, use: (slot: Slot) => void): void {
  const { learned, evidence, inputs, candidate, enter } = visit;
  const { row, path } = candidate;
  const kind = kinds.indexOf(evidence.goal.kind);
  const visitPair = (list: number[], count: number, index: number, input: number): void => {
    if (enter) fill(list, count);
    if (list.length > 0) use({ list, at: 2 * index, input });
  };
  const visitTriple = (list: number[], key: number, max: number, input: number): void => {
    const at = findTriple(list, key, enter ? max : 0);
    if (at !== -1) use({ list, at: at + 1, input });
  };
  const classCount = fileClasses.length;
  visitPair(row.ownWeight, 1, 0, 1);
  visitPair(row.kindWeights, kinds.length, kind, kindInput);
  visitPair(learned.classWeights, classCount, path.fileClass, 1);
  visitPair(learned.kindClassWeights, kinds.length * classCount, kind * classCount + path.fileClass, 1);
  const folder = rows.get("folders", row.folder);
  if (folder !== undefined) {
    visitPair(folder.ownWeight, 1, 0, 1);
    if (enter) rows.put("folders", row.folder, folder);
  }
  for (const [index, { row: word }] of evidence.terms.entries()) {
    const input = inputs[index] ?? 0;
    visitPair(word.classWeights, classCount, path.fileClass, input);
    visitTriple(word.folderWeights, row.folder, bounds.wordFolders, input);
  }
}

/** Fills an empty list of `count` weights: a hole would not survive being stored. */
function fill(list: number[], count: number): void {
  if (list.length === 0) for (let at = 0; at < count; at += 1) list.push(0, squaresFrom);
}

/** Where `key` stands in a flat list of key, weight, squares; -1 if it does not and `max` is 0. A full list loses the slightest weight. */
function findTriple(list: number[], key: number, max: number): number {
  for (let at = 0; at < list.length; at += 3) if (list[at] === key) return at;
  if (max === 0) return -1;
  if (list.length >= 3 * max) {
    let slightest = 0;
    for (let at = 3; at < list.length; at += 3) {
      if (Math.abs(list[at + 1] ?? 0) < Math.abs(list[slightest + 1] ?? 0)) slightest = at;
    }
    list.splice(slightest, 3);
  }
  list.push(key, 0, squaresFrom);
  return list.length - 3;
}

function softmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const parts = scores.map((each) => Math.exp(each - most));
  const sum = parts.reduce((left, right) => left + right, 0);
  return parts.map((part) => part / sum);
}
