// Text files
//
// How the bytes of a text file come in and go out at a place of the workspace: bounded, whole, and as they were.
//
// Invariants:
//   F1. A file is replaced by renaming: at each moment its name leads to the old text or to the new one, and another hard link keeps the old.
//   F2. What is read is a regular file, UTF-8 without NUL, of at most `limits.toolFileBytes`; else nothing of it is given.

import { constants, renameSync, type Stats, unlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { codeOf } from "./tool-failure.ts";
import type { Place } from "./workspace.ts";

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK; // a FIFO that took its place does not hold it up
const newFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const namesTriedMax = 1_000;
let namesMade = 0;

/** @throws AionisError `TOOL_FAILED` when a folder, a device or the like stands there. */
export function refuseOthers(stats: Stats | undefined, path: string): void {
  if (stats === undefined || stats.isFile()) return;
  const what = stats.isDirectory() ? "a folder" : "neither a file nor a folder";
  throw new AionisError("TOOL_FAILED", `"${path}" is ${what}. Name a file.`, { facts: { path } });
}

/** The text of the file at the place. @throws AionisError `TOOL_FAILED` when there is none, or F2 does not hold. */
export async function readText(place: Place | undefined, path: string): Promise<{ text: string; bytes: number }> {
  refuseOthers(place?.stats, path);
  if (place?.stats === undefined) {
    throw new AionisError("TOOL_FAILED", `There is no file "${path}" in the workspace.`, { facts: { path } });
  }
  await using file = await open(place.path, readFlags);
  const opened = await file.stat();
  refuseOthers(opened, path); // something else can have taken its place
  place.confirm(place.path, opened);
  const bytes = await readBytes(file, opened.size);
  if (bytes === undefined) {
    const detail = `"${path}" is over ${limits.toolFileBytes} bytes. Read a part of it with a command.`;
    throw new AionisError("TOOL_FAILED", detail, { facts: { path, bytes: opened.size } });
  }
  const text = toText(bytes);
  if (text !== undefined) return { text, bytes: bytes.length };
  const detail = `"${path}" is binary: it is not UTF-8, or has a NUL in it. Use a command on it.`;
  throw new AionisError("TOOL_FAILED", detail, { facts: { path, bytes: bytes.length } });
}

/** Puts a text at the place; a file that stands there gives it its mode. @throws AionisError `TOOL_FAILED` */
export async function replaceText(place: Place, path: string, text: string): Promise<void> {
  refuseOthers(place.stats, path);
  if (Buffer.byteLength(text) > limits.toolFileBytes) {
    throw new AionisError("TOOL_FAILED", `"${path}" would be over ${limits.toolFileBytes} bytes. Split it.`);
  }
  const mode = place.stats === undefined ? undefined : place.stats.mode & 0o777;
  const [newPath, file] = await openNew(place, mode ?? 0o666);
  try {
    try {
      place.confirm(newPath, await file.stat());
      await file.writeFile(text);
      if (mode !== undefined) await file.chmod(mode); // the umask took from it
      await file.sync(); // before the name leads to it: after a power cut there is the old text or the new one, not an empty file
    } finally {
      await file.close();
    }
    renameSync(newPath, place.path); // F1
  } catch (error) {
    removeNew(newPath);
    throw error;
  }
}

/** A new file in the place's folder. A name that is taken was left by a process that died, or is another one's. */
async function openNew(place: Place, mode: number): Promise<[path: string, file: FileHandle]> {
  for (let tried = 0; ; tried += 1) {
    namesMade += 1;
    const path = place.beside(`.aionis-${process.pid}-${namesMade}.tmp`);
    try {
      return [path, await open(path, newFlags, mode)];
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || tried === namesTriedMax) throw error;
    }
  }
}

function removeNew(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it is gone, or what failed before keeps it here; that failure is told
  }
}

/** All bytes of the file, or undefined when they are too many: a file can grow while it is read. */
async function readBytes(file: FileHandle, size: number): Promise<Buffer | undefined> {
  if (size > limits.toolFileBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.max(size + 1 - bytes, 4_096));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, bytes);
    if (bytesRead === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, bytesRead));
    bytes += bytesRead;
    if (bytes > limits.toolFileBytes) return undefined;
  }
}

function toText(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes); // the mark stays in the text, and so in the file
  } catch {
    return undefined; // that is what `fatal` says
  }
}
