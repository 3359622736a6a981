import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const scope = "test/integration";

/** A program of ours in a process of its own. It is killed when the test ends. */
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

const patienceMs = 20_000;

/** Starts `file` of this folder. */
export function run(file: string, ...args: string[]): Program {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  let notice = (): void => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    notice();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  onTestFinished(kill);

  async function printed(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${file} ${why} before it printed "${text}": ${stderr}`));
      const timer = setTimeout(() => fail("took too long"), patienceMs);
      const look = (): void => {
        if (!stdout.split("\n").includes(text)) return;
        clearTimeout(timer);
        resolve();
      };
      notice = look;
      void exited.then(() => fail("ended"));
      look();
    });
  }
  return { pid: child.pid ?? -1, child, stdout: () => stdout, stderr: () => stderr, printed, kill, exited };
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
