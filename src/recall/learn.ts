// Learning an episode: every row that it touches, and no other. What it costs depends on the episode, not on how many came before.

import { bounds } from "./bounds.ts";
import { emptyRow } from "./empty-rows.ts";
import { readPathOnce } from "./evidence.ts";
import type { Goal } from "./goals.ts";
import { kinds } from "./kinds.ts";
import type { PathWords } from "./paths.ts";
import type { FileRow, RecallRows, TotalsRow, WordRow } from "./rows.ts";
import { decay, halfLives, impact, rarity, toByte, wordHalfLife } from "./scores.ts";

const pathWeight = 0.5;
const nameWeight = 2;
const extensionWeight = 0.5;
const lengthNormal = { episodes: 0.4, paths: 0.5 };

/** Adds an episode to the rows; `totals` is changed in place and put. */
export function learnEpisode(
  rows: RecallRows,
  totals: TotalsRow,
  episode: { goal: Goal; paths: readonly string[]; at: number },
): void {
  const { goal, at } = episode;
  const number = totals.episodes;
  const paths = [...new Set(episode.paths)].slice(0, bounds.episodeFiles);
  const goalLength = sum(goal.words.values());
  const files = paths.map((path) => touchFile(rows, totals, { path, goal, goalLength, number }));

  const pathWords = new Set(
    paths.map(readPathOnce).flatMap(({ name, folders, compounds }) => [...name, ...folders, ...compounds]),
  );
  const wholeLength = goalLength + pathWeight * pathWords.size;
  totals.goalLength += goalLength;
  totals.wholeLength += wholeLength;
  totals.episodes += 1;
  const mean = { goal: totals.goalLength / totals.episodes, whole: totals.wholeLength / totals.episodes };
  const classes = paths.map((path) => readPathOnce(path).fileClass);
  const toPosting = (goalWeight: number, whole: number): number =>
    number * 65_536 +
    toByte(impact(whole, wholeLength, mean.whole, lengthNormal.episodes)) * 256 +
    (goalWeight === 0 ? 0 : toByte(impact(goalWeight, goalLength, mean.goal, lengthNormal.episodes)));

  for (const word of new Set([...goal.words.keys(), ...pathWords])) {
    const weight = goal.words.get(word) ?? 0;
    const row = rows.get("words", word) ?? emptyRow("words");
    row.episodes += 1;
    keepNewest(row.postings, toPosting(weight, weight + (pathWords.has(word) ? pathWeight : 0)), bounds.wordEpisodes);
    if (weight > 0) associate(row, { files, classes, weight, number });
    rows.put("words", word, row);
  }
  const marks = [`@kind ${goal.kind}`, ...(goal.scope === "" ? [] : [`@scope ${goal.scope}`])];
  for (const mark of marks) {
    const row = rows.get("words", mark) ?? emptyRow("words");
    associate(row, { files, classes, weight: 1, number });
    rows.put("words", mark, row);
  }
  const kind = kinds.indexOf(goal.kind);
  totals.kinds[kind] = (totals.kinds[kind] ?? 0) + 1;
  for (const each of classes) totals.classes[each] = (totals.classes[each] ?? 0) + 1 / classes.length;
  rows.put("episodes", number, { at, files });
  keepTop(rows, totals, files);
  rows.put("totals", 0, totals);
}

interface Touch {
  path: string;
  goal: Goal;
  goalLength: number;
  number: number;
}

function touchFile(rows: RecallRows, totals: TotalsRow, { path, goal, goalLength, number }: Touch): number {
  const known = rows.get("paths", path);
  const words = readPathOnce(path);
  const file = known?.file ?? totals.files;
  const row = rows.get("files", file) ?? enterFile(rows, totals, { path, words, number });
  const age = number - row.last;
  row.decayed = halfLives.map((halfLife, index) => (row.decayed[index] ?? 0) * decay(age, halfLife) + 1);
  row.count += 1;
  row.last = number;
  row.length += goalLength;
  const kind = kinds.indexOf(goal.kind);
  row.kinds[kind] = (row.kinds[kind] ?? 0) + 1;
  const toRarity = (word: string): number => rarity(totals.files, rows.get("words", word)?.pathFiles ?? 1);
  row.tellingRarity = words.telling.map(toRarity);
  row.foldersRarity = words.folders.map(toRarity);
  totals.fileLength += goalLength;
  rows.put("files", file, row);
  const folder = rows.get("folders", row.folder);
  if (folder !== undefined) {
    folder.last = number;
    folder.files = folder.files.filter((each) => each !== file);
    keepNewest(folder.files, file, bounds.folderFiles);
    rows.put("folders", row.folder, folder);
  }
  return file;
}

