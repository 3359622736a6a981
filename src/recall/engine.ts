// Recall
//
// Which files a piece of work will touch, told from the episodes before it. Owns: the order of what happens (answer, compare with the
// outcome, learn). Does not own: where rows lie (RecallRows), and what is done with an answer.
//
// Invariants:
//   R1. An answer depends on the rows alone: no clock, no randomness, no order of a map that was not written in that order.
//   R2. An episode is compared with the answer that was possible before it, and learned afterwards. In a large scope not each is compared.
//   R3. What is read and written for a question or an episode is bounded (bounds.ts), however many episodes there are.

import { calibrate, type Doubt, toConfidence } from "./calibration.ts";
import { collect } from "./candidates.ts";
import { emptyRow } from "./empty-rows.ts";
import type { Evidence } from "./evidence.ts";
import { type GoalContext, readGoal } from "./goals.ts";
import { isGrounded } from "./grounds.ts";
import { learnEpisode, renameFile } from "./learn.ts";
import { type Scored, score, train } from "./ranker.ts";
import type { LearnedRow, RecallRows } from "./rows.ts";
import { measureSignals, signalAt, signalNames } from "./signals/index.ts";
import { readTree } from "./tree.ts";

/** A piece of work that is to be begun. */
export interface RecallQuery extends GoalContext {
  goal: string;
  /** Seconds since 1970. */
  at: number;
  /** How many files are wanted, at most; 5 if absent. */
  filesMax?: number | undefined;
  /**
   * All files that the project holds. Those that fit the words are compared although no episode touched them, and none is named that is
   * not there. The same list again costs least: it is indexed once.
   */
  tree?: readonly string[] | undefined;
  /** Whether `tree` holds only some of them, so that what is not in it may be there all the same. */
  isTreePartial?: boolean | undefined;
}

/** A piece of work that was done. */
export interface RecallEpisode {
  goal: string;
  at: number;
  /** Paths with forward slashes, relative to the project. */
  files: readonly string[];
  family?: string | undefined;
  /** What went wrong on the way; of each its first line counts. */
  errors?: readonly string[] | undefined;
  /** A repository's history is weaker evidence than a run; a run if absent. */
  source?: "run" | "import" | undefined;
  /** What was called otherwise before it; the files have the new names. */
  renames?: readonly (readonly [from: string, to: string])[] | undefined;
  /** All files that the project held before, if it is known. */
  tree?: readonly string[] | undefined;
}

/** A file that the work may touch. */
export interface RecalledFile {
  path: string;
  /** Probability among the candidates. */
  probability: number;
  score: number;
  /** What each signal adds to the score; those that add nothing are left out. */
  shares: Readonly<Record<string, number>>;
}

/** An answer. */
export interface Recalled {
  files: RecalledFile[];
  /** How likely the first file is right; 0 without a file, and for one that only its name speaks for before anything was compared. */
  confidence: number;
  /** The confidence from which on four of five answers were right lately; above 1 if there is none. */
  sureFrom: number;
  /** Whether the question shares anything with what is known. Without it the files are only those that much work touches. */
  isGrounded: boolean;
}

/** What was learned from comparing answers with outcomes. */
export interface RecallWeights {
  /** Per signal. Those of single words, files, folders and kinds are not among them: they are thousands. */
  weights: Record<string, number>;
  /** The newest answers that were compared, at most 500. */
  compared: number;
  /** Share of the first files that were right, of the newest 30 or so. */
  hitRate: number;
  /** The confidence from which on four of five answers were right lately; above 1 if there is none. */
  sureFrom: number;
}

/** Recall over one scope's rows. */
export interface Recall {
  rank(query: RecallQuery): Recalled;
  learn(episode: RecallEpisode): void;
  /** A file goes on under another path, with all that is known of it. Nothing happens if `to` is known already or `from` is not. */
  rename(from: string, to: string): void;
  /** How many episodes were learned. */
  episodes(): number;
  weights(): RecallWeights;
  /** Forgets what was learned from comparing answers with outcomes, as if it had just begun; the episodes stay. */
  reset(): void;
}

const filesDefault = 5;
/** Before the first there is too little to compare with; after the second each one changes little, and comparing is most of what learning costs. */
const compared = { from: 30, allUntil: 5_000, thenEvery: 4 };
const hourSeconds = 3_600;

