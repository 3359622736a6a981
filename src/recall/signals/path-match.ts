// What the goal says about the path itself.

import type { Candidate, Evidence } from "../evidence.ts";
import { byBest, type SignalGroup } from "./signal.ts";

export const pathMatch: SignalGroup = {
  names: [
    ...["path", "name", "name in title", "name all in title", "name compound", "folder compound", "mentioned"],
    ...["path share", "goal share", "path and goal", "name and goal", "folders rarity", "quoted", "scope in path"],
    ...["unmatched", "name in body", "path in body", "extension"],
  ],
  measure(evidence) {
    const { candidates, goal, pathScores, pathRarity } = evidence;
    const titleRarity = total(goal.titleWords, pathRarity);
    const rows = candidates.map((candidate) => measureOne(evidence, candidate, titleRarity));
    const columns = Array.from({ length: 17 }, (_, at) => rows.map((row) => row[at] ?? 0));
    return [byBest(candidates.map(({ file }) => pathScores.get(file) ?? 0)), ...columns];
  },
};

function measureOne({ goal, pathRarity }: Evidence, { row, path }: Candidate, titleRarity: number): number[] {
  const { titleWords, bodyWords } = goal;
  const isIn = (word: string): boolean => titleWords.has(word) || bodyWords.has(word);
  const inTitle = (word: string): boolean => titleWords.has(word);
  const inBody = (word: string): boolean => bodyWords.has(word);
  const [name, nameTitle, nameBody] = [isIn, inTitle, inBody].map((has) => share(path.telling, row.tellingRarity, has));
  const words = [...path.telling, ...path.folders.filter((word) => !path.telling.includes(word))];
  const rarities = [
    ...row.tellingRarity,
    ...row.foldersRarity.filter((_, at) => !path.telling.includes(path.folders[at] ?? "")),
  ];
  const whole = share(words, rarities, isIn);
  const matched = (list: readonly string[]): number =>
    list.reduce((sum, word) => sum + (inTitle(word) ? (pathRarity.get(word) ?? 0) : 0), 0);
  const goalShare = titleRarity > 0 ? Math.min(1, matched(words) / titleRarity) : 0;
  const nameOfGoal = titleRarity > 0 ? Math.min(1, matched(path.telling) / titleRarity) : 0;
  const foldersMatched = path.folders.reduce((sum, word) => sum + (isIn(word) ? (pathRarity.get(word) ?? 0) : 0), 0);
  const [first, ...others] = path.compounds;
  return [
    name ?? 0,
    nameTitle ?? 0,
    path.telling.length > 0 && path.telling.every(inTitle) ? 1 : 0,
    titleWords.has(first ?? `=${path.base}`) || titleWords.has(`=${path.family}`) ? 1 : 0,
    others.some(inTitle) ? 1 : 0,
    mentionOf(goal.mentions, row.path.toLowerCase(), path.base),
    whole,
    goalShare,
    harmonic(whole, goalShare),
    harmonic(nameTitle ?? 0, nameOfGoal),
    Math.min(1, foldersMatched / 8),
    covered(goal.quoted, words),
    covered(goal.scopeWords, words),
    Math.min(1, words.filter((word) => !isIn(word)).length / 8),
    nameBody ?? 0,
    share(words, rarities, inBody),
    path.extensions.some((extension) => isIn(extension.slice(1))) ? 1 : 0,
  ];
}

/** The share of the words' rarity that is met. */
function share(words: readonly string[], rarities: readonly number[], isMet: (word: string) => boolean): number {
  let met = 0;
  let all = 0;
  for (const [index, word] of words.entries()) {
    const rare = (rarities[index] ?? 0) + 0.1;
    all += rare;
    if (isMet(word)) met += rare;
  }
  return all > 0 ? met / all : 0;
}

function covered(wanted: ReadonlySet<string>, words: readonly string[]): number {
  return wanted.size === 0 ? 0 : words.filter((word) => wanted.has(word)).length / wanted.size;
}

function harmonic(left: number, right: number): number {
  return left + right > 0 ? (2 * left * right) / (left + right) : 0;
}

function total(words: ReadonlySet<string>, rarity: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const word of words) if (!word.startsWith("=")) sum += rarity.get(word) ?? 0;
  return sum;
}

function mentionOf(mentions: readonly string[], path: string, base: string): number {
  let best = 0;
  for (const mention of mentions) {
    if (mention === path) return 1;
    if (mention.includes("/") && path.endsWith(`/${mention}`)) best = Math.max(best, 0.8);
    else if (mention === base) best = Math.max(best, 0.7);
    else if (mention.includes("/") && path.includes(`${mention}/`)) best = Math.max(best, 0.4);
  }
  return best;
}
