// Repository
//
// What has to be known of a repository before its history is read: whether git can read it, where it stands, and how that relates to what
// was read before.

import { resolve } from "node:path";
import { AionisError } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import { createTokens } from "./commits.ts";
import { type GitCall, type GitPorts, runGit, streamGit, systemGit } from "./git-process.ts";

/** A repository that git can read. */
export interface Repository {
  /** The current branch's commit. */
  head: string;
  /** Whether its history is cut off somewhere: `git fetch --unshallow` brings the rest. */
  isShallow: boolean;
  /** Whether files' contents may be missing, without which only renames of unchanged files are known. */
  isPartial: boolean;
  /** A short answer of git. */
  run(args: readonly string[], options?: CallOptions): Promise<{ exitCode: number; stdout: string }>;
  stream(args: readonly string[], options?: CallOptions): AsyncGenerator<Buffer>;
}

type CallOptions = Pick<GitCall, "exits" | "input">;

const versionMin = [2, 30] as const; // what Debian 11 has; older ones are not tried

/**
 * Opens the repository that holds `folder`; a subfolder stands for the whole.
 * @throws `GIT_UNUSABLE` without a git that is new enough; `INPUT_INVALID` with a fact `reason` when there is no readable repository or no commit.
 */
export async function openRepository(
  { folder, signal }: { folder: string; signal?: AbortSignal | undefined },
  ports: GitPorts,
): Promise<Repository> {
  const place = resolve(folder);
  const run = (args: readonly string[], options?: CallOptions) =>
    runGit({ folder: place, args, signal, ...options }, ports);

  refuseOldGit((await run(["--version"])).stdout);
  const isShallow = (await run(["rev-parse", "--is-shallow-repository"])).stdout.trim() === "true";
  const { stdout } = await run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], { exits: [0, 1] });
  const head = stdout.trim();
  if (head === "") {
    const detail = `${place} has no commit on its current branch. Commit something, or check out a branch that has commits.`;
    throw new AionisError("INPUT_INVALID", detail, { facts: { reason: "noCommits" } });
  }
  const promisor = "^(extensions\\.partialclone|remote\\..*\\.(promisor|partialclonefilter))$";
  const { exitCode } = await run(["config", "--name-only", "--get-regexp", promisor], { exits: [0, 1] });
  return {
    head,
    isShallow,
    isPartial: exitCode === 0,
    run,
    stream: (args, options) => streamGit({ folder: place, args, signal, ...options }, ports),
  };
}

/**
 * Whether the history of `head` goes on from `after`. If it does not (a rebase, a forced push, a commit that is gone), `mergeBase` is
 * the commit up to which both agree, if there is any.
 */
export async function relateHistory(
  repository: Repository,
  { head, after }: { head: string; after: string },
): Promise<{ isContinued: true } | { isContinued: false; mergeBase?: string }> {
  const known = await repository.run(["cat-file", "-e", `${after}^{commit}`], { exits: [0, 1, 128] });
  if (known.exitCode !== 0) return { isContinued: false };
  const ancestor = await repository.run(["merge-base", "--is-ancestor", after, head], { exits: [0, 1] });
  if (ancestor.exitCode === 0) return { isContinued: true };
  const { stdout } = await repository.run(["merge-base", after, head], { exits: [0, 1] });
  const mergeBase = stdout.trim();
  return { isContinued: false, ...(mergeBase === "" ? {} : { mergeBase }) };
}

/** A history by its name, and where it stands. */
export interface GitIdentity {
  /** The same for every clone: `git:` and the beginning of the hash of the first commit. */
  source: string;
  head: string;
  isShallow: boolean;
}

/**
 * Which history the repository of `folder` holds. It is named by its first commit, which all clones share wherever they lie and whatever
 * their remotes are called, and which no later commit changes; of several first commits, by that of the first parents. A shallow clone
 * does not know it, and is named by the commit at which it was cut off.
 * @throws AionisError as `openRepository`.
 */
export async function identifyGitHistory(
  request: { folder: string; signal?: AbortSignal | undefined },
  ports: GitPorts = systemGit,
): Promise<GitIdentity> {
  const { head, isShallow, run } = await openRepository(request, ports);
  const { stdout } = await run(["rev-list", "--first-parent", "--max-parents=0", head]);
  return { source: `git:${stdout.trim().slice(0, rootChars)}`, head, isShallow };
}

const rootChars = 16;

/** The names of the files that a commit holds. */
export interface FileList {
  files: string[];
  /** Whether there are more. */
  isTruncated: boolean;
}

/**
 * The files of a commit, by name, in git's order; names too long for a path are left out.
 * @param request `commit`: a hash or "HEAD"; with `^` after it, the commit before. `filesMax`: of the list.
 * @throws as `openRepository`, and `INPUT_INVALID` when there is no such commit.
 */
export async function listFilesAt(
  request: { folder: string; commit: string; filesMax: number; signal?: AbortSignal | undefined },
  ports: GitPorts = systemGit,
): Promise<FileList> {
  if (!/^(HEAD|[0-9a-f]{40}|[0-9a-f]{64})\^?$/.test(request.commit)) throw noCommit(request.commit);
  const files: string[] = [];
  let isTruncated = false;
  const tokens = createTokens(4 * limits.pathChars, (path) => {
    if (path.length > limits.pathChars) return;
    if (files.length < request.filesMax) files.push(path);
    else isTruncated = true;
  });
  const args = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", request.commit];
  for await (const chunk of streamGit({ folder: resolve(request.folder), args, signal: request.signal }, ports)) {
    tokens.push(chunk);
    if (isTruncated) break;
  }
  return { files, isTruncated };
}

/** @throws `INPUT_INVALID` if `text` cannot be a commit's hash: it is handed to git, and must not be read as anything else. */
export function requireHash(text: string): string {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) throw noCommit(text);
  return text;
}

function noCommit(text: string): AionisError {
  const detail = `${JSON.stringify(text.slice(0, 80))} is not a commit's full hash. \`git rev-parse\` gives it.`;
  return new AionisError("INPUT_INVALID", detail, { facts: { reason: "noCommit" } });
}

function refuseOldGit(said: string): void {
  const [, major = "0", minor = "0"] = /git version (\d+)\.(\d+)/.exec(said) ?? [];
  const isNew = Number(major) > versionMin[0] || (Number(major) === versionMin[0] && Number(minor) >= versionMin[1]);
  if (isNew) return;
  const detail = `This git is ${JSON.stringify(said.trim())}; ${versionMin.join(".")} or later is needed. Update git.`;
  throw new AionisError("GIT_UNUSABLE", detail);
}
