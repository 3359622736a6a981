// Evidence
//
// Reads, for one question, the rows that bear on it, and chooses the files that are compared. Owns: which rows are read, and how many.
// Does not own: how files are compared (signals/) and ordered (ranker.ts).

import { bounds } from "./bounds.ts";
import type { Goal } from "./goals.ts";
import { type PathWords, readPath } from "./paths.ts";
import type { EpisodeRow, FileRow, RecallRows, TotalsRow, WordRow } from "./rows.ts";
import { addTo, decay, fromByte, halfLives, rarity, relative, strongest } from "./scores.ts";

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

/** A file that might be touched. */
export interface Candidate {
  file: number;
  row: FileRow;
  path: PathWords;
}

/** Everything that the signals read. */
export interface Evidence {
  goal: Goal;
  /** Seconds since 1970. */
  at: number;
  /** The number that this episode would get. */
  now: number;
  totals: TotalsRow;
  terms: readonly Term[];
  scopeRow: WordRow | undefined;
  kindRow: WordRow | undefined;
  nearest: readonly Neighbour[];
  nearestGoals: readonly Neighbour[];
  /** Scores of episodes by number, divided by the best. */
  episodeScores: ReadonlyMap<number, number>;
  /** The best score against the one that an episode with all the words would have, about 0 to 1. */
  likeness: number;
  /** Share of the question's rarity that lies in words seen before. */
  known: number;
  /** BM25 of paths, not divided. */
  pathScores: ReadonlyMap<number, number>;
  /** Newest first. */
  recent: readonly EpisodeRow[];
  /** Rarity of a word among the paths, of those that the question has. */
  pathRarity: ReadonlyMap<string, number>;
  folderOf(folder: number): { last: number } | undefined;
  candidates: readonly Candidate[];
}

const wordLookups = 120;
const fullLikeness = 1.6; // what an episode with each word once has, about, times the words' rarities
const recentEpisodes = 10;
const nearestCount = 60;
const nearestGoalsCount = 40;
const associationScale = 0.8;

/** Reads the evidence for `goal`. Changes nothing. */
export function gather(rows: RecallRows, totals: TotalsRow, goal: Goal, at: number): Evidence {
  const { terms, known } = readTerms(rows, totals, goal);
  const whole = new Map<number, number>();
  const goals = new Map<number, number>();
  for (const { row, weight, rarity: rare } of terms) {
    const worth = weight * rare;
    for (const posting of row.postings) {
      const number = Math.floor(posting / 65_536);
      addTo(whole, number, worth * fromByte(Math.floor(posting / 256) % 256));
      if (posting % 256 > 0) addTo(goals, number, worth * fromByte(posting % 256));
    }
  }
  const scored = strongest(whole, nearestCount);
  const best = scored[0]?.[1] ?? 0;
  const nearest = toNeighbours(rows, scored);
  const full = fullLikeness * terms.reduce((sum, { weight, rarity: rare }) => sum + weight * rare, 0);
  const { pathScores, pathRarity } = scorePaths(rows, totals, goal);
  const recent: EpisodeRow[] = [];
  for (let back = 1; back <= recentEpisodes; back += 1) {
    const row = rows.get("episodes", totals.episodes - back);
    if (row !== undefined) recent.push(row);
  }
  const partial = {
    ...{ goal, at, now: totals.episodes, totals, terms, known, nearest, pathScores, pathRarity, recent },
    scopeRow: goal.scope === "" ? undefined : rows.get("words", `@scope ${goal.scope}`),
    kindRow: rows.get("words", `@kind ${goal.kind}`),
    nearestGoals: toNeighbours(rows, strongest(goals, nearestGoalsCount)),
    episodeScores: new Map(recent.map((_, back) => [back, relative(whole.get(totals.episodes - 1 - back) ?? 0, best)])),
    likeness: Math.min(1, relative(best, full)),
    folderOf: (folder: number) => rows.get("folders", folder),
  };
  return { ...partial, candidates: chooseCandidates(rows, partial) };
}

function readTerms(rows: RecallRows, totals: TotalsRow, goal: Goal): { terms: Term[]; known: number } {
  const found: Term[] = [];
  let rareKnown = 0;
  let rareAll = 0;
  for (const [word, weight] of [...goal.words].slice(0, wordLookups)) {
    const row = rows.get("words", word);
    const rare = rarity(totals.episodes, row?.goals ?? 0);
    rareAll += weight * rare;
    if (row === undefined || row.episodes === 0) continue;
    if (row.goals > 0) rareKnown += weight * rare;
    found.push({ word, weight, row, rarity: rarity(totals.episodes, row.episodes) });
  }
  const terms = found.sort((left, right) => right.weight * right.rarity - left.weight * left.rarity);
  return { terms: terms.slice(0, bounds.queryWords), known: relative(rareKnown, rareAll) };
}

