// Repository
//
// The real input of the demo: a small library with a real bug, tests that show it, and a git history. Owns: the repository's folder and how
// `git` and the tests are called there. Nothing of this machine's git configuration is read or changed.

import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** Runs the tests of a repository; TAP is the form that a program can read. */
export const testCommand = [process.execPath, "--test", "--test-reporter=tap"];

export interface Repository {
  readonly path: string;
  /** The environment for commands that work in it. */
  readonly env: Record<string, string>;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
  /** What `git` printed, without the last line's end. */
  git(...args: string[]): Promise<string>;
  /** Commits `files` once for each `key`, however often it is asked; says which commit it is. */
  commit(key: string, message: string, files: string[]): Promise<string>;
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
  const repository = openRepository(path);
  await mkdir(path);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await repository.write(file, text);
  }
  await repository.git("-c", "init.defaultBranch=main", "init", "--quiet", "--template=");
  await repository.git("config", "user.name", "demo");
  await repository.git("config", "user.email", "demo@example.invalid");
  await repository.git("config", "gc.auto", "0"); // nothing goes on in the background
  await repository.git("add", ".");
  await repository.git("commit", "--quiet", "--message", "Release 1.0.0");
  return repository;
}

/** The repository that is in `path`. */
export function openRepository(path: string): Repository {
  const env = toEnv();

  async function git(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)("git", args, { cwd: path, env });
    return stdout.trimEnd();
  }

  /** The key stands in the message, so that whoever asks again finds the commit instead of making a second one. */
  async function commit(key: string, message: string, paths: string[]): Promise<string> {
    const find = (): Promise<string> => git("log", "--format=%h", "--fixed-strings", "--grep", `Step: ${key}`);
    const found = await find();
    if (found !== "") return found;
    await git("commit", "--quiet", "--message", `${message}\n\nStep: ${key}`, "--only", "--", ...paths);
    return await find();
  }

  return {
    path,
    env,
    read: (file) => readFile(join(path, file), "utf8"),
    write: (file, text) => writeFile(join(path, file), text),
    git,
    commit,
  };
}

/** Of this process's environment, what does not lead git or the test runner elsewhere (in a git hook, GIT_DIR is set). */
function toEnv(): Record<string, string> {
  const foreign = /^(GIT_.*|NODE_TEST_CONTEXT|NODE_OPTIONS|NODE_V8_COVERAGE)$/;
  const kept = Object.entries(process.env).filter(([name, value]) => value !== undefined && !foreign.test(name));
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
  };
}
