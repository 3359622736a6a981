// Workspace
//
// Finds what a path names without leaving a folder, while somebody may exchange folders for links all the time. Owns: the way from the
// workspace's root to one name, and the folder of that name while it is used. Does not own: what is done with it (`files.ts`).
//
// Invariants:
//   W1. A path is relative and has neither `..` nor NUL. Each folder on its way is opened by its name in the folder before it, never through
//       a link. Where a link stands, what it says takes its place in the path and the way begins anew, so that a link is followed as far as
//       it stays inside, also one that comes and goes.
//   W2. What is done is done to a name in an open folder, which was seen inside before and is looked at again afterwards. Whatever takes
//       the folder's place in between, its own entries are not reached.
//   W3. The last name is looked at, not followed, by all that is done with it: opening says O_NOFOLLOW, renaming and removing do not follow.
//   W4. The folder of a store is no part of the workspace, also where it stands in it (`apart-from-store.ts`).
//
// W2 needs `/proc/self/fd/<folder>/<name>`. Where there is none, as on macOS, a folder is used by its path. An exchange in the moment between
// the look and the use is then noticed, not prevented: nothing of a file outside is read or written, but one may be removed, and an empty
// file or folder be made. Everywhere, a folder that is moved out while it is open takes along what is done in it, and a hard link to a file
// outside is a file inside: it can be read, and writing replaces the one name and leaves the other.

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { isAbsolute, sep } from "node:path";
import { AionisError } from "../../src/contracts/failures.ts";
import { refuseStoreFolder, refuseStoreLink, refuseStoreName } from "./apart-from-store.ts";
import { codeOf, toToolFailure } from "./tool-failure.ts";

/** A name in an open folder of the workspace; good until the work on it has ended. */
export interface Place {
  /** For `node:fs`, which must not follow it (W3). */
  readonly path: string;
  /** What stands there, a link as such; undefined if nothing does. */
  readonly stats: Stats | undefined;
  /** The path of another name in the same folder. */
  beside(name: string): string;
  /** That what was opened by `path` stands in this folder. @throws AionisError `PATH_OUTSIDE` */
  confirm(path: string, opened: Stats): void;
}

export interface PlaceOptions {
  /** Makes the folders on the way that are missing. */
  makesFolders?: boolean;
  /** Stops at a link that is the last name. */
  stopsAtLink?: boolean;
  /** Whether folders are used by their descriptors; if absent, where that can be done. */
  usesDescriptors?: boolean;
}

/**
 * Does `work` at the place that `path` names in `workspace`; at none if a folder on its way is missing.
 * @throws AionisError `PATH_OUTSIDE`; `TOOL_FAILED` for what the file system refuses, in `work` too.
 */
export async function inWorkspace<Result>(
  workspace: string,
  path: string,
  options: PlaceOptions,
  work: (place: Place | undefined) => Result | Promise<Result>,
): Promise<Result> {
  try {
    const root = openRoot(workspace, options.usesDescriptors ?? hasDescriptorPaths);
    const found = findPlace(root, path, options);
    if (found === undefined) return await work(undefined);
    const { folder, name, stats } = found;
    try {
      requireInside(root, folder, path);
      const at = (other: string): string => pathIn(root, folder, other);
      const confirm = (opened: string, is: Stats): void => confirmOpened(root, folder, path, opened, is);
      const result = await work({ path: at(name), stats, beside: at, confirm });
      requireInside(root, folder, path);
      return result;
    } finally {
      closeSync(folder.fd);
    }
  } catch (error) {
    throw toToolFailure(error, path);
  }
}

interface Root {
  /** Its real path, and the one it was named by: an absolute link may say either. */
  readonly path: string;
  readonly named: string;
  readonly usesDescriptors: boolean;
}

interface Folder {
  readonly fd: number;
  /** As it was reached: names without links. */
  readonly path: string;
}

interface Found {
  readonly folder: Folder;
  readonly name: string;
  readonly stats: Stats | undefined;
}

const hasDescriptorPaths = existsSync("/proc/self/fd");
const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const turnsMax = 100; // links on one way, their two dots, and what changes meanwhile

function openRoot(workspace: string, usesDescriptors: boolean): Root {
  try {
    return { path: realpathSync(workspace), named: workspace, usesDescriptors };
  } catch (cause) {
    const detail = `The workspace "${workspace}" cannot be used (${codeOf(cause)}). Make the folder, or name another.`;
    throw new AionisError("TOOL_FAILED", detail, { cause });
  }
}

function findPlace(root: Root, path: string, options: PlaceOptions): Found | undefined {
  const names = toNames(path);
  for (let turn = 0; turn < turnsMax; turn += 1) {
    const found = walk(root, names, path, options);
    if (found !== "anew") return found;
  }
  const detail = `The links on the way of "${path}" lead in a circle, or change all the time. Name a path without them.`;
  throw new AionisError("TOOL_FAILED", detail);
}

function toNames(path: string): string[] {
  const names = path.split("/");
  if (path === "") throw new AionisError("TOOL_FAILED", "An empty path names nothing. Name a file of the workspace.");
  if (path.includes("\0")) throw outside(path, "it has a NUL in it");
  if (isAbsolute(path)) throw outside(path, "it is absolute");
  if (names.includes("..")) throw outside(path, 'it has ".." in it');
  if (sep !== "/" && /[\\:]/.test(path)) throw outside(path, "it has a backslash or a colon in it"); // they separate too on Windows
  return names.filter(isName);
}

