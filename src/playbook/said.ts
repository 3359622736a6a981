// What is said: values of steps in the words of a brief.

import { toKebab } from "./cases.ts";
import { derive } from "./derive.ts";
import { listMentions, type Place } from "./mentions.ts";
import type { Transform } from "./transforms.ts";

/** Whether a text may be a value by itself: signs that stand around values are not theirs. */
export function isTellingValue(text: string): boolean {
  if (/^[\s"'`()[\]{}<>,;:|=]|[\s"'`([{<>,;:|=]$/.test(text)) return false;
  return (text.length > 1 && !/^\/[^/]*$/.test(text)) || /\p{N}/u.test(text);
}

/** Whether a value is all of the word or the quotes that it stands in. */
export function isWhole({ word, quoted, borders }: Place, text: string): boolean {
  return borders === "free" && (quoted === text || trimWord(word) === trimWord(text));
}

function trimWord(word: string): string {
  return word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
}

/** What stands around the texts, when all of them come of it in the same way. */
export function widen(
  places: readonly (readonly Place[])[],
  texts: readonly string[],
  around: (place: Place) => string | undefined,
): { texts: string[]; transforms: readonly Transform[] } | undefined {
  const wide = places.map((each) => each.map(around).find((text) => text !== undefined));
  if (!wide.every((each) => each !== undefined)) return undefined;
  const transforms = derive(wide, texts);
  return transforms && { texts: wide, transforms };
}

/** The words of `value` as the brief spells them. */
export function findSpelled(brief: string, value: string): string | undefined {
  const wanted = toKebab(value);
  if (wanted === "") return undefined;
  const mentions = listMentions(brief);
  return (
    mentions.find(({ text }) => toKebab(text) === wanted && /^[\p{L}\p{N}]/u.test(text)) ?? findSeparate(brief, wanted)
  )?.text;
}

/** Words that stand one after the other in the brief. */
function findSeparate(brief: string, wanted: string): { text: string } | undefined {
  const escaped = wanted.split("-").map((each) => each.replace(/[^\p{L}\p{N}]/gu, "\\$&"));
  const found = new RegExp(`(?<![\\p{L}\\p{N}])${escaped.join("[ _./-]?")}(?![\\p{L}\\p{N}])`, "iu").exec(brief);
  return found === null ? undefined : { text: found[0] };
}
