// Hold
//
// Makes a store one process's own before its file is opened, and notices when it is not any more. Owns: the lock beside the file, the note
// of who holds it, and this process's list of stores. Does not own: the file itself, whose own lock of SQLite comes on top.
//
// SQLite's locks are POSIX locks. They are the process's, and go when the process closes any descriptor of the file, also that of a copying
// or searching program. So no promise rests on one.
//
// Invariants:
//   H1. A second opener is refused before it opens the store's file: by the list of this process, by the lock, or by the note.
//   H2. The lock is on a file of its own, so that the kernel decides between those who start at one moment. When it was lost, the note still
//       stands: it is believed until its process is known to be dead.
//   H3. A new holder's note changes the folder before the store's file is opened. So a holder whose folder has not changed when its commit
//       is done knows that nobody had opened the file before; any other finds out that the store is lost before it answers.
//   H4. Neither the note nor the lock of a dead process refuses anybody.
//   H5. A file that was cut short in its place, as by copying another over it, is noticed before the next command that comes after a pause of
//       some milliseconds. What SQLite still holds of it does not fit it any more, and is not written.

import { rmSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { AionisError, isFailure } from "../../src/contracts/failures.ts";
import type { Holder } from "../../src/contracts/holder.ts";
import { type CancelTimer, type Clock, systemClock } from "../../src/kernel/clock.ts";
import { listAsHeld } from "../../src/kernel/held-stores.ts";
import {
  holderNote,
  isNoteFresh,
  newHolderToken,
  readHolder,
  removeHolder,
  renewHolder,
  writeHolder,
} from "../../src/kernel/holder-note.ts";
import { makePrivate } from "../../src/kernel/private-files.ts";
import { findFate, identifyProcess } from "../../src/kernel/process-identity.ts";
import { toStoreFailure } from "./failure.ts";
import { logBytesKept } from "./log-check.ts";

export interface Hold {
  /** Writes the note, unless it stands already. Before that nothing may be recorded (H3). @throws AionisError `STORE_FULL`, `STORE_FAILED` */
  confirm(): void;
  /** Says in the note where this process listens, or why nowhere; later, if there is no room now. @throws AionisError as `check` */
  noteSocket(socket: Pick<Holder, "socket" | "withoutSocket">): void;
  /**
   * That the store is still this process's (H3). It looks at the folder, and at the files when the folder has changed or `isThorough`.
   * @throws AionisError `STORE_FAILED`; from then on always.
   */
  check(isThorough?: boolean): void;
  /** That neither the file nor its log was cut short (H5). Looks every 5 ms at most. @throws AionisError as `check` */
  checkLengths(): void;
  /** What `check` has found and throws. */
  loss(): AionisError | undefined;
  /** Renews the note for those that cannot see this process. @throws AionisError as `check` */
  renew(): void;
  /**
   * Whether closing the database would write over what another program wrote: another process has opened the store meanwhile, or a file was cut
   * short.
   */
  isTaken(): boolean;
  /** Gives the store back, after its file was closed. Safe to call twice. */
  release(): void;
}

/**
 * Takes the store in `file`, whose folder exists; `confirm` then makes it known. `deadHolder` is the token of a holder that is known to be
 * dead although this process cannot see it.
 * @throws AionisError `STORE_IN_USE`; `STORE_FULL`, `STORE_DENIED` and `STORE_FAILED` when the lock cannot be made.
 */
export function takeHold(file: string, deadHolder?: string): Hold {
  const unlist = listAsHeld(file);
  if (unlist === undefined) throw inUse(file, readHolder(file)); // H1
  let lock: Database.Database | undefined;
  try {
    lock = takeLock(file);
    const found = readHolder(file);
    if (found !== undefined && found.token !== deadHolder && mayLive(file, found)) throw inUse(file, found);
    return new FileHold(file, { ...identifyProcess(), token: newHolderToken(), socket: null }, lock, unlist);
  } catch (error) {
    lock?.close();
    unlist();
    throw error;
  }
}

/** H2. Held until the database is closed; the file stays empty. */
function takeLock(file: string): Database.Database {
  const path = `${file}.lock`;
  let lock: Database.Database | undefined;
  try {
    lock = new Database(path, { timeout: 0 });
    makePrivate(path);
    lock.pragma("journal_mode = MEMORY"); // no second file
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY"))
      throw inUse(file, readHolder(file), error);
    if (error instanceof Database.SqliteError && ["SQLITE_NOTADB", "SQLITE_CORRUPT"].includes(error.code))
      throw new AionisError("STORE_FAILED", `${path} is not the empty file that it was; remove it, and start again.`, {
        cause: error,
      });
    throw toStoreFailure(error, path);
  }
}

/** H4: whether the process of a note is not known to be dead. */
export function mayLive(file: string, holder: Holder): boolean {
  const fate = findFate(holder);
  return fate === "unknown" ? isNoteFresh(file) : fate === "alive";
}

/** The failure of a second opener. */
export function inUse(file: string, holder: Holder | undefined, cause?: unknown): AionisError {
  const facts = holder === undefined ? {} : { pid: holder.pid, host: holder.host, ...toSocketFact(holder) };
  return new AionisError("STORE_IN_USE", `${file} is held by ${describe(holder)}.`, { cause, facts });
}

function toSocketFact({ withoutSocket }: Holder): { withoutSocket?: string } {
  return withoutSocket === undefined ? {} : { withoutSocket };
}

function describe(holder: Holder | undefined): string {
  if (holder === undefined) return "another process; connect to it, or wait until it ends";
  const own = identifyProcess();
  const isOwn = holder.pid === own.pid && holder.startedAt === own.startedAt && holder.pidSpace === own.pidSpace;
  if (isOwn) return `this process (${own.pid}), which has opened it already; close that runtime first`;
  const where = holder.host === own.host ? "" : ` of ${holder.host}`;
  const what =
    holder.withoutSocket === undefined
      ? "connect to it, or wait until it ends"
      : `it listens on no socket (${holder.withoutSocket}), so that only that program can use the store; wait until it ends`;
  return `process ${holder.pid}${where}; ${what}`;
}

const lookEveryMs = 1_000;

/** Looks after an open store while nothing is recorded in it, and renews the note. `onLost` is called once. Returns what ends it. */
export function watchHold(
  hold: Hold,
  clock: Pick<Clock, "setTimer">,
  onLost: (failure: AionisError) => void,
): () => void {
  let cancel: CancelTimer = () => {};
  function look(): void {
    try {
      hold.check(true); // also where there was no room for a note
      hold.renew();
    } catch (error) {
      const failure = toStoreFailure(error, "the note of the store's holder");
      if (failure.code !== "STORE_FULL") return onLost(failure);
    }
    cancel = clock.setTimer(lookEveryMs, look);
  }
  cancel = clock.setTimer(lookEveryMs, look);
  return () => cancel();
}

/** Files that must stay the same while a store is open, or must not appear: SQLite makes `-shm` only for those without our lock. */
const watchedEnds = ["", "-wal", "-shm", ".lock", ".holder"] as const;

/** Files that only grow, but for a log that begins anew. */
const growingEnds = ["", "-wal"] as const;
const lengthsEveryMs = 5;

type Inodes = Record<(typeof watchedEnds)[number], number | undefined>;

class FileHold implements Hold {
  readonly #file: string;
  readonly #folder: string;
  readonly #lock: Database.Database;
  readonly #unlist: () => void;
  #holder: Holder;
  /** Of the note that was there when the store was taken: a dead holder's. */
  readonly #foundToken: string | undefined;
  #isNoted = false;
  #isOutdated = false;
  #isReleased = false;
  #folderInode: number | undefined;
  /** The folder's time of change at the last thorough look; nothing when that look was too soon after it. */
  #unchangedSince: number | undefined;
  #inodes: Inodes | undefined;
  #lost: AionisError | undefined;
  #lengths = { "": 0, "-wal": 0 };
  #lengthsLookedAt = Number.NEGATIVE_INFINITY;
  #isCut = false;

  constructor(file: string, holder: Holder, lock: Database.Database, unlist: () => void) {
    this.#file = file;
    this.#folder = dirname(file);
    this.#holder = holder;
    this.#lock = lock;
    this.#unlist = unlist;
    this.#folderInode = look(this.#folder)?.ino;
    this.#foundToken = readHolder(file)?.token;
  }

  confirm(): void {
    if (this.#isNoted) return;
    this.#refuseOther();
    this.#write();
    this.#isNoted = true;
  }

  noteSocket(socket: Pick<Holder, "socket" | "withoutSocket">): void {
    this.#holder = { ...this.#holder, ...socket };
    this.#isOutdated = true;
    this.renew();
  }

  check(isThorough = false): void {
    if (this.#lost !== undefined) throw this.#lost;
    const folder = look(this.#folder);
    if (!isThorough && folder?.ctimeMs === this.#unchangedSince && folder?.ino === this.#folderInode) return;
    const what = this.#findLoss(folder?.ino) ?? this.#findCut();
    if (what === undefined) {
      this.#unchangedSince = folder === undefined || isRecent(folder.ctimeMs) ? undefined : folder.ctimeMs;
      return;
    }
    this.#lose(what);
  }

  checkLengths(): void {
    if (this.#lost !== undefined) throw this.#lost;
    const now = systemClock.mono();
    if (now - this.#lengthsLookedAt < lengthsEveryMs) return;
    this.#lengthsLookedAt = now;
    const what = this.#findCut();
    if (what !== undefined) this.#lose(what);
  }

  /** H3: where there was no room for a note, another holder may have written its own meanwhile, and has the store then. */
  #refuseOther(): void {
    const found = readHolder(this.#file)?.token;
    if (this.#inodes === undefined || found === undefined || found === this.#foundToken) return;
    this.#lose(describeLoss(holderNote(this.#file), ".holder", 0));
  }

  #lose(what: string): never {
    const copy = this.#isCut ? "restore a backup" : "a copy of what it held is saved beside its folder";
    this.#lost = new AionisError(
      "STORE_FAILED",
      `${what} while the store was open. Nothing more is recorded; ${copy}.`,
    );
    throw this.#lost;
  }

  /** Which file became shorter, in words. */
  #findCut(): string | undefined {
    for (const end of growingEnds) {
      const found = look(`${this.#file}${end}`);
      if (found === undefined || found.ino !== this.#inodes?.[end]) continue; // one that is gone or another is noticed by `check`
      const { size } = found;
      const known = end === "" ? this.#lengths[end] : Math.min(this.#lengths[end], logBytesKept);
      this.#lengths[end] = size;
      if (size >= known) continue;
      this.#isCut = true;
      return `${this.#file}${end} was cut from ${known} to ${size} bytes`;
    }
    return undefined;
  }

  loss(): AionisError | undefined {
    return this.#lost;
  }

  renew(): void {
    if (!this.#isNoted) return;
    this.check(true); // not over the note of another one
    if (!this.#isOutdated) return renewHolder(this.#file);
    try {
      this.#write();
    } catch (error) {
      if (!isFailure(error, "STORE_FULL")) throw error; // the older note holds the store as well
    }
  }

  isTaken(): boolean {
    if (this.#isCut) return true;
    const found = readHolder(this.#file);
    return (
      found !== undefined &&
      found.token !== this.#holder.token &&
      (this.#isNoted || found.token !== this.#foundToken) &&
      look(this.#file)?.ino === this.#inodes?.[""]
    );
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    removeHolder(this.#file, this.#holder.token);
    this.#lock.close();
    this.#unlist();
  }

  #write(): void {
    try {
      const inode = writeHolder(this.#file, this.#holder);
      this.#isOutdated = false;
      if (this.#inodes !== undefined) this.#inodes[".holder"] = inode;
    } catch (error) {
      rmSync(`${holderNote(this.#file)}.new`, { force: true });
      throw toStoreFailure(error, holderNote(this.#file));
    }
  }

  /** What became of the folder or of a file in it, in words; nothing when all are as they were. */
  #findLoss(folderInode: number | undefined): string | undefined {
    if (folderInode === undefined) return `${this.#folder} was removed or moved`;
    if (folderInode !== this.#folderInode) return `${this.#folder} was replaced by another folder`;
    const found = Object.fromEntries(watchedEnds.map((end) => [end, look(`${this.#file}${end}`)?.ino])) as Inodes; // of the same names
    const known = this.#inodes;
    this.#inodes ??= found;
    if (known === undefined) return undefined;
    for (const end of watchedEnds) {
      if (found[end] === known[end]) continue;
      if (known[end] === undefined && end !== "-shm") {
        known[end] = found[end]; // made by the first commit
        continue;
      }
      return describeLoss(`${this.#file}${end}`, end, found[end]);
    }
    return undefined;
  }
}

function describeLoss(path: string, end: keyof Inodes, inode: number | undefined): string {
  if (end === ".holder" && inode !== undefined) return `Another process took the store, as ${path} says,`;
  if (end === "-shm") return `Another program opened the store's file, as ${path} shows,`;
  return `${path} was ${inode === undefined ? "removed" : "replaced"}`;
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a folder on its way is gone, or closed to this user
  }
}

/** Whether another change can have the same time: file systems count it in steps, of some milliseconds or of two seconds. */
function isRecent(changedMs: number): boolean {
  const stepMs = Number.isInteger(changedMs / 1_000) ? 2_100 : 50;
  return systemClock.now() - changedMs < stepMs;
}