/** Recall whose state is in `rows`. Nothing else is kept, but for the last answer's working. */
export function createRecall(rows: RecallRows): Recall {
  const readTotals = (): Evidence["totals"] => rows.get("totals", 0) ?? emptyRow("totals");
  const readLearned = (): LearnedRow => rows.get("learned", 0) ?? emptyRow("learned");
  // `learn` compares with the answer before it, which `rank` has often just worked out.
  let last: { key: string; tree: readonly string[] | undefined; working: Working } | undefined;
  const work = (asked: Omit<RecallQuery, "filesMax">): Working => {
    const totals = readTotals();
    const previous = rows.get("episodes", totals.episodes - 1)?.at ?? asked.at;
    const gapHours = Math.max(0, Math.floor((asked.at - previous) / hourSeconds));
    const { goal, tree, family = "", errors = [], files = [] } = asked;
    const key = JSON.stringify([totals.episodes, gapHours, goal, family, errors, files]);
    if (last?.key !== key || last.tree !== tree)
      last = { key, tree, working: workOut(rows, totals, { ...asked, gapHours }) };
    return last.working;
  };
  /** R2. Errors came up on the way: the answer before it could not know them. */
  const compare = ({ goal, at, files, family, renames = [], tree }: RecallEpisode): void => {
    const { evidence, signals, scored, order, doubt, learned } = work({ goal, at, family, tree });
    if (doubt === undefined) return;
    const touched = new Set([...files, ...renames.map(([from]) => from)]);
    const isRight = evidence.candidates.map(({ row }) => touched.has(row.path));
    calibrate(learned, doubt, isRight[order[0] ?? -1] === true);
    train(learned, rows, { evidence, signals, probabilities: scored.probabilities, isRight });
    rows.put("learned", 0, learned);
  };
  return {
    rank({ filesMax = filesDefault, ...asked }) {
      const { evidence, signals, scored, order, doubt, learned } = work(asked);
      return {
        files: order.slice(0, filesMax).map((index) => ({
          path: evidence.candidates[index]?.row.path ?? "",
          probability: scored.probabilities[index] ?? 0,
          score: scored.scores[index] ?? 0,
          shares: toShares(learned, signals[index], scored.habits[index] ?? 0),
        })),
        confidence: doubt === undefined ? 0 : toConfidence(learned, doubt),
        sureFrom: learned.sureFrom,
        isGrounded: isGrounded(evidence),
      };
    },
    learn(episode) {
      const { goal, at, files, family, errors, source, renames = [] } = episode;
      const totals = readTotals();
      if (isCompared(totals.episodes)) compare(episode);
      last = undefined; // the rows it was made of are about to change
      for (const [from, to] of renames) renameFile(rows, totals, from, to);
      const whole = readGoal(goal, { family, errors });
      learnEpisode(rows, totals, { goal: whole, paths: files, at, isImported: source === "import" });
    },
    rename(from, to) {
      last = undefined;
      renameFile(rows, readTotals(), from, to);
    },
    episodes: () => readTotals().episodes,
    weights() {
      const { weights, pairs, hitRate, sureFrom } = readLearned();
      const bySignal = Object.fromEntries(signalNames.map((name, at) => [name, weights[at] ?? 0]));
      return { weights: bySignal, compared: pairs.length / 2, hitRate, sureFrom };
    },
    reset() {
      last = undefined;
      // Weights in rows of words, files and folders carry the generation in which they were learned: none has to be looked for.
      rows.put("learned", 0, { ...emptyRow("learned"), generation: readLearned().generation + 1 });
    },
  };
}

function isCompared(episodes: number): boolean {
  return episodes >= compared.from && (episodes < compared.allUntil || episodes % compared.thenEvery === 0);
}

interface Working {
  learned: LearnedRow;
  evidence: Evidence;
  signals: number[][];
  scored: Scored;
  /** Indexes of the candidates, best first. */
  order: number[];
  doubt: Doubt | undefined;
}

const [likenessAt, wordsAt, nameAt] = [signalAt("nearest sure"), signalAt("words any sure"), signalAt("name")];

function workOut(
  rows: RecallRows,
  totals: Evidence["totals"],
  { goal, gapHours, family, errors, files = [], tree, isTreePartial }: RecallQuery & { gapHours: number },
): Working {
  const learned = rows.get("learned", 0) ?? emptyRow("learned");
  const evidence = collect(rows, totals, {
    ...{ goal: readGoal(goal, { family, errors, files }), gapHours, files },
    tree: tree === undefined ? undefined : readTree(tree, isTreePartial),
  });
  const signals = measureSignals(evidence);
  const scored = score(learned, rows, { evidence, signals });
  const { scores, probabilities } = scored;
  const order = evidence.candidates.map((_, index) => index);
  order.sort((left, right) => (scores[right] ?? 0) - (scores[left] ?? 0) || left - right);
  const [first = -1, second = -1] = order;
  const own = signals[first];
  const isGuess = learned.pairs.length === 0 && evidence.candidates[first]?.row.count === 0;
  const doubt =
    own === undefined || isGuess
      ? undefined
      : {
          probability: probabilities[first] ?? 0,
          lead: (scores[first] ?? 0) - (scores[second] ?? (scores[first] ?? 0) - 4),
          likeness: own[likenessAt] ?? 0,
          words: own[wordsAt] ?? 0,
          name: own[nameAt] ?? 0,
          known: evidence.known,
        };
  return { learned, evidence, signals, scored, order, doubt };
}

function toShares(learned: LearnedRow, signals: readonly number[] | undefined, habit: number): Record<string, number> {
  const shares = signalNames.map((name, at) => [name, (learned.weights[at] ?? 0) * (signals?.[at] ?? 0)] as const);
  return Object.fromEntries([...shares, ["habit", habit] as const].filter(([, share]) => share !== 0));
}
