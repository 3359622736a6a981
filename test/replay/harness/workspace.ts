// Workspaces
//
// A job's files in a temporary folder of their own. Owns: making it, reading it and taking it away again.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Workspace } from "../jobs/index.ts";
import { run } from "./tools.ts";

/** By path. */
export type Files = Readonly<Record<string, string>>;

/** Does `work` in a folder that holds the workspace, and removes the folder. */
export async function inFolder<Result>(
  workspace: Pick<Workspace, "files" | "git">,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "aionis-job-"));
  try {
    await layOut(folder, workspace);
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Puts the workspace into a folder, which is made if it is not there. */
export async function layOut(folder: string, { files, git }: Pick<Workspace, "files" | "git">): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  if (git !== undefined) await commit(folder, git);
}

/** Every file but git's own. @throws TypeError for one that is not UTF-8: two texts that are equal here are so byte by byte. */
export function readFiles(folder: string): Files {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  const own = files
    .map((file) => [relative(folder, file), file] as const)
    .filter(([path]) => !path.startsWith(".git/"));
  return Object.fromEntries(own.map(([path, file]) => [path, decoder.decode(readFileSync(file))]));
}

/** The files as they have to be afterwards. */
export function toExpected(files: Files, expected: Readonly<Record<string, string | null>>): Files {
  const all = Object.entries({ ...files, ...expected });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** The paths at which the two differ. */
export function listChanges(before: Files, after: Files): string[] {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...paths].filter((path) => before[path] !== after[path]).sort();
}

async function commit(folder: string, { tag, subjects = [] }: NonNullable<Workspace["git"]>): Promise<void> {
  const who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@people.example", "-c", "commit.gpgsign=false"];
  const git = async (...argv: string[]): Promise<void> => {
    const { exitCode, stderr } = await run(folder, ["git", ...who, ...argv]);
    if (exitCode !== 0) throw new Error(`git ${argv.join(" ")}: ${stderr}`);
  };
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("commit", "--quiet", "--message=Begin");
  if (tag !== undefined) await git("tag", tag);
  for (const subject of subjects) await git("commit", "--quiet", "--allow-empty", `--message=${subject}`);
}
