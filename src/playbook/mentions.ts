// Mentions
//
// Values in the words of a brief: what stands in quotes, and words with the signs around them taken off. Owns: where a value begins and ends in
// a sentence. Does not own: which parameter it is for (fill.ts).

import { limits } from "../contracts/limits.ts";
import { bordersOf } from "./tokens.ts";

/** One value in a text. */
export interface Mention {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly isQuoted: boolean;
}

const mentionsMax = 400;
const quoted =
  /"([^"\n]{1,300})"|`([^`\n]{1,300})`|“([^”\n]{1,300})”|‘([^’\n]{1,300})’|(?<![\p{L}\p{N}])'([^'\n]{1,300})'(?![\p{L}\p{N}])/gu;
const words = /[^\s"'`“”‘’()[\]{}<>,;|]+/gu;

/** As much of a brief as is looked at. */
export function toBrief(text: string): string {
  return text.slice(0, limits.lessonTextChars);
}

/** What stands in quotes, then all words, each in the order of the text; a word in quotes is in both. */
export function listMentions(text: string): Mention[] {
  const mentions: Mention[] = listQuoted(text);
  for (const { from, to } of listWords(text)) {
    if (mentions.length >= mentionsMax) break;
    const word = text.slice(from, to);
    if (/[\p{L}\p{N}]/u.test(word)) mentions.push({ text: word, from, to, isQuoted: false });
  }
  return mentions;
}

/** What stands in quotes. */
export function listQuoted(text: string): Mention[] {
  return Array.from(text.matchAll(quoted), (found): Mention => {
    const [from, to] = [found.index + 1, found.index + found[0].length - 1];
    return { text: text.slice(from, to), from, to, isQuoted: true };
  }).slice(0, mentionsMax);
}

/** The words of `text` without the full stop or colon after them. */
function listWords(text: string): { from: number; to: number }[] {
  return Array.from(text.matchAll(words), ({ 0: word, index: from }) => {
    let length = word.length;
    while (length > 1 && /[.:!?]/.test(word[length - 1] ?? "")) length -= 1;
    return { from, to: from + length };
  });
}

/** A place of a value, with the word and the quotes around it. */
export interface Place {
  readonly from: number;
  readonly borders: "free" | "inside";
  readonly word: string;
  readonly quoted: string | undefined;
}

const placesMax = 20;

/** Where `value` stands in `text`, not in the middle of a part of a word. */
export function findPlaces(text: string, value: string): Place[] {
  const places: Place[] = [];
  if (value === "") return places;
  const inQuotes = listQuoted(text);
  for (let from = text.indexOf(value); from !== -1 && places.length < placesMax; from = text.indexOf(value, from + 1)) {
    const to = from + value.length;
    const borders = bordersOf(text, from, to);
    if (borders === "none") continue;
    const around = inQuotes.find((each) => each.from <= from && each.to >= to);
    places.push({ from, borders, word: wordAround(text, from, to), quoted: around?.text });
  }
  return places;
}

function wordAround(text: string, from: number, to: number): string {
  const found = listWords(text).find((each) => each.from <= from && each.to >= to);
  return found === undefined ? text.slice(from, to) : text.slice(found.from, found.to);
}
