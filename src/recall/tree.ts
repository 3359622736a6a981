// Tree
//
// The files that a checkout holds, whether or not an episode touched them: which of them a goal's words point to. Owns: an index of the
// paths of the tree asked for last, which is made when a tree is first seen and known again by the list's identity.

import { bounds } from "./bounds.ts";
import type { Goal } from "./goals.ts";
import { type PathWords, readPath, weighPath } from "./paths.ts";
import { impact, rarity } from "./scores.ts";
import { Tally } from "./tally.ts";

/** A tree that can be asked. */
export interface Tree {
  has(path: string): boolean;
  /** Rarity of a word among the paths; 0 for one that is in none. */
  rarityOf(word: string): number;
  /** The paths that fit best, best first, with their BM25. */
  find(goal: Goal, count: number): { path: string; words: PathWords; score: number }[];
}

interface Entry {
  words: PathWords;
  weights: ReadonlyMap<string, number>;
  length: number;
}

const bodyWeight = 0.35;
const lengthNormal = 0.5;
let last: { list: readonly string[]; entries: ReadonlyMap<string, Entry>; tree: Tree } | undefined;

/** Indexes `list`, the words of at most the first `bounds.treeFiles` paths of it. A partial one has every path. */
export function readTree(list: readonly string[], isPartial = false): Tree {
  const tree = readWhole(list);
  return isPartial ? { ...tree, has: () => true } : tree;
}

function readWhole(list: readonly string[]): Tree {
  if (last?.list === list) return last.tree;
  const entries = new Map<string, Entry>();
  for (const path of list.slice(0, bounds.treeFiles)) {
    entries.set(path, last?.entries.get(path) ?? toEntry(path)); // a tree is mostly the one before
  }
  const tree = indexTree(entries, new Set(list));
  last = { list, entries, tree };
  return tree;
}

function toEntry(path: string): Entry {
  const words = readPath(path);
  return { words, ...weighPath(words) };
}

function indexTree(entries: ReadonlyMap<string, Entry>, all: ReadonlySet<string>): Tree {
  const read = [...entries];
  const filesOf = new Map<string, number[]>();
  let lengths = 0;
  for (const [file, [, { weights, length }]] of read.entries()) {
    lengths += length;
    for (const word of weights.keys()) {
      const files = filesOf.get(word);
      if (files === undefined) filesOf.set(word, [file]);
      else files.push(file);
    }
  }
  const rarityOf = (word: string): number => {
    const having = filesOf.get(word)?.length ?? 0;
    return having === 0 ? 0 : rarity(read.length, having);
  };
  return {
    has: (path) => all.has(path),
    rarityOf,
    find(goal, count) {
      const scores = new Tally();
      for (const [word, weight] of toWeights(goal)) {
        const files = filesOf.get(word) ?? [];
        if (files.length > bounds.treeWordFiles) continue;
        const worth = weight * rarityOf(word);
        for (const file of files) {
          const entry = read[file]?.[1];
          if (entry === undefined) continue;
          scores.add(
            file,
            worth * impact(entry.weights.get(word) ?? 0, entry.length, lengths / read.length, lengthNormal),
          );
        }
      }
      return scores.strongest(count).flatMap(([file, score]) => {
        const [path, entry] = read[file] ?? [];
        return path === undefined || entry === undefined ? [] : [{ path, words: entry.words, score }];
      });
    },
  };
}

/** The words that are compared with paths; a mentioned file's name counts as one. */
function toWeights({ titleWords, bodyWords, mentions }: Goal): Map<string, number> {
  const weights = new Map<string, number>();
  for (const word of [...bodyWords].slice(0, bounds.wordLookups)) weights.set(word, bodyWeight);
  for (const word of [...titleWords].slice(0, bounds.wordLookups)) weights.set(word, 1);
  for (const mention of mentions) weights.set(`#${mention.split("/").at(-1) ?? ""}`, 1);
  return weights;
}
