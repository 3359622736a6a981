// Host
//
// What the command line needs of the process around it: streams, environment, Ctrl-C. Tests hand in their own.

import type { Readable, Writable } from "node:stream";
import { exitCodes } from "./report.ts";

export interface Host {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** The width of the terminal that `stdout` is; absent when it is none. */
  columns: number | undefined;
  /** The same of `stderr`. */
  errorColumns: number | undefined;
  /** Calls `listener` at the first Ctrl-C or SIGTERM; the next one ends the process with 130. Returns a function that takes it back. */
  onInterrupt(listener: () => void): () => void;
  /** Ends the process when what was printed has been read, whatever is open. */
  exit(code: number): void;
}

/** The process itself. */
export function createProcessHost(): Host {
  const { stdin, stdout, stderr, env } = process;
  return {
    stdin,
    stdout,
    stderr,
    env,
    cwd: process.cwd(),
    columns: stdout.isTTY ? stdout.columns : undefined,
    errorColumns: stderr.isTTY ? stderr.columns : undefined,
    onInterrupt(listener) {
      let isSecond = false;
      const onSignal = (): void => {
        if (isSecond) process.exit(exitCodes.interrupted);
        isSecond = true;
        listener();
      };
      process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
      return () => void process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    },
    exit: (code) => void stdout.write("", () => process.exit(code)), // a failed write calls back, too
  };
}