function toNeighbours(rows: RecallRows, scores: readonly (readonly [number, number])[]): Neighbour[] {
  const best = scores[0]?.[1] ?? 0;
  return scores.flatMap(([number, score]) => {
    const row = rows.get("episodes", number);
    return row === undefined ? [] : [{ number, row, score: relative(score, best) }];
  });
}

/** BM25 of the paths; title words weigh 1, those of the body `bodyWeight`. */
function scorePaths(rows: RecallRows, totals: TotalsRow, goal: Goal) {
  const bodyWeight = 0.35;
  const pathScores = new Map<number, number>();
  const pathRarity = new Map<string, number>();
  const body = [...goal.bodyWords].filter((word) => !goal.titleWords.has(word));
  for (const [words, weight] of [
    [[...goal.titleWords], 1],
    [body, bodyWeight],
  ] as const) {
    for (const word of words.slice(0, wordLookups)) {
      const row = rows.get("words", word);
      if (row === undefined || row.pathFiles === 0) continue;
      const rare = rarity(totals.files, row.pathFiles);
      pathRarity.set(word, rare);
      for (const posting of row.paths)
        addTo(pathScores, Math.floor(posting / 256), weight * rare * fromByte(posting % 256));
    }
  }
  return { pathScores, pathRarity };
}

type Partial = Omit<Evidence, "candidates">;

const wanted = { vote: 60, association: 40, path: 40, recentEpisodes: 5, active: 12, frequent: 10, folders: 2 };
const comparedMax = 60;

function chooseCandidates(rows: RecallRows, evidence: Partial): Candidate[] {
  const { nearest, pathScores, totals, recent } = evidence;
  const votes = new Map<number, number>();
  for (const { score, row } of nearest) {
    for (const file of row.files) addTo(votes, file, (score * score) / Math.sqrt(row.files.length));
  }
  const associated = associate(evidence);
  const mentioned = findMentioned(rows, evidence.goal);
  const chosen = new Set([
    ...mentioned,
    ...strongest(votes, wanted.vote).map(([file]) => file),
    ...strongest(associated, wanted.association).map(([file]) => file),
    ...strongest(pathScores, wanted.path).map(([file]) => file),
    ...recent.slice(0, wanted.recentEpisodes).flatMap((row) => row.files),
    ...totals.active.slice(0, wanted.active),
    ...totals.frequent.slice(0, wanted.frequent),
  ]);
  const all = new Map<number, Candidate>();
  const add = (file: number): void => {
    const row = all.has(file) ? undefined : rows.get("files", file);
    if (row !== undefined) all.set(file, { file, row, path: readPathOnce(row.path) });
  };
  for (const file of chosen) add(file);
  const folders = new Map<number, number>();
  for (const { file, row } of all.values()) addTo(folders, row.folder, votes.get(file) ?? 0);
  for (const [folder] of strongest(folders, wanted.folders)) {
    for (const file of rows.get("folders", folder)?.files.slice(-8) ?? []) add(file);
  }
  const bestVote = Math.max(0, ...votes.values());
  const bestPath = Math.max(0, ...pathScores.values());
  const bestAssociated = Math.max(0, ...associated.values());
  // Comparing costs more than finding: the cheap scores choose who is compared.
  const rough = new Map<number, number>();
  for (const { file, row } of all.values()) {
    const active = (row.decayed[2] ?? 0) * decay(evidence.now - row.last, halfLives[2]);
    rough.set(
      file,
      relative(votes.get(file) ?? 0, bestVote) +
        relative(associated.get(file) ?? 0, bestAssociated) +
        relative(pathScores.get(file) ?? 0, bestPath) +
        (mentioned.has(file) ? 1 : 0) +
        0.5 * Math.min(1, active / 4),
    );
  }
  return strongest(rough, comparedMax).flatMap(([file]) => all.get(file) ?? []);
}

/** Noisy-or of P(file | word), as the sum of logarithms: the order is the same. */
function associate({ terms }: Partial): Map<number, number> {
  const scores = new Map<number, number>();
  for (const { row, weight } of terms) {
    for (let at = 0; at < row.files.length; at += 4) {
      const share = ((row.files[at + 1] ?? 0) - 0.3) / (row.mass + 1);
      if (share > 0) addTo(scores, row.files[at] ?? 0, -Math.log1p(-associationScale * weight * Math.min(1, share)));
    }
  }
  return scores;
}

function findMentioned(rows: RecallRows, goal: Goal): Set<number> {
  const files = new Set<number>();
  for (const mention of goal.mentions) {
    const base = mention.split("/").at(-1) ?? "";
    for (const posting of rows.get("words", `#${base}`)?.paths.slice(-20) ?? []) files.add(Math.floor(posting / 256));
  }
  return files;
}

const read = new Map<string, PathWords>();
const readMax = 4_096;

/** A path's words are asked for with every question: the last ones asked for are kept. */
export function readPathOnce(path: string): PathWords {
  const known = read.get(path);
  if (known !== undefined) return known;
  if (read.size >= readMax) read.clear();
  const words = readPath(path);
  read.set(path, words);
  return words;
}
