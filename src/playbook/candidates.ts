// Candidates: what in a new brief may be a parameter's value, and how much each looks like what the runs had there.
//
// A candidate is judged by its form (is it a version, a path, is it in quotes) and by the words around it, both compared with the places of
// the parameter's examples in the recorded briefs.

import { isKindWord, isPlainWord } from "./cues.ts";
import { findPlaces, listMentions, listQuoted } from "./mentions.ts";
import { compareSurroundings, look, type Surroundings } from "./surroundings.ts";
import { type Shape, shapeOf } from "./tokens.ts";
import { listValues, type Value } from "./values.ts";

/** A value at a place of the new brief, with its worth for one parameter. */
export interface Candidate {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly score: number;
}

/** Where an example stands in a recorded brief, and what is around it. */
interface Example {
  readonly text: string;
  readonly surroundings: Surroundings;
}

/** What the recorded briefs say about one parameter. */
export interface Profile {
  readonly examples: readonly Example[];
  readonly texts: readonly string[];
  readonly shapes: ReadonlySet<Shape>;
  readonly prefix: string;
  readonly suffix: string;
  readonly words: ReadonlySet<string>;
  /** The words of the work that stand right before an example. */
  readonly cues: ReadonlySet<string>;
}

const placesMax = 3;

/** Reads what `goals` say around each of `texts`, the values that were in them. */
export function toProfile(texts: readonly string[], goals: readonly string[]): Profile {
  const examples = texts.flatMap((text, index) =>
    goalsOf(index, texts, goals).flatMap((goal) =>
      findPlaces(goal, text)
        .slice(0, placesMax)
        .map(({ from }) => ({ text, surroundings: look(goal, from, from + text.length) })),
    ),
  );
  const words = new Set(goals.flatMap((goal) => listMentions(goal).map(({ text }) => text.toLowerCase())));
  for (const text of texts) words.delete(text.toLowerCase());
  const cues = new Set(
    examples.map(({ surroundings }) => surroundings.near[0]).filter((each) => each !== "" && !isPlainWord(each)),
  );
  return {
    examples,
    texts,
    shapes: new Set(texts.map(shapeOf)),
    prefix: sharedEdge(texts, "start"),
    suffix: sharedEdge(texts, "end"),
    words,
    cues,
  };
}

/** The brief that an example is of; any where only some runs had one. */
function goalsOf(index: number, examples: readonly string[], goals: readonly string[]): readonly string[] {
  return examples.length === goals.length ? goals.slice(index, index + 1) : goals;
}

/** The candidates of `brief` for a parameter, the best first. */
export function rankCandidates(brief: string, profile: Profile): Candidate[] {
  const best = new Map<string, Candidate>();
  const hasQuotes = listQuoted(brief).length > 0;
  const { examples, texts } = profile;
  const hasSpaces =
    texts.some((each) => /\s/.test(each)) || examples.every(({ surroundings }) => surroundings.isQuoted);
  for (const mention of listValues(brief, { hasSpaces, signs: examples.map(({ surroundings }) => surroundings) })) {
    const around = look(brief, mention.from, mention.to);
    const form = scoreForm(mention, around, { ...profile, hasQuotes });
    if (form === undefined) continue;
    const score = form + scoreAround(around, profile);
    const key = `${mention.from} ${mention.to}`;
    if (score > (best.get(key)?.score ?? -Infinity))
      best.set(key, { text: mention.text, from: mention.from, to: mention.to, score });
  }
  return [...best.values()].sort((left, right) => right.score - left.score || left.from - right.from);
}

/** How much its form is like the examples', or `undefined` when it cannot be of their kind. */
function scoreForm(
  { text, isQuoted, isPart }: Value,
  around: Surroundings,
  { examples, texts, shapes, prefix, suffix, words, cues, hasQuotes }: Profile & { hasQuotes: boolean },
): number | undefined {
  const shape = shapeOf(text);
  const isExact = shapes.has(shape) || (shapes.size > 1 && shapes.has("text"));
  const quoted =
    examples.length === 0 ? 0.5 : examples.filter(({ surroundings }) => surroundings.isQuoted).length / examples.length;
  const isCued = cues.has(around.near[0] ?? "");
  if (!isExact && !isCued && !(isQuoted && quoted === 1) && !isKin(shape, shapes)) return undefined;
  if (shapes.size === 1 && shapes.has("path") && !/[/.]/.test(text)) return undefined;
  if (!isQuoted && cues.has(text.toLowerCase())) return undefined; // it says that a value comes, and is none
  if (shapes.size === 1 && shapes.has("text") && !isQuoted && quoted > 0.9 && !/\s/.test(text)) return undefined;
  const likeness = scoreStyle(text, texts) + scoreSigns(text, texts); // after the same word anything may stand
  const isNew = !words.has(text.toLowerCase());
  const isKnown = texts.includes(text);
  const isPlain = shape === "word" && isPlainWord(text) && !isKnown;
  return (
    (isExact ? 1 : 0.3) +
    (isCued ? Math.max(0, likeness) : likeness) +
    (prefix !== "" ? (text.startsWith(prefix) ? 0.8 : -0.8) : 0) +
    (suffix !== "" ? (text.endsWith(suffix) ? 0.8 : -0.8) : 0) +
    (isQuoted ? quoted - 0.3 : 0.2 - quoted * (quoted === 1 && hasQuotes ? 2.5 : 0.4)) +
    (isNew ? 0.4 : shape === "word" ? -1.2 : -0.2) -
    (isPlain ? 2 : isKindAt(text, around, words) ? 1 : 0) +
    (isKnown ? 1.5 : 0) +
    scoreEdges(text, texts) -
    (isPart ? 0.8 : 0) +
    (shape === "word" || shape === "text" ? 0 : 0.4)
  );
}

