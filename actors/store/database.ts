// Database
//
// Opens the one SQLite file of a store with the settings that our promises rest on, and refuses what is not ours.
//
// Invariants:
//   D1. The file is locked exclusively from the first statement on, beside the hold (`hold.ts`) that comes before. It also means that
//       there is no shared-memory file, whose full disk would be a SIGBUS and not an error.
//   D2. What is not ours, or is newer than us, is refused as it was found: nothing is written before the file is known to be ours.
//   D3. The file is opened by SQLite alone, and once. Closing any other descriptor of it drops the locks of the whole process (POSIX
//       advisory locks). Programs around us do that; then the hold is what keeps others out.
//   D4. At durability "power" a commit returns after its fsync; the setting is asserted after the first write, because the library's
//       default changes when WAL begins.

import { rmSync, statSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { AionisError } from "../../src/contracts/failures.ts";
import type { Ids } from "../../src/kernel/ids.ts";
import { makePrivate } from "../../src/kernel/private-files.ts";
import type { Durability } from "../../src/kernel/store.ts";
import { findUndeclared } from "./declared.ts";
import { toStoreFailure } from "./failure.ts";
import { inUse } from "./hold.ts";
import { logBytesKept } from "./log-check.ts";
import { applicationId, changeSchema, schemaVersion } from "./schema.ts";

export interface DatabaseOptions {
  durability: Durability;
  ids: Pick<Ids, "next">;
  /** For a store in memory: the bytes that it begins with. */
  image?: Buffer | undefined;
  /** Called instead of failing when there is no room for the first write: what is there can be read. */
  onFull?: ((failure: AionisError) => void) | undefined;
}

/**
 * Opens or makes the store file.
 * @throws AionisError `STORE_IN_USE`, `STORE_FOREIGN`, `STORE_NEWER`, `STORE_FULL`, `STORE_FAILED`, `JOURNAL_DAMAGED`.
 */
export function openDatabase(file: string, options: DatabaseOptions): Database.Database {
  if (isFragment(file)) throw new AionisError("STORE_FOREIGN", `${file} is not a store; give another path.`);
  let database: Database.Database | undefined;
  try {
    database = new Database(options.image ?? file, { timeout: 0 });
    if (file !== inMemory) for (const end of ["", "-wal"]) makePrivate(`${file}${end}`); // later ones get the file's mode
    const version = hold(database, file);
    configure(database);
    migrate(database, file, version, options.ids);
    prepareToRecord(database, file, options);
    return database;
  } catch (error) {
    database?.close();
    throw toStoreFailure(error, file);
  }
}

/** A full disk is no reason not to read. */
function prepareToRecord(database: Database.Database, file: string, { durability, onFull }: DatabaseOptions): void {
  try {
    assertDurability(database, durability);
  } catch (error) {
    const failure = toStoreFailure(error, file);
    if (failure.code !== "STORE_FULL" || onFull === undefined) throw failure;
    onFull(failure);
  }
}

/** The name of a store that is in no file. */
export const inMemory = ":memory:";

/** D1, D2. Returns the version of the schema. */
function hold(database: Database.Database, file: string): number {
  let version: number;
  try {
    database.pragma("locking_mode = EXCLUSIVE");
    version = identify(database, file);
    if (file !== inMemory && database.pragma("journal_mode = WAL", { simple: true }) !== "wal") {
      throw new AionisError("STORE_FAILED", `${file} cannot use a write-ahead log; put it on a local file system.`);
    }
    database.exec("BEGIN EXCLUSIVE; COMMIT");
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY"))
      throw inUse(file, undefined, error);
    throw error;
  }
  return version;
}

/** Reads the file for the first time, and refuses what is not ours. */
function identify(database: Database.Database, file: string): number {
  const version = Number(database.pragma("user_version", { simple: true }));
  const application = Number(database.pragma("application_id", { simple: true }));
  const tables =
    database.prepare<[], { count: number }>("SELECT count(*) AS count FROM sqlite_schema").get()?.count ?? 0;
  if (application !== applicationId && tables > 0) {
    throw new AionisError("STORE_FOREIGN", `${file} is another program's database; give another path.`);
  }
  if (version > schemaVersion) {
    throw new AionisError(
      "STORE_NEWER",
      `${file} has schema ${version}, this version knows ${schemaVersion}; update the package.`,
    );
  }
  const other = tables > 0 ? findUndeclared(database, version) : undefined;
  if (other !== undefined || version < 0 || (version === 0 && tables > 0)) {
    throw new AionisError(
      "JOURNAL_DAMAGED",
      `${file} does not have the tables of its schema ${version}${other === undefined ? "" : ` (${other})`}: it was damaged, or made by a version that was never released. Restore a backup.`,
    );
  }
  return version;
}

/** SQLite reads a file of a byte or so as an empty database and would take it over; what is longer and not its own it refuses. */
function isFragment(file: string): boolean {
  const size = file === inMemory ? 0 : (statSync(file, { throwIfNoEntry: false })?.size ?? 0); // D3: not opened
  return size > 0 && size < smallestPageBytes;
}

const smallestPageBytes = 512;

function migrate(database: Database.Database, file: string, version: number, ids: Pick<Ids, "next">): void {
  if (version === schemaVersion) return;
  if (version > 0 && file !== inMemory) keepCopy(database, `${file}.schema-${version}`);
  const change = (): void => {
    try {
      changeSchema(database, { from: version, to: schemaVersion });
    } catch (error) {
      if (!(error instanceof Database.SqliteError) || error.code !== "SQLITE_ERROR") throw error;
      const why = `${file} cannot be brought from schema ${version} to ${schemaVersion}, and is as it was: ${error.message}.`;
      throw new AionisError("STORE_FAILED", why, { cause: error });
    }
  };
  database
    .transaction(() => {
      change();
      if (version === 0) database.prepare("INSERT INTO meta VALUES ('storeId', ?)").run(ids.next("store"));
      database.pragma(`application_id = ${applicationId}`);
      database.pragma(`user_version = ${schemaVersion}`);
    })
    .immediate();
}

/** The store as an older version wrote it, to go back to. A copy that is there already is of a migration that did not end. */
function keepCopy(database: Database.Database, path: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, "", { mode: 0o600, flag: "wx" }); // SQLite would make it readable by all
  database.prepare("VACUUM INTO ?").run(path);
}

function configure(database: Database.Database): void {
  database.pragma("wal_autocheckpoint = 1000");
  database.pragma(`journal_size_limit = ${logBytesKept}`);
  database.pragma("temp_store = MEMORY");
  database.pragma("trusted_schema = OFF");
  database.pragma("cell_size_check = ON");
  database.pragma("mmap_size = 0");
}

/** D4. @throws what SQLite says; AionisError `STORE_FAILED`. */
export function assertDurability(database: Database.Database, durability: Durability): void {
  const wanted = durability === "power" ? 2 : 1;
  database.pragma(`synchronous = ${wanted}`);
  database
    .prepare("INSERT INTO meta VALUES ('openedFor', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
    .run(durability);
  const actual = Number(database.pragma("synchronous", { simple: true }));
  if (actual !== wanted)
    throw new AionisError("STORE_FAILED", `synchronous is ${actual}, not ${wanted}: durability cannot be kept.`);
}
