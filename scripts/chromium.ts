// Finds Chromium, or installs it where nobody minds
//
// For the tests of pages, and for a person: `tsx scripts/chromium.ts` prints the path and the version. Looked for where CHROMIUM_BIN points and
// on the PATH. It leans on too many libraries to be unpacked into a cache as nats-server is: in CI, run by root, the system's
// package manager installs it; a person's machine is left as it is.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Binary, identify as identifyBinary, isExecutable, listFolders, toText } from "./binaries.ts";

export type ChromiumBinary = Binary;

export interface ChromiumSearch {
  readonly env?: NodeJS.ProcessEnv;
  /** Who asks: 0 is root. */
  readonly userId?: number | undefined;
}

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const macPath = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
const packagePath = "/usr/bin/chromium"; // where Debian's package puts it
const installMs = 300_000;

/**
 * Finds a Chromium that runs.
 *
 * @throws Error that says what was tried and what to do about it.
 */
export async function findChromium({
  env = process.env,
  userId = process.getuid?.(),
}: ChromiumSearch = {}): Promise<ChromiumBinary> {
  if (env.CHROMIUM_BIN) {
    return await identify(env.CHROMIUM_BIN).catch((error: unknown) => fail([`CHROMIUM_BIN: ${toText(error)}`]));
  }
  const misses: string[] = [];
  for (const path of listPlaces(env).filter(isExecutable)) {
    const found = await identify(path).catch((error: unknown) => void misses.push(toText(error)));
    if (found) return found;
  }
  if (env.CI === "true" && userId === 0) {
    const installed = await install(env).catch((error: unknown) => void misses.push(toText(error)));
    if (installed) return installed;
  }
  return fail(["None that runs is on the PATH.", ...misses]);
}

/** The version in what `chromium --version` prints. */
export function readVersion(printed: string): string | undefined {
  return /^(?:Chromium|Google Chrome) (\d+(?:\.\d+)+)/m.exec(printed)?.[1];
}

function listPlaces(env: NodeJS.ProcessEnv): string[] {
  const folders = listFolders(env);
  return [...names.flatMap((name) => folders.map((folder) => join(folder, name))), macPath];
}

function identify(path: string): Promise<ChromiumBinary> {
  return identifyBinary(path, readVersion, 20_000);
}

async function install(env: NodeJS.ProcessEnv): Promise<ChromiumBinary> {
  const options = {
    timeout: installMs,
    env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 16 * 1024 * 1024,
  };
  await promisify(execFile)("apt-get", ["update", "-qq"], options);
  await promisify(execFile)("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], options);
  return await identify(packagePath);
}

function fail(reasons: readonly string[]): never {
  const advice = [
    "Put chromium or google-chrome on the PATH (Debian: `apt-get install chromium`; macOS: install Google Chrome),",
    "or set CHROMIUM_BIN to where it is.",
  ];
  throw new Error(["No Chromium could be had.", ...reasons, ...advice].join("\n"));
}

if (import.meta.main) {
  try {
    const { path, version } = await findChromium();
    console.log(`${path}\n${version}`);
  } catch (error) {
    console.error(toText(error));
    process.exitCode = 1;
  }
}
