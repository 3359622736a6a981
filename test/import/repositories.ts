// Repositories for tests
//
// Makes repositories as a test describes them, through `git fast-import`: any bytes in names and messages, any author, fixed times.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, onTestFinished } from "vitest";

export interface CommitSpec {
  message: string | Buffer;
  /** Names to contents. Null deletes. */
  files?: Record<string, string | null> | [name: Buffer, content: string][];
  renames?: [from: string, to: string][];
  author?: string;
  committer?: string;
  /** Which commits it follows, by their place in the list; the one before, if absent. */
  parents?: number[];
  /** Seconds after the first. */
  at?: number;
}

/** Seconds since 1970 of a repository's first commit, unless it says otherwise. */
export const firstCommitAt = 1_700_000_000;

const person = "Ada Lovelace <ada@example.com>";

/** Git as a person would run it, away from this machine's settings. */
export function git(folder: string, args: readonly string[], input?: Buffer | string): string {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: devNull,
    LC_ALL: "C",
  };
  return execFileSync("git", ["-C", folder, ...args], { env, input, encoding: "utf8", stdio: "pipe" }).trim();
}

export async function toArray<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const array: Item[] = [];
  for await (const item of items) array.push(item);
  return array;
}

/** `atEnd` is handed what removes it; by default it goes with the test. */
export function createFolder(atEnd: (end: () => void) => unknown = onTestFinished): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "aionis-import-")));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A repository whose branch `main` holds `commits`, and the hash of each. */
export function createRepository(
  commits: readonly CommitSpec[],
  atEnd?: Parameters<typeof createFolder>[0],
): { folder: string; ids: string[] } {
  const folder = createFolder(atEnd);
  git(folder, ["init", "--quiet", "--template=", "--initial-branch=main"]); // without hooks to copy
  return { folder, ids: addCommits(folder, commits) };
}

/** Makes `main` hold `commits` and nothing else. */
export function addCommits(folder: string, commits: readonly CommitSpec[]): string[] {
  if (commits.length === 0) return [];
  const marks = join(folder, ".git", "test-marks");
  git(folder, ["fast-import", "--quiet", "--force", `--export-marks=${marks}`], toStream(commits));
  git(folder, ["symbolic-ref", "HEAD", "refs/heads/main"]);
  const ids = new Map<number, string>();
  for (const line of readFileSync(marks, "utf8").trim().split("\n")) {
    const [mark = "", id = ""] = line.split(" ");
    ids.set(Number(mark.slice(1)), id);
  }
  return commits.map((_, index) => ids.get(index + 1) ?? "");
}

/** A suite that needs git. Without one it is skipped and says so, but in CI it fails. */
export function describeGit(name: string, tests: () => void): void {
  const why = whyNoGit();
  if (why === undefined) {
    describe(name, tests);
    return;
  }
  describe(name, () => {
    if (process.env.CI !== "true") console.warn(`skipped: ${name}. ${why}`);
    it("has a git to run", ({ skip }) => {
      if (process.env.CI === "true") throw new Error(why);
      skip(why);
    });
  });
}

function whyNoGit(): string | undefined {
  try {
    execFileSync("git", ["--version"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `git cannot be run: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function toStream(commits: readonly CommitSpec[]): Buffer {
  const parts: (string | Buffer)[] = ["reset refs/heads/main\n"];
  for (const [index, commit] of commits.entries()) {
    const { message, author = person, committer = person, renames = [], files = {}, at = index } = commit;
    const parents = commit.parents ?? (index === 0 ? [] : [index - 1]);
    const when = `${firstCommitAt + at} +0000`;
    parts.push(
      `commit refs/heads/main\nmark :${index + 1}\nauthor ${author} ${when}\ncommitter ${committer} ${when}\n`,
    );
    parts.push(...toData(message));
    for (const [place, parent] of parents.entries()) parts.push(`${place === 0 ? "from" : "merge"} :${parent + 1}\n`);
    for (const [from, to] of renames) parts.push(`R ${quote(from)} ${quote(to)}\n`);
    for (const [name, content] of Array.isArray(files) ? files : Object.entries(files)) {
      if (content === null) parts.push(`D ${quote(name)}\n`);
      else parts.push(`M 100644 inline ${quote(name)}\n`, ...toData(content));
    }
    parts.push("\n");
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part as string)));
}

function toData(content: string | Buffer): (string | Buffer)[] {
  const bytes = Buffer.from(content as string);
  return [`data ${bytes.length}\n`, bytes, "\n"];
}

/** As git reads names: each byte as an octal escape. */
function quote(name: string | Buffer): string {
  return `"${[...Buffer.from(name as string)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`;
}
