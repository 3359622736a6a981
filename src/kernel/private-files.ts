import { chmodSync, lchownSync, lstatSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Takes a file from all but its owner, whatever the umask was. Nothing happens to another user's file, where there is none, and on file
 * systems without modes.
 */
export function makePrivate(path: string): void {
  giveToFolderOwner(path);
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode === undefined || (mode & 0o077) === 0) return;
  try {
    chmodSync(path, mode & 0o700);
  } catch {
    // it is another user's, or the file system keeps no modes
  }
}

/**
 * Gives a file that root made in another user's folder to that user, who could not read the own store any more after root, as in a container,
 * had opened it once. Any other process leaves files as they are. The owner of the folder could put a link to a file of root's in its place
 * between the look and the change; Linux refuses such links (fs.protected_hardlinks).
 */
export function giveToFolderOwner(path: string): void {
  if (process.getuid?.() !== 0) return;
  const file = lstatSync(path, { throwIfNoEntry: false });
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  if (file === undefined || folder === undefined || file.uid !== 0 || folder.uid === 0) return;
  const isOther = file.isSymbolicLink() || (file.isFile() && file.nlink > 1); // a link in the folder may be to a file of root's elsewhere
  if (isOther) return;
  try {
    lchownSync(path, folder.uid, folder.gid);
  } catch {
    // the file system keeps no owners, or this root is one of a container that does not know that user
  }
}
