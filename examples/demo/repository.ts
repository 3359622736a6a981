// Repository
//
// The real input of the demo: a small library with a real bug, tests that show it, and a git history. Owns: the repository's folder, and how
// `git` and the tests are called there. Does not own: the environment that these see (`examples/processes/environment.ts`).

import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** Runs the tests of a repository; TAP is the form that a program can read. No path of this machine is in it, for it may run on another. */
export const testCommand = ["node", "--test", "--test-reporter=tap"];

export interface Repository {
  readonly path: string;
  /** What `git` printed, without the last line's end. */
  git(...args: string[]): Promise<string>;
}

const files = {
  "package.json": `{ "name": "retry-kit", "version": "1.0.0", "type": "module" }\n`,
  "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n## 1.0.0\n\n- First release.\n",
  "src/backoff.js": `/** How long to wait after a failed attempt, in milliseconds: 100, 200, 400, … up to \`maxMs\`. */
export function backoffMs(attempt, maxMs = 2_000) {
  return Math.min(100 * 2 ** (attempt - 1), maxMs);
}
`,
  // The bug: with 3 attempts it tries twice, and with 1 attempt not at all.
  "src/retry.js": `import { backoffMs } from "./backoff.js";

/** Calls \`work\` until it succeeds, at most \`attempts\` times; then throws its last error. */
export async function retry(work, { attempts = 3, sleep }) {
  let lastError;
  for (let attempt = 1; attempt < attempts; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      lastError = error;
      await sleep(backoffMs(attempt));
    }
  }
  throw lastError;
}
`,
  "test/backoff.test.js": `import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../src/backoff.js";

test("the wait doubles", () => assert.deepEqual([1, 2, 3].map((attempt) => backoffMs(attempt)), [100, 200, 400]));
test("the wait has an upper bound", () => assert.equal(backoffMs(50), 2_000));
`,
  "test/retry.test.js": `import assert from "node:assert/strict";
import { test } from "node:test";
import { retry } from "../src/retry.js";

const sleep = async () => {};
const failUntil = (good) => async (attempt) => {
  if (attempt < good) throw new Error("attempt " + attempt + " failed");
  return attempt;
};

test("a first success is returned at once", async () => assert.equal(await retry(failUntil(1), { sleep }), 1));
test("the third of three attempts counts", async () => assert.equal(await retry(failUntil(3), { sleep }), 3));
test("the last error is thrown", () => assert.rejects(retry(failUntil(9), { sleep }), /failed/));
`,
};

/** Makes the repository in `path`, with one commit. @throws when there is no `git`: an error with the code `ENOENT`. */
export async function makeRepository(path: string): Promise<Repository> {
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)("git", args, { cwd: path });
    return stdout.trimEnd();
  };
  await mkdir(path);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), text);
  }
  await git("-c", "init.defaultBranch=main", "init", "--quiet", "--template=");
  await git("config", "user.name", "demo");
  await git("config", "user.email", "demo@example.invalid");
  await git("config", "gc.auto", "0"); // nothing goes on in the background
  await git("add", ".");
  await git("commit", "--quiet", "--message", "Release 1.0.0");
  return { path, git };
}