/** Goes as far as there is no link. At one, or where two dots come from one, it changes `names` and says that the way begins anew. */
function walk(root: Root, names: string[], path: string, options: PlaceOptions): Found | "anew" | undefined {
  let folder = openFolder(root.path, root.path);
  let isKept = false;
  try {
    for (const [index, name] of names.entries()) {
      if (name === "..") return goBack(names, index, path);
      if (index === names.length - 1) {
        const stats = look(pathIn(root, folder, name));
        if (stats?.isSymbolicLink() === true && options.stopsAtLink !== true) {
          return followLink(root, folder, names, index, path);
        }
        refuseStore(root, folder, name, stats, path);
        isKept = true;
        return { folder, name, stats };
      }
      const next = enter(root, folder, name, options);
      if (next === "missing") return undefined;
      if (next === "anew") return next;
      if (next === "link") return followLink(root, folder, names, index, path);
      closeSync(folder.fd);
      folder = next;
      refuseStoreFolder(pathIn(root, folder, "."), fstatSync(folder.fd), path); // W4
    }
    isKept = true;
    return { folder, name: ".", stats: fstatSync(folder.fd) }; // the workspace itself
  } finally {
    if (!isKept) closeSync(folder.fd);
  }
}

/** W4, for the last name. */
function refuseStore(root: Root, folder: Folder, name: string, stats: Stats | undefined, path: string): void {
  if (stats?.isDirectory() === true) refuseStoreFolder(pathIn(root, folder, name), stats, path);
  refuseStoreName(pathIn(root, folder, "."), fstatSync(folder.fd), name, path);
  refuseStoreLink(stats, path);
}

/** The folder before `..` has just been opened, and so is no link: the two cancel each other. */
function goBack(names: string[], index: number, path: string): "anew" {
  if (index === 0) throw outside(path, "a link on its way leads above the workspace");
  names.splice(index - 1, 2);
  return "anew";
}

function followLink(root: Root, folder: Folder, names: string[], index: number, path: string): "anew" {
  const name = names[index] ?? ""; // walk() has come to it
  let target: string;
  try {
    target = readlinkSync(pathIn(root, folder, name));
  } catch (error) {
    if (["EINVAL", "ENOENT"].includes(codeOf(error))) return "anew"; // it is a link no more
    throw error;
  }
  if (!isAbsolute(target)) {
    names.splice(index, 1, ...target.split("/").filter(isName));
    return "anew";
  }
  const base = [root.path, root.named].find((known) => isWithin(known, target));
  if (base === undefined) throw outside(path, `"${name}" on its way is a link that leads out`);
  names.splice(0, index + 1, ...target.slice(base.length).split("/").filter(isName));
  return "anew";
}

function enter(
  root: Root,
  folder: Folder,
  name: string,
  { makesFolders = false }: PlaceOptions,
): Folder | "anew" | "link" | "missing" {
  const [at, path] = [pathIn(root, folder, name), `${folder.path}/${name}`];
  try {
    return openFolder(at, path);
  } catch (error) {
    const stats = look(at);
    if (stats === undefined && !makesFolders) return "missing";
    if (stats === undefined) return makeFolder(at, path);
    if (stats.isSymbolicLink()) return "link";
    if (stats.isFile() && !makesFolders) return "missing"; // what is under a file is not there
    if (stats.isDirectory() && ["ENOENT", "ENOTDIR", "ELOOP"].includes(codeOf(error))) return "anew"; // it was something else
    throw error;
  }
}

/** @throws what the system says, ENOTDIR for a link. */
function openFolder(at: string, path: string): Folder {
  return { fd: openSync(at, folderFlags), path };
}

function makeFolder(at: string, path: string): Folder {
  try {
    mkdirSync(at);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error; // somebody else made it
  }
  return openFolder(at, path);
}

function pathIn(root: Root, folder: Folder, name: string): string {
  return `${root.usesDescriptors ? `/proc/self/fd/${folder.fd}` : folder.path}/${name}`;
}

function look(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** W2 */
function requireInside(root: Root, folder: Folder, path: string): void {
  if (!isWithin(root.path, whereIs(root, folder))) throw outside(path, "a folder on its way was exchanged meanwhile");
}

/** The real path of a folder that is open; where descriptors do not tell, of the one that has its path, if it is the same. */
function whereIs(root: Root, folder: Folder): string {
  if (root.usesDescriptors) return readlinkSync(`/proc/self/fd/${folder.fd}`);
  const path = realpathSync(folder.path);
  return isSame(statSync(path), fstatSync(folder.fd)) ? path : "";
}

/** By its path, what was opened may have stood in another folder, which has made room for this one since. */
function confirmOpened(root: Root, folder: Folder, path: string, opened: string, is: Stats): void {
  if (root.usesDescriptors) return;
  requireInside(root, folder, path);
  const stands = look(opened);
  if (stands === undefined || !isSame(stands, is)) throw outside(path, "it was exchanged while it was opened");
  requireInside(root, folder, path);
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

function isName(name: string): boolean {
  return name !== "" && name !== ".";
}

function outside(path: string, why: string): AionisError {
  const shown = JSON.stringify(path.slice(0, 200));
  const detail = `${shown} leaves the workspace: ${why}. Name a path inside, relative to the workspace.`;
  return new AionisError("PATH_OUTSIDE", detail, { facts: { path } });
}
