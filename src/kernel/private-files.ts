import { chmodSync, statSync } from "node:fs";

/**
 * Takes a file from all but its owner, whatever the umask was. Nothing happens to another user's file, where there is none, and on file
 * systems without modes.
 */
export function makePrivate(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode === undefined || (mode & 0o077) === 0) return;
  try {
    chmodSync(path, mode & 0o700);
  } catch {
    // it is another user's, or the file system keeps no modes
  }
}
