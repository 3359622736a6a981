// nats-server for tests
//
// A real server for one test: on loopback, on a port and in a folder of its own, ended by its process id.
// Owns: the process and the folder. Does not own: where the binary comes from (scripts/nats-server.ts), clients.
//
// Invariants:
//   N1. A server that was started or restarted has said INFO, and JetStream has answered if it was asked for.
//   N2. A server keeps its port and its folder through kills and restarts. The first start lets the server choose the
//       port, so nobody can take it in between; a restart that finds it taken tries again.
//   N3. Neither the process nor the folder outlives the test, however that ends.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import { findNatsServer, type NatsServerBinary } from "../../scripts/nats-server.ts";
import { forgetGroup, toMarked, watchGroup } from "../../src/kernel/reaper.ts";
import { patienceMs } from "./patience.ts";

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** What it calls itself. */
  readonly name: string;
  /** Of the process that runs now or ran last. */
  readonly pid: number;
  /** Its configuration, and the store of its JetStream. */
  readonly folder: string;
  /** Ends it at once, as a crash would. The folder stays. */
  kill(): Promise<void>;
  /** Starts it again, ending it in an orderly way first if it still runs. */
  restart(): Promise<void>;
  /** From then on it hangs, its connections open, until it is resumed. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends it and removes the folder. Safe to call twice. */
  stop(): Promise<void>;
}

export interface NatsServerOptions {
  /** Where to hand in its `stop` for the end of the test or of the suite: vitest's `onTestFinished`, or `atEndOfSuite()`. */
  readonly atEnd: (stop: () => Promise<void>) => unknown;
  /** The newest that can be had if absent. */
  readonly binary?: NatsServerBinary;
  readonly jetstream?: boolean;
  /** Further lines of its configuration. */
  readonly config?: string;
  /** What it calls itself in INFO; the name of its folder if absent. */
  readonly name?: string;
}

/** What a server says first on every connection; a part of it. */
export interface ServerInfo {
  readonly server_name: string;
  readonly version: string;
  readonly jetstream?: boolean;
  readonly auth_required?: boolean;
  readonly tls_required?: boolean;
  /** Of servers that a client may go to instead. */
  readonly connect_urls?: readonly string[];
}

const loopback = "127.0.0.1";
const oldestSuite = "bookworm"; // has 2.9

/**
 * Starts a server that belongs to the test.
 *
 * @throws Error with the server's log when it does not get ready.
 */
export async function startNatsServer({ atEnd, ...options }: NatsServerOptions): Promise<NatsServer> {
  const server = new Server(options.binary ?? (await findNatsServer()), options);
  atEnd(() => server.stop()); // N3: before there is a process
  await server.restart();
  return server;
}

/**
 * A suite that needs nats-server; it is given the one that was found, or fetched. Where none can be had the suite is skipped and says so,
 * but in CI it fails: there, what is not tested is not known to work.
 */
export function describeNats(name: string, tests: (binary: NatsServerBinary) => void): void {
  describe(name, async () => {
    const binary = await findNatsServer().catch(toError);
    if (binary instanceof Error) itIsMissing(name, binary.message);
    else tests(binary);
  });
}

/**
 * A suite that must hold on every server that we promise to work with: it runs on the newest that can be had and on the oldest, each as a
 * suite that names the version; once if they are the same. One that cannot be had is missed as in `describeNats`. Without `newest` it
 * runs on the oldest alone.
 */
export function describeNatsOnEach(
  name: string,
  tests: (binary: NatsServerBinary) => void,
  { newest = true }: { newest?: boolean } = {},
): void {
  describe(name, async () => {
    const versions = new Set<string>();
    for (const suite of newest ? [undefined, oldestSuite] : [oldestSuite]) {
      const binary = await findNatsServer({ suite }).catch(toError);
      if (binary instanceof Error) {
        describe(`on nats-server of ${suite ?? "any suite"}`, () => itIsMissing(name, binary.message));
      } else if (!versions.has(binary.version)) {
        versions.add(binary.version);
        describe(`on nats-server ${binary.version}`, () => tests(binary));
      }
    }
  });
}

/** What a server says first to every client. */
export async function readServerInfo(port: number): Promise<ServerInfo> {
  return JSON.parse(await converse(port, "", /^INFO (.*)\r\n/)) as ServerInfo; // the protocol's word for it
}

class Server implements NatsServer {
  readonly folder = mkdtempSync(join(tmpdir(), "aionis-nats-"));
  readonly name: string;
  port = -1; // the server is to choose
  readonly #binary: NatsServerBinary;
  readonly #jetstream: boolean;
  #running: Running | undefined;
  #isStopped = false;

