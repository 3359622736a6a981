// Store folder
//
// The folder that holds a store: its names, and that it is its owner's alone. It may hold other things too, as where a program keeps its
// store among its own files; then only what is the store's is touched.

import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AionisError } from "../contracts/failures.ts";
import { giveToFolderOwner, makePrivate } from "./private-files.ts";

/** The journal and all rows. SQLite and the hold keep files beside it that begin with its name. */
export const storeFile = "aionis.db";

/** The high-water mark. It changes when the journal of a store has grown. */
export const markFile = "aionis.mark";

/** Where the process that holds the store listens. */
export const socketFile = "runtime.sock";

const ignoreFile = ".gitignore";

/** Whether a file of a store's folder is the store's own. */
export function isStoreName(name: string): boolean {
  return [storeFile, markFile, socketFile].some(
    (own) => name === own || name.startsWith(`${own}-`) || name.startsWith(`${own}.`),
  );
}

/** Whether `folder` holds a store. */
export function holdsStore(folder: string): boolean {
  return lstatSync(join(folder, storeFile), { throwIfNoEntry: false }) !== undefined;
}

/**
 * Makes the folder if it is missing, and takes what is the store's from all but its owner. A folder that holds nothing else is closed to
 * others as a whole, and tells git to leave it alone.
 * @throws AionisError `STORE_FAILED` for a pipe or a device in place of a file, and what the file system says.
 */
export function prepareStoreFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const names = readdirSync(folder);
  for (const name of names) if (isStoreName(name)) refuseOtherKind(join(folder, name));
  for (const name of names) if (isStoreName(name) && !name.startsWith(socketFile)) makePrivate(join(folder, name));
  if (!names.every((name) => isStoreName(name) || name === ignoreFile)) return;
  closeFolder(folder);
  tellGit(folder);
}

/** Whoever opens a pipe to read it waits for a writer, without end. */
function refuseOtherKind(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false }); // none for a link that leads nowhere
  if (stats === undefined || stats.isFile() || stats.isDirectory() || stats.isSocket()) return;
  throw new AionisError("STORE_FAILED", `${path} is a pipe or a device, and no file; move it away.`);
}

/** A store can be read where there is no room for this, too. */
function tellGit(folder: string): void {
  try {
    writeFileSync(join(folder, ignoreFile), "*\n", { mode: 0o600, flag: "wx" });
    giveToFolderOwner(join(folder, ignoreFile));
  } catch {
    // it stands there already, or nothing can be written now
  }
}

/** A folder that a umask made unusable to its owner is opened to him. */
function closeFolder(folder: string): void {
  if ((statSync(folder).mode & 0o777) === 0o700) return;
  try {
    chmodSync(folder, 0o700);
  } catch {
    // it is another user's, or the file system keeps no modes
  }
}
