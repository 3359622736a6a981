// Program
//
// A program of an example in a process of its own. It lives for as long as its stdin is open: should the process that started it die in any
// way, nothing is left behind.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export interface Program extends AsyncDisposable {
  readonly pid: number | undefined;
  /** The first line that it prints, or undefined when it ends without one, or `signal` is aborted. */
  readonly firstLine: Promise<string | undefined>;
  readonly ended: Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Closes its stdin and waits for its end. Safe to call twice. */
  end(): Promise<void>;
}

const root = fileURLToPath(new URL("../..", import.meta.url)); // where the meaning of `aionis` is found
const patienceMs = 5_000;

/** Starts the TypeScript program at `url`, with the loader that this one was started with. */
export function startProgram(url: URL, args: readonly string[], signal?: AbortSignal): Program {
  const argv = [...process.execArgv, fileURLToPath(url), ...args];
  const child = spawn(process.execPath, argv, { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {}); // it has ended already
  const firstLine = readLine(child.stdout, signal);
  const ended = once(child, "exit").then(() => {});

  async function kill(): Promise<void> {
    child.kill("SIGKILL");
    await ended;
  }

  async function end(): Promise<void> {
    child.stdin.end();
    await Promise.race([ended, sleep(patienceMs, undefined, { ref: false })]);
    await kill(); // it hangs, unless it has ended
  }

  return { pid: child.pid, firstLine, ended, kill, end, [Symbol.asyncDispose]: end };
}

/** Called by the program itself: `stop` is called, and may be awaited, before it ends. */
export function endWithStdin(stop: () => unknown = () => {}): void {
  process.stdin.resume().on("end", () => void Promise.resolve(stop()).finally(() => process.exit(0)));
}

async function readLine(input: NodeJS.ReadableStream, signal: AbortSignal | undefined): Promise<string | undefined> {
  const lines = createInterface({ input, ...(signal === undefined ? {} : { signal }) });
  for await (const line of lines) {
    input.resume(); // what else it says is read by nobody, and must not fill the pipe
    return line;
  }
  return undefined;
}
