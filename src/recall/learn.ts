// Learning an episode: every row that it touches, and no other. What it costs depends on the episode, not on how many came before.

import { bounds } from "./bounds.ts";
import { emptyRow } from "./empty-rows.ts";
import type { Goal } from "./goals.ts";
import { kinds } from "./kinds.ts";
import { readPathOnce, weighPath } from "./paths.ts";
import { addPathPosting, addPosting, openWord } from "./postings.ts";
import type { FileRow, RecallRows, TotalsRow, WordRow } from "./rows.ts";
import { decay, halfLives, impact, rarity, toByte, wordHalfLife } from "./scores.ts";

const pathWeight = 0.5;
const lengthNormal = { episodes: 0.4, paths: 0.5 };

/** An episode as it is learned. */
export interface NewEpisode {
  goal: Goal;
  paths: readonly string[];
  at: number;
  isImported: boolean;
}

/** Adds an episode to the rows; `totals` is changed in place and put. */
export function learnEpisode(rows: RecallRows, totals: TotalsRow, episode: NewEpisode): void {
  const { goal, at, isImported } = episode;
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
  if (!isImported) totals.runs += 1;
  const mean = { goal: totals.goalLength / totals.episodes, whole: totals.wholeLength / totals.episodes };
  const classes = paths.map((path) => readPathOnce(path).fileClass);
  const toImpact = (goalWeight: number, whole: number): number =>
    toByte(impact(whole, wholeLength, mean.whole, lengthNormal.episodes)) * 256 +
    (goalWeight === 0 ? 0 : toByte(impact(goalWeight, goalLength, mean.goal, lengthNormal.episodes)));

  for (const word of new Set([...goal.words.keys(), ...pathWords])) {
    const weight = goal.words.get(word) ?? 0;
    const row = openWord(rows, totals, word);
    row.episodes += 1;
    addPosting(rows, row, number, toImpact(weight, weight + (pathWords.has(word) ? pathWeight : 0)));
    if (weight > 0) associate(row, { files, classes, weight, number });
    rows.put("words", word, row);
  }
  const marks = [`@kind ${goal.kind}`, ...(goal.scope === "" ? [] : [`@scope ${goal.scope}`])];
  for (const mark of marks) {
    const row = openWord(rows, totals, mark);
    associate(row, { files, classes, weight: 1, number });
    rows.put("words", mark, row);
  }
  const kind = kinds.indexOf(goal.kind);
  totals.kinds[kind] = (totals.kinds[kind] ?? 0) + 1;
  for (const each of classes) totals.classes[each] = (totals.classes[each] ?? 0) + 1 / classes.length;
  rows.put("episodes", number, { at, imported: isImported ? 1 : 0, files });
  keepTop(rows, totals, files);
  rows.put("totals", 0, totals);
}

/** A file goes on under another path: its counts, and what is known of it, stay. Nothing is done if `to` is known already or `from` is not. */
export function renameFile(rows: RecallRows, totals: TotalsRow, from: string, to: string): void {
  const file = findFile(rows, from);
  const row = file === undefined ? undefined : rows.get("files", file);
  if (file === undefined || row === undefined || findFile(rows, to) !== undefined) return;
  rows.put("paths", from, { file: noFile });
  row.path = to;
  row.folder = openFolder(rows, totals, { folder: readPathOnce(to).folder, number: row.last });
  rateWords(rows, totals, row);
  enterPath(rows, totals, { file, path: to }); // the words of the old path find it as well: some say it still
  rows.put("files", file, row);
  rows.put("totals", 0, totals);
}

const noFile = -1;

/** The number of the file that has this path now. */
export function findFile(rows: RecallRows, path: string): number | undefined {
  const file = rows.get("paths", path)?.file;
  return file === noFile ? undefined : file;
}

interface Touch {
  path: string;
  goal: Goal;
  goalLength: number;
  number: number;
}

