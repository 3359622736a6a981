import type { LessonState } from "../../machines/lesson.ts";
import type { RecallRows } from "../recall/index.ts";
import { lessonBounds as bounds } from "./bounds.ts";
import type { LessonKind } from "./changes.ts";
import { kindOf, type Lesson, stateOf, toLesson } from "./lesson.ts";
import type { LessonRules } from "./rules.ts";

/** Which lessons a list shows. */
export interface LessonFilter {
  kinds?: readonly LessonKind[] | undefined;
  states?: readonly LessonState[] | undefined;
  family?: string | undefined;
  /** The `next` of the page before. */
  before?: number | undefined;
  /** At most `lessonBounds.page`, which is also the default. */
  count?: number | undefined;
}

/** A page of lessons, newest first; it ends after `lessonBounds.pageScan` looked at, however few of them fit. */
export function listLessons(
  rows: RecallRows,
  rules: LessonRules,
  { kinds, states, family, before, count = bounds.page }: LessonFilter,
): { lessons: Lesson[]; next?: number } {
  const lessons: Lesson[] = [];
  const from = Math.min(before ?? Number.POSITIVE_INFINITY, rows.get("lessonTotals", 0)?.lessons ?? 0);
  const countMax = Math.min(count, bounds.page);
  let at = from;
  while (at > 0 && lessons.length < countMax && from - at < bounds.pageScan) {
    at -= 1;
    const row = rows.get("lessons", at);
    if (row === undefined || kinds?.includes(kindOf(row)) === false) continue;
    if (states?.includes(stateOf(row)) === false) continue;
    const lesson = toLesson(row, rules);
    if (family === undefined || lesson.family === family) lessons.push(lesson);
  }
  return at > 0 ? { lessons, next: at } : { lessons };
}
