// Learning: what finished runs and people teach, found again without a model.

export type { LessonChange } from "./changes.ts";
export type { Lesson } from "./lesson.ts";
export { createLessons, type Lessons, type RankedLesson, type RankedLessons } from "./lessons.ts";
export type { LessonQuery } from "./rank.ts";
export type { FinishedRun, RunStep } from "./run.ts";
