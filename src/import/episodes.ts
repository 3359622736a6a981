// Episodes
//
// Makes of a commit what a finished task would have left: a goal and the files that the work touched. Pure. Owns: what counts as somebody's
// work, and what of a message is its goal. A commit that is no work, or tells nothing of where the work was, is left out with the reason.
//
// A revert is kept: somebody decided it, its title names what it undoes, and it is about the same files.

import type { FileChange, RawCommit } from "./commits.ts";

/** A commit as a finished task. */
export interface GitEpisode {
  /** The commit's hash. */
  id: string;
  /** When it was committed, in milliseconds. */
  at: number;
  /** The title and, after " — ", the beginning of the body. */
  goal: string;
  /** Between one and `filesMax`, as they are called after the commit, or were before it deleted them. */
  files: string[];
  /** What some of them were called before: [from, to]. */
  renames: [from: string, to: string][];
}

/** Why a commit is no episode. */
export type LeftOut = "robot" | "merge" | "release" | "noGoal" | "noFiles" | "tooManyFiles" | "shallow";

/** Files of one episode. What touches more is a sweep (formatting, a move, generated code) and says little of where its goal's work is. */
export const filesMax = 8;

const titleChars = 1_000;
const bodyChars = 240; // as in the histories that recall was measured on: further down, bodies tell of steps, not of the goal

/** The episode that `commit` is, or why it is none. In a shallow clone a commit without parents seems to have made every file. */
export function toEpisode(commit: RawCommit, { isShallow }: { isShallow: boolean }): GitEpisode | LeftOut {
  if (isShallow && commit.isRoot) return "shallow";
  if (isRobot(commit.authorName, commit.authorEmail)) return "robot";
  const title = cleanTitle(commit.title);
  if (title === "") return "noGoal";
  if (isMergeTitle(title)) return "merge";
  if (isReleaseTitle(title)) return "release";

  const changes = uniqueChanges(commit.changes.filter(({ path }) => !isBookkeeping(path)));
  if (commit.hasMoreChanges || changes.length > filesMax) return "tooManyFiles";
  if (changes.length === 0) return "noFiles";

  const body = cleanBody(commit.body);
  return {
    id: commit.id,
    at: commit.at,
    goal: body === "" ? title : `${title} — ${body}`,
    files: changes.map(({ path }) => path),
    renames: changes.flatMap(({ from, path }): [string, string][] => (from === undefined ? [] : [[from, path]])),
  };
}

/** One line of a history for measuring: `{"repo", "at": seconds, "goal", "files"}`. */
export function toHistoryLine(repo: string, { at, goal, files }: GitEpisode): string {
  return JSON.stringify({ repo, at: Math.floor(at / 1_000), goal, files });
}

const robotNames = new Set(
  [
    ["dependabot", "dependabot-preview", "renovate", "greenkeeper", "snyk", "pyup", "depfu", "whitesource", "mend"],
    ["semantic-release", "release-please", "changesets", "allcontributors", "imgbot", "mergify", "deepsource-autofix"],
    ["github", "github actions", "github action", "github-actions", "actions-user", "gitlab", "pre-commit-ci"],
    ["travis ci", "circleci", "circle ci", "jenkins", "ci", "autofix ci", "weblate", "hosted weblate", "crowdin"],
  ].flat(),
);

/**
 * By the author alone. The committer of a person's work is often a robot (a merge queue, a backport), and a robot's own work has it as author.
 * "Bot" must stand apart, because Talbot and Abbot are people.
 */
function isRobot(name: string, email: string): boolean {
  const lower = name.trim().toLowerCase();
  const mailbox = email.toLowerCase().replace(/@.*$/s, "");
  if (lower.includes("[bot]") || mailbox.includes("[bot]")) return true;
  if (robotNames.has(lower) || robotNames.has(mailbox.replace(/^\d+\+/, ""))) return true;
  if (/(^|[^\p{L}])(ro)?bot$/u.test(lower) || /\p{Ll}Bot$/u.test(name.trim())) return true;
  return /(^|[^a-z])(ro)?bot$/.test(mailbox) || /^(renovate|dependabot|greenkeeper)bot$/.test(lower);
}

