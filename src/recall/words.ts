// Words
//
// Splits text into the words that are compared: identifiers and paths fall into their parts, Chinese, Japanese and Korean into pairs of
// characters, German compounds also into their two ends. Owns: what counts as a word. Does not own: which words matter.
// Its work is bounded by `bounds.textChars` whatever the text: no expression here looks back over more than one word.

import { bounds } from "./bounds.ts";
import { stem } from "./stem.ts";

/** One run of letters and digits. */
export interface Run {
  /** In lower case, whole. */
  whole: string;
  /** Its parts in lower case with endings cut. */
  parts: readonly string[];
}

const run = /[\p{L}\p{M}\p{N}_$]+/gu;
const ideographs = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]+/gu;
const piece = /\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{M}]+|\p{Lu}+|\p{N}+/gu;
const germanMark = /[äöüß]|\b(?:der|die|das|und|nicht|wird|beim|eine[mnrs]?|für)\b/iu;
const compoundLetters = 9;
const edgeLetters = 6;

/** The runs of `text` in order, at most `bounds.textWords`. */
export function splitRuns(text: string): Run[] {
  // Twice: normalising can make a text many times longer.
  const normal = text.slice(0, bounds.textChars).toWellFormed().normalize("NFKC").slice(0, bounds.textChars);
  const isGerman = germanMark.test(normal);
  const runs: Run[] = [];
  for (const [found] of normal.matchAll(run)) {
    if (runs.length === bounds.textWords) break;
    const whole = found.slice(0, bounds.wordChars).toWellFormed();
    const parts = splitRun(whole, isGerman);
    if (parts.length > 0) runs.push({ whole: whole.toLowerCase().replaceAll(/[_$]/g, ""), parts });
  }
  return runs;
}

function splitRun(whole: string, isGerman: boolean): string[] {
  const parts: string[] = [];
  const rest = whole.replaceAll(ideographs, (signs) => {
    parts.push(...toPairs(signs));
    return "_";
  });
  for (const [found] of rest.matchAll(piece)) {
    const lower = found.toLowerCase();
    if (lower.length < 2) continue;
    parts.push(stem(lower));
    if (isGerman && lower.length >= compoundLetters) {
      parts.push(`${lower.slice(0, edgeLetters)}~`, `~${stem(lower).slice(-edgeLetters)}`);
    }
  }
  return parts;
}

function toPairs(signs: string): string[] {
  const each = [...signs];
  if (each.length < 2) return each;
  return each.slice(1).map((sign, index) => `${each[index] ?? ""}${sign}`);
}
