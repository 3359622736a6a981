// Guidance: one answer of what recall and lessons know about a piece of work that is to begin.

export { alignWithCheckout } from "./checkout.ts";
export { compose, extents } from "./compose.ts";
export { keepGroundedFiles, keepGroundedLessons } from "./grounded.ts";
export type { Known, Question } from "./question.ts";
export { countEvidence, round, showFile, showLesson, sourceOf } from "./shown.ts";
