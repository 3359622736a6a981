import Database from "better-sqlite3";
import { AionisError, isFailure } from "../../src/contracts/failures.ts";

/**
 * SQLite's error as a failure of ours. `STORE_FULL` latches the runtime read-only, `STORE_FAILED` ends it: after either, what was in
 * the open transaction may or may not be there.
 */
export function toStoreFailure(error: unknown, file: string): AionisError {
  if (isFailure(error)) return error;
  const code = error instanceof Database.SqliteError ? error.code : "";
  if (code === "SQLITE_FULL" || code === "SQLITE_IOERR_SHMSIZE") {
    return new AionisError("STORE_FULL", `There is no room for ${file}; make room, the runtime goes on by itself.`, {
      cause: error,
    });
  }
  if (code === "SQLITE_NOTADB") {
    return new AionisError("STORE_FOREIGN", `${file} is not a store; give another path.`, { cause: error });
  }
  if (code === "SQLITE_CORRUPT") {
    return new AionisError("JOURNAL_DAMAGED", `${file} is damaged; restore a backup.`, { cause: error });
  }
  return new AionisError("STORE_FAILED", `${file} failed with ${code || String(error)}.`, { cause: error });
}

/** Whether `error` came out of SQLite. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof Database.SqliteError;
}
