// Grounds
//
// Whether a question has anything in common with what is known. Recency and habit name files for every question; only a shared word, file,
// error or family makes them an answer to this one. Words that nearly every text has tell nothing, nor do small numbers.

import type { Evidence } from "./evidence.ts";
import { isFunctionWord } from "./function-words.ts";
import { isEmptyWord } from "./goals.ts";
import { mentionOf } from "./signals/path-match.ts";

/** Whether the question of `evidence` shares a telling word, a file, an error or a family with an episode, a path or the tree. */
export function isGrounded({ terms, pathRarity, beside, candidates, goal }: Evidence): boolean {
  return (
    beside.size > 0 ||
    terms.some(({ word }) => isTelling(word)) ||
    [...pathRarity.keys()].some(isTelling) ||
    candidates.some(({ row, path }) => mentionOf(goal.mentions, row.path.toLowerCase(), path.base) > 0) ||
    candidates.some(({ path }) => path.extensions.some((extension) => goal.words.has(extension.slice(1))))
  );
}

/** Whether a word that two texts share says that they are about the same. */
export function isTelling(word: string): boolean {
  const plain = word.startsWith("=") ? word.slice(1) : word;
  return !(isEmptyWord(plain) || isFunctionWord(plain) || /^\p{N}{1,2}$/u.test(plain));
}
