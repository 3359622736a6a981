// Ranker
//
// A linear score over the signals, and over weights of single words, kinds, classes, files and folders. Its softmax over the candidates is
// nearly a probability, because the loss is the logarithm of the summed probability of all right files. It learns one step an episode
// with AdaGrad (Duchi, Hazan and Singer 2011). Owns: the weights, which lie in the rows of what they are about.

import { bounds } from "./bounds.ts";
import type { Candidate, Evidence } from "./evidence.ts";
import { kinds } from "./kinds.ts";
import { fileClasses } from "./paths.ts";
import type { LearnedRow, RecallRows, WordRow } from "./rows.ts";
import { addTo } from "./scores.ts";
import { signalNames } from "./signals/index.ts";

const rate = 0.3;
const squaresFrom = 1;
const gradientMin = 0.01; // below, the weights of words and files are left as they are
const kindInput = 0.7;

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
  { evidence, signals }: { evidence: Evidence; signals: readonly (readonly number[])[] },
): Scored {
  const habits = measureHabits(learned, rows, evidence);
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
    signals: readonly (readonly number[])[];
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
  const words = openWords(learned, evidence);
  for (const [index, candidate] of evidence.candidates.entries()) {
    const gradient = gradients[index] ?? 0;
    if (Math.abs(gradient) >= gradientMin) trainHabits(rows, { learned, evidence, words, candidate, gradient });
  }
  for (const { word, row } of evidence.terms) rows.put("words", word, row);
}

/** The weights of the words in this question: rarity over their norm, as lengths of goals differ. */
function toInputs({ terms }: Evidence): number[] {
  const norm = Math.sqrt(terms.reduce((sum, { weight, rarity }) => sum + (weight * rarity) ** 2, 0));
  return terms.map(({ weight, rarity }) => (weight * rarity) / (norm || 1));
}

/** What the weights of words, kinds, classes, files and folders give each candidate. Sums over the words are made once a class and folder. */
function measureHabits(learned: LearnedRow, rows: RecallRows, evidence: Evidence): number[] {
  const kind = kinds.indexOf(evidence.goal.kind);
  const byClass = fileClasses.map(
    (_, each) =>
      weightAt(learned.classWeights, each) + weightAt(learned.kindClassWeights, kind * fileClasses.length + each),
  );
  const byFolder = new Map<number, number>();
  for (const [index, input] of toInputs(evidence).entries()) {
    const row = evidence.terms[index]?.row;
    if (row === undefined || row.generation !== learned.generation) continue;
    for (const each of fileClasses.keys())
      byClass[each] = (byClass[each] ?? 0) + input * weightAt(row.classWeights, each);
    for (let at = 0; at < row.folderWeights.length; at += 3) {
      addTo(byFolder, row.folderWeights[at] ?? -1, input * (row.folderWeights[at + 1] ?? 0));
    }
  }
  for (const number of new Set(evidence.candidates.map(({ row }) => row.folder))) {
    const folder = rows.get("folders", number);
    if (folder?.generation === learned.generation) addTo(byFolder, number, weightAt(folder.ownWeight, 0));
  }
  return evidence.candidates.map(({ row, path }) => {
    const isKnown = row.generation === learned.generation;
    const own = isKnown ? weightAt(row.ownWeight, 0) + kindInput * weightAt(row.kindWeights, kind) : 0;
    return own + (byClass[path.fileClass] ?? 0) + (byFolder.get(row.folder) ?? 0);
  });
}

/** A word whose weights are learned, with its share of the question. */
interface Trained {
  row: WordRow;
  input: number;
}

function openWords(learned: LearnedRow, evidence: Evidence): Trained[] {
  const inputs = toInputs(evidence);
  return evidence.terms.map(({ row }, index) => {
    begin(row, learned, ["classWeights", "folderWeights"]);
    fill(row.classWeights, fileClasses.length);
    return { row, input: inputs[index] ?? 0 };
  });
}

interface Habits {
  learned: LearnedRow;
  evidence: Evidence;
  words: readonly Trained[];
  candidate: Candidate;
  gradient: number;
}

function trainHabits(rows: RecallRows, { learned, evidence, words, candidate, gradient }: Habits): void {
  const { file, row, path } = candidate;
  const kind = kinds.indexOf(evidence.goal.kind);
  const classCount = fileClasses.length;
  fill(learned.classWeights, classCount);
  step(learned.classWeights, 2 * path.fileClass, gradient);
  fill(learned.kindClassWeights, kinds.length * classCount);
  step(learned.kindClassWeights, 2 * (kind * classCount + path.fileClass), gradient);
  if (file >= 0) {
    begin(row, learned, ["ownWeight", "kindWeights"]);
    fill(row.ownWeight, 1);
    step(row.ownWeight, 0, gradient);
    fill(row.kindWeights, kinds.length);
    step(row.kindWeights, 2 * kind, gradient * kindInput);
    rows.put("files", file, row);
  }
  const folder = rows.get("folders", row.folder);
  if (folder !== undefined) {
    begin(folder, learned, ["ownWeight"]);
    fill(folder.ownWeight, 1);
    step(folder.ownWeight, 0, gradient);
    rows.put("folders", row.folder, folder);
  }
  for (const { row: word, input } of words) {
    step(word.classWeights, 2 * path.fileClass, gradient * input);
    if (folder !== undefined)
      step(word.folderWeights, findTriple(word.folderWeights, row.folder) + 1, gradient * input);
  }
}

/** Lets go of weights that were learned before the last reset. */
function begin<Name extends string>(
  row: { generation: number } & Record<Name, number[]>,
  { generation }: LearnedRow,
  names: readonly Name[],
): void {
  if (row.generation === generation) return;
  for (const name of names) row[name].length = 0;
  row.generation = generation;
}

/** AdaGrad's step for the weight at `at`, whose squares stand behind it. Rounded to what is stored: in half the bytes. */
function step(list: number[], at: number, gradient: number): void {
  const squares = Math.fround((list[at + 1] ?? squaresFrom) + gradient ** 2);
  list[at + 1] = squares;
  list[at] = Math.fround((list[at] ?? 0) + (rate * gradient) / Math.sqrt(squares));
}

/** A weight of a list of weights and squares; 0 when there is none yet. */
function weightAt(list: readonly number[], index: number): number {
  return list[2 * index] ?? 0;
}

/** Fills an empty list of `count` weights: a hole would not survive being stored. */
function fill(list: number[], count: number): void {
  if (list.length === 0) for (let at = 0; at < count; at += 1) list.push(0, squaresFrom);
}

/** Where `key` stands in a flat list of key, weight, squares. If it does not, it is entered, and a full list loses the slightest weight. */
function findTriple(list: number[], key: number): number {
  for (let at = 0; at < list.length; at += 3) if (list[at] === key) return at;
  if (list.length >= 3 * bounds.wordFolders) {
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
