// Identity
//
// Which lesson a run belongs to: the one whose runs said and touched the same. Owns: how far a run and a lesson agree, 0 to 1. Does not own:
// from which agreement on they are the same (rules.ts).
//
// What was said (goal, steps, tools, errors) and what was touched (files) have to agree both: the same words about other files are
// look-alikes, and other words about the same files are other work. Where one of the two names no file, what was said decides alone.
// Nothing volatile counts: words with digits are no words of a goal here, and paths, errors and steps are masked (volatile.ts).

import { emptyRow, type LessonRow, type RecallRows, rarity } from "../recall/index.ts";
import { lessonBounds as bounds } from "./bounds.ts";
import type { LessonContent } from "./changes.ts";
import { decodeWord, findLessons, type KnownWord, lookUp, type OwnWord } from "./index-words.ts";
import { kindOf } from "./lesson.ts";
import { isIn, isPlain, readContent, readWords, toToolWord } from "./words.ts";

/** A run as it is compared with lessons: groups of words, each with the number and the rarity that it has. */
export interface ComparedRun {
  known: readonly KnownWord[];
  goal: readonly ComparedWord[];
  files: readonly ComparedWord[];
  ways: readonly ComparedWord[];
  errors: readonly ComparedWord[];
}

interface ComparedWord {
  /** Absent when no lesson has it. */
  number: number | undefined;
  worth: number;
}

const shares = { goal: 0.65, ways: 0.35, errors: 0.15 };
const elsewhere = 0.4; // a goal's word that the lesson says somewhere else
const wordsAlone = 0.66; // without files the words have to agree by half
/** Files that all kinds of work touch. */
const unspecific = /(^|\/)(readme|changelog|license|makefile|dockerfile|package\.json|[^/]*[.-]lock(\.[^/]*)?)[^/]*$/i;
const unspecificWorth = 0.25;

/** The workflows that agree with a run, the one that agrees most first. */
export function findSameWork(rows: RecallRows, content: LessonContent): { row: LessonRow; agreement: number }[] {
  const run = readRun(rows, content);
  return findLessons(run.known, bounds.comparedRuns)
    .flatMap((lesson) => {
      const row = rows.get("lessons", lesson);
      return row === undefined ? [] : [{ lesson, row, agreement: agree(run, row) }];
    })
    .sort((left, right) => right.agreement - left.agreement || right.lesson - left.lesson);
}

/** Reads what `content` is compared by. */
export function readRun(rows: RecallRows, content: LessonContent): ComparedRun {
  const totals = rows.get("lessonTotals", 0) ?? emptyRow("lessonTotals");
  const words = [...readContent(content).keys()];
  const asSaid = words.filter((word) => !/^[&^]/.test(word));
  const { known } = lookUp(
    rows,
    totals,
    asSaid.map((word, of) => ({ word, weight: 1, of })),
  );
  const byWord = new Map(known.map((each) => [each.word, each]));
  const compare = (word: string): ComparedWord => {
    const found = byWord.get(word);
    const worth = found?.rarity ?? rarity(totals.lessons, 0);
    return { number: found?.row.number, worth: unspecific.test(word) ? unspecificWorth * worth : worth };
  };
  const ways = [...content.tools, ...content.steps.map(({ name }) => name)].flatMap(readWords);
  return {
    known,
    goal: readWords(content.goal)
      .filter((word) => isPlain(word) && !/\p{N}/u.test(word))
      .map(compare),
    files: words.filter((word) => word.startsWith("/")).map(compare),
    ways: [...new Set([...ways, ...content.tools.map(toToolWord)])].map(compare),
    errors: words.filter((word) => word.startsWith("!")).map(compare),
  };
}

/** How far a run and a lesson are the same work; never for a lesson that was written by hand. */
export function agree(run: ComparedRun, row: LessonRow): number {
  if (kindOf(row) !== "workflow") return 0;
  const own = new Map<number, OwnWord>();
  for (const code of row.words) {
    const word = decodeWord(code);
    own.set(word.number, word);
  }
  const isMet = (word: OwnWord | undefined): number => (word === undefined ? 0 : 1);
  const isGoal = (word: OwnWord | undefined): number =>
    word === undefined || isIn(word.bits, "goal") ? isMet(word) : elsewhere;
  const said = Math.min(
    1,
    shares.goal * shareOf(run.goal, own, isGoal) +
      shares.ways * shareOf(run.ways, own, isMet) +
      shares.errors * shareOf(run.errors, own, isMet),
  );
  if (run.files.length === 0 || row.files === 0) return wordsAlone * said;
  // The one that names fewer files need not name those of the other.
  const touched = Math.min(1, shareOf(run.files, own, isMet) * Math.max(1, run.files.length / row.files));
  return Math.sqrt(said * touched);
}

/** The share of `words`, by their worth, that the lesson has. */
function shareOf(
  words: readonly ComparedWord[],
  own: ReadonlyMap<number, OwnWord>,
  measure: (word: OwnWord | undefined) => number,
): number {
  let all = 0;
  let met = 0;
  for (const { number, worth } of words) {
    all += worth;
    if (number !== undefined) met += worth * measure(own.get(number));
  }
  return all === 0 ? 0 : met / all;
}
