// Recall
//
// Which files a piece of work will touch, told from the episodes before it. Owns: the order of what happens (answer, compare with the
// outcome, learn). Does not own: where rows lie (RecallRows), and what is done with an answer.
//
// Invariants:
//   R1. An answer depends on the rows alone: no clock, no randomness, no order of a map that was not written in that order.
//   R2. An episode is compared with the answer that was possible before it, and learned afterwards.
//   R3. What is read and written for a question or an episode is bounded (bounds.ts), however many episodes there are.

import { calibrate, type Doubt, toConfidence } from "./calibration.ts";
import { emptyRow } from "./empty-rows.ts";
import { type Evidence, gather } from "./evidence.ts";
import { readGoal } from "./goals.ts";
import { learnEpisode } from "./learn.ts";
import { type Scored, score, train } from "./ranker.ts";
import type { LearnedRow, RecallRows } from "./rows.ts";
import { measureSignals, signalAt, signalNames } from "./signals/index.ts";

/** A piece of work that is to be begun. */
export interface RecallQuery {
  goal: string;
  /** Seconds since 1970. */
  at: number;
  /** How many files are wanted, at most; 5 if absent. */
  filesMax?: number;
}

/** A piece of work that was done. */
export interface RecallEpisode {
  goal: string;
  at: number;
  /** Paths with forward slashes, relative to the project. */
  files: readonly string[];
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
  /** How likely the first file is right; 0 without a file. */
  confidence: number;
  /** The confidence from which on four of five answers were right lately; above 1 if there is none. */
  sureFrom: number;
}

/** Recall over one scope's rows. */
export interface Recall {
  rank(query: RecallQuery): Recalled;
  learn(episode: RecallEpisode): void;
}

const filesDefault = 5;
const trainedFrom = 30; // before, there is too little to compare with

/** Recall whose state is in `rows`. Nothing else is kept, but for the last answer's working. */
export function createRecall(rows: RecallRows): Recall {
  // `learn` compares with the answer before it, which `rank` has often just worked out.
  let last: { key: string; working: Working } | undefined;
  const work = (goal: string, at: number): Working => {
    const totals = rows.get("totals", 0) ?? emptyRow("totals");
    const key = `${totals.episodes} ${at} ${goal}`;
    if (last?.key !== key) last = { key, working: workOut(rows, goal, at) };
    return last.working;
  };
  return {
    rank({ goal, at, filesMax = filesDefault }) {
      const { evidence, signals, scored, order, doubt, learned } = work(goal, at);
      return {
        files: order.slice(0, filesMax).map((index) => ({
          path: evidence.candidates[index]?.row.path ?? "",
          probability: scored.probabilities[index] ?? 0,
          score: scored.scores[index] ?? 0,
          shares: toShares(learned, signals[index], scored.habits[index] ?? 0),
        })),
        confidence: doubt === undefined ? 0 : toConfidence(learned, doubt),
        sureFrom: learned.sureFrom,
      };
    },
    learn({ goal, at, files }) {
      const { evidence, signals, scored, order, doubt, learned, totals } = work(goal, at);
      last = undefined; // the rows it was made of are about to change
      const touched = new Set(files);
      if (totals.episodes >= trainedFrom && doubt !== undefined) {
        const isRight = evidence.candidates.map(({ row }) => touched.has(row.path));
        calibrate(learned, doubt, isRight[order[0] ?? -1] === true);
        train(learned, rows, { evidence, signals, probabilities: scored.probabilities, isRight });
        rows.put("learned", 0, learned);
      }
      learnEpisode(rows, totals, { goal: evidence.goal, paths: files, at });
    },
  };
}

interface Working {
  totals: Evidence["totals"];
  learned: LearnedRow;
  evidence: Evidence;
  signals: Float64Array[];
  scored: Scored;
  /** Indexes of the candidates, best first. */
  order: number[];
  doubt: Doubt | undefined;
}

const [likenessAt, wordsAt, nameAt] = [signalAt("nearest sure"), signalAt("words any sure"), signalAt("name")];

function workOut(rows: RecallRows, text: string, at: number): Working {
  const totals = rows.get("totals", 0) ?? emptyRow("totals");
  const learned = rows.get("learned", 0) ?? emptyRow("learned");
  const evidence = gather(rows, totals, readGoal(text), at);
  const signals = measureSignals(evidence);
  const scored = score(learned, rows, { evidence, signals });
  const { scores, probabilities } = scored;
  const order = evidence.candidates.map((_, index) => index);
  order.sort((left, right) => (scores[right] ?? 0) - (scores[left] ?? 0) || left - right);
  const [first = -1, second = -1] = order;
  const own = signals[first];
  const doubt =
    own === undefined
      ? undefined
      : {
          probability: probabilities[first] ?? 0,
          lead: (scores[first] ?? 0) - (scores[second] ?? (scores[first] ?? 0) - 4),
          likeness: own[likenessAt] ?? 0,
          words: own[wordsAt] ?? 0,
          name: own[nameAt] ?? 0,
          known: evidence.known,
        };
  return { totals, learned, evidence, signals, scored, order, doubt };
}

function toShares(learned: LearnedRow, signals: Float64Array | undefined, habit: number): Record<string, number> {
  const shares = signalNames.map((name, at) => [name, (learned.weights[at] ?? 0) * (signals?.[at] ?? 0)] as const);
  return Object.fromEntries([...shares, ["habit", habit] as const].filter(([, share]) => share !== 0));
}
