// Programs
//
// Programs of ours, each in a process of its own, for tests and for scripts.
//
// Invariants:
//   P1. No program outlives who started it: it is killed at the end, and when the starter's process exits. One that reads its standard
//       input also notices that its starter was killed: the input ends (unless it is stopped just then).

import { type ChildProcess, spawn } from "node:child_process";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { toCompiled } from "./entries.ts";
import { patienceMs } from "./patience.ts";

/** What is handed in for the end of a test, of a suite or of a script; what came last runs first. */
export type AtEnd = (stop: () => Promise<void>) => unknown;

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Waits until it has printed a line that is `text`. */
  printed(text: string): Promise<void>;
  /** Ends it at once and waits until it is gone. */
  kill(): Promise<void>;
  /** Its exit code, once it has ended by itself. */
  exited: Promise<number | null>;
}

/** What Node.js is given before a program, so that it finds `aionis` in the sources. */
export const fromSources: readonly string[] = [
  "--import",
  toCompiled(fileURLToPath(new URL("sources.ts", import.meta.url))),
];

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL"); // P1
});

export interface ProgramOptions {
  script: string;
  args: readonly string[];
  atEnd: AtEnd;
  /** Beside what the starter has. */
  env?: Readonly<Record<string, string>>;
  /** A command that runs the program that is named behind it, and ends with it. */
  through?: readonly string[];
}

/** Starts a program from its source, compiled where it was. */
export function startProgram({ script, args, atEnd, env, through = [] }: ProgramOptions): Program {
  const environment = { ...process.env, ...env };
  const [command = process.execPath, ...behind] = [...through, process.execPath, toCompiled(script), ...args];
  const child = spawn(command, behind, { env: environment, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  let stdout = "";
  let stderr = "";
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  void exited.then(() => running.delete(child)); // does not fail
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  atEnd(kill);

  async function printed(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        waiting.delete(look);
        settle();
      };
      const fail = (why: string): void =>
        end(() => reject(new Error(`${basename(script)} ${why} before it printed "${text}": ${stderr}`)));
      const look = (): void => {
        if (stdout.split("\n").includes(text)) end(resolve);
      };
      const timer = setTimeout(fail, patienceMs, "took too long");
      waiting.add(look);
      void exited.then(() => fail("ended"));
      look();
    });
  }
  return { pid: child.pid ?? -1, child, stdout: () => stdout, stderr: () => stderr, printed, kill, exited };
}
