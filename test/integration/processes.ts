import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { type Program, startProgram } from "../support/programs.ts";

export const scope = "test/integration";

/** Starts `file` of this folder; it is killed when the test ends. */
export function run(file: string, ...args: string[]): Program {
  return runThrough([], file, ...args);
}

/** The same through a command that runs the program in other surroundings. */
export function runThrough(through: readonly string[], file: string, ...args: string[]): Program {
  return startProgram({ script: fileURLToPath(new URL(file, import.meta.url)), args, through, atEnd: onTestFinished });
}

/** A folder for a store and, beside it, for what programs do outside. */
export function makeFolder(): { path: string; log: string } {
  const folder = mkdtempSync(join(tmpdir(), "aionis-int-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { path: join(folder, "store"), log: join(folder, "log") };
}

/** The lines of a log, each as its words. */
export function readLog(file: string): string[][] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" "));
}
