// The command line
//
// argv to one operation, and its answer to stdout, or to a command that stays. It returns an exit code. Loading the operations takes
// most of a short command's time, so what can be answered without them is.

import { readVersion } from "../kernel/version.ts";
import { createProcessHost, type Host } from "./host.ts";
import { createOutput } from "./output.ts";
import { exitCodes, showFailure, toFailure } from "./report.ts";

/** Runs the command that `argv` (without the program's name) names. Returns the exit code; see `exitCodes`. */
export async function main(argv: readonly string[], host: Host = createProcessHost()): Promise<number> {
  if (asksVersion(argv)) {
    return await printVersion(host);
  }
  const { runCommandLine } = await import("./run.ts");
  return await runCommandLine(argv, host);
}

async function printVersion(host: Host): Promise<number> {
  const output = createOutput(host);
  try {
    await output.print(readVersion());
    await output.flush();
    return 0;
  } catch (error) {
    output.fail(showFailure(toFailure(error, ""), { isJson: false }));
    return exitCodes.failure;
  }
}

/** Only before the first word: after it, `-V` may be somebody's text. */
function asksVersion(argv: readonly string[]): boolean {
  const first = argv.findIndex((argument) => !argument.startsWith("-"));
  const options = first < 0 ? argv : argv.slice(0, first);
  return options.includes("--version") || options.includes("-V");
}
