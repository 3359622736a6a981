// Worker module
//
// A user's file as a worker: loading it, and checking what it exports.

import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { z } from "zod";
import type { CheckFunction, Handler, Tool } from "../../sdk/index.ts";
import { AgentId, Role } from "../contracts/ids.ts";
import { toUsageError } from "./report.ts";

const isFunction = (value: unknown): boolean => typeof value === "function";
const isTool = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "execute" in value && isFunction(value.execute);

/** What a module may export as default, where a function alone is its handler and only that is needed. */
const WorkerModule = z.strictObject({
  agent: AgentId,
  roles: z.array(Role).default([]),
  concurrency: z.int().positive().default(1),
  checks: z.record(z.string(), z.custom<CheckFunction>(isFunction, "expected a function")).default({}),
  tools: z.array(z.custom<Tool>(isTool, "expected what defineTool() makes")).default([]),
  workspace: z.string().min(1).optional(),
  handler: z.custom<Handler>(isFunction, "expected a function"),
});
export type WorkerModule = z.infer<typeof WorkerModule>;

/**
 * Loads `file`, an absolute path, and puts `given` over what it says of itself. Where nobody names the agent, the file does.
 * @throws AionisError `INPUT_INVALID` when it is not there, cannot be loaded, or is no worker.
 */
export async function loadWorker(file: string, given: Partial<WorkerModule>): Promise<WorkerModule> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw toUsageError(`There is no module ${file}.`);
  if (found.isDirectory()) throw toUsageError(`${file} is a folder. Name the file of the worker in it.`);
  const exported = await importDefault(file);
  const worker = typeof exported === "function" ? { handler: exported } : exported;
  if (typeof worker !== "object" || worker === null || !("handler" in worker))
    throw toUsageError(`${file} exports no handler: export a function as default, or an object with a handler.`);
  const parsed = WorkerModule.safeParse({ agent: basename(file, extname(file)), ...worker, ...given });
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 3).map(({ path, message }) => [...path, message].join(": "));
  throw toUsageError(`The worker of ${file} cannot be started: ${issues.join("; ")}.`);
}

async function importDefault(file: string): Promise<unknown> {
  try {
    if (/\.[cm]?tsx?$/.test(file)) registerTypeScript(file);
    const { default: exported } = (await import(pathToFileURL(file).href)) as { default?: unknown }; // a module is an object
    return isCompiledToCommonJs(exported) ? exported.default : exported;
  } catch (cause) {
    const hint = needsTsx(cause) ? "; install tsx, which knows all of TypeScript" : "";
    throw toUsageError(`${file} cannot be loaded${hint}. ${showCause(cause)}`);
  }
}

/** The error with those lines of its stack that are a user's: what loads the module is Node.js and this file. */
function showCause(cause: unknown): string {
  const isLoader = (line: string): boolean =>
    /^\s+at .*(node:|\/node_modules\/commander\/)/.test(line) || line.includes(import.meta.dirname);
  return inspect(cause)
    .split("\n")
    .filter((line) => !isLoader(line))
    .join("\n");
}

/** With tsx, the project's or our own, all of TypeScript; without it what Node.js strips by itself, which is most from 22.18 on. */
function registerTypeScript(file: string): void {
  if (import.meta.url.endsWith(".ts")) return; // we are TypeScript: it is loaded already
  for (const from of [file, import.meta.url]) {
    const require = createRequire(from);
    try {
      (require("tsx/esm/api") as { register(): void }).register();
      return;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND";
}

function isCompiledToCommonJs(exported: unknown): exported is { default: unknown } {
  return typeof exported === "object" && exported !== null && "__esModule" in exported && "default" in exported;
}

function needsTsx(error: unknown): boolean {
  const codes = ["ERR_UNKNOWN_FILE_EXTENSION", "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX"];
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