function touchFile(rows: RecallRows, totals: TotalsRow, { path, goal, goalLength, number }: Touch): number {
  const file = findFile(rows, path) ?? totals.files;
  const row = rows.get("files", file) ?? enterFile(rows, totals, { path, number });
  const age = number - row.last;
  row.decayed = halfLives.map((halfLife, index) => (row.decayed[index] ?? 0) * decay(age, halfLife) + 1);
  row.count += 1;
  row.last = number;
  keepNewest(row.episodes, number, bounds.fileEpisodes);
  row.length += goalLength;
  const kind = kinds.indexOf(goal.kind);
  row.kinds[kind] = (row.kinds[kind] ?? 0) + 1;
  rateWords(rows, totals, row);
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

/** How rare the words of a file's path are now. */
function rateWords(rows: RecallRows, totals: TotalsRow, row: FileRow): void {
  const words = readPathOnce(row.path);
  const toRarity = (word: string): number => rarity(totals.files, rows.get("words", word)?.pathFiles ?? 1);
  row.tellingRarity = words.telling.map(toRarity);
  row.foldersRarity = words.folders.map(toRarity);
}

/** A path seen for the first time: its words become findable. */
function enterFile(rows: RecallRows, totals: TotalsRow, { path, number }: { path: string; number: number }): FileRow {
  const file = totals.files;
  totals.files += 1;
  enterPath(rows, totals, { file, path });
  const folder = openFolder(rows, totals, { folder: readPathOnce(path).folder, number });
  return { ...emptyRow("files"), path, folder, first: number, last: number };
}

function enterPath(rows: RecallRows, totals: TotalsRow, { file, path }: { file: number; path: string }): void {
  rows.put("paths", path, { file });
  const { weights, length } = weighPath(readPathOnce(path));
  totals.pathLength += length;
  for (const [word, weight] of weights) {
    const row = openWord(rows, totals, word);
    addPathPosting(
      rows,
      row,
      file,
      toByte(impact(weight, length, totals.pathLength / totals.files, lengthNormal.paths)),
    );
    rows.put("words", word, row);
  }
}

function openFolder(
  rows: RecallRows,
  totals: TotalsRow,
  { folder: path, number }: { folder: string; number: number },
): number {
  const known = rows.get("folderPaths", path)?.folder;
  if (known !== undefined) return known;
  const folder = totals.folders;
  totals.folders += 1;
  rows.put("folderPaths", path, { folder });
  rows.put("folders", folder, { ...emptyRow("folders"), last: number });
  return folder;
}

interface Association {
  files: readonly number[];
  classes: readonly number[];
  weight: number;
  number: number;
}

/** Counts a word with the files that its episode touched; the row is put by the caller. */
function associate(row: WordRow, { files, classes, weight, number }: Association): void {
  row.goals += 1;
  row.mass += weight;
  row.decayed = row.decayed * decay(number - row.last, wordHalfLife) + weight;
  row.last = number;
  for (const each of classes) row.classes[each] = Math.fround((row.classes[each] ?? 0) + weight / classes.length);
  for (const file of files) {
    const found = row.files.indexOf(file);
    const at = found === -1 ? row.files.length : found;
    const age = number - (row.changed[at] ?? number);
    row.files[at] = file;
    // Rounded to what is stored: in half the bytes.
    row.masses[at] = Math.fround((row.masses[at] ?? 0) + weight);
    row.massesDecayed[at] = Math.fround((row.massesDecayed[at] ?? 0) * decay(age, wordHalfLife) + weight);
    row.changed[at] = number;
  }
  while (row.files.length > bounds.wordFiles) {
    const weakest = findWeakest(row, number);
    for (const list of [row.files, row.masses, row.massesDecayed, row.changed]) list.splice(weakest, 1);
  }
}

/** The file whose decayed count is the least: one that has just come stays for a while. */
function findWeakest({ massesDecayed, changed }: WordRow, number: number): number {
  let weakest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < massesDecayed.length; at += 1) {
    const left = (massesDecayed[at] ?? 0) * decay(number - (changed[at] ?? 0), wordHalfLife);
    if (left < least) {
      least = left;
      weakest = at;
    }
  }
  return weakest;
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
