// Recall: which files a piece of work will touch, told from earlier ones without a model.

export { emptyRows } from "./empty-rows.ts";
export { createRecall, type Recall, type RecallEpisode } from "./engine.ts";
export { createMemoryRows, type MemoryRows } from "./memory-rows.ts";
export type { RecallRows, RecallTables } from "./rows.ts";
