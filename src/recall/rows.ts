// Rows
//
// The state of recall, as rows that are read and written by their key, so that a table of SQLite can hold them. Owns: their shapes.
// Lists in a row are flat and bounded (`bounds`), newest last where they have an order.

/** A word of goals and paths; a conventional scope is the word `@scope`, a kind of work `@kind`, a file's name `#name`. */
export interface WordRow {
  /** Episodes whose goal has it. */
  goals: number;
  /** Episodes whose goal or paths have it. */
  episodes: number;
  /** Its weights in goals summed, plain and decayed as of episode `last`. */
  mass: number;
  decayed: number;
  last: number;
  /** Per episode: number × 65,536 + impact in goal and paths × 256 + impact in the goal alone. */
  postings: number[];
  /** Per file: number, summed weight, decayed weight, episode of the last change of the two. */
  files: number[];
  /** Per path: file × 256 + impact. */
  paths: number[];
  /** Files that have it in their path. */
  pathFiles: number;
  /** Episodes' share per file class, by its index. */
  classes: number[];
  /** The ranker's: weight and squared gradients per file class; folder, weight and squared gradients per folder. */
  classWeights: number[];
  folderWeights: number[];
}

/** A file that an episode touched. */
export interface FileRow {
  path: string;
  folder: number;
  count: number;
  /** Numbers of the first and the last episode. */
  first: number;
  last: number;
  /** Counts that decay with the half-lives of `halfLives`, as of `last`. */
  decayed: number[];
  /** Summed weight of the words of the goals that touched it. */
  length: number;
  /** Episodes per kind of work, by its index. */
  kinds: number[];
  /** Rarity of the name's telling words and of the folders' words, as of `last`. */
  tellingRarity: number[];
  foldersRarity: number[];
  /** The ranker's: weight and squared gradients of the file; the same per kind. */
  ownWeight: number[];
  kindWeights: number[];
}

/** A finished piece of work. */
export interface EpisodeRow {
  at: number;
  files: number[];
}

/** A folder in which files were touched. */
export interface FolderRow {
  last: number;
  files: number[];
  /** The ranker's weight and squared gradients. */
  ownWeight: number[];
}

/** What is said of a scope as a whole. */
export interface TotalsRow {
  episodes: number;
  files: number;
  folders: number;
  /** Sums, for mean lengths: of goals, of goals with paths, of paths, of the goals of files. */
  goalLength: number;
  wholeLength: number;
  pathLength: number;
  fileLength: number;
  /** Episodes per file class and per kind. */
  classes: number[];
  kinds: number[];
  /** The most frequent files, and those with the highest decayed count. */
  frequent: number[];
  active: number[];
}

/** What was learned from comparing answers with outcomes. */
export interface LearnedRow {
  /** The ranker's weight and squared gradients per signal, then per file class and per kind and class. */
  weights: number[];
  squares: number[];
  classWeights: number[];
  kindClassWeights: number[];
  /** The calibration's weights and squared gradients. */
  confidence: number[];
  confidenceSquares: number[];
  /** The newest pairs of log-odds and outcome. */
  pairs: number[];
  /** The newest pairs of final confidence and outcome. */
  answers: number[];
  hitRate: number;
  /** The confidence from which on an answer counts as sure; above 1 when none does. */
  sureFrom: number;
}

/** The tables and the type of their rows. Keys are texts for words and paths, numbers else; single rows have the key 0. */
export interface RecallTables {
  words: WordRow;
  paths: { file: number };
  files: FileRow;
  episodes: EpisodeRow;
  folders: FolderRow;
  folderPaths: { folder: number };
  totals: TotalsRow;
  learned: LearnedRow;
}

/** Where the rows are kept. A row that was got may be changed in place if it is then put; nothing else may change it. */
export interface RecallRows {
  get<Table extends keyof RecallTables>(table: Table, key: string | number): RecallTables[Table] | undefined;
  put<Table extends keyof RecallTables>(table: Table, key: string | number, row: RecallTables[Table]): void;
}
