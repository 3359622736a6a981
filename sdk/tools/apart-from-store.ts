// Apart from the store
//
// A store can stand in the workspace, as `.aionis` does by default. It is no part of the workspace: reading one of its files in the process
// that holds it would drop SQLite's locks, and writing one would damage the journal. So no tool comes into its folder.

import type { Stats } from "node:fs";
import { AionisError } from "../../src/contracts/failures.ts";
import { isHeldFile, isHeldFolder } from "../../src/kernel/held-stores.ts";
import { holdsStore, isStoreName } from "../../src/kernel/store-folder.ts";

/** A folder of the workspace, reached by `at`, is not that of a store. @throws AionisError `PATH_OUTSIDE` */
export function refuseStoreFolder(at: string, stats: Stats, path: string): void {
  if (isHeldFolder(stats) || holdsStore(at)) throw refusal(path, "is in the folder of a store");
}

/** A name in the workspace's own folder is not a store's, if that folder holds one among other things. @throws AionisError `PATH_OUTSIDE` */
export function refuseStoreName(at: string, stats: Stats, name: string, path: string): void {
  if (isStoreName(name) && (isHeldFolder(stats) || holdsStore(at))) throw refusal(path, "is a file of a store");
}

/** A file is not a store's under another name. @throws AionisError `PATH_OUTSIDE` */
export function refuseStoreLink(stats: Stats | undefined, path: string): void {
  if (stats !== undefined && stats.nlink > 1 && stats.isFile() && isHeldFile(stats))
    throw refusal(path, "is a file of a store");
}

function refusal(path: string, what: string): AionisError {
  const detail = `${JSON.stringify(path.slice(0, 200))} ${what}, which is no part of the workspace. Name another path.`;
  return new AionisError("PATH_OUTSIDE", detail, { facts: { path } });
}
