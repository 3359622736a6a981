// Finds nats-server, or fetches it
//
// For the tests, and for a person: `tsx scripts/nats-server.ts [suite]` prints the path and the version. Looked for in
// this order: where NATS_SERVER_BIN points; on the PATH and where packages put it; in our cache; in the distribution's
// newer suites, whose package is unpacked into the cache. Nothing is installed, and no install hook ever comes here.
//
// Invariants:
//   S1. What is given back has been run: it has told its version.
//   S2. A folder of the cache is complete or absent. It is unpacked and tried beside its place and then renamed.
//   S3. An answer comes within `patienceMs`, and a failure says what was tried and what a person can do.

import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { readCodename, readDistributionSources, unpackPackage } from "./apt.ts";
import { type Binary, identify as identifyBinary, isExecutable, listFolders, toText } from "./binaries.ts";

export type NatsServerBinary = Binary;

export interface Search {
  /**
   * The server of this Debian suite, whatever else is installed: `bookworm` has 2.9, `trixie` 2.10, `forky` 2.15 or
   * later. They lie side by side in the cache.
   */
  readonly suite?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  /** The folder that takes the place of `/`. */
  readonly root?: string;
}

interface Place {
  readonly env: NodeJS.ProcessEnv;
  readonly root: string;
  readonly signal: AbortSignal;
}

/** Newest first. Their packages ask for no newer libraries than Debian 12 has. */
const newerSuites = ["forky", "trixie"];
const patienceMs = 180_000;

/**
 * Finds a nats-server, fetching it if it must. Any process may call it at any time.
 *
 * @throws Error that says what was tried and what to do about it.
 */
export async function findNatsServer({ suite, env = process.env, root = "/" }: Search = {}): Promise<NatsServerBinary> {
  const place = { env, root, signal: AbortSignal.timeout(patienceMs) };
  const misses: string[] = [];
  const suites = suite === undefined ? listSuites(root) : [suite];

  if (suite === undefined && env.NATS_SERVER_BIN) {
    return await identify(env.NATS_SERVER_BIN).catch((error: unknown) => fail([`NATS_SERVER_BIN: ${toText(error)}`]));
  }
  const installed = suite === undefined ? listInstalled(place) : [];
  const cached = suites.map((name) => toBinary(toFolder(env, name)));
  for (const path of [...installed, ...cached].filter(isExecutable)) {
    const found = await identify(path).catch(missed);
    if (found) return found;
  }
  for (const name of suites) {
    const found = await fetchFrom(name, place).catch(missed);
    if (found) return found;
  }
  return fail(["None that runs is on the PATH or in the cache.", ...misses]);

  function missed(error: unknown): undefined {
    misses.push(toText(error));
  }
}

/** The version in what `nats-server --version` prints. */
export function readVersion(printed: string): string | undefined {
  return /^nats-server: v(\d+\.\d+\.\d+\S*)$/m.exec(printed)?.[1];
}

/** None where there is no apt. The distribution's own comes last: it may be older, or not be Debian's at all. */
function listSuites(root: string): string[] {
  if (readDistributionSources(root).length === 0) return [];
  return [...new Set([...newerSuites, readCodename(root) ?? "stable"])];
}

/** Debian's package lies in `/usr/sbin`, which is not on every user's PATH. */
function listInstalled({ env, root }: Place): string[] {
  const usual = ["usr/sbin", "usr/local/sbin", "opt/homebrew/bin"].map((folder) => join(root, folder));
  const onPath = listFolders(env);
  return [...onPath, ...usual].map((folder) => join(folder, "nats-server"));
}

function toFolder(env: NodeJS.ProcessEnv, suite: string): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "aionis", `nats-server-${suite}`);
}

function toBinary(folder: string): string {
  return join(folder, "usr/sbin/nats-server");
}

function identify(path: string): Promise<NatsServerBinary> {
  return identifyBinary(path, readVersion, 10_000);
}

async function fetchFrom(suite: string, place: Place): Promise<NatsServerBinary> {
  const folder = toFolder(place.env, suite);
  await mkdir(join(folder, ".."), { recursive: true });
  const staging = await mkdtemp(`${folder}.`);
  try {
    await unpackPackage({ packageName: "nats-server", suite, into: staging, ...place });
    await identify(toBinary(staging)); // a newer suite's may ask for libraries that are not here
    await rename(staging, folder).catch(() => {}); // somebody was faster, and theirs is as good
  } catch (error) {
    throw new Error(`${suite}: ${toText(error)}`, { cause: error });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return await identify(toBinary(folder));
}

function fail(reasons: readonly string[]): never {
  const advice = [
    "Put nats-server on the PATH (macOS: `brew install nats-server`; Debian and Ubuntu: `apt-get install nats-server`),",
    "or set NATS_SERVER_BIN to where it is.",
  ];
  throw new Error(["No nats-server could be had.", ...reasons, ...advice].join("\n"));
}

if (import.meta.main) {
  try {
    const { path, version } = await findNatsServer({ suite: process.argv[2] });
    console.log(`${path}\n${version}`);
  } catch (error) {
    console.error(toText(error));
    process.exitCode = 1;
  }
}
