// A repository's history
//
// Reads the commits of the current branch, oldest first, as episodes. Owns: which commits, in which order, and how many are held at once.
//
// Invariants:
//   H1. A history of any length streams: git lists the hashes, and commits are asked for in batches, because git keeps what it has shown.
//       (To list them oldest first, git itself holds about 600 bytes a commit.)
//   H2. Read again up to the same commit, the same episodes come in the same order.
//   H3. After `after`, exactly the commits that its history does not hold are read.

import { AionisError } from "../contracts/failures.ts";
import { commitFormat, createCommitParser } from "./commits.ts";
import { filesMax, type GitEpisode, type LeftOut, toEpisode } from "./episodes.ts";
import { type GitPorts, systemGit } from "./git-process.ts";
import { openRepository, type Repository, relateHistory, requireHash } from "./repository.ts";

/** Which part of a repository's history. */
export interface GitRange {
  folder: string;
  /** Only what was committed from then on, in milliseconds. */
  since?: number | undefined;
  /** Only the newest so many commits, counted before robots and the like are left out. */
  max?: number | undefined;
  /** Up to where the history was read before: the `head` of that survey. Only what has come since is read. */
  after?: string | undefined;
  /** Up to where it is read: a survey's `head`, so that what is committed meanwhile waits for the next time. HEAD if absent. */
  head?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** What there is to read. `rewritten`: `after` is not in the history any more, which both share up to `mergeBase`, if at all. */
export type GitSurvey =
  | { state: "ready"; head: string; commits: number; isShallow: boolean }
  | { state: "rewritten"; head: string; mergeBase?: string };

/**
 * Looks at a history before it is read: how much there is, and whether it goes on from `after`.
 * @throws the signal's reason; `GIT_UNUSABLE`; `INPUT_INVALID`, where the fact `reason` says what the folder is instead.
 */
export async function surveyGitHistory(range: GitRange, ports: GitPorts = systemGit): Promise<GitSurvey> {
  const limiting = toLimits(range);
  const repository = await openRepository(range, ports);
  const head = range.head ?? repository.head;
  const { after } = range;
  if (after !== undefined) {
    const relation = await relateHistory(repository, { head, after });
    if (!relation.isContinued) {
      const { mergeBase } = relation;
      return { state: "rewritten", head, ...(mergeBase === undefined ? {} : { mergeBase }) };
    }
  }
  const { stdout } = await repository.run(["rev-list", "--count", ...limiting, ...orderArgs({ head, after })]);
  return { state: "ready", head, commits: Number(stdout), isShallow: repository.isShallow };
}

/**
 * The episodes of a history, oldest first. `onCommit` is told of each commit as it is read, which a survey has counted.
 * @throws as `surveyGitHistory`, and `INPUT_INVALID` with the reason `rewritten` and the `mergeBase` when `after` is not in the history any more.
 */
export async function* readGitHistory(
  range: GitRange & { onCommit?: ((outcome: "episode" | LeftOut) => void) | undefined },
  ports: GitPorts = systemGit,
): AsyncGenerator<GitEpisode, void> {
  const limiting = toLimits(range);
  const repository = await openRepository(range, ports);
  const head = range.head ?? repository.head;
  if (range.after !== undefined) await requireContinued(repository, { head, after: range.after });

  const args = ["rev-list", "--reverse", ...limiting, ...orderArgs({ head, after: range.after })];
  for await (const ids of toBatches(repository.stream(args))) {
    const parser = createCommitParser();
    const episodes = function* (commits: ReturnType<typeof parser.end>): Generator<GitEpisode> {
      for (const commit of commits) {
        const episode = toEpisode(commit, repository);
        range.onCommit?.(typeof episode === "string" ? episode : "episode");
        if (typeof episode !== "string") yield episode;
      }
    };
    const input = `${ids.join("\n")}\n`;
    for await (const chunk of repository.stream(diffArgs(repository), { input })) yield* episodes(parser.push(chunk));
    yield* episodes(parser.end());
  }
}

const batchCommits = 2_000;

function diffArgs({ isPartial }: Repository): string[] {
  const shape = ["--stdin", "-r", "-z", "--root", "--always", "--name-status", "--encoding=UTF-8", commitFormat];
  const safe = ["--no-ext-diff", "--no-textconv"];
  // Renames between more files than an episode may have are not looked for: comparing contents is what takes long.
  const renames = [isPartial ? "-M100%" : "-M", `-l${2 * filesMax}`];
  return ["diff-tree", ...shape, ...safe, ...renames];
}

/** For `git rev-list`, newest first: parents after children, also where clocks were wrong (H2). Both are hashes. */
export function orderArgs({ head, after }: { head: string; after: string | undefined }): string[] {
  return ["--no-merges", "--date-order", head, ...(after === undefined ? [] : [`^${after}`])];
}

/** The range's bounds for `git rev-list`. Everything that reaches git's command line is checked here. */
function toLimits({ since, max, after, head }: GitRange): string[] {
  if (after !== undefined) requireHash(after);
  if (head !== undefined) requireHash(head);
  const args: string[] = [];
  if (since !== undefined) args.push(`--max-age=${requireCount("since", Math.ceil(since / 1_000))}`);
  if (max !== undefined) args.push(`--max-count=${requireCount("max", max)}`);
  return args;
}

function requireCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new AionisError("INPUT_INVALID", `${name} is ${value}; it must be a whole number, 0 or more.`, {
    facts: { reason: "range" },
  });
}

async function requireContinued(repository: Repository, { head, after }: { head: string; after: string }) {
  const relation = await relateHistory(repository, { head, after });
  if (relation.isContinued) return;
  const { mergeBase } = relation;
  const next = mergeBase === undefined ? "Read it from the start" : `Read it after ${mergeBase}, where both meet`;
  throw new AionisError("INPUT_INVALID", `${after} is not in the history of ${head}: it was rewritten. ${next}.`, {
    facts: { reason: "rewritten", head, ...(mergeBase === undefined ? {} : { mergeBase }) },
  });
}

/** Lines, so many at once. */
async function* toBatches(chunks: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  let ids: string[] = [];
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    ids.push(...lines);
    for (; ids.length >= batchCommits; ids = ids.slice(batchCommits)) yield ids.slice(0, batchCommits);
  }
  if (ids.length > 0) yield ids;
}
