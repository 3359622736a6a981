// Import: what others have written down, as episodes to learn from. So far, the history of a git repository.

export { toCursorText } from "./cursor.ts";
export { type GitEpisode, type LeftOut, toHistoryLine } from "./episodes.ts";
export { type GitRange, readGitHistory, surveyGitHistory } from "./history.ts";
export { findPlace, lookFor, type Place } from "./look.ts";
export { type GitPart, planGitImport } from "./plan.ts";
export { identifyGitHistory, listFilesAt } from "./repository.ts";
