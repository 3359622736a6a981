// Git
//
// What bisecting asks of git. The user's repository is only read: commits are checked out in clones, which borrow its objects.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Commit } from "./search.ts";

/** A repository, known by the folder that holds its objects. */
export interface Repository {
  readonly folder: string;
}

const outputBytesMax = 1 << 30; // the log of a large range

/** The repository that `path` is in. @throws when it is in none, or there is no git: an error with the code `ENOENT`. */
export async function openRepository(path: string): Promise<Repository> {
  return { folder: await git(path, "rev-parse", "--path-format=absolute", "--git-common-dir") };
}

/** The id of the commit that `ref` names. */
export function readCommitId({ folder }: Repository, ref: string): Promise<string> {
  return git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`).catch(() => {
    throw new Error(`${ref} names no commit.`);
  });
}

/** What `bad` has and `good` has not, parents before children. @throws when `good` does not come before `bad`. */
export async function readRange({ folder }: Repository, good: string, bad: string): Promise<Commit[]> {
  await git(folder, "merge-base", "--is-ancestor", good, bad).catch(() => {
    throw new Error("The good commit is no ancestor of the bad one.");
  });
  const format = ["-c", "log.showSignature=false", "log", "--topo-order", "--reverse", "--format=%H%x09%P%x09%s"];
  const log = await git(folder, ...format, `${good}..${bad}`);
  if (log === "") throw new Error("The good commit and the bad one are the same.");
  return log.split("\n").flatMap((line) => {
    const [id = "", parents = "", ...subject] = line.split("\t");
    return id === "" ? [] : [{ id, parents: parents.split(" "), subject: subject.join("\t") }];
  });
}

/** Who made a commit, when and why. */
export function describeCommit({ folder }: Repository, id: string): Promise<string> {
  return git(folder, "show", "--no-patch", "--no-show-signature", "--format=%H%n%an, %ad%n%s", "--date=iso", id);
}

/** A folder of one's own to check out commits in. */
export async function makeClone({ folder }: Repository, clone: string): Promise<void> {
  await git(".", "clone", "--shared", "--no-checkout", "--quiet", "--template=", folder, clone);
}

/** Puts the files of a commit into the clone. What the repository ignores stays, as with `git bisect`: installed packages, caches. */
export async function checkOut(clone: string, id: string): Promise<void> {
  await git(clone, "-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "--force", "--detach", id);
  await git(clone, "clean", "-fdq");
}

/** In a git hook they would lead every git that is called from here, and by the user's command, to the hook's repository. */
export function forgetGitEnvironment(): void {
  for (const name of Object.keys(process.env))
    if (/^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX)$/.test(name)) delete process.env[name];
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("git", args, { cwd, maxBuffer: outputBytesMax });
  return stdout.trimEnd();
}
