// Copy
//
// Copies an open database to a file, some pages at a time, between which everything else has its turn. At the end SQLite waits until the whole
// file is on the disk, which takes seconds for a large one. So what was copied is written to the disk meanwhile, by the thread pool, and the
// copying never gets far ahead of that.

import { closeSync, existsSync, fdatasync, openSync, rmSync, writeFileSync } from "node:fs";
import type Database from "better-sqlite3";

/** How many bytes are copied, of how many. */
export interface Copied {
  done: number;
  total: number;
}

const pagesAtOnce = 100;
const pagesAhead = 1_000;

/**
 * Copies the committed state to `path`, for its owner alone, whatever the umask; resolves with its bytes. What `onCopied` throws ends it. A file
 * that was made for it is removed when it fails; what stood there already stays.
 */
export async function copyDatabase(
  database: Database.Database,
  path: string,
  onCopied: (copied: Copied) => void = () => {},
): Promise<number> {
  const pageBytes = Number(database.pragma("page_size", { simple: true }));
  const isNew = !existsSync(path);
  if (isNew) writeFileSync(path, "", { mode: 0o600, flag: "wx" });
  const flusher = createFlusher(path);
  try {
    const { totalPages } = await database.backup(path, {
      progress({ totalPages: total, remainingPages: left }) {
        onCopied({ done: (total - left) * pageBytes, total: total * pageBytes });
        return flusher.mayGoOn(total - left, left) ? pagesAtOnce : 0;
      },
    });
    return totalPages * pageBytes;
  } catch (error) {
    if (isNew) rmSync(path, { force: true });
    throw error;
  } finally {
    flusher.close(); // when SQLite has closed the file: closing it drops the locks that this process has on it
  }
}

/** Writes a file to the disk in the background, as it grows by pages. */
function createFlusher(path: string) {
  let file: number | undefined;
  let isFlushing = false;
  let isClosed = false;
  let flushedTo = 0;

  function flush(pages: number): void {
    file ??= openSync(path, "r+");
    isFlushing = true;
    flushedTo = pages;
    fdatasync(file, () => {
      isFlushing = false; // if it failed, SQLite's own at the end fails as well
      if (isClosed) closeFile();
    });
  }

  function closeFile(): void {
    if (file !== undefined) closeSync(file);
    file = undefined;
  }

  return {
    /** Whether more is to be copied now; else it is asked again in the next turn. */
    mayGoOn(pages: number, left: number): boolean {
      const isLast = left <= pagesAtOnce && pages > flushedTo;
      if (!isFlushing && (isLast || pages - flushedTo >= pagesAhead)) flush(pages);
      return !isFlushing || (left > pagesAtOnce && pages - flushedTo < pagesAhead);
    },
    close(): void {
      isClosed = true;
      if (!isFlushing) closeFile();
    },
  };
}
