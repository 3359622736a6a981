// Moves
//
// Where files went that a checkout does not hold any more, as its history, its index and the contents of its files tell. Owns: what git is
// asked, and how much of it is read. Does not own: git's process (git-process.ts), and whether a file is there.
//
// Invariants:
//   M1. Git is asked about all paths at once, and nothing of the repository is run. What it says is used only where the file is there.
//   M2. What is read is bounded: the newest commits that touched the paths, and the first files that git does not track.

import { createHash } from "node:crypto";
import { lstat, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { isFailure } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import { createTokens } from "./commits.ts";
import { type GitPorts, runGit, streamGit } from "./git-process.ts";

export interface MoveSearch {
  /** The absolute path of the working tree's first folder. */
  root: string;
  /** As git has them, relative to `root`; none of them is there. */
  paths: readonly string[];
  signal?: AbortSignal | undefined;
  exists(path: string): Promise<boolean>;
}

const hopsMax = 5; // a file may have moved several times
const commitsRead = 900;
const renamesCompared = 1_000;
const untracked = { files: 500, bytes: 1024 * 1024 };

/** New paths by old ones, of those that were found; equal ones for files that are left out of the checkout on purpose. @throws as `streamGit`. */
export async function traceMoves(search: MoveSearch, ports: GitPorts): Promise<Map<string, string>> {
  const found = new Map((await listSkipped(search, ports)).map((path) => [path, path]));
  const contents = new Map<string, string>(); // the last known content of what was not found yet
  const seen = new Set(search.paths);
  let origins = new Map(search.paths.filter((path) => !found.has(path)).map((path) => [path, path]));
  for (let hop = 0; hop < hopsMax && origins.size > 0; hop += 1) {
    const next = new Map<string, string>();
    for (const [path, change] of await readLastChanges(search, [...origins.keys()], ports)) {
      const origin = origins.get(path) ?? path;
      contents.set(origin, change.content);
      if (change.to === undefined) continue;
      if (await search.exists(change.to)) found.set(origin, change.to);
      else if (!seen.has(change.to)) next.set(change.to, origin);
      seen.add(change.to);
    }
    origins = next;
  }
  const isOpen = () => search.paths.some((path) => contents.has(path) && !found.has(path));
  for (const findIn of [findInIndex, findInHead, findInUntracked]) {
    if (isOpen()) await findIn(search, { found, contents }, ports);
  }
  return found;
}

/** Those that a sparse checkout leaves out: they are not there, and not gone. */
async function listSkipped(search: MoveSearch, ports: GitPorts): Promise<string[]> {
  const skipped: string[] = [];
  const tokens = createTokens(4 * limits.pathChars, (token) => {
    if (token.startsWith("S ")) skipped.push(token.slice(2));
  });
  const args = ["--literal-pathspecs", "ls-files", "-z", "-t", "--", ...search.paths];
  for await (const chunk of streamGit({ ...toCall(search), args }, ports)) tokens.push(chunk);
  return skipped;
}

interface Change {
  /** Where the file went with it. */
  to?: string | undefined;
  /** The hash of what it held. */
  content: string;
}

interface Findings {
  found: Map<string, string>;
  contents: ReadonlyMap<string, string>;
}

/** The newest change of each path. */
async function readLastChanges(
  search: MoveSearch,
  paths: readonly string[],
  ports: GitPorts,
): Promise<Map<string, Change>> {
  const listed = ["--literal-pathspecs", "rev-list", "--no-merges", `--max-count=${commitsRead}`, "HEAD", "--"];
  const { stdout } = await runGit({ ...toCall(search), args: [...listed, ...paths] }, ports);
  if (stdout === "") return new Map();
  const read = async (renames: string): Promise<Map<string, Change>> => {
    const args = ["diff-tree", "--stdin", "--no-commit-id", "--root", "-r", ...rawArgs, renames];
    const changes = new Map<string, Change>();
    const wanted = new Set(paths);
    for await (const { status, from, to, hashes } of readEntries(search, { args, input: stdout }, ports)) {
      if (!wanted.has(from) || changes.has(from)) continue;
      const isRename = status === "R";
      changes.set(from, {
        content: status === "D" || isRename ? hashes.before : hashes.after,
        ...(isRename ? { to } : {}),
      });
      if (changes.size === wanted.size) break;
    }
    return changes;
  };
  try {
    return await read("-M");
  } catch (error) {
    if (!isFailure(error, "INPUT_INVALID")) throw error;
    return await read("-M100%"); // a partial clone lacks the contents that would be compared
  }
}

const rawArgs = ["-z", "--raw", "--no-abbrev", `-l${renamesCompared}`, "--no-ext-diff", "--no-textconv"];

/** What was renamed and not committed yet. */
async function findInIndex(search: MoveSearch, { found, contents }: Findings, ports: GitPorts): Promise<void> {
  const args = ["diff-index", "--cached", "--ignore-submodules=all", ...rawArgs, "-M", "HEAD"];
  for await (const { status, from, to } of readEntries(search, { args }, ports)) {
    if (status !== "R" || !contents.has(from) || found.has(from)) continue;
    if (await search.exists(to)) found.set(from, to);
  }
}

/** The same content under another path of the last commit: a copy was made, and later the old file was deleted. */
async function findInHead(search: MoveSearch, findings: Findings, ports: GitPorts): Promise<void> {
  const places = new Map<string, string[]>();
  const wanted = new Set(findings.contents.values());
  const tokens = createTokens(4 * limits.pathChars, (token) => {
    const [, hash = "", path = ""] = /^\d+ blob ([0-9a-f]+)\t(.*)$/s.exec(token) ?? [];
    if (wanted.has(hash)) places.set(hash, [...(places.get(hash) ?? []), path].slice(-placesMax));
  });
  const args = ["ls-tree", "-r", "-z", "--full-tree", "HEAD"];
  for await (const chunk of streamGit({ ...toCall(search), args }, ports)) tokens.push(chunk);
  await matchContents(search, findings, places);
}

const placesMax = 8;

/** The same content in a file that git does not track. */
async function findInUntracked(search: MoveSearch, findings: Findings, ports: GitPorts): Promise<void> {
  const names: string[] = [];
  const tokens = createTokens(4 * limits.pathChars, (name) => void names.push(name));
  const args = ["ls-files", "-z", "--others", "--exclude-standard"];
  for await (const chunk of streamGit({ ...toCall(search), args }, ports)) {
    tokens.push(chunk);
    if (names.length > untracked.files) break;
  }
  const algorithm = [...findings.contents.values()][0]?.length === 64 ? "sha256" : "sha1";
  const places = new Map<string, string[]>();
  for (const name of names.slice(0, untracked.files)) {
    search.signal?.throwIfAborted();
    const hash = await hashFile(join(search.root, name), algorithm);
    if (hash !== undefined) places.set(hash, [...(places.get(hash) ?? []), name].slice(-placesMax));
  }
  await matchContents(search, findings, places);
}

/** As git hashes a file that no filter changes. Nothing for what is no file or too large. */
async function hashFile(path: string, algorithm: string): Promise<string | undefined> {
  try {
    const { size, isFile } = await lstat(path).then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
    if (!isFile || size === 0 || size > untracked.bytes) return undefined;
    const content = await readFile(path);
    return createHash(algorithm).update(`blob ${content.length}\0`).update(content).digest("hex");
  } catch {
    return undefined; // it went away, or may not be read: then it is not found in it
  }
}

/** Of several files with the content the one of the same name is meant; else it cannot be told. */
async function matchContents(
  search: MoveSearch,
  { found, contents }: Findings,
  places: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  for (const [path, hash] of contents) {
    if (found.has(path) || emptyHashes.has(hash)) continue;
    const there = (places.get(hash) ?? []).filter((place) => place !== path);
    const named = there.filter((place) => basename(place) === basename(path));
    const [place, ...others] = named.length > 0 ? named : there;
    if (place !== undefined && others.length === 0 && (await search.exists(place))) found.set(path, place);
  }
}

/** Many files are empty: that two are says nothing. */
const emptyHashes = new Set(["sha1", "sha256"].map((name) => createHash(name).update("blob 0\0").digest("hex")));

interface Entry {
  status: string;
  from: string;
  to: string;
  hashes: { before: string; after: string };
}

/** The entries of git's raw format. Leaving the loop ends git. */
async function* readEntries(
  search: MoveSearch,
  call: { args: readonly string[]; input?: string },
  ports: GitPorts,
): AsyncGenerator<Entry> {
  let header: RegExpExecArray | null = null;
  let paths: string[] = [];
  let complete: Entry[] = [];
  const tokens = createTokens(4 * limits.pathChars, (token) => {
    if (header === null) {
      header = rawHeader.exec(token);
      return;
    }
    const [, before = "", after = "", status = ""] = header;
    paths.push(token);
    if (paths.length < (status === "R" || status === "C" ? 2 : 1)) return;
    const [from = "", to = from] = paths;
    complete.push({ status, from, to, hashes: { before, after } });
    header = null;
    paths = [];
  });
  for await (const chunk of streamGit({ ...toCall(search), ...call }, ports)) {
    tokens.push(chunk);
    yield* complete;
    complete = [];
  }
}

const rawHeader = /^:\d+ \d+ ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*$/;

function toCall({ root, signal }: MoveSearch) {
  return { folder: root, signal };
}
