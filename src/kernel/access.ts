import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { AionisError } from "../contracts/failures.ts";

/** Why a store cannot be written to by this process: its file system, or the user. */
export type Obstacle = "EROFS" | "EACCES";

/**
 * Why nothing can be written in the folder of a store, or to its file; nothing when it can. A file that is not there yet is no obstacle.
 * @throws AionisError `STORE_DENIED` when this user may not read it either.
 */
export function findObstacle(file: string): Obstacle | undefined {
  refuseUnreadable(file);
  const { W_OK, X_OK } = constants;
  const found = tryAccess(dirname(file), W_OK | X_OK) ?? tryAccess(file, W_OK);
  if (found === "EPERM") return "EACCES";
  return found === "EROFS" || found === "EACCES" ? found : undefined;
}

/**
 * That this user may read the store in `file`, as far as there is one.
 * @throws AionisError `STORE_DENIED`
 */
export function refuseUnreadable(file: string): void {
  const { R_OK, X_OK } = constants;
  if (existsSync(dirname(file)) && !statSync(dirname(file)).isDirectory()) return; // a file in the way is no matter of rights
  const isDenied = (code: string | undefined): boolean => code === "EACCES" || code === "EPERM";
  if (isDenied(tryAccess(dirname(file), R_OK | X_OK))) throw denied("read", dirname(file));
  if (isDenied(tryAccess(file, R_OK))) throw denied("read", file);
}

/** The failure of a user who may not do something with a path of a store. */
export function denied(verb: "read" | "write" | "make", path: string, cause?: unknown): AionisError {
  const user = process.getuid?.();
  const owner = ownerOf(path);
  const belongs = owner === undefined ? "" : `, which belongs to user ${owner}`;
  const who = user === undefined ? "This user" : `User ${user}`;
  const detail = `${who} may not ${verb} ${path}${belongs}. Run it as a user who may, or reach a runtime over NATS.`;
  return new AionisError("STORE_DENIED", detail, { cause, facts: { path } });
}

function ownerOf(path: string): number | undefined {
  try {
    return existsSync(path) ? statSync(path).uid : undefined;
  } catch {
    return undefined; // not even that may be seen
  }
}

function tryAccess(path: string, mode: number): string | undefined {
  try {
    accessSync(path, mode);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : undefined;
  }
}
