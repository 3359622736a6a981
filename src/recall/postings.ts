// Postings: which episodes have a word, and which files have it in their path. The newest episodes lie in the word's own row.

import { bounds } from "./bounds.ts";
import { emptyRow } from "./empty-rows.ts";
import type { RecallRows, WordRow } from "./rows.ts";
import { fromByte } from "./scores.ts";
import type { Tally } from "./tally.ts";

/** A word's row, or a new one with the next number. `totals` counts the words. */
export function openWord(rows: RecallRows, totals: { words: number }, word: string): WordRow {
  const known = rows.get("words", word);
  if (known !== undefined) return known;
  const row = { ...emptyRow("words"), number: totals.words };
  totals.words += 1;
  return row;
}

/** Adds an episode to a word; the row is put by the caller. */
export function addPosting(rows: RecallRows, word: WordRow, episode: number, impact: number): void {
  word.tail.push(episode);
  word.tailImpacts.push(impact);
  if (word.tail.length < bounds.postingsTail) return;
  const row = rows.get("postings", word.number) ?? emptyRow("postings");
  row.episodes.push(...word.tail);
  row.impacts.push(...word.tailImpacts);
  const excess = Math.max(0, row.episodes.length - bounds.wordEpisodes);
  row.episodes.splice(0, excess);
  row.impacts.splice(0, excess);
  rows.put("postings", word.number, row);
  word.tail = [];
  word.tailImpacts = [];
}

/** Adds what the episodes of a word are worth: in `whole` with their paths, in `goals` without. */
export function tallyPostings(
  rows: RecallRows,
  { word, worth }: { word: WordRow; worth: number },
  { whole, goals }: { whole: Tally; goals: Tally },
): void {
  const add = (episodes: readonly number[], impacts: readonly number[]): void => {
    for (let at = 0; at < episodes.length; at += 1) {
      const [episode, impact] = [episodes[at] ?? 0, impacts[at] ?? 0];
      whole.add(episode, worth * fromByte(impact >> 8));
      if ((impact & 255) > 0) goals.add(episode, worth * fromByte(impact & 255));
    }
  };
  if (word.episodes > word.tail.length) {
    const row = rows.get("postings", word.number);
    if (row !== undefined) add(row.episodes, row.impacts);
  }
  add(word.tail, word.tailImpacts);
}

/** Adds a file to a word of its path; the row is put by the caller. */
export function addPathPosting(rows: RecallRows, word: WordRow, file: number, impact: number): void {
  const row = rows.get("pathPostings", word.number) ?? emptyRow("pathPostings");
  row.files.push(file);
  row.impacts.push(impact);
  if (row.files.length > bounds.wordPaths) {
    row.files.shift();
    row.impacts.shift();
  }
  word.pathFiles += 1;
  rows.put("pathPostings", word.number, row);
}
