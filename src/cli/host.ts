// Host
//
// What the command line needs of the process around it: streams, environment, Ctrl-C. Tests hand in their own.

import type { Readable, Writable } from "node:stream";

export interface Host {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** The width of the terminal that `stdout` is; absent when it is none. */
  columns: number | undefined;
  /** Calls `listener` at the first Ctrl-C; the next one ends the process. Returns a function that takes it back. */
  onInterrupt(listener: () => void): () => void;
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
    onInterrupt(listener) {
      process.once("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
  };
}
