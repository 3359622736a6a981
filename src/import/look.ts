// Looking
//
// What became of paths in a checkout: whether they are there, and where those went that are not. Owns: which folder paths are looked for in.
// Nothing outside of the checkout is looked at, and no file is opened for its name.

import { lstat, realpath, stat } from "node:fs/promises";
import { join, posix, relative, resolve, sep } from "node:path";
import { AionisError, isFailure } from "../contracts/failures.ts";
import { type CheckoutLook, isOfProject } from "../contracts/guidance.ts";
import { limits } from "../contracts/limits.ts";
import { type GitPorts, runGit, systemGit } from "./git-process.ts";
import { traceMoves } from "./moves.ts";

/** Where a checkout's files lie. */
export interface Place {
  /** The absolute path of its first folder. */
  root: string;
  /** Where the folder that was named lies in it: empty for `root` itself, else with `/` at its end. */
  prefix: string;
  /** Whether git can be asked where files went. */
  hasGit: boolean;
  /** What the last commit holds, where nothing of it is checked out: then that decides what is there. */
  tracked?: ReadonlySet<string> | undefined;
}

/**
 * Finds the first folder of the checkout that holds `folder`. Without a readable repository it is `folder` itself.
 * @param request `files`: of the last commit; absent without a repository.
 * @throws `INPUT_INVALID` with the fact `reason` `noFolder`; otherwise as `streamGit`.
 */
export async function findPlace(
  { folder, files }: { folder: string; files: readonly string[] | undefined },
  ports: GitPorts = systemGit,
): Promise<Place> {
  const own = await openFolder(folder);
  if (files === undefined) return { root: own, prefix: "", hasGit: false };
  const ask = async (...args: string[]): Promise<string> =>
    (await runGit({ folder: own, args: ["rev-parse", ...args], exits: [0, 128] }, ports)).stdout.replace(/\n$/, "");
  const root = await ask("--show-toplevel");
  if (root === "") return { root: own, prefix: "", hasGit: true, tracked: new Set(files) }; // a bare repository
  const isCheckedOut = await isThere(resolve(own, await ask("--git-path", "index")));
  const inside = relative(root, own).split(sep).join("/");
  const prefix = inside === "" || inside.startsWith("..") ? "" : `${inside}/`;
  return { root, prefix, hasGit: true, ...(isCheckedOut ? {} : { tracked: new Set(files) }) };
}

/**
 * Looks for `paths`, which are relative to the checkout's first folder or to the one that was named. Those that cannot lie in it are left out.
 * A repository that git cannot read, or not before the signal fires, tells of no move.
 */
export async function lookFor(
  { place, paths, signal }: { place: Place; paths: readonly string[]; signal?: AbortSignal | undefined },
  ports: GitPorts = systemGit,
): Promise<CheckoutLook> {
  const { root, tracked } = place;
  const exists = async (path: string): Promise<boolean> =>
    isOfProject(path) && (tracked === undefined ? await isThere(join(root, path)) : tracked.has(path));
  const look: CheckoutLook = { here: [], gone: [], moved: [] };
  const sought = new Map<string, string>(); // as git has it, to the path that was named
  for (const path of paths.filter(isOfProject).slice(0, limits.pathsLooked)) {
    const forms = toForms(path, place.prefix);
    const found = await Promise.all(forms.map(exists));
    if (found.includes(true)) look.here.push(path);
    else {
      look.gone.push(path);
      for (const form of forms) sought.set(form, path);
    }
  }
  if (!place.hasGit || sought.size === 0) return look;
  const moves = await findMoves({ root, paths: [...sought.keys()], signal, exists }, ports);
  for (const [form, now] of moves) {
    const from = sought.get(form) ?? form;
    if (now === form) look.here.push(from);
    const isPrefixed = form !== posix.normalize(from);
    const to = isPrefixed && now.startsWith(place.prefix) ? now.slice(place.prefix.length) : now;
    if (to.length > limits.pathChars || !look.gone.includes(from)) continue;
    if (now !== form) look.moved.push({ from, to });
    look.gone = look.gone.filter((path) => path !== from);
  }
  return look;
}

async function openFolder(folder: string): Promise<string> {
  try {
    const own = await realpath(resolve(folder));
    if ((await stat(own)).isDirectory()) return own;
  } catch {
    // told below: whatever the system says of it, no file can be looked for there
  }
  const detail = `${JSON.stringify(folder)} is not a folder that can be read. Name the folder of a checkout.`;
  throw new AionisError("INPUT_INVALID", detail, { facts: { reason: "noFolder" } });
}

async function findMoves(...[search, ports]: Parameters<typeof traceMoves>): Promise<Map<string, string>> {
  try {
    return await traceMoves(search, ports);
  } catch (error) {
    const isUntold = search.signal?.aborted === true || isFailure(error, "INPUT_INVALID", "GIT_UNUSABLE");
    if (isUntold) return new Map(); // what is not there is still not there
    throw error;
  }
}

function toForms(path: string, prefix: string): string[] {
  const own = posix.normalize(path);
  return prefix === "" ? [own] : [own, `${prefix}${own}`];
}

/** Only what surely is not there is missing: a folder that may not be read hides what it holds. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code !== "ENOENT" && code !== "ENOTDIR" && code !== "ENAMETOOLONG";
  }
}
