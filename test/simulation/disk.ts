// Disk
//
// The bytes under a simulated store, and what a failure leaves of them. A process's death takes nothing that was committed: the system
// writes it back. A power failure takes what was not synced: nothing where each commit is (synchronous FULL), and else any number of the
// last commits since a checkpoint, never one from the middle, because SQLite ignores its log from the first frame on that does not fit.
// That this is so, byte by byte, is shown on real files in `test/actors/store/wal.test.ts`.

import type Database from "better-sqlite3";
import type { Random } from "../../src/kernel/random.ts";

export interface Disk {
  /** What the next store begins with; nothing before the first. */
  readonly image: Buffer | undefined;
  /** A database on this disk's bytes is in use until the process or the machine dies. */
  mount(database: Database.Database): void;
  /** Tells that a commit has returned. */
  committed(): void;
  processDies(): void;
  powerFails(): void;
}

const commitsPerCheckpoint = 32;
const synchronousFull = 2;

/** An empty disk. `random` says how much a power failure takes. */
export function createDisk(random: Random): Disk {
  let mounted: Database.Database | undefined;
  let isSynced = true;
  let image: Buffer | undefined;
  let kept: Buffer[] = []; // what a power failure may leave, oldest first; the oldest is synced

  function committed(): void {
    if (isSynced || mounted === undefined) return;
    if (kept.length > commitsPerCheckpoint) kept = [];
    kept.push(mounted.serialize());
  }

  return {
    get image() {
      return image;
    },
    mount(database) {
      mounted = database;
      isSynced = Number(database.pragma("synchronous", { simple: true })) >= synchronousFull;
      committed(); // a new file's making is taken as synced
    },
    committed,
    processDies() {
      image = mounted?.serialize();
    },
    powerFails() {
      const left = kept[random.u32() % Math.max(kept.length, 1)];
      image = left ?? mounted?.serialize();
      kept = left === undefined ? [] : [left];
    },
  };
}
