import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { onTestFinished } from "vitest";
import type { Host } from "../../src/cli/host.ts";
import { main } from "../../src/cli/main.ts";
import { type Connection, type CreateRuntimeOptions, createRuntime } from "../../src/index.ts";
import { fromSources } from "../support/programs.ts";

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

const binary = resolve(import.meta.dirname, "../../bin/aionis.mjs");

/** A folder that is gone when the test has ended. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aionis-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Child {
  /** Resolves with all of stdout so far when it contains `text`; rejects when the process ends before. */
  saw(text: string): Promise<string>;
  /** The same of stderr. */
  sawError(text: string): Promise<string>;
  interrupt(): void;
  kill(signal: "SIGKILL" | "SIGTERM"): void;
  /** Closes the reading end of its stdout. */
  hangUp(): void;
  ended: Promise<Result>;
}

interface Given {
  stdin?: string | undefined;
  /** Beside the variables of this process. */
  env?: Readonly<Record<string, string>>;
}

/** Starts the real binary. It is killed when the test has ended, if it has not ended by itself. */
export function startBinary(folder: string, args: readonly string[], given: Given = {}): Child {
  return startProgram(folder, [process.execPath, ...fromSources, binary, ...args], given);
}

/** Starts it as a person does in a checkout: without a loader that says what `aionis` means. */
export function startPlainBinary(folder: string, args: readonly string[]): Child {
  return startProgram(folder, [process.execPath, binary, ...args], {});
}

/** Starts the real binary in a shell that first says `before`. */
export function startBinaryAfter(before: string, folder: string, args: readonly string[], given: Given = {}): Child {
  return startProgram(
    folder,
    ["bash", "-c", `${before}; exec "$@"`, "bash", process.execPath, ...fromSources, binary, ...args],
    given,
  );
}

function startProgram(folder: string, [program = "", ...args]: readonly string[], { stdin = "", env }: Given): Child {
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, NO_COLOR: "1", ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdin.end(stdin);
  const stdout = collect(child, "stdout");
  const stderr = collect(child, "stderr");
  const ended = once(child, "close").then(
    ([code]): Result => ({ code: code as number | null, stdout: stdout.text(), stderr: stderr.text() }),
  );
  return {
    saw: (text) => Promise.race([stdout.saw(text), ended.then((result) => refuse(text, result))]),
    sawError: (text) => Promise.race([stderr.saw(text), ended.then((result) => refuse(text, result))]),
    interrupt: () => void child.kill("SIGINT"),
    kill: (signal) => void child.kill(signal),
    hangUp: () => void child.stdout.destroy(),
    ended,
  };
}

/** Runs the real binary to its end. */
export function runBinary(folder: string, args: readonly string[], stdin?: string): Promise<Result> {
  return startBinary(folder, args, { stdin }).ended;
}

function collect(
  child: ChildProcess,
  name: "stdout" | "stderr",
): { text(): string; saw(text: string): Promise<string> } {
  let seen = "";
  let tell = (): void => {};
  child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
    seen += chunk;
    tell();
  });
  return {
    text: () => seen,
    saw: (text) =>
      new Promise((settle) => {
        tell = () => (seen.includes(text) ? settle(seen) : undefined);
        tell();
      }),
  };
}

function refuse(text: string, result: Result): never {
  if (`${result.stdout}${result.stderr}`.includes(text)) return undefined as never; // the other promise has it
  throw new Error(`"${text}" was never printed: ${JSON.stringify(result)}`);
}

export interface InProcess {
  /** Runs `main` to its end. */
  run(
    args: readonly string[],
    options?: { stdin?: string | Uint8Array; columns?: number; errorColumns?: number; env?: Host["env"] },
  ): Promise<Result>;
  folder: string;
}

/** The command line in this process, in a folder of its own. */
export function setupCli(folder: string = makeFolder()): InProcess {
  return {
    folder,
    async run(args, { stdin = "", columns, errorColumns, env = {} } = {}) {
      const stdout = new Sink();
      const stderr = new Sink();
      const host: Host = {
        stdin: Readable.from([Buffer.from(stdin)]),
        stdout,
        stderr,
        env,
        cwd: folder,
        columns,
        errorColumns,
        onInterrupt: () => () => {},
        exit() {},
      };
      const code = await main(args, host);
      return { code, stdout: stdout.text, stderr: stderr.text };
    },
  };
}

/** A command line whose folder is served by a runtime in this process. */
export async function setupServed(options: CreateRuntimeOptions = {}) {
  const folder = makeFolder();
  const runtime = await createRuntime({ path: join(folder, ".aionis"), scope: "local/served", ...options });
  onTestFinished(() => runtime.close());
  const { run } = setupCli(folder);
  const withScope: typeof run = (args, rest) => run(["--scope", "local/served", ...args], rest);
  return { folder, runtime, run: withScope };
}

export async function startTask(runtime: Connection, brief = "a brief"): Promise<string> {
  const { taskId } = await runtime.tasks.start({ brief });
  return taskId;
}

/** Starts `main` in this process; `interrupt` is Ctrl-C, once it is `listening`. */
export function startCli(folder: string, args: readonly string[]) {
  const stdout = new PassThrough({ encoding: "utf8" });
  const stderr = new Sink();
  let interrupt = (): void => {};
  let tell = (): void => {};
  const listening = new Promise<void>((settle) => {
    tell = settle;
  });
  const host: Host = {
    stdin: Readable.from([]),
    stdout,
    stderr,
    env: {},
    cwd: folder,
    columns: undefined,
    errorColumns: undefined,
    onInterrupt(listener) {
      interrupt = listener;
      tell();
      return () => {};
    },
    exit() {},
  };
  const code = main(args, host).finally(() => stdout.end());
  return { lines: toLines(stdout), code, listening, interrupt: () => interrupt(), stdout, stderr };
}

async function* toLines(stream: Readable): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

class Sink extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString("utf8");
    done();
  }
}
