// Surroundings: what stands around a value in a brief, and how much two such places are alike.

import { isPlainWord, type Role, roleAt } from "./cues.ts";

/** What is around one place. */
export interface Surroundings {
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The words directly before and after it, with no sign between that parts them; empty if there are none. */
  readonly near: readonly [string, string];
  readonly role: Role | undefined;
  readonly isQuoted: boolean;
  /** The signs directly around it. */
  readonly left: string;
  readonly right: string;
}

const wordsAround = 3;
/** What is said behind it is of another value. */
const clauseEnd = /[,;.!?] /;

/** How much two places are alike. The nearer word says more, and a word of the work more than one of the language. */
export function compareSurroundings(left: Surroundings, right: Surroundings): number {
  let score = 0;
  for (const side of ["before", "after"] as const) {
    for (const [index, each] of left[side].entries()) {
      const at = right[side].indexOf(each);
      if (at === -1) continue;
      score += (isPlainWord(each) || each.length < 2 ? 0.35 : 1) / (1 + (index + at) / 2);
    }
  }
  const isTelling = (each: string): boolean => each.length > 2 && !isPlainWord(each);
  if (left.near[0] === right.near[0] && isTelling(left.near[0])) score += 0.8;
  // "the orders page" and "page orders" have the same neighbour.
  else if (right.near.some((each) => isTelling(each) && left.near.includes(each))) score += 0.7;
  return Math.min(3, score) + (left.isQuoted === right.isQuoted ? 0.1 : 0) + compareSigns(left, right);
}

/** A value stands alone as its examples do, or is cut out of a longer word in the same way. */
function compareSigns(left: Surroundings, right: Surroundings): number {
  if (left.left === right.left && left.right === right.right) return left.left + left.right === "" ? 0.2 : 0.9;
  return /^\/?$/.test(left.left) && /^\/?$/.test(left.right) ? 0 : -0.8; // folders are written with and without their slashes
}

/** What stands around the place from `from` to `to`. */
export function look(text: string, from: number, to: number): Surroundings {
  const [left, right] = [
    /[^\s"'`“”‘’()[\]{}<>,;|]*$/u.exec(text.slice(Math.max(0, from - 60), from))?.[0] ?? "",
    /^[^\s"'`“”‘’()[\]{}<>,;|]*/u.exec(text.slice(to, to + 60))?.[0] ?? "",
  ];
  const before = toWords(
    text
      .slice(Math.max(0, from - 120), from)
      .split(clauseEnd)
      .at(-1) ?? "",
  ).reverse();
  const after = toWords(text.slice(to, to + 120).split(clauseEnd)[0] ?? "");
  const isQuoted = /["'`“‘]$/.test(text.slice(Math.max(0, from - 1), from)) && /^["'`”’]/.test(text.slice(to, to + 1));
  return {
    before: before.slice(0, wordsAround),
    after: after.slice(0, wordsAround),
    near: [
      /([\p{L}\p{N}]+)[\s"'`“‘:=(]*$/u.exec(text.slice(Math.max(0, from - 40), from))?.[1]?.toLowerCase() ?? "",
      /^["'`”’]?\s+([\p{L}\p{N}]+)/u.exec(text.slice(to, to + 40))?.[1]?.toLowerCase() ?? "",
    ],
    role: roleAt(text, from, to),
    isQuoted,
    left,
    right: right.replace(/[.:!?]+$/, ""),
  };
}

function toWords(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+|->|=>|→/gu) ?? [];
}
