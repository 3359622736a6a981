// Recall: which files a piece of work will touch, told from earlier ones without a model.

export { emptyRow, emptyRows } from "./empty-rows.ts";
export {
  createRecall,
  type Recall,
  type RecallEpisode,
  type Recalled,
  type RecalledFile,
} from "./engine.ts";
export { isFunctionWord } from "./function-words.ts";
export { readGoal } from "./goals.ts";
export { isTelling } from "./grounds.ts";
export { createMemoryRows, type MemoryRows } from "./memory-rows.ts";
export { findSureFrom, learnOutcome, type OutcomeRules, toProbability } from "./outcomes.ts";
export { readPath } from "./paths.ts";
export type {
  LessonRow,
  LessonsLearnedRow,
  LessonTotalsRow,
  LessonWordRow,
  RecallRows,
  RecallTables,
} from "./rows.ts";
export { addTo, rarity, strongest } from "./scores.ts";
