// Import: what others have written down, as episodes to learn from. So far, the history of a git repository.

export { type GitEpisode, toHistoryLine } from "./episodes.ts";
export { type GitRange, readGitHistory, surveyGitHistory } from "./history.ts";
export { listFilesAt } from "./repository.ts";
