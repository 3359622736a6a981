// Checkout
//
// Brings what is known in line with what a client found where the work is done. Owns: which paths an answer may name, and which lessons are
// in doubt for what they name. Does not own: looking, which happens where the checkout is.
//
// Invariants:
//   C1. A path that is gone or moved is named in `missing` and nowhere else; where it moved, the new path stands in its place.
//   C2. A path of the project that was not looked at is not named.
//   C3. A lesson whose action's file is missing, or half of whose files are, is no reason to proceed; nor is such a file.

import { type CheckoutLook, isOfProject, type MissingFile } from "../contracts/guidance.ts";
import type { Lesson, RankedLesson, RankedLessons } from "../learning/index.ts";
import type { Recalled } from "../recall/index.ts";
import { toActionFile } from "./first-action.ts";
import { type Doubts, type Known, type Question, toLine } from "./question.ts";

const pathChars = 160;

/** What is known, as far as it is where it was. The same without a checkout. */
export function alignWithCheckout(known: Omit<Known, "doubts">): Known {
  const { question, files, lessons, playbook } = known;
  const { checkout } = question.context;
  if (checkout === undefined) return { ...known, doubts: { missing: [], lessons: new Map() } };
  const places = toPlaces(checkout);
  const doubts = findDoubts(known, places);
  const [best] = lessons.lessons;
  const isDoubted = best !== undefined && doubts.lessons.has(best.lesson.id);
  return {
    ...known,
    files: alignFiles(files, places),
    lessons: alignLessons(lessons, places),
    playbook: playbook === undefined || !isDoubted ? playbook : { ...playbook, sure: false },
    doubts,
  };
}

/** By the path that is known: where it is now; `null` where it is gone. One that is not in it was not looked at. */
type Places = (path: string) => string | null | undefined;

function toPlaces({ here, gone, moved }: CheckoutLook): Places {
  const places = new Map<string, string | null>(moved.map(({ to }) => [to, to]));
  for (const path of here) places.set(path, path);
  for (const path of gone) places.set(path, null);
  for (const { from, to } of moved) places.set(from, to);
  return (path) => (isOfProject(path) ? places.get(path) : path);
}

function findDoubts({ question, files, lessons }: Omit<Known, "doubts">, places: Places): Doubts {
  const named = [
    ...question.context.files.slice(0, 1),
    ...files.files.map(({ path }) => path),
    ...lessons.lessons.flatMap(({ lesson }) => [toActionFile(lesson, question) ?? "", ...lesson.files]),
  ];
  const missing = [...new Set(named)].flatMap((path) => toMissing(path, places) ?? []);
  const [asked] = question.context.files;
  const [likeliest] = files.files;
  const doubted = lessons.lessons.flatMap(({ lesson }) => {
    const why = doubtLesson(lesson, question, places);
    return why === undefined ? [] : [[lesson.id, why] as const];
  });
  return {
    missing,
    named: asked === undefined ? undefined : toMissing(asked, places),
    file: likeliest === undefined ? undefined : toMissing(likeliest.path, places),
    lessons: new Map(doubted),
  };
}

/** C3 */
function doubtLesson(lesson: Lesson, question: Question, places: Places): MissingFile | undefined {
  const action = toActionFile(lesson, question);
  const own = action === undefined ? undefined : toMissing(action, places);
  if (own !== undefined) return own;
  const looked = lesson.files.filter((path) => places(path) !== undefined);
  const missing = looked.flatMap((path) => toMissing(path, places) ?? []);
  return 2 * missing.length >= looked.length ? missing[0] : undefined;
}

function toMissing(path: string, places: Places): MissingFile | undefined {
  const now = places(path);
  if (now === undefined || now === path) return undefined;
  const name = toLine(path, pathChars);
  if (now === null) return { path, state: "gone", reason: `${name} is gone: the checkout does not hold it.` };
  return { path, state: "moved", to: now, reason: `${name} moved to ${toLine(now, pathChars)}.` };
}

/** C1, C2 */
function alignFiles(recalled: Recalled, places: Places): Recalled {
  const byPath = new Map<string, Recalled["files"][number]>();
  for (const file of recalled.files) {
    const path = places(file.path) ?? undefined;
    if (path !== undefined && !byPath.has(path)) byPath.set(path, { ...file, path });
  }
  const files = [...byPath.values()];
  const [first] = recalled.files;
  const isFirstThere = first !== undefined && files[0]?.path === places(first.path);
  return { ...recalled, files, confidence: isFirstThere ? recalled.confidence : (files[0]?.probability ?? 0) };
}

/** Lessons of which nothing is left come last; the next one cannot be likelier than that the first was wrong. */
function alignLessons(ranked: RankedLessons, places: Places): RankedLessons {
  const [kept, emptied]: [RankedLesson[], RankedLesson[]] = [[], []];
  for (const each of ranked.lessons) {
    const lesson = alignLesson(each.lesson, places);
    (isEmptied(each.lesson, lesson) ? emptied : kept).push({ ...each, lesson });
  }
  const lessons = [...kept, ...emptied];
  if (lessons[0]?.lesson.id === ranked.lessons[0]?.lesson.id) return { ...ranked, lessons };
  return { ...ranked, lessons, sure: false, confidence: Math.min(ranked.confidence, 1 - ranked.confidence) };
}

function alignLesson(lesson: Lesson, places: Places): Lesson {
  const toNow = (path: string): string[] => [places(path) ?? []].flat();
  const files = [...new Set(lesson.files.flatMap(toNow))];
  const steps = lesson.steps.map(({ file, ...step }) => {
    const [now] = file === undefined ? [] : toNow(file);
    return now === undefined ? step : { ...step, file: now };
  });
  const isLeft = files.length > 0 || lesson.files.length === 0 || !isMissing(lesson, places);
  return { ...lesson, files, steps: isLeft ? steps : [] };
}

function isMissing({ files }: Lesson, places: Places): boolean {
  return files.some((path) => places(path) === null);
}

function isEmptied(before: Lesson, after: Lesson): boolean {
  return before.steps.length + before.files.length > 0 && after.steps.length + after.files.length === 0;
}