  constructor(binary: NatsServerBinary, options: Omit<NatsServerOptions, "atEnd">) {
    this.#binary = binary;
    this.#jetstream = options.jetstream ?? false;
    this.name = options.name ?? basename(this.folder);
    writeFileSync(this.#configFile, toConfiguration(this, binary, options));
    process.on("exit", this.#clear); // N3: a runner that gives up runs no hooks
  }

  get url(): string {
    return `nats://${loopback}:${this.port}`;
  }

  get pid(): number {
    return this.#running?.child.pid ?? -1;
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.#end("SIGTERM");
    const startedAt = Date.now();
    while (!this.#isStopped) {
      try {
        return await this.#start();
      } catch (error) {
        // N2: it was free while the server was away, and the system lends free ports to whoever connects somewhere.
        const isTaken = toError(error).message.includes("address already in use");
        if (!isTaken || Date.now() - startedAt > patienceMs) throw error;
      }
      await sleep(50);
    }
    throw new Error("the server was stopped, and its folder is gone");
  }

  async pause(): Promise<void> {
    this.#running?.child.kill("SIGSTOP");
    // It answers until one of its threads has taken the signal. Only Linux tells when; elsewhere that moment is not awaited.
    const state = `/proc/${this.pid}/stat`;
    while (existsSync(state) && !readFileSync(state, "utf8").includes(") T ")) await sleep(1);
  }

  resume(): void {
    this.#running?.child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    process.off("exit", this.#clear);
    await this.#end("SIGKILL");
    this.#clear();
  }

  get #configFile(): string {
    return join(this.folder, "nats.conf");
  }

  async #start(): Promise<void> {
    this.#running = launch(this.#binary.path, ["-c", this.#configFile, "-a", loopback, "-p", String(this.port)]);
    this.port = await this.#running.listening;
    await untilReady(this.port, this.#jetstream);
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#running?.child.kill(signal);
    this.resume(); // while it is paused it would not notice a SIGTERM
    await this.#running?.ended;
  }

  readonly #clear = (): void => {
    this.#running?.child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  };
}

interface Running {
  readonly child: ChildProcess;
  /** The port that it serves clients on. */
  readonly listening: Promise<number>;
  readonly ended: Promise<void>;
}

function launch(path: string, args: readonly string[]): Running {
  const env = toMarked(process.env);
  const child = spawn(path, args, { env, stdio: ["ignore", "ignore", "pipe"], detached: true });
  const group = child.pid; // its own, which ends with this process (N3)
  if (group !== undefined) watchGroup(group);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()).once("error", () => resolve()));
  if (group !== undefined) void ended.then(() => forgetGroup(group)); // never rejects
  const listening = new Promise<number>((resolve, reject) => {
    let log = "";
    const fail = (why: string): void => reject(new Error(`nats-server ${why} before it listened:\n${log}`));
    const timer = setTimeout(fail, patienceMs, "took too long");
    const read = (text: string): void => {
      log += text;
      const port = /Listening for client connections on \S+:(\d+)/.exec(log)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      child.stderr.off("data", read).resume(); // unread, the pipe would fill and the server would wait
      resolve(Number(port));
    };
    child.stderr.setEncoding("utf8").on("data", read);
    void ended.then(() => {
      clearTimeout(timer);
      fail("ended");
    });
  });
  return { child, listening, ended };
}

function toConfiguration(
  { folder, name }: Pick<NatsServer, "folder" | "name">,
  { version }: NatsServerBinary,
  { jetstream = false, config = "" }: Omit<NatsServerOptions, "atEnd">,
): string {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  // Before 2.10 the word is unknown, and with it the server does not start.
  const sync = major > 2 || minor >= 10 ? "sync_interval: always" : "";
  const store = `jetstream {\n  store_dir: "${join(folder, "store")}"\n  ${sync}\n}\n`;
  return `server_name: "${name}"\n${jetstream ? store : ""}${config}\n`;
}

/** N1. Where clients must say who they are, or encrypt, it cannot ask; by then JetStream has been started all the same. */
async function untilReady(port: number, jetstream: boolean): Promise<void> {
  const info = await readServerInfo(port);
  if (!jetstream || info.auth_required === true || info.tls_required === true) return;
  const question = "CONNECT {}\r\nSUB reply 1\r\nPUB $JS.API.INFO reply 0\r\n\r\n";
  const endsAt = Date.now() + patienceMs;
  for (;;) {
    // In a cluster the leader answers, and a question that comes before there is one, or a way to it, is lost.
    const answer = await converse(port, question, /^MSG reply 1 \d+\r\n(.*)\r\n/m, 100).catch(String);
    if (answer.startsWith("{") && !answer.includes('"error"')) return;
    if (Date.now() > endsAt) throw new Error(`JetStream answered: ${answer}`);
    await sleep(20);
  }
}

/** Says `text` as a client would, and gives what `wanted` captures of what is heard. */
async function converse(port: number, text: string, wanted: RegExp, silenceMs = patienceMs): Promise<string> {
  const socket = connect(port, loopback).setEncoding("utf8");
  socket.setTimeout(silenceMs, () => socket.destroy(new Error(`nothing more was heard on port ${port}`)));
  socket.write(text);
  let heard = "";
  for await (const chunk of socket) {
    heard += chunk as string; // it has an encoding
    const found = wanted.exec(heard)?.[1];
    if (found !== undefined) return found; // which closes the socket, too
  }
  throw new Error(`port ${port} hung up after: ${heard}`);
}

/** Instead of the tests that need what cannot be had. */
function itIsMissing(name: string, why: string): void {
  if (process.env.CI !== "true") console.warn(`skipped: ${name}. ${why}`);
  it("has a nats-server to run on", ({ skip }) => {
    if (process.env.CI === "true") throw new Error(why);
    skip(why);
  });
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
