// Evidence: what the rows say about one question. gather.ts reads it, candidates.ts chooses the files, signals/ compares them.

import type { Goal } from "./goals.ts";
import type { PathWords } from "./paths.ts";
import type { EpisodeRow, FileRow, TotalsRow, WordRow } from "./rows.ts";
import type { Tree } from "./tree.ts";

/** A word of the question that is known. */
export interface Term {
  word: string;
  weight: number;
  row: WordRow;
  rarity: number;
}

/** An earlier episode that has words in common with the question. */
export interface Neighbour {
  number: number;
  row: EpisodeRow;
  /** Its score divided by the best. */
  score: number;
}

/** What bears on a question, whichever files are compared. */
export interface Gathered {
  goal: Goal;
  /** Whole hours since the episode before: an answer does not change from one minute to the next. */
  gapHours: number;
  /** The number that this episode would get. */
  now: number;
  totals: TotalsRow;
  terms: readonly Term[];
  /** The rows of the goal's marks. */
  scope: WordRow | undefined;
  kind: WordRow | undefined;
  family: WordRow | undefined;
  nearest: readonly Neighbour[];
  nearestGoals: readonly Neighbour[];
  /** Scores of the recent episodes, divided by the best. */
  recentScores: readonly number[];
  /** The best score against the one that an episode with all the words would have, about 0 to 1. */
  likeness: number;
  /** Share of the question's rarity that lies in words seen before. */
  known: number;
  /** Newest first. */
  recent: readonly EpisodeRow[];
  /** Rarity of a word among the paths, of those that the question has. */
  pathRarity: ReadonlyMap<string, number>;
  folderOf(folder: number): { last: number } | undefined;
}

/** What is asked. */
export interface Question {
  goal: Goal;
  gapHours: number;
  /** Paths that whoever asks has in hand. */
  files: readonly string[];
  tree: Tree | undefined;
}

/** A file that might be touched. */
export interface Candidate {
  /** Below 0 for a file of the tree that no episode touched. */
  file: number;
  row: FileRow;
  path: PathWords;
  /** BM25 of its path. */
  pathScore: number;
}

/** Everything that the signals read. */
export interface Evidence extends Gathered {
  /** The most promising first. */
  candidates: readonly Candidate[];
  /** Their places by their number. */
  indexOf: ReadonlyMap<number, number>;
  /** Of the newest episodes that touched files in hand, the share that touched a file too. */
  beside: ReadonlyMap<number, number>;
}
