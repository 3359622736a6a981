// Git process
//
// Runs git on a repository that nobody vouches for, and says in plain words what went wrong. Owns: the child from start to end, its
// environment and its overrides. Does not own: what is asked, and what the output means.
//
// Invariants:
//   G1. Nothing that the repository's configuration names is run: only plumbing is called, and what could start a program is overridden.
//   G2. The network is never used: what a partial clone lacks is missing.
//   G3. When a call has ended, by itself, by its caller or by the signal, its process is gone.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { devNull } from "node:os";
import { AionisError } from "../contracts/failures.ts";

/** The git that is run. */
export interface GitPorts {
  program: string;
  /** What git's environment is made of; its own variables (`GIT_…`) are not handed on. */
  env: Readonly<Record<string, string | undefined>>;
}

export const systemGit: GitPorts = { program: "git", env: process.env };

/** One call of git. */
export interface GitCall {
  folder: string;
  args: readonly string[];
  input?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Exit codes that are answers. Others are failures. */
  exits?: readonly number[] | undefined;
}

/** What git's end was: its exit code or what ended it, and the last it said. */
export interface GitEnd {
  exitCode: number | null;
  endedBy: string | null;
  stderr: string;
  unstartable?: Error | undefined;
}

const overrides = [
  ["core.fsmonitor", ""], // "false" would be a program's name before git 2.36
  ["core.hooksPath", devNull],
  ["core.pager", "cat"],
  ["diff.external", ""],
  // A folder that somebody named may belong to another user: what that check is there for cannot happen (G1).
  ["safe.directory", "*"],
];

const environment = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_NO_LAZY_FETCH: "1", // older ones do not know it: there, the protocols are what stops it
  GIT_ALLOW_PROTOCOL: "none", // goes before what the configuration allows
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_PAGER: "cat",
  LC_ALL: "C", // the failures are told apart by their texts
};

const stderrChars = 4_096;
const answerBytes = 64 * 1_024; // of a short answer: a hash, a count, a path

/**
 * What git writes to its standard output, chunk by chunk, and in the end its exit code. Leaving the loop ends git.
 * @throws the signal's reason, `GIT_UNUSABLE`, or `INPUT_INVALID` with a fact `reason` when git could not read the repository.
 */
export async function* streamGit(call: GitCall, ports: GitPorts): AsyncGenerator<Buffer, number> {
  call.signal?.throwIfAborted();
  const child = start(call, ports);
  const end = watchEnd(child);
  const kill = (): void => killGroup(child);
  call.signal?.addEventListener("abort", kill, { once: true });
  try {
    for await (const chunk of child.stdout ?? []) yield chunk as Buffer; // the stream has no encoding
    const { exitCode, ...why } = await end;
    call.signal?.throwIfAborted();
    if (exitCode !== null && (call.exits ?? [0]).includes(exitCode)) return exitCode;
    throw toGitFailure(call.folder, { exitCode, ...why });
  } finally {
    call.signal?.removeEventListener("abort", kill);
    kill();
    await end; // G3
  }
}

/** The whole of a short answer. Throws as `streamGit` does. */
export async function runGit(call: GitCall, ports: GitPorts): Promise<{ exitCode: number; stdout: string }> {
  const stream = streamGit(call, ports);
  const chunks: Buffer[] = [];
  let bytes = 0;
  let step = await stream.next();
  for (; !step.done; step = await stream.next()) {
    if (bytes < answerBytes) chunks.push(step.value);
    bytes += step.value.length;
  }
  return { exitCode: step.value, stdout: Buffer.concat(chunks).toString("utf8") };
}

