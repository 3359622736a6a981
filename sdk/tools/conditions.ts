// Conditions
//
// Looks whether a condition of a playbook holds here and now. Owns: looking. Does not own: the slots of a condition, which are filled before,
// and what becomes of a step whose condition does not hold. Nothing is changed, and no command is run.

import { accessSync, constants, statSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, isAbsolute, resolve } from "node:path";
import { isFailure } from "../../src/contracts/failures.ts";
import type { Condition } from "../../src/contracts/playbook.ts";
import { unlessAborted } from "../../src/kernel/unless-aborted.ts";
import { hasMatch } from "../../src/playbook/match.ts";
import { toErrorText } from "../error-text.ts";
import { inWorkspace, type Place, type PlaceOptions } from "./workspace.ts";

/** Whether something holds; if not, a sentence or two on why, of at most 1,000 characters. */
export type Verdict = { holds: true } | { holds: false; why: string };

/** A condition that a worker brings by name. What it throws is why it does not hold. */
export type ConditionCheck = (at: {
  workspace: string;
  signal: AbortSignal;
  /** What the step gave back; before a step there is none. */
  output?: unknown;
}) => boolean | Promise<boolean>;

/** Where a condition is looked at. */
export interface ConditionSite {
  /** The absolute path of the folder that its paths are of. */
  workspace: string;
  signal: AbortSignal;
  /** After a step alone: what it gave back. */
  output?: unknown;
  checks: Readonly<Record<string, ConditionCheck>>;
}

const whyChars = 1_000;
const shownChars = 200;
const namesShownMax = 10;

/**
 * Whether a condition holds whose slots are filled.
 * @throws AionisError `PATH_OUTSIDE` for a path that leaves the workspace: of what is there nothing is said. The signal's reason when it fires.
 */
export async function holds(condition: Condition, at: ConditionSite): Promise<Verdict> {
  at.signal.throwIfAborted();
  try {
    const why = await unlessAborted(look(condition, at), at.signal);
    return why === undefined ? { holds: true } : { holds: false, why: toWhy(why) };
  } catch (error) {
    at.signal.throwIfAborted();
    if (isFailure(error, "PATH_OUTSIDE")) throw error;
    return { holds: false, why: toWhy(isFailure(error) ? error.detail : toErrorText(error, "message")) };
  }
}

/** Why it does not hold. */
async function look(condition: Condition, at: ConditionSite): Promise<string | undefined> {
  switch (condition.kind) {
    case "file_exists":
      if (await exists(at.workspace, condition.path, {})) return undefined;
      return `There is nothing at ${show(condition.path)} in the workspace.`;
    case "path_not_exists": // a link that leads nowhere is in the way too
      if (!(await exists(at.workspace, condition.path, { stopsAtLink: true }))) return undefined;
      return `Something stands at ${show(condition.path)} in the workspace.`;
    case "command_available":
      return await lookForCommand(condition.command, at.workspace);
    case "env_exists":
      return readEnv(condition.name) === undefined ? `The variable ${show(condition.name)} is not set.` : undefined;
    case "env_equals":
      return lookAtEnv(condition.name, condition.value);
    case "port_free":
      return await lookAtPort(Number(condition.port));
    case "cwd_contains":
      return await lookForNames(condition.names, at.workspace);
    case "output_matches":
      return lookAtOutput(condition.pattern, at.output);
    case "exit_code":
      return lookAtExitCode(condition.code, at.output);
    case "check":
      return await runCheck(condition.name, at);
  }
}

/** A folder is as good as a file. */
async function exists(workspace: string, path: string, options: PlaceOptions): Promise<boolean> {
  return await inWorkspace(workspace, path, options, (place) => place?.stats !== undefined);
}

