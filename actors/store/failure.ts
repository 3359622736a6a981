import { isAbsolute } from "node:path";
import Database from "better-sqlite3";
import { AionisError, isFailure } from "../../src/contracts/failures.ts";
import { isWithoutRoom } from "../../src/kernel/room.ts";

/**
 * SQLite's error as a failure of ours. `STORE_FULL` latches the runtime read-only, `STORE_FAILED` ends it: after either, what was in
 * the open transaction may or may not be there.
 */
export function toStoreFailure(error: unknown, file: string): AionisError {
  if (isFailure(error)) return error;
  const code = codeOf(error);
  if (noRoom.includes(code) || (mayBeFull.includes(code) && isAbsolute(file) && isWithoutRoom(file))) {
    return new AionisError("STORE_FULL", `There is no room for ${file}; make room, the runtime goes on by itself.`, {
      cause: error,
    });
  }
  if (code === "SQLITE_NOTADB") {
    return new AionisError("STORE_FOREIGN", `${file} is not a store; give another path.`, { cause: error });
  }
  if (code === "SQLITE_ERROR" && String(error).includes("malformed JSON")) {
    return new AionisError("JOURNAL_DAMAGED", `${file} has a row that is not what was written. Verify the store.`, {
      cause: error,
    });
  }
  if (noFit.some((start) => code.startsWith(start))) {
    return new AionisError(
      "JOURNAL_DAMAGED",
      `${file} has rows that do not fit together. Verify the store; a rebuild makes those again that follow from the journal.`,
      { cause: error },
    );
  }
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_IOERR_SHORT_READ") {
    return new AionisError("JOURNAL_DAMAGED", `${file} has a damaged page. Verify the store, and restore a backup.`, {
      cause: error,
    });
  }
  return new AionisError("STORE_FAILED", `${file} ${describe(code, error)}.`, { cause: error });
}

/** What happened, without the code of a library that the reader need not know; it is in the cause. */
function describe(code: string, error: unknown): string {
  if (code.startsWith("SQLITE_IOERR")) return "could not be read or written: its disk reported an error";
  if (code.startsWith("SQLITE_READONLY")) return "cannot be written to any more";
  if (code.startsWith("SQLITE_CANTOPEN")) return "cannot be opened";
  if (code.startsWith("SQLITE_NOMEM")) return "needs more memory than there is";
  return code.startsWith("SQLITE_") ? "could not be used" : `failed with ${code || String(error)}`;
}

/** What SQLite's errors become on their way out of a store, and which of them are the whole store's. */
export interface StoreFailures {
  /** SQLite's error as a failure of ours; any other as it is. */
  convert(error: unknown, how: { isRead: boolean }): unknown;
  /** `port` with every function throwing converted errors. Its functions have three inputs at most. */
  guard<Port extends object>(port: Port, isRead: (name: string) => boolean): Port;
  /**
   * The failure if `error` says that the store cannot go on. A damaged page that was met while reading is not such a one: only what needs
   * that page fails.
   */
  failureOf(error: unknown): AionisError | undefined;
}

/** Failures of the store in `file`. */
export function createStoreFailures(file: string): StoreFailures {
  const seenByReads = new WeakSet<AionisError>();

  function convert(error: unknown, { isRead }: { isRead: boolean }): unknown {
    if (!(error instanceof Database.SqliteError)) return error;
    const failure = toStoreFailure(error, file);
    if (isRead && failure.code === "JOURNAL_DAMAGED") seenByReads.add(failure);
    return failure;
  }

  return {
    convert,
    guard<Port extends object>(port: Port, isRead: (name: string) => boolean): Port {
      const guarded = Object.entries(port as Record<string, unknown>).map(([name, value]): [string, unknown] => {
        if (!isFunction(value)) return [name, value];
        const how = { isRead: isRead(name) };
        const call = (first: unknown, second: unknown, third: unknown): unknown => {
          try {
            return value(first, second, third); // no function of a port has more inputs, and a list of them costs more than the call
          } catch (error) {
            throw convert(error, how);
          }
        };
        return [name, call];
      });
      return Object.fromEntries(guarded) as Port; // the same names, with functions of the same inputs and outputs
    },
    failureOf(error) {
      if (error instanceof Database.SqliteError) return toStoreFailure(error, file);
      const isStores = isFailure(error) && error.cause instanceof Database.SqliteError && !seenByReads.has(error);
      return isStores ? error : undefined;
    },
  };
}

const noFit = ["SQLITE_CONSTRAINT", "SQLITE_MISMATCH"];
const noRoom = ["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "ENOSPC", "EDQUOT"];

/** What SQLite calls a user's quota that is used up, and a file system that takes no further file. */
const mayBeFull = ["SQLITE_IOERR_WRITE", "SQLITE_CANTOPEN"];

/** What SQLite or the file system calls it. */
function codeOf(error: unknown): string {
  const isKnown = error instanceof Database.SqliteError || (error instanceof Error && "syscall" in error);
  return isKnown && "code" in error ? String(error.code) : "";
}

function isFunction(value: unknown): value is (...inputs: unknown[]) => unknown {
  return typeof value === "function";
}
