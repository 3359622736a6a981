// Values: all that a new brief may mean as one, wherever it begins and ends.

import { listMentions, type Mention } from "./mentions.ts";

/** What may be a value; `isPart` of a longer one in quotes. */
export interface Value extends Mention {
  readonly isPart?: boolean;
}

/** How the values of a parameter stood in the recorded briefs. */
export interface Habit {
  /** Whether they may have several words. */
  readonly hasSpaces: boolean;
  /** What was written together with them: `config/` and `.ini` of `config/mailer.ini`. */
  readonly signs: readonly { readonly left: string; readonly right: string }[];
}

const phrase = /\p{Lu}[\p{L}\p{N}'-]*(?: (?:& |of |and |the )?\p{Lu}[\p{L}\p{N}'-]*)+/gu;
const rest = /: +([^\s"'`][^\n"`]{2,200}?)[.!]?(?=\n|$)/gu;

/** Quotes, words, words without the signs at their ends, parts of words that stand as the examples did, and phrases. */
export function listValues(brief: string, { hasSpaces, signs }: Habit): Value[] {
  const all = listMentions(brief);
  const quotes = all.filter(({ text, isQuoted }) => isQuoted && /\s/.test(text));
  const names = hasSpaces ? listPhrases(brief) : [];
  const mentions = all.flatMap((each): Value[] => {
    if (each.isQuoted) return hasSpaces || !/\s/.test(each.text) ? [each] : [];
    const isWithin = ({ from, to }: Mention): boolean => from <= each.from && to >= each.to;
    const isPart = quotes.some(isWithin) || names.some(isWithin);
    if (quotes.some(isWithin) && !/\d/.test(each.text)) return [];
    return [isPart ? { ...each, isPart } : each];
  });
  const phrases = hasSpaces ? [...names, ...match(brief, rest, 1)] : [];
  return [...mentions, ...mentions.flatMap(trim), ...mentions.flatMap((each) => cutLike(each, signs)), ...phrases];
}

/** Words in capitals one after the other: `Heron Authors`. */
export function listPhrases(brief: string): Mention[] {
  return match(brief, phrase, 0);
}

/** A word without the signs around it, and a version without its mark. */
function trim({ text, from, isQuoted, isPart = false }: Value): Value[] {
  const begin = /^(?:[^\p{L}\p{N}]+|v(?=\d+\.\d))/u.exec(text)?.[0].length ?? 0;
  const end = /[^\p{L}\p{N}]+$/u.exec(text)?.[0].length ?? 0;
  if (isQuoted || begin + end === 0 || begin + end >= text.length) return [];
  return [{ ...toMention(text.slice(begin, text.length - end), from + begin), isPart }];
}

/** `config/mailer.ini` had the example `mailer`: `config/search.ini` has `search`. */
function cutLike({ text, from }: Mention, signs: Habit["signs"]): Mention[] {
  return signs.flatMap(({ left, right }) => {
    if (left === "" && right === "") return [];
    if (text.length <= left.length + right.length || !text.startsWith(left) || !text.endsWith(right)) return [];
    return [toMention(text.slice(left.length, text.length - right.length), from + left.length)];
  });
}

function match(text: string, pattern: RegExp, group: number): Mention[] {
  return Array.from(text.matchAll(pattern), (found) => {
    const value = found[group] ?? "";
    return toMention(value, found.index + found[0].indexOf(value));
  });
}

function toMention(text: string, from: number): Mention {
  return { text, from, to: from + text.length, isQuoted: false };
}