/** Why git could not do it, and what to do. */
export function toGitFailure(folder: string, { exitCode, endedBy, stderr, unstartable }: GitEnd): AionisError {
  if (unstartable !== undefined) return toUnstartable(folder, unstartable);
  const known = failuresByText.find(({ text }) => text.test(stderr));
  if (known !== undefined) {
    return new AionisError("INPUT_INVALID", `${folder} ${known.detail}`, { facts: { reason: known.reason } });
  }
  const ending = endedBy === null ? `exit code ${exitCode}` : `it was ended by ${endedBy}`;
  const lastWords = stderr.trim().split("\n").at(-1) || ending;
  const detail = `git could not read the repository of ${folder} (${lastWords}). Run \`git fsck\` there to see what is damaged.`;
  return new AionisError("INPUT_INVALID", detail, { facts: { reason: "unreadable" } });
}

function toUnstartable(folder: string, cause: Error): AionisError {
  const code = "code" in cause ? cause.code : undefined;
  if (code === "ERR_INVALID_ARG_VALUE") {
    const facts = { reason: "noFolder" };
    return new AionisError("INPUT_INVALID", `${JSON.stringify(folder)} is not a path: it holds a NUL.`, { facts });
  }
  const detail = `git could not be started (${cause.message}). Install git, or put it on the PATH.`;
  return new AionisError("GIT_UNUSABLE", detail, { cause });
}

const failuresByText = [
  {
    text: /not a git repository/i, // git says so too when it may not look into .git
    reason: "notRepository",
    detail: "is not in a git repository that this user can read. Name a folder that is, or let the user read its .git.",
  },
  {
    text: /cannot change to .*: (No such file|Not a directory)/s, // a folder's name can hold line separators
    reason: "noFolder",
    detail: "is not a folder. Name the folder of a git repository.",
  },
  {
    text: /dubious ownership|unsafe repository/,
    reason: "foreignOwner",
    detail: "belongs to another user, and this git refuses it. Update git to 2.38, or add it to git's safe.directory.",
  },
  {
    text: /Not a valid object name HEAD/,
    reason: "noCommits",
    detail: "has no commit on its current branch. Commit something, or check out a branch that has commits.",
  },
  {
    text: /permission denied/i,
    reason: "permissionDenied",
    detail: "cannot be read by this user. Let the user read the folder and its .git, or run as its owner.",
  },
  {
    text: /promisor|lazy fetching|transport '.*' not allowed/,
    reason: "partial",
    detail:
      "is a partial clone that lacks what is needed, and nothing is fetched for it. Run `git fetch --refetch --filter=blob:none` there.",
  },
  {
    text: /unknown repository extension|expected git repo version|unknown object format/i,
    reason: "newerFormat",
    detail: "is in a format that this git does not know. Update git.",
  },
];

/** The child. What `spawn` refuses at once is a failure like any other. */
function start(call: GitCall, { program, env }: GitPorts): ChildProcess {
  const own = Object.entries(env).filter(([name]) => !name.startsWith("GIT_"));
  const settings = overrides.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  // `-C` and no working directory of its own: a program named git in that folder must not be what is started.
  const args = ["-C", call.folder, "--no-pager", ...settings, ...call.args];
  try {
    const child = spawn(program, args, {
      env: { ...Object.fromEntries(own), ...environment },
      stdio: [call.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached: true, // a group of its own, so that what it starts ends with it, and a terminal's Ctrl-C is the caller's
    });
    child.stdin?.on("error", () => {}); // git ended before it read all; its exit code tells why
    child.stdin?.end(call.input);
    return child;
  } catch (error) {
    const unstartable = error instanceof Error ? error : new Error(String(error));
    throw toGitFailure(call.folder, { exitCode: null, endedBy: null, stderr: "", unstartable });
  }
}

async function watchEnd(child: ChildProcess): Promise<GitEnd> {
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-stderrChars);
  });
  try {
    const [exitCode, endedBy] = (await once(child, "close")) as [number | null, string | null]; // as documented
    return { exitCode, endedBy, stderr };
  } catch (error) {
    const unstartable = error instanceof Error ? error : new Error(String(error));
    return { exitCode: null, endedBy: null, stderr, unstartable };
  }
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // the group has ended
  }
}