/** Why there is no such program. Looks as the system does: along PATH, unless it is named by a path. */
export async function lookForCommand(command: string, workspace: string): Promise<string | undefined> {
  if (isAbsolute(command)) return isProgram(command) ? undefined : `There is no program at ${show(command)}.`;
  if (command.includes("/")) {
    const isThere = await inWorkspace(workspace, command, {}, isProgramAt);
    return isThere ? undefined : `There is no program at ${show(command)} in the workspace.`;
  }
  const folders = (process.env.PATH ?? "").split(delimiter);
  if (folders.some((folder) => isProgram(resolve(workspace, folder, command)))) return undefined;
  return `The program ${show(command)} is not found along PATH. Install it, or add its folder to PATH.`;
}

function isProgramAt(place: Place | undefined): boolean {
  return place?.stats?.isFile() === true && isProgram(place.path);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // whatever is in the way of looking is in the way of running it
  }
}

/** Names that every object inherits are no variables. */
function readEnv(name: string): string | undefined {
  return Object.hasOwn(process.env, name) ? process.env[name] : undefined;
}

/** Values are not shown: many of them are secrets. */
function lookAtEnv(name: string, value: string): string | undefined {
  const found = readEnv(name);
  if (found === value) return undefined;
  return `The variable ${show(name)} ${found === undefined ? "is not set" : "has another value"}.`;
}

async function lookAtPort(port: number): Promise<string | undefined> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `${show(String(port))} is no port.`;
  for (const host of ["127.0.0.1", "::1"]) {
    const code = await tryPort(port, host);
    if (code === "EADDRINUSE") return `Something listens on port ${port}. End it, or name another port.`;
    if (code === "EACCES") return `The worker's user may not listen on port ${port}. Name one above 1023.`;
    if (code !== undefined && host === "127.0.0.1") return `Port ${port} cannot be tried (${code}).`;
  }
  return undefined; // a machine without IPv6 has nothing that listens there
}

/** Listens for a moment. The name of the error, if there is one. */
function tryPort(port: number, host: string): Promise<string | undefined> {
  return new Promise((settle) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => settle(undefined)));
  });
}

async function lookForNames(names: readonly string[], workspace: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (const name of names) if (!(await exists(workspace, name, { stopsAtLink: true }))) missing.push(name);
  return missing.length === 0 ? undefined : `The workspace does not contain ${list(missing)}.`;
}

function lookAtOutput(pattern: string, output: unknown): string | undefined {
  if (hasMatch(toText(output), pattern)) return undefined;
  const isCut = readOwn(output, "truncated") === true;
  return `What it gave back does not match ${show(pattern)}.${isCut ? " The beginning of it was not kept." : ""}`;
}

/** What a command printed, and of any other tool its text, or its output as JSON. */
function toText(output: unknown): string {
  const [stdout, stderr] = [readOwn(output, "stdout"), readOwn(output, "stderr")];
  if (typeof stdout === "string" && typeof stderr === "string") return `${stdout}\n${stderr}`;
  return typeof output === "string" ? output : (JSON.stringify(output) ?? "");
}

function lookAtExitCode(code: number, output: unknown): string | undefined {
  const found = readOwn(output, "exitCode");
  if (found === code) return undefined;
  if (typeof found === "number") return `It ended with exit code ${found}, not ${code}.`;
  const ended = readOwn(output, "ended");
  return `It has no exit code${typeof ended === "string" ? ` (${show(ended)})` : ""}, ${code} was to come.`;
}

async function runCheck(
  name: string,
  { checks, workspace, signal, ...given }: ConditionSite,
): Promise<string | undefined> {
  const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
  if (check === undefined) {
    const known = Object.keys(checks);
    return `This worker has no check ${show(name)}; it has ${known.length === 0 ? "none" : list(known)}.`;
  }
  return (await check({ workspace, signal, ...given })) ? undefined : `The check ${show(name)} says no.`;
}

function readOwn(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, namesShownMax).map(show).join(", ");
  return names.length > namesShownMax ? `${shown} and ${names.length - namesShownMax} more` : shown;
}

function show(text: string): string {
  return JSON.stringify(text.length > shownChars ? `${text.slice(0, shownChars)}…` : text);
}

function toWhy(text: string): string {
  return text.slice(0, whyChars).toWellFormed(); // the cut may go through a pair
}
