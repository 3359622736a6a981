// What the goal says about the path itself.

import type { Candidate, Evidence } from "../evidence.ts";
import type { Goal } from "../goals.ts";
import { relative } from "../scores.ts";
import { byBest, type SignalGroup } from "./signal.ts";

export const pathMatch: SignalGroup = {
  names: [
    ...["path", "name", "name in title", "name all in title", "name compound", "folder compound", "mentioned"],
    ...["path share", "goal share", "path and goal", "name and goal", "folders rarity", "quoted", "scope in path"],
    ...["unmatched", "name in body", "path in body", "extension"],
  ],
  measure(evidence) {
    const { candidates, goal, pathRarity } = evidence;
    const titleRarity = total(goal.titleWords, pathRarity);
    const rows = candidates.map((candidate) => measureOne(evidence, candidate, titleRarity));
    const columns = Array.from({ length: 17 }, (_, at) => rows.map((row) => row[at] ?? 0));
    return [byBest(candidates.map(({ pathScore }) => pathScore)), ...columns];
  },
};

function measureOne({ goal, pathRarity }: Evidence, { row, path }: Candidate, titleRarity: number): number[] {
  const { titleWords } = goal;
  const name = meet(goal, pathRarity, { words: path.telling, rarities: row.tellingRarity });
  const others = meet(goal, pathRarity, {
    words: path.otherFolders.map((at) => path.folders[at] ?? ""),
    rarities: path.otherFolders.map((at) => row.foldersRarity[at] ?? 0),
  });
  const all = name.all + others.all;
  const whole = relative(name.any + others.any, all);
  const goalShare = Math.min(1, relative(name.ofGoal + others.ofGoal, titleRarity));
  const nameTitle = relative(name.inTitle, name.all);
  const isIn = (word: string): boolean => titleWords.has(word) || goal.bodyWords.has(word);
  const foldersMatched = path.folders.reduce((sum, word) => sum + (isIn(word) ? (pathRarity.get(word) ?? 0) : 0), 0);
  const [first = `=${path.base}`, ...compounds] = path.compounds;
  return [
    relative(name.any, name.all),
    nameTitle,
    path.telling.length > 0 && path.telling.every((word) => titleWords.has(word)) ? 1 : 0,
    titleWords.has(first) || titleWords.has(`=${path.family}`) ? 1 : 0,
    compounds.some((word) => titleWords.has(word)) ? 1 : 0,
    mentionOf(goal.mentions, row.path.toLowerCase(), path.base),
    whole,
    goalShare,
    harmonic(whole, goalShare),
    harmonic(nameTitle, Math.min(1, relative(name.ofGoal, titleRarity))),
    Math.min(1, foldersMatched / 8),
    relative(name.quoted + others.quoted, goal.quoted.size),
    relative(name.scoped + others.scoped, goal.scopeWords.size),
    Math.min(1, (name.unmet + others.unmet) / 8),
    relative(name.inBody, name.all),
    relative(name.inBody + others.inBody, all),
    path.extensions.some((extension) => isIn(extension.slice(1))) ? 1 : 0,
  ];
}

/** How some words of a path meet the goal: their rarity where it has them, of all words, and rarity and numbers of single kinds. */
function meet(
  { titleWords, bodyWords, quoted, scopeWords }: Goal,
  pathRarity: ReadonlyMap<string, number>,
  { words, rarities }: { words: readonly string[]; rarities: readonly number[] },
) {
  const met = { all: 0, any: 0, inTitle: 0, inBody: 0, ofGoal: 0, unmet: 0, quoted: 0, scoped: 0 };
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const rare = (rarities[at] ?? 0) + 0.1;
    const [inTitle, inBody] = [titleWords.has(word), bodyWords.has(word)];
    met.all += rare;
    if (inTitle || inBody) met.any += rare;
    else met.unmet += 1;
    if (inTitle) met.inTitle += rare;
    if (inTitle) met.ofGoal += pathRarity.get(word) ?? 0;
    if (inBody) met.inBody += rare;
    if (quoted.has(word)) met.quoted += 1;
    if (scopeWords.has(word)) met.scoped += 1;
  }
  return met;
}

function harmonic(left: number, right: number): number {
  return left + right > 0 ? (2 * left * right) / (left + right) : 0;
}

function total(words: ReadonlySet<string>, rarity: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const word of words) if (!word.startsWith("=")) sum += rarity.get(word) ?? 0;
  return sum;
}

/** How surely one of `mentions` means the file, 0 to 1. */
export function mentionOf(mentions: readonly string[], path: string, base: string): number {
  let best = 0;
  for (const mention of mentions) {
    if (mention === path) return 1;
    if (mention.includes("/") && path.endsWith(`/${mention}`)) best = Math.max(best, 0.8);
    else if (mention === base) best = Math.max(best, 0.7);
    else if (mention.includes("/") && path.includes(`${mention}/`)) best = Math.max(best, 0.4);
  }
  return best;
}
