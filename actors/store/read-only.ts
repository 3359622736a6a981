// Reading only
//
// A store that this process may read and not write: on a mount that is read-only, or another user's. SQLite cannot open a log there, so the
// files are copied to a folder of this process's own for as long as it reads. What is recorded elsewhere meanwhile is not seen.

import { constants, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { AionisError } from "../../src/contracts/failures.ts";
import type { Obstacle } from "../../src/kernel/access.ts";
import { listAsHeld } from "../../src/kernel/held-stores.ts";
import { readHolder } from "../../src/kernel/holder-note.ts";
import { makePrivate } from "../../src/kernel/private-files.ts";
import { inUse, mayLive } from "./hold.ts";

/** A copy to read. */
export interface ReadableCopy {
  readonly file: string;
  /** What every command is refused with. */
  readonly why: AionisError;
  remove(): void;
}

/**
 * Copies a store that nobody holds. `deadHolder` is the token of a holder that is known to be dead.
 * @throws AionisError `STORE_IN_USE`; what the file system says, when there is no room for the copy.
 */
export function copyToRead(file: string, obstacle: Obstacle, deadHolder: string | undefined): ReadableCopy {
  const holder = readHolder(file);
  const unlist = listAsHeld(file); // also: reading it would drop the locks of this process
  if (unlist === undefined) throw inUse(file, holder);
  const folder = mkdtempSync(join(tmpdir(), "aionis-read-")); // mode 0700
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true });
    unlist();
  };
  try {
    if (holder !== undefined && holder.token !== deadHolder && mayLive(file, holder)) throw inUse(file, holder);
    const copy = join(folder, basename(file));
    for (const end of ["", "-wal"]) {
      if (!existsSync(`${file}${end}`)) continue;
      copyFileSync(`${file}${end}`, `${copy}${end}`, constants.COPYFILE_FICLONE);
      makePrivate(`${copy}${end}`);
    }
    return { file: copy, why: readOnly(file, obstacle), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function readOnly(file: string, obstacle: Obstacle): AionisError {
  const why = obstacle === "EROFS" ? "its file system is read-only" : "this user may not write it";
  return new AionisError("STORE_READ_ONLY", `${file} can be read and not written: ${why}.`);
}
