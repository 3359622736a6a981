// Log check
//
// Looks at the write-ahead log that a dead process left, before SQLite does: SQLite takes it up to the first frame that is not whole, and
// drops the rest without a word. Dropping what was being written when the process died is right. What lies before other commits was whole
// once, and was acknowledged.
//
// Only the last commit can be incomplete: a commit is written in order, and synced before the next one at durability "power". (At durability
// "process" a power failure may leave holes; then, too, what was acknowledged is missing.)
//
// The format is that of https://www.sqlite.org/fileformat2.html#walformat

import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { AionisError } from "../../src/contracts/failures.ts";

/** How long a log stays when it begins anew. It is never cut below that while the store is open. */
export const logBytesKept = 64 * 1024 * 1024;

const headerBytes = 32;
const frameHeaderBytes = 24;
const readBytes = 1_048_576;
const [magicLittle, magicBig] = [0x377f0682, 0x377f0683];

/**
 * Refuses a store whose log holds commits that could not be read any more: they follow a frame that was changed, or the file that they belong
 * to is gone or empty. SQLite makes that file before its log, and removes a log without one.
 * @throws AionisError `JOURNAL_DAMAGED`, with the length to which the log can be cut to go on without them.
 */
export function refuseDamagedLog(storeFile: string): void {
  const path = `${storeFile}-wal`;
  const file = openLog(path);
  if (file === undefined) return;
  try {
    const { size } = fstatSync(file);
    if (size <= headerBytes) return;
    refuseLogAlone(storeFile, path);
    const lost = findLost(file, size);
    if (lost === undefined) return;
    throw new AionisError(
      "JOURNAL_DAMAGED",
      `${path} was changed at byte ${lost.at}, and ${lost.frames} pages of later commits behind it cannot be read. Restore a backup; to go on without them, cut the file to ${lost.at} bytes.`,
    );
  } finally {
    closeSync(file);
  }
}

function refuseLogAlone(storeFile: string, path: string): void {
  const found = statSync(storeFile, { throwIfNoEntry: false });
  if (found !== undefined && found.size > 0) return;
  const what = found === undefined ? "is missing" : "is empty";
  const detail = `${storeFile} ${what}, and its log ${path} holds commits, which go with it. Put the file back or restore a backup; to begin a new store, move the log away.`;
  throw new AionisError("JOURNAL_DAMAGED", detail);
}

function openLog(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined; // there is none, or SQLite will say what is the matter
  }
}

function findLost(file: number, size: number): { at: number; frames: number } | undefined {
  const header = read(file, 0, headerBytes);
  const magic = header.readUInt32BE(0);
  const isBig = magic === magicBig;
  const sums = new Sums(isBig);
  sums.add(header, 0, 24);
  const isWhole = (isBig || magic === magicLittle) && sums.are(header, 24);
  if (!isWhole) return { at: 0, frames: Math.floor(size / 4_096) };
  const frameBytes = frameHeaderBytes + header.readUInt32BE(8);
  const count = Math.floor((size - headerBytes) / frameBytes);
  const perRead = Math.max(1, Math.floor(readBytes / frameBytes));
  const salts = header.subarray(16, 24);
  let valid = 0;
  let isValid = true;
  let commits = 0;
  let frames = 0;
  for (let first = 0; first < count; first += perRead) {
    const bytes = read(file, headerBytes + first * frameBytes, Math.min(perRead, count - first) * frameBytes);
    for (let at = 0; at + frameBytes <= bytes.length; at += frameBytes) {
      const isOurs = bytes.compare(salts, 0, 8, at + 8, at + 16) === 0;
      if (isValid) {
        sums.add(bytes, at, 8);
        sums.add(bytes, at + frameHeaderBytes, frameBytes - frameHeaderBytes);
        isValid = isOurs && sums.are(bytes, at + 16);
        if (isValid) valid += 1;
      }
      if (isValid || !isOurs) continue; // frames of an earlier log stand behind the last one
      frames += 1;
      if (commits > 0)
        commits += 1; // something follows a commit that is lost
      else if (bytes.readUInt32BE(at + 4) !== 0) commits = 1;
    }
  }
  return commits > 1 ? { at: headerBytes + valid * frameBytes, frames } : undefined;
}

function read(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, position));
}

/** The running checksum of a log. */
class Sums {
  readonly #isBig: boolean;
  #first = 0;
  #second = 0;

  constructor(isBig: boolean) {
    this.#isBig = isBig;
  }

  add(bytes: Buffer, at: number, length: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, length);
    for (let offset = 0; offset < length; offset += 8) {
      this.#first = (this.#first + view.getUint32(offset, !this.#isBig) + this.#second) >>> 0;
      this.#second = (this.#second + view.getUint32(offset + 4, !this.#isBig) + this.#first) >>> 0;
    }
  }

  are(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#first && bytes.readUInt32BE(at + 4) === this.#second;
  }
}