/** A path seen for the first time: its words become findable. */
function enterFile(
  rows: RecallRows,
  totals: TotalsRow,
  { path, words, number }: { path: string; words: PathWords; number: number },
): FileRow {
  const file = totals.files;
  totals.files += 1;
  rows.put("paths", path, { file });
  const weights = new Map<string, number>();
  const add = (list: readonly string[], weight: number): void => {
    for (const word of list) weights.set(word, (weights.get(word) ?? 0) + weight);
  };
  add(words.name, nameWeight);
  add(words.folders, 1);
  add(words.compounds, nameWeight);
  add(words.extensions, extensionWeight);
  const length = sum(weights.values());
  totals.pathLength += length;
  weights.set(`#${words.base}`, nameWeight);
  for (const [word, weight] of weights) {
    const row = rows.get("words", word) ?? emptyRow("words");
    row.pathFiles += 1;
    const byte = toByte(impact(weight, length, totals.pathLength / totals.files, lengthNormal.paths));
    keepNewest(row.paths, file * 256 + byte, bounds.wordPaths);
    rows.put("words", word, row);
  }
  let folder = rows.get("folderPaths", words.folder)?.folder;
  if (folder === undefined) {
    folder = totals.folders;
    totals.folders += 1;
    rows.put("folderPaths", words.folder, { folder });
    rows.put("folders", folder, { ...emptyRow("folders"), last: number });
  }
  return { ...emptyRow("files"), path, folder, first: number, last: number };
}

interface Association {
  files: readonly number[];
  classes: readonly number[];
  weight: number;
  number: number;
}

/** Counts a word with the files that its episode touched. */
function associate(row: WordRow, { files, classes, weight, number }: Association): void {
  row.goals += 1;
  row.mass += weight;
  row.decayed = row.decayed * decay(number - row.last, wordHalfLife) + weight;
  row.last = number;
  for (const each of classes) row.classes[each] = (row.classes[each] ?? 0) + weight / classes.length;
  for (const file of files) {
    let at = 0;
    while (at < row.files.length && row.files[at] !== file) at += 4;
    const age = number - (row.files[at + 3] ?? number);
    row.files[at] = file;
    row.files[at + 1] = (row.files[at + 1] ?? 0) + weight;
    row.files[at + 2] = (row.files[at + 2] ?? 0) * decay(age, wordHalfLife) + weight;
    row.files[at + 3] = number;
  }
  while (row.files.length > 4 * bounds.wordFiles) dropWeakest(row.files, number);
}

/** The file whose decayed count is the least: one that has just come stays for a while. */
function dropWeakest(files: number[], number: number): void {
  let weakest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < files.length; at += 4) {
    const left = (files[at + 2] ?? 0) * decay(number - (files[at + 3] ?? 0), wordHalfLife);
    if (left < least) {
      least = left;
      weakest = at;
    }
  }
  files.splice(weakest, 4);
}

/** The lists of the most frequent and the most active files. Those in them already and those just touched compete. */
function keepTop(rows: RecallRows, totals: TotalsRow, files: readonly number[]): void {
  const order = (list: readonly number[], worth: (row: FileRow) => number): number[] =>
    [...new Set([...files, ...list])]
      .flatMap((file) => {
        const row = rows.get("files", file);
        return row === undefined ? [] : [{ file, worth: worth(row) }];
      })
      .sort((left, right) => right.worth - left.worth || right.file - left.file)
      .slice(0, bounds.topFiles)
      .map(({ file }) => file);
  totals.frequent = order(totals.frequent, (row) => row.count);
  totals.active = order(
    totals.active,
    (row) => (row.decayed[2] ?? 0) * decay(totals.episodes - row.last, halfLives[2]),
  );
}

function keepNewest(list: number[], entry: number, max: number): void {
  list.push(entry);
  if (list.length > max) list.shift();
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
