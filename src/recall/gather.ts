// Gathering
//
// Reads, for one question, the rows that bear on it. Owns: which rows are read, and how many. Does not own: which files are compared
// (candidates.ts), how (signals/), and how they are ordered (ranker.ts).

import { bounds } from "./bounds.ts";
import type { Gathered, Neighbour, Question, Term } from "./evidence.ts";
import type { Goal } from "./goals.ts";
import { tallyPostings } from "./postings.ts";
import type { EpisodeRow, RecallRows, TotalsRow } from "./rows.ts";
import { fromByte, rarity, relative } from "./scores.ts";
import { Tally } from "./tally.ts";
import type { Tree } from "./tree.ts";

const fullLikeness = 1.6; // what an episode with each word once has, about, times the words' rarities
const recentEpisodes = 10;
const nearestCount = 60;
const nearestGoalsCount = 40;
const importedWorth = 0.7;

// Cleared with each question, and used by nothing after it.
const [whole, goals, paths] = [new Tally(), new Tally(), new Tally()];

/** Reads the evidence for a question. Changes nothing. `pathScores`, BM25 by file, is to be read before the next question. */
export function gather(
  rows: RecallRows,
  totals: TotalsRow,
  question: Question,
): { gathered: Gathered; pathScores: Tally } {
  const { goal, gapHours, tree } = question;
  const { terms, known } = readTerms(rows, totals, goal);
  whole.clear();
  goals.clear();
  for (const { row, weight, rarity: rare } of terms) {
    tallyPostings(rows, { word: row, worth: weight * rare }, { whole, goals });
  }
  const full = fullLikeness * terms.reduce((sum, { weight, rarity: rare }) => sum + weight * rare, 0);
  const recent: EpisodeRow[] = [];
  for (let back = 1; back <= recentEpisodes; back += 1) {
    const row = rows.get("episodes", totals.episodes - back);
    if (row !== undefined) recent.push(row);
  }
  const best = whole.best();
  const gathered = {
    ...{ goal, gapHours, now: totals.episodes, totals, terms, known, recent },
    scope: goal.scope === "" ? undefined : rows.get("words", `@scope ${goal.scope}`),
    kind: rows.get("words", `@kind ${goal.kind}`),
    family: goal.family === "" ? undefined : rows.get("words", goal.family),
    nearest: toNeighbours(rows, totals, whole.strongest(nearestCount)),
    nearestGoals: toNeighbours(rows, totals, goals.strongest(nearestGoalsCount)),
    recentScores: recent.map((_, back) => relative(whole.get(totals.episodes - 1 - back), best)),
    likeness: Math.min(1, relative(best, full)),
    pathRarity: scorePaths(rows, totals, { goal, tree }),
    folderOf: (folder: number) => rows.get("folders", folder),
  };
  return { gathered, pathScores: paths };
}

function readTerms(rows: RecallRows, totals: TotalsRow, goal: Goal): { terms: Term[]; known: number } {
  const found: Term[] = [];
  let rareKnown = 0;
  let rareAll = 0;
  for (const [word, weight] of [...goal.words].slice(0, bounds.wordLookups)) {
    const row = rows.get("words", word);
    const rare = rarity(totals.episodes, row?.goals ?? 0);
    rareAll += weight * rare;
    if (row === undefined || row.episodes === 0) continue;
    if (row.goals > 0) rareKnown += weight * rare;
    found.push({ word, weight, row, rarity: rarity(totals.episodes, row.episodes) });
  }
  found.sort((left, right) => right.weight * right.rarity - left.weight * left.rarity);
  return { terms: found.slice(0, bounds.queryWords), known: relative(rareKnown, rareAll) };
}

/**
 * The episodes of these scores. A repository's history tells what somebody wrote after the work; a run, what was asked before it and what
 * then happened. So where there are both, an imported episode is worth less than a run as like the question; where there is one
 * source, there is nothing to prefer. Counts and weights learn from both alike: there, more is better.
 */
function toNeighbours(
  rows: RecallRows,
  totals: TotalsRow,
  scores: readonly (readonly [number, number])[],
): Neighbour[] {
  const neighbours = scores.flatMap(([number, score]) => {
    const row = rows.get("episodes", number);
    if (row === undefined) return [];
    return [{ number, row, score: row.imported === 1 && totals.runs > 0 ? importedWorth * score : score }];
  });
  neighbours.sort((left, right) => right.score - left.score || right.number - left.number);
  const best = neighbours[0]?.score ?? 0;
  return neighbours.map((each) => ({ ...each, score: relative(each.score, best) }));
}

/** BM25 of the paths into `paths`; title words weigh 1, those of the body `bodyWeight`. */
function scorePaths(rows: RecallRows, totals: TotalsRow, { goal, tree }: { goal: Goal; tree: Tree | undefined }) {
  const bodyWeight = 0.35;
  const pathRarity = new Map<string, number>();
  const body = [...goal.bodyWords].filter((word) => !goal.titleWords.has(word));
  paths.clear();
  for (const [words, weight] of [
    [[...goal.titleWords], 1],
    [body, bodyWeight],
  ] as const) {
    for (const word of words.slice(0, bounds.wordLookups)) {
      const row = rows.get("words", word);
      const rare = row === undefined || row.pathFiles === 0 ? 0 : rarity(totals.files, row.pathFiles);
      const inTree = tree?.rarityOf(word) ?? 0;
      if (rare > 0 || inTree > 0) pathRarity.set(word, rare > 0 ? rare : inTree);
      const postings = row === undefined || rare === 0 ? undefined : rows.get("pathPostings", row.number);
      for (const [at, file] of postings?.files.entries() ?? []) {
        paths.add(file, weight * rare * fromByte(postings?.impacts[at] ?? 0));
      }
    }
  }
  return pathRarity;
}
