import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";

const probe = Buffer.alloc(64 * 1024);

/** Whether there is no room, or no further file may be made, beside `file`: found out by trying. */
export function isWithoutRoom(file: string): boolean {
  const path = `${file}.room-${randomBytes(4).toString("hex")}`;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "wx", 0o600);
    writeSync(descriptor, probe);
    fsyncSync(descriptor);
    return false;
  } catch (error) {
    return isNoRoom(error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(path, { force: true });
  }
}

/** Whether the system refused `error` for want of room. */
export function isNoRoom(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT";
}
