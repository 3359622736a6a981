// Binaries
//
// What finding a program of somebody else's comes to, whichever it is: where to look, whether it runs, and which version it is.

import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter } from "node:path";
import { promisify } from "node:util";

export interface Binary {
  readonly path: string;
  readonly version: string;
}

/** The folders of the PATH, in their order. */
export function listFolders(env: NodeJS.ProcessEnv): string[] {
  return (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // the answer
  }
}

/** Runs it with `--version`. @throws Error when it does not run, or prints what `readVersion` does not know. */
export async function identify(
  path: string,
  readVersion: (printed: string) => string | undefined,
  timeoutMs: number,
): Promise<Binary> {
  const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: timeoutMs });
  const version = readVersion(stdout);
  if (version === undefined) throw new Error(`${path} --version printed "${stdout.trim()}"`);
  return { path, version };
}

export function toText(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error);
}
