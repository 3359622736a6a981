// Held stores
//
// The stores that this process holds. The list stands on `globalThis` under a registered symbol, so that two copies of the package in one
// process, as after a hot reload or a double install, share it. Stores are known by the device and inode of their folder, which are the
// same over links and bind mounts.

import { type Stats, statSync } from "node:fs";
import { basename, dirname } from "node:path";

const listName: unique symbol = Symbol.for("aionis.heldStores") as never; // a registered symbol has no type of its own
interface HeldStore {
  readonly folder: string;
  readonly file: string;
}

/**
 * Lists a store as held by this process.
 * @returns a function that takes it from the list; nothing when it is listed already.
 */
export function listAsHeld(file: string): (() => void) | undefined {
  const list = heldStores();
  const folder = toKey(statSync(dirname(file)));
  const key = `${folder}/${basename(file)}`;
  if (list.has(key)) return undefined;
  list.set(key, { folder, file });
  return () => void list.delete(key);
}

/** Whether a folder is that of a store which this process holds. */
export function isHeldFolder(stats: Stats): boolean {
  const key = toKey(stats);
  return [...heldStores().values()].some(({ folder }) => folder === key);
}

/** Whether a file is, under any name, one that SQLite has open for a store which this process holds. */
export function isHeldFile(stats: Stats): boolean {
  const key = toKey(stats);
  return [...heldStores().values()].some(({ file }) =>
    openEnds.some((end) => {
      const found = statSync(`${file}${end}`, { throwIfNoEntry: false });
      return found !== undefined && toKey(found) === key;
    }),
  );
}

const openEnds = ["", "-wal", ".lock"];

function heldStores(): Map<string, HeldStore> {
  const holder = globalThis as { [listName]?: Map<string, HeldStore> };
  holder[listName] ??= new Map();
  return holder[listName];
}

function toKey({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}