const kin: Readonly<Record<Shape, readonly Shape[]>> = {
  version: [],
  url: ["path"],
  number: ["id"],
  id: ["number", "name"],
  path: ["name", "word"],
  name: ["word", "id", "path"],
  word: ["name", "path"],
  text: ["word", "name", "path", "version", "id", "number", "url"],
};

/** Forms that one kind of value may have as well. */
function isKin(shape: Shape, shapes: ReadonlySet<Shape>): boolean {
  if (shapes.size > 2 && (shapes.has("text") || shapes.has("url") || shapes.has("number"))) return true; // anything was there already
  return [...shapes].some((each) => kin[each].includes(shape));
}

/** `the service mailer`: the first of the two says what the second is. */
function isKindAt(text: string, { near: [before, after] }: Surroundings, words: ReadonlySet<string>): boolean {
  if (!/^\p{Ll}+$/u.test(text)) return false;
  return (
    isKindWord(text) ||
    (/^(?:the|a|an|our|this)$/.test(before) && after !== "" && !words.has(after) && !isPlainWord(after))
  );
}

/** Digits and letters by turns, where all examples have them in the same way. */
function scoreSigns(text: string, texts: readonly string[]): number {
  const [first = "", ...others] = texts.map(toSigns);
  if (!/9/.test(first) || others.some((each) => each !== first))
    return /^9/.test(toSigns(text)) && !texts.some((each) => /\d/.test(each)) ? -0.8 : 0;
  return toSigns(text) === first ? 0.5 : -0.8;
}

/** A sign at its edge that no example has there is likely none of its own. */
function scoreEdges(text: string, texts: readonly string[]): number {
  const isOdd = (at: 0 | -1): boolean =>
    /[^\p{L}\p{N}]/u.test(text.at(at) ?? "") && texts.every((each) => each.at(at) !== text.at(at));
  return (isOdd(0) ? -0.6 : 0) + (isOdd(-1) ? -0.6 : 0);
}

function toSigns(text: string): string {
  return text
    .slice(0, 60)
    .replace(/\p{L}+/gu, "a")
    .replace(/\d+/g, "9");
}

/** Whether one of the examples is written in the same way: in capitals, with hyphens, with spaces. One word alone shows no joint. */
function scoreStyle(text: string, texts: readonly string[]): number {
  const style = styleOf(text);
  const styles = new Set(texts.map(styleOf));
  if (styles.has(style)) return 0.5;
  if (style === "lower" && [...styles].every((each) => /^(?:lower|mixed)/.test(each))) return 0;
  return styles.size > 1 || texts.length < 2 ? -0.5 : -1.2;
}

function styleOf(text: string): string {
  const sign = /[\s]/.test(text) ? "spaced" : /[/]/.test(text) ? "path" : (/[-_.:@]/.exec(text)?.[0] ?? "");
  const isUpper = /\p{Lu}/u.test(text);
  const isLower = /\p{Ll}/u.test(text);
  const letters =
    isUpper && isLower ? (/^\p{Lu}/u.test(text) ? "Mixed" : "mixed") : isUpper ? "upper" : isLower ? "lower" : "none";
  return letters === "upper" ? "upper" : letters === "mixed" ? "mixed" : `${letters}${sign === "-" ? "" : sign}`;
}

function scoreAround(around: Surroundings, { examples }: Profile): number {
  let best = 0;
  for (const { surroundings } of examples) best = Math.max(best, compareSurroundings(around, surroundings));
  const roles = new Set(examples.flatMap(({ surroundings: { role } }) => role ?? []));
  const [role, other] = roles;
  const agrees =
    role === undefined || other !== undefined || around.role === undefined ? 0 : role === around.role ? 1.2 : -1.2;
  return best + agrees;
}

/** What all examples begin or end with, as far as whole parts of words go. */
function sharedEdge(texts: readonly string[], edge: "start" | "end"): string {
  const [first = "", ...others] = texts;
  if (others.length === 0) return edge === "end" ? (/\.[a-z][a-z\d]{0,5}$/.exec(first)?.[0] ?? "") : "";
  const at = (text: string, index: number): string | undefined => text.at(edge === "start" ? index : -1 - index);
  let length = 0;
  while (length < first.length && others.every((each) => at(each, length) === at(first, length))) length += 1;
  const shared = edge === "start" ? first.slice(0, length) : first.slice(first.length - length);
  const whole = edge === "start" ? /^.*[^\p{L}\p{N}]/su.exec(shared)?.[0] : /[^\p{L}\p{N}].*$/su.exec(shared)?.[0];
  return whole ?? "";
}
