import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const files = {
  "package.json": `{\n  "name": "retry-kit",\n  "version": "1.0.0",\n  "type": "module"\n}\n`,
  "CHANGELOG.md":
    "# Changelog\n\n## Unreleased\n\n- Retries wait twice as long each time.\n\n## 1.0.0\n\n- First release.\n",
};

/** Makes a small library in `folder`, with one release. */
export function makeRepository(folder: string): void {
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  git(folder, "-c", "init.defaultBranch=main", "init", "--quiet", "--template=");
  git(folder, "config", "user.name", "example");
  git(folder, "config", "user.email", "example@example.invalid");
  git(folder, "add", ".");
  git(folder, "commit", "--quiet", "--message", "Release 1.0.0");
  git(folder, "tag", "v1.0.0");
}

/** Moves a file to another folder, as somebody might who does not think of the releases. */
export function moveFile(folder: string, from: string, to: string): void {
  mkdirSync(join(folder, to, ".."), { recursive: true });
  git(folder, "mv", from, to);
  git(folder, "commit", "--quiet", "--message", `Move ${from} to ${to}`);
}

/** The releases that the repository has, oldest first. */
export function listReleases(folder: string): string[] {
  return git(folder, "tag", "--sort=version:refname").split("\n");
}

/** Gives what it printed, without the last line's end. */
function git(folder: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trimEnd();
}
