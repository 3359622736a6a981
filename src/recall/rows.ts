// Rows
//
// The state of recall, as rows that are read and written by their key, so that a table of SQLite can hold them. Owns: their shapes.
// Lists in a row are flat and bounded (`bounds`), newest last where they have an order.

/**
 * A word of goals and paths; a conventional scope is the word `@scope`, a kind of work `@kind`, a family `@family`, the first line of an
 * error `!line`, a file's name `#name`. One row, but for the two long lists: a question reads all of it for most of its words, and an episode changes all of it.
 */
export interface WordRow {
  /** The key of its rows in `postings` and `pathPostings`. */
  number: number;
  /** Episodes whose goal has it. */
  goals: number;
  /** Episodes whose goal or paths have it. */
  episodes: number;
  /** Its weights in goals summed, plain and decayed as of episode `last`. */
  mass: number;
  decayed: number;
  last: number;
  /** Files that have it in their path. */
  pathFiles: number;
  /** The newest postings: they move to `postings` together, so that an episode rewrites no long list. */
  tail: number[];
  tailImpacts: number[];
  /** Files that were touched when it was in the goal, each with its summed weight, plain and decayed as of the episode of the last change. */
  files: number[];
  masses: number[];
  massesDecayed: number[];
  changed: number[];
  /** Episodes' share per file class, by its index. */
  classes: number[];
  /**
   * The ranker's: weight and squared gradients per file class; folder, weight and squared gradients per folder. Of an earlier generation
   * they count as forgotten.
   */
  generation: number;
  classWeights: number[];
  folderWeights: number[];
}

/** Episodes that have a word. */
export interface PostingsRow {
  episodes: number[];
  /** Per episode: impact in goal and paths × 256 + impact in the goal alone. */
  impacts: number[];
}

/** Files that have a word in their path. */
export interface PathPostingsRow {
  files: number[];
  impacts: number[];
}

/** A file that an episode touched. */
export interface FileRow {
  path: string;
  folder: number;
  count: number;
  /** Numbers of the first and the last episode, and of the newest ones. */
  first: number;
  last: number;
  episodes: number[];
  /** Counts that decay with the half-lives of `halfLives`, as of `last`. */
  decayed: number[];
  /** Summed weight of the words of the goals that touched it. */
  length: number;
  /** Episodes per kind of work, by its index. */
  kinds: number[];
  /** Rarity of the name's telling words and of the folders' words, as of `last`. */
  tellingRarity: number[];
  foldersRarity: number[];
  /** The ranker's: weight and squared gradients of the file; the same per kind. Of an earlier generation they count as forgotten. */
  generation: number;
  ownWeight: number[];
  kindWeights: number[];
}

/** A finished piece of work. */
export interface EpisodeRow {
  at: number;
  /** 1 if it is of a repository's history, 0 if a run. */
  imported: number;
  files: number[];
}

/** A folder in which files were touched. */
export interface FolderRow {
  last: number;
  files: number[];
  /** The ranker's weight and squared gradients. Of an earlier generation they count as forgotten. */
  generation: number;
  ownWeight: number[];
}

/** What is said of a scope as a whole. */
export interface TotalsRow {
  episodes: number;
  /** Those of the episodes that are runs. */
  runs: number;
  words: number;
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
  /** How often it was reset. */
  generation: number;
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

/** A lesson: where it stands, the words that find it, and what it says. */
export interface LessonRow {
  /** Codes of its kind and its state (src/learning/lesson.ts). */
  kind: number;
  state: number;
  /** What the machine counts. */
  successes: number;
  verified: number;
  failures: number;
  used: number;
  /** Runs that it was learned from, imported ones included. */
  runs: number;
  /** The change that made it and the last one: seconds since 1970 and sequence. */
  madeAt: number;
  madeSeq: number;
  changedAt: number;
  changedSeq: number;
  /** Changes of all lessons when it last changed: what recency is told by. */
  lastChange: number;
  /** How many files it names. */
  files: number;
  /** Words of its own: number × 1,024 + runs that said it (at most 15) × 64 + fields, one bit each. */
  words: number[];
  /** The newest pieces of evidence: sequence, strength, outcome. */
  evidence: number[];
  /** What it says, as JSON. */
  text: string;
}

/** A word that finds lessons; `/path`, `#name`, `@family`, `!signature` and `^beginning` are words as well. */
export interface LessonWordRow {
  number: number;
  /** Lessons that have it. */
  lessons: number;
  /** The newest of them: number × 256 + how much it says of the lesson. */
  postings: number[];
}

/** What is said of all lessons of a scope. */
export interface LessonTotalsRow {
  lessons: number;
  words: number;
  /** Changes so far: the clock of recency. */
  changes: number;
}

/** What was learned about how sure the first lesson is. */
export interface LessonsLearnedRow {
  weights: number[];
  squares: number[];
  /** The newest pairs of log-odds and outcome, and of confidence and outcome. */
  pairs: number[];
  answers: number[];
  /** The confidence from which on a first lesson counts as sure; above 1 when none does. */
  sureFrom: number;
}

/** How far a foreign history has been taken over: episodes so far, the event of the last ones, and where the next begin. */
export interface ImportRow {
  episodes: number;
  seq: number;
  cursor: string;
}

/** The tables and the type of their rows. Keys are texts for words and paths, numbers else; single rows have the key 0. */
export interface RecallTables {
  words: WordRow;
  postings: PostingsRow;
  pathPostings: PathPostingsRow;
  paths: { file: number };
  files: FileRow;
  episodes: EpisodeRow;
  folders: FolderRow;
  folderPaths: { folder: number };
  totals: TotalsRow;
  learned: LearnedRow;
  lessons: LessonRow;
  lessonIds: { lesson: number };
  lessonWords: LessonWordRow;
  lessonRuns: { lesson: number };
  lessonTotals: LessonTotalsRow;
  lessonsLearned: LessonsLearnedRow;
  imports: ImportRow;
  /** By lesson: the playbooks that were compiled from its runs, newest first, their ids with a space between. */
  lessonPlaybooks: { ids: string };
}

/** Where the rows are kept. A row that was got may be changed in place if it is then put; nothing else may change it. */
export interface RecallRows {
  get<Table extends keyof RecallTables>(table: Table, key: string | number): RecallTables[Table] | undefined;
  put<Table extends keyof RecallTables>(table: Table, key: string | number, row: RecallTables[Table]): void;
}
