// NATS server
//
// A nats-server for one example, on a free port of the loopback interface and with JetStream. This is a program of its own that stands between,
// because a nats-server would outlive whoever started it. Usage: `nats-program.ts <folder for its store>`; its first line is the URL. Exit
// code 5: no nats-server can be had.

import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const [folder = "."] = process.argv.slice(2);
const loopback = "127.0.0.1";
const ending = new AbortController();
const end = (): void => ending.abort();
process.stdin.resume().on("end", end);
process.on("SIGINT", end).on("SIGTERM", end); // of a terminal, which sends it to all
try {
  process.exitCode = await serve(await findBinary());
} catch (error) {
  if (!ending.signal.aborted) {
    process.stderr.write(`${toText(error)}\n`);
    process.exitCode = 5;
  }
}
process.stdin.destroy();

/** Where the repository's script finds the server, or puts it when it must fetch it. */
async function findBinary(): Promise<string> {
  const script = fileURLToPath(new URL("../../scripts/nats-server.ts", import.meta.url));
  const argv = [...process.execArgv, script];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { signal: ending.signal });
  const [path = ""] = stdout.split("\n");
  return path;
}

/** Runs it until this program is to end. */
async function serve(binary: string): Promise<number> {
  const argv = ["-a", loopback, "-p", "-1", "-js", "-sd", folder];
  const server = spawn(binary, argv, { stdio: ["ignore", "ignore", "pipe"] });
  const exit = once(server, "exit");
  ending.signal.addEventListener("abort", () => server.kill("SIGKILL"));
  if (ending.signal.aborted) server.kill("SIGKILL");
  process.on("exit", () => server.kill("SIGKILL")); // also when this program fails
  await announce(server);
  await exit;
  if (!ending.signal.aborted) process.stderr.write("nats-server has ended.\n");
  return ending.signal.aborted ? 0 : 1;
}

async function announce(server: ChildProcessByStdio<null, null, Readable>): Promise<void> {
  for await (const line of createInterface({ input: server.stderr })) {
    const port = /Listening for client connections on \S+:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    process.stdout.write(`nats://${loopback}:${port}\n`);
    break;
  }
  server.stderr.resume(); // unread, the pipe would fill and the server would wait
}

function toText(error: unknown): string {
  if (error instanceof Error && "stderr" in error && typeof error.stderr === "string") return error.stderr.trim();
  return String(error);
}
