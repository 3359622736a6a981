// Backup
//
// Copies a store while it is in use, folds the copy, and only then puts it where it was asked for. Owns: that nothing else than a whole copy is
// ever found there, and what is removed when it comes to nothing.

import { existsSync, linkSync, renameSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { verifyInParts } from "../../actors/index.ts";
import { AionisError } from "../contracts/failures.ts";
import { toHex } from "../kernel/digest.ts";
import type { Random } from "../kernel/random.ts";
import type { Store } from "../kernel/store.ts";
import { holdsStore, isStoreName } from "../kernel/store-folder.ts";
import type { BackupParts } from "./store-works.ts";

export interface BackupOptions extends BackupParts {
  store: Store;
  path: string;
  /** Opens the copy. */
  open(file: string): Store;
  random: Pick<Random, "bytes">;
}

/**
 * Makes a backup at `path`; resolves with its size and how many events it holds. One that was not folded is not known to be one.
 * @throws AionisError `INPUT_INVALID` where no file can come, `STORE_FAILED` when the copy does not verify, `RUNTIME_CLOSED` when it is not
 *   wanted any more. Then there is no file.
 */
export async function backUp(options: BackupOptions): Promise<{ bytes: number; events: number }> {
  const { store, path, isWanted, note } = options;
  mustBeFree(path);
  const part = `${path}.part-${toHex(options.random.bytes(4))}`; // what is left of it when this process dies is no backup, and says so
  try {
    const bytes = await store.backup(part, (copied) => {
      if (!isWanted()) throw givenUp();
      note({ phase: "copying", ...copied });
    });
    const events = await countEvents(options, part);
    putInPlace(part, path);
    return { bytes, events };
  } finally {
    for (const end of ["", "-wal", "-journal", ".lock"]) rmSync(`${part}${end}`, { force: true });
  }
}

function mustBeFree(path: string): void {
  if (!existsSync(dirname(path)))
    throw new AionisError("INPUT_INVALID", `${dirname(path)} does not exist; make the folder first.`);
  if (existsSync(path)) throw taken(path);
  if (isStoreName(basename(path)) && holdsStore(dirname(path)))
    throw new AionisError("INPUT_INVALID", `${path} is a name of the store's own; give another one.`);
}

async function countEvents({ open, inSlices, path }: BackupOptions, part: string): Promise<number> {
  const copy = open(part);
  try {
    let total = 0;
    for (const [index, name] of copy.scopeNames().entries()) {
      const tables = index === 0 ? copy : undefined; // they are looked at once
      const { events, problems } = await inSlices(verifyInParts(copy.scope(name), { tables }));
      const [problem] = problems;
      if (problem !== undefined)
        throw new AionisError("STORE_FAILED", `The backup ${path} does not fold to its rows: ${problem.what}.`);
      total += events;
    }
    return total;
  } finally {
    copy.close();
  }
}

/** A file that came there meanwhile stays: a link is never put over one. */
function putInPlace(part: string, path: string): void {
  try {
    linkSync(part, path);
  } catch (error) {
    if (existsSync(path)) throw taken(path);
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!withoutLinks.includes(code)) throw error;
    renameSync(part, path);
  }
}

const withoutLinks = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

function taken(path: string): AionisError {
  return new AionisError("INPUT_INVALID", `${path} exists; a backup goes to a new file.`);
}

function givenUp(): AionisError {
  return new AionisError("RUNTIME_CLOSED", "The backup was given up: its caller has gone, or the runtime closes.");
}