function isMergeTitle(title: string): boolean {
  return /^merge (pull request|branch|branches|remote-tracking branch|tag|commit) /i.test(title);
}

const version =
  /^(.*@)?v?\d+(\.(\d+|x))+([-+.]?(alpha|beta|rc|pre|dev|next|canary|snapshot|final)[-.\d]*)?([-+][\w.]*)?$/i;
const releaseWords = /^(re-?leas(e|es|ed|ing)|versions?|publish(ed|ing)?|bump(s|ed|ing)?)$/i;
const fillWords =
  /^(v|a|an|the|to|for|of|and|as|new|next|prepar(e|es|ed|ing|ation|ations)|prep|cut|tag(ged)?|set|update[ds]?|updating|pre|alpha|beta|rc|stable|patch|minor|major|package|packages|package\.json|npm|number|changelogs?)$/i;

/** Whether the whole title says no more than that there is a version: "v1.2.3", "chore(release): 1.2.3 [skip ci]", "Bump version to 2.0". */
function isReleaseTitle(title: string): boolean {
  const plain = title
    .replace(/\[[^\]]*\]|:\w+:/g, " ") // [skip ci], :bookmark:
    .replace(/^release\//i, "release ") // a branch's name
    .replace(/^\s*[a-z]+(\([^)]*\))?!?:\s/i, (prefix) => (/release|version|publish/i.test(prefix) ? " release " : " "));
  const words = plain.split(/[^\p{L}\p{N}@/.+-]+|\s[/.+-]+\s/u).map((word) => word.replace(/^[-/.+]+|[-/.+]+$/g, ""));
  const told = words.filter((word) => word !== "");
  const isVersion = (word: string): boolean => version.test(word);
  if (told.length === 0 || !told.every((word) => isVersion(word) || releaseWords.test(word) || fillWords.test(word))) {
    return false;
  }
  return told.some((word) => releaseWords.test(word)) || told.every(isVersion);
}

const lockNames = new Set([
  "package-lock.json",
  "npm-shrinkwrap.json",
  "pnpm-lock.yaml",
  "go.sum",
  "go.work.sum",
  "package.resolved",
  "cartfile.resolved",
  "packages.lock.json",
  ".terraform.lock.hcl",
  "cabal.project.freeze",
  "stack.yaml.lock",
]);

/** Lock files and change logs: they follow from any work and point to none. */
function isBookkeeping(path: string): boolean {
  const lower = path.toLowerCase();
  const name = lower.slice(lower.lastIndexOf("/") + 1);
  if (lockNames.has(name) || /\.(lock|lockb|lockfile)$/.test(name)) return true;
  if (/(^|\/)(\.changeset|changelog\.d|newsfragments)\//.test(lower)) return true;
  return /^(change[-_]?log|changes|history|news|release[-_]?notes)(\.(md|markdown|mdx|rst|txt|adoc|org|html))?$/.test(
    name,
  );
}

function uniqueChanges(changes: readonly FileChange[]): FileChange[] {
  return [...new Map(changes.map((change) => [change.path, change])).values()];
}

/** One line, without the number that a pull request's title ends with. */
function cleanTitle(title: string): string {
  return cut(toLine(title), titleChars).replace(/(\s*\(#\d+\))+$/, "");
}

const trailer =
  /^[\s*>-]*([a-z]+(-[a-z]+)*-by|cc|change-id|reviewed-on|pr-url|git-svn-id|message-id|differential revision):/i;
const ruler = /^\s*[-=_*]{3,}\s*$/; // what stands before the trailers of a squashed pull request

/** One line, without what people and tools sign with. */
function cleanBody(body: string): string {
  const lines = body.split(/\r\n|\r|\n/).filter((line) => !trailer.test(line) && !ruler.test(line));
  return cut(toLine(lines.join("\n")), bodyChars);
}

function toLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}

/** At most `chars`; half of a surrogate pair is not kept. */
function cut(text: string, chars: number): string {
  const kept = text.slice(0, chars);
  return (kept.isWellFormed() ? kept : kept.slice(0, -1)).trimEnd();
}
