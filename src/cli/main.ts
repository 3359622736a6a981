// The command line
//
// argv to one operation, and its answer to stdout, or to a command that stays. It returns an exit code. Loading the operations takes
// most of a short command's time, so what can be answered without them is.

import { readVersion } from "../kernel/version.ts";
import { createProcessHost, type Host } from "./host.ts";

/** Runs the command that `argv` (without the program's name) names. Returns the exit code; see `exitCodes`. */
export async function main(argv: readonly string[], host: Host = createProcessHost()): Promise<number> {
  if (asksVersion(argv)) {
    host.stdout.write(`${readVersion()}\n`);
    return await new Promise((resolve) => void host.stdout.write("", (error) => resolve(error == null ? 0 : 1)));
  }
  const { runCommandLine } = await import("./run.ts");
  return await runCommandLine(argv, host);
}

/** Only before the first word: after it, `-V` may be somebody's text. */
function asksVersion(argv: readonly string[]): boolean {
  const first = argv.findIndex((argument) => !argument.startsWith("-"));
  const options = first < 0 ? argv : argv.slice(0, first);
  return options.includes("--version") || options.includes("-V");
}
