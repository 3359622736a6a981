import type { LessonLifeRules } from "../../machines/lesson.ts";

/** Every threshold of what is learned from runs. */
export interface LessonRules extends LessonLifeRules {
  /** From which agreement on a run belongs to a lesson, 0 to 1. */
  sameWork: number;
  /** The same for a run that was shown the lesson and failed: that it was shown says already that they are near. */
  sameWorkShown: number;
}

/** The rules in force. */
export const lessonRules: LessonRules = {
  trusted: { successes: 2, verified: 1 },
  restored: { successes: 2, verified: 1 },
  // With the one that contested it that is three in a row: more than the two successes that trust had asked for.
  retiredAfter: 2,
  sameWork: 0.33,
  sameWorkShown: 0.25,
};
