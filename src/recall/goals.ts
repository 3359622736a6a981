// Goals: the words of what somebody wants, with the weight that each of them has.

import { bounds } from "./bounds.ts";
import { readErrors } from "./errors.ts";
import { type Kind, readKind } from "./kinds.ts";
import { stem } from "./stem.ts";
import { type Run, splitRuns } from "./words.ts";

/** A goal as it is compared. */
export interface Goal {
  /** Words and compounds with their weight: 1 in the title, .35 for each occurrence in the body, at most 1. */
  words: ReadonlyMap<string, number>;
  /** All words of the title, also those that are usually empty, with glued neighbours: for comparing with paths. */
  titleWords: ReadonlySet<string>;
  bodyWords: ReadonlySet<string>;
  /** Words in back quotes. */
  quoted: ReadonlySet<string>;
  scopeWords: ReadonlySet<string>;
  /** What looks like a path or a file name, in lower case. */
  mentions: readonly string[];
  kind: Kind;
  scope: string;
  /** The family's mark among `words`; empty without a family. */
  family: string;
}

/** What is known of a goal besides its text. */
export interface GoalContext {
  family?: string | undefined;
  /** What went wrong before; of each its first line counts. */
  errors?: readonly string[] | undefined;
  /** Paths that whoever asks has in hand. */
  files?: readonly string[] | undefined;
}

const bodyWeight = 0.35;
const titleChars = 300;
const mention =
  /[\p{L}\p{N}_@.-]+(?:\/[\p{L}\p{N}_@.-]+)+|[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*\.[a-z][a-z0-9]{0,4}\b/giu;
const mentionsMax = 24;
const emptyWords = new Set(
  (
    "the an and or of to in on for with from by at as is are be was were it its this that these those not no do does did done " +
    "can could should would will may might must has have had if when while then than so but also into out up off over via per " +
    "we you they our your their there here which what who how why all any each only just more most other same such very " +
    "fix add use update make some now new allow change using been being after before about"
  )
    .split(" ")
    .map(stem),
);

/**
 * Reads a goal: its title is its first line, or what stands before a dash between spaces. A family and errors are words like others, and
 * no others are like them; what words an error has in common with other errors counts as the body's do.
 */
export function readGoal(text: string, context: GoalContext = {}): Goal {
  const whole = text.slice(0, bounds.textChars);
  const end = whole.search(/ — |\r?\n/);
  const title = whole.slice(0, end === -1 ? titleChars : Math.min(end, titleChars));
  const body = whole.slice(title.length);
  const { kind, scope, rest } = readKind(title);
  const titleRuns = splitRuns(rest);
  const scopeRuns = splitRuns(scope);
  const bodyRuns = splitRuns(body);

  const words = new Map<string, number>();
  for (const word of [...scopeRuns, ...titleRuns].flatMap(toTerms)) words.set(word, 1);
  const errors = readErrors(context.errors ?? []);
  for (const word of [...bodyRuns, ...errors.flatMap(splitRuns)].flatMap(toTerms)) {
    if (words.size < bounds.textWords || words.has(word))
      words.set(word, Math.min(1, (words.get(word) ?? 0) + bodyWeight));
  }
  const family =
    context.family === undefined || context.family === ""
      ? ""
      : `@family ${context.family.slice(0, 200).toWellFormed()}`;
  for (const mark of [...(family === "" ? [] : [family]), ...errors.map((line) => `!${line}`)]) words.set(mark, 1);
  return {
    words,
    titleWords: new Set(
      [...scopeRuns, ...titleRuns].flatMap((run) => [...run.parts, `=${run.whole}`]).concat(glue(titleRuns)),
    ),
    bodyWords: new Set(bodyRuns.flatMap((run) => [...run.parts, `=${run.whole}`])),
    quoted: new Set(
      [...whole.matchAll(/`([^`\n]{2,80})`/g)].flatMap(([, inner = ""]) =>
        splitRuns(inner).flatMap((run) => run.parts),
      ),
    ),
    scopeWords: new Set(scopeRuns.flatMap((run) => run.parts)),
    mentions: [
      ...new Set([...(context.files ?? []).slice(0, bounds.filesInHand).map(toMention), ...readMentions(whole)]),
    ].slice(0, mentionsMax),
    ...{ kind, scope, family },
  };
}

/** Whether `word`, as goals have it, is one that nearly every goal could have. */
export function isEmptyWord(word: string): boolean {
  return emptyWords.has(word);
}

/** The parts that say something and, for an identifier of several, the whole of it. */
function toTerms({ whole, parts }: Run): string[] {
  const telling = parts.filter((part) => !emptyWords.has(part));
  return parts.length > 1 && /^[\p{L}\p{N}]+$/u.test(whole) ? [...telling, `=${whole}`] : telling;
}

/** Neighbours in twos and threes, as a path would glue them. */
function glue(runs: readonly Run[]): string[] {
  const wholes = runs.slice(0, 40).map((run) => run.whole);
  return wholes.flatMap((whole, index) => {
    const two = `=${whole}${wholes[index + 1] ?? ""}`;
    return index + 1 < wholes.length ? [two, `${two}${wholes[index + 2] ?? ""}`] : [];
  });
}

function readMentions(text: string): string[] {
  // Word by word: the expression must not see a run longer than a path may be.
  return text
    .split(/[\s`'"()[\]{},;:]+/u)
    .filter((word) => word.length >= 3 && word.length <= 200 && /[./]/.test(word))
    .flatMap((word) => word.match(mention) ?? [])
    .map(toMention);
}

function toMention(path: string): string {
  return path
    .slice(-bounds.pathChars)
    .toLowerCase()
    .replace(/^\.?\//, "");
}
