// Holder notes
//
// The note beside a store's file that says which process holds it. It is replaced as a whole. Its time of change is renewed while the
// holder lives, for those that cannot see the holder's process.

import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { Holder } from "../contracts/holder.ts";
import { giveToFolderOwner } from "./private-files.ts";

/** How old the note of a living holder gets, which renews it each second; longer only when its event loop is held up. */
const noteLastsMs = 10_000;

/** Where the note of the store in `file` stands. */
export function holderNote(file: string): string {
  return `${file}.holder`;
}

/** A name for one holding of a store, unique among all. */
export function newHolderToken(): string {
  return randomBytes(12).toString("hex");
}

/** Who says to hold the store; nothing when there is no note, or half of one. */
export function readHolder(file: string): Holder | undefined {
  try {
    return Holder.parse(JSON.parse(readFileSync(holderNote(file), "utf8")));
  } catch {
    return undefined; // a note is written at once; what cannot be read was left by a machine that lost power
  }
}

/** Puts a note in place of the one that stands there. @returns its inode. */
export function writeHolder(file: string, holder: Holder): number {
  const beside = `${holderNote(file)}.new`;
  rmSync(beside, { force: true });
  writeFileSync(beside, `${JSON.stringify(holder)}\n`, { mode: 0o600, flag: "wx" });
  giveToFolderOwner(beside);
  renameSync(beside, holderNote(file));
  return statSync(holderNote(file)).ino;
}

/** Removes the note of this holder; another's stays. */
export function removeHolder(file: string, token: string): void {
  if (readHolder(file)?.token === token) rmSync(holderNote(file), { force: true });
}

/** Renews the note's time. */
export function renewHolder(file: string): void {
  const now = Date.now() / 1_000;
  utimesSync(holderNote(file), now, now);
}

/** Whether the note was renewed lately. A time in the future counts like one in the past: clocks may have been set. */
export function isNoteFresh(file: string): boolean {
  const { mtimeMs } = statSync(holderNote(file), { throwIfNoEntry: false }) ?? { mtimeMs: 0 };
  return Math.abs(Date.now() - mtimeMs) < noteLastsMs;
}
