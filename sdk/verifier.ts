// Verifier
//
// Runs the checks of a task that its worker says is done, and gives what came of each as evidence. Owns: running them, bounded in time and
// in what is kept of them. Does not own: whether the task is done, which the runtime decides by the results.
//
// Invariants:
//   V1. A check passes when its command ended by itself with exit code 0, or its function said so. Whatever else becomes of it - it is not
//       there, throws, is ended by a signal or by its time, cannot be started - is a result that failed, whose output ends with why.
//   V2. All results of a task fit into one event: what is long is cut.

import { resolve } from "node:path";
import { limits } from "../src/contracts/limits.ts";
import type { Check, CheckResult } from "../src/contracts/values.ts";
import { sha256, toHex } from "../src/kernel/digest.ts";
import { unlessAborted } from "../src/kernel/unless-aborted.ts";
import { toErrorText } from "./error-text.ts";
import type { CheckFunction, RunParts } from "./parts.ts";

/** A check of the task's start, or one that the completion added. */
export type AnyCheck = Pick<Check, "name" | "command"> & { required?: boolean };

/** Where checks run, and until when. */
export interface CheckSite {
  /** A folder; the worker's if absent. */
  cwd: string | undefined;
  signal: AbortSignal;
}

const timeoutMs = 10 * 60_000;
const outputBytes = 16 * 1024; // of each output of a command
const outputChars = 8_000; // of both
const commandChars = 4_000;

type VerifierParts = Pick<RunParts, "clock" | "exec" | "options" | "task">;
type Result = Omit<CheckResult, "name">;

/** Runs checks one after the other; the results are in their order. Does not reject. */
export async function runChecks(
  parts: VerifierParts,
  checks: readonly AnyCheck[],
  { cwd, signal }: CheckSite,
): Promise<CheckResult[]> {
  const folder = resolve(cwd ?? parts.options.cwd ?? "");
  const results: CheckResult[] = [];
  for (const { name, command } of checks) {
    const run = (): Promise<Result> =>
      command === undefined ? runFunction(parts, name, folder, signal) : runCommand(parts, command, folder, signal);
    results.push({ name, ...(refuseIsolation(parts, command) ?? (await run())) });
  }
  return results;
}

/** What cannot be kept apart as it must is not run. */
function refuseIsolation({ exec, task }: VerifierParts, command: string[] | undefined): Result | undefined {
  const isolation = command === undefined ? "none" : exec.isolation;
  if (task.isolation === undefined || task.isolation === isolation) return undefined;
  const what = command === undefined ? "is a function" : `runs with ${isolation}`;
  return { passed: false, output: `The check ${what}; work of this family needs ${task.isolation}.`, isolation };
}

async function runCommand({ exec }: VerifierParts, argv: string[], cwd: string, signal: AbortSignal): Promise<Result> {
  const ran = await exec.run({ argv, cwd, timeoutMs, outputBytes, signal });
  const { exitCode, durationMs } = ran;
  const printed = `${ran.stdout}${ran.stderr}`;
  const ended = ran.ended === "exit" && exitCode === null ? "signal" : ran.ended;
  return {
    passed: exitCode === 0 && ended === "exit", // V1
    command: cutWords(argv),
    cwd: cwd.slice(-limits.lineChars).toWellFormed(),
    ended,
    ...(exitCode === null ? {} : { exitCode }),
    durationMs,
    output: toTail(ended === "exit" ? printed : `${printed}\n${whyEnded[ended]}`),
    outputHash: toHex(sha256(printed)),
    isolation: exec.isolation,
  };
}

const whyEnded = {
  timeout: `The check was ended after ${timeoutMs / 60_000} minutes.`,
  aborted: "The check was ended together with the run.",
  unstartable: "The command of the check could not be started.",
  signal: "The check was ended by a signal.",
};

async function runFunction(
  parts: VerifierParts,
  name: string,
  workspace: string,
  signal: AbortSignal,
): Promise<Result> {
  const { clock, options, task } = parts;
  const startedAt = clock.mono();
  const timeout = new AbortController();
  const cancel = clock.setTimer(timeoutMs, () => timeout.abort(new Error(whyEnded.timeout)));
  try {
    const either = AbortSignal.any([signal, timeout.signal]);
    const check = findFunction(options.checks, name);
    const { passed, output } = await unlessAborted(Promise.resolve(check({ task, workspace, signal: either })), either);
    const told = output === undefined ? {} : { output: toTail(output), outputHash: toHex(sha256(output)) };
    return { passed: passed === true, ...told, durationMs: Math.round(clock.mono() - startedAt), isolation: "none" };
  } catch (error) {
    const durationMs = Math.round(clock.mono() - startedAt);
    return { passed: false, output: toTail(toErrorText(error, "message")), durationMs, isolation: "none" };
  } finally {
    cancel();
  }
}

/** @throws Error for what is not there, also a name that every object inherits. */
function findFunction(checks: Readonly<Record<string, CheckFunction>> = {}, name: string): CheckFunction {
  const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
  if (check !== undefined) return check;
  throw new Error("The check has no command, and this worker no function of that name.");
}

/** The end of what a check said: what failed is told there. The cut may go through a surrogate pair. */
function toTail(text: string): string {
  return text.slice(-outputChars).toWellFormed();
}

/** V2. The check itself has the whole command. */
function cutWords(argv: readonly string[]): string[] {
  const words: string[] = [];
  let left = commandChars;
  for (const word of argv) {
    if (left > 0) words.push(word.slice(0, left).toWellFormed());
    left -= word.length;
  }
  return words;
}
