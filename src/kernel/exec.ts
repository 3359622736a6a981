// Exec
//
// Runs a command: argv without a shell, bounded in time and output, ended with all that it started. Owns: the child's process group from
// start to end, also when this process dies before it (`reaper.ts`). Does not own: what the result means, and any isolation: this implementation has none, and says so.

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import type { Clock } from "./clock.ts";
import { forgetGroup, toMarked, watchGroup } from "./reaper.ts";

/** A command to run. */
export interface Command {
  /** The program and its arguments; no shell reads them. */
  argv: readonly string[];
  cwd?: string | undefined;
  /** The child's whole environment, but for the mark `AIONIS_WORKER`; this process's if absent. */
  env?: Readonly<Record<string, string>> | undefined;
  timeoutMs: number;
  /** Bytes kept of each of stdout and stderr: the last ones, because that is where a failure tells of itself. */
  outputBytes: number;
  signal?: AbortSignal | undefined;
}

export interface CommandResult {
  /** Null when a signal ended it or it could not be started. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** Whether earlier output was left out. */
  truncated: boolean;
  /** Why it did not end by itself. */
  ended: "exit" | "timeout" | "aborted" | "unstartable";
  durationMs: number;
}

/** Runs commands. It never rejects: what went wrong is in the result. */
export interface Exec {
  readonly isolation: "none" | "bubblewrap";
  run(command: Command): Promise<CommandResult>;
}

/** Plain child processes, each the leader of a process group that is killed as a whole. */
export function createProcessExec(clock: Clock): Exec {
  return {
    isolation: "none",
    run: (command) => runChild(command, clock),
  };
}

const streamsGraceMs = 500; // for output that is on its way when the program has ended

function runChild(command: Command, clock: Clock): Promise<CommandResult> {
  const startedAt = clock.mono();
  const stdout = createTail(command.outputBytes);
  const stderr = createTail(command.outputBytes);
  const child = command.signal?.aborted === true ? undefined : start(command);
  if (child === undefined || child instanceof Error) {
    return Promise.resolve({
      exitCode: null,
      stdout: "",
      stderr: child === undefined ? "" : toStartError(command, child),
      truncated: false,
      ended: child === undefined ? "aborted" : "unstartable",
      durationMs: 0,
    });
  }
  if (child.pid !== undefined) watchGroup(child.pid);
  // Without a file handle left there are no streams, whatever the types say; the error event tells of it.
  child.stdout?.on("data", stdout.add);
  child.stderr?.on("data", stderr.add);

  return new Promise((resolve) => {
    let ended: CommandResult["ended"] = "exit";
    let cancelGrace = (): void => {};
    const kill = (why: CommandResult["ended"]) => (): void => {
      ended = why;
      killGroup(child.pid);
    };
    const abort = kill("aborted");
    const cancel = clock.setTimer(command.timeoutMs, kill("timeout"));
    command.signal?.addEventListener("abort", abort, { once: true });
    const finish = (exitCode: number | null): void => {
      cancel();
      cancelGrace();
      command.signal?.removeEventListener("abort", abort);
      const truncated = stdout.isTruncated() || stderr.isTruncated();
      const durationMs = Math.round(clock.mono() - startedAt);
      resolve({ exitCode, stdout: stdout.text(), stderr: stderr.text(), truncated, ended, durationMs });
    };
    child.on("error", (error) => {
      ended = "unstartable";
      stderr.add(Buffer.from(toStartError(command, error)));
      finish(null);
    });
    child.on("close", finish);
    // Something it started may hold its output open for ever: its own exit ends the group, and with it the streams. What has left the
    // group cannot be ended so; its output is no longer waited for.
    child.on("exit", (exitCode) => {
      cancel(); // it has ended, whatever it left behind
      command.signal?.removeEventListener("abort", abort);
      killGroup(child.pid);
      if (child.pid !== undefined) forgetGroup(child.pid);
      cancelGrace = clock.setTimer(streamsGraceMs, () => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        finish(exitCode);
      });
    });
  });
}

/** The child, or why there is none: `spawn` throws what it refuses at once, such as an empty or a too long command line. */
function start({ argv, cwd, env }: Command): ChildProcess | Error {
  const [program = "", ...args] = argv;
  try {
    return spawn(program, args, {
      cwd,
      env: toMarked(env ?? process.env),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // a group of its own, so that what it starts ends with it
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Why a program could not be started. Node.js names the program alone, even where it is the folder that is missing. */
function toStartError({ cwd }: Command, error: Error): string {
  if (cwd === undefined) return error.message;
  const why = whyUnusable(cwd);
  return why === undefined ? error.message : `${error.message}: its folder ${cwd} ${why}`;
}

function whyUnusable(folder: string): string | undefined {
  try {
    if (!statSync(folder).isDirectory()) return "is no folder";
    accessSync(folder, constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // of a system call
    return code === "ENOENT" ? "does not exist" : `cannot be entered (${code})`;
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // the group has ended
  }
}

/** Keeps the last bytes of a stream, in at most twice that much memory. */
function createTail(bytesMax: number) {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let isTruncated = false;
  const join = (): Buffer => {
    const whole = Buffer.concat(chunks);
    if (whole.length <= bytesMax) return whole;
    isTruncated = true;
    return whole.subarray(whole.length - bytesMax);
  };
  return {
    add(chunk: Buffer): void {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= 2 * bytesMax) return;
      chunks = [Buffer.from(join())];
      bytes = bytesMax;
    },
    text: () => join().toString("utf8"),
    isTruncated: () => isTruncated || bytes > bytesMax,
  };
}
