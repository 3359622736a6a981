import { lstatSync } from "node:fs";
import { isFailure } from "../../src/contracts/failures.ts";
import { readHolder } from "../../src/kernel/holder-note.ts";
import { identifyProcess } from "../../src/kernel/process-identity.ts";
import { connectAt } from "./address.ts";

/**
 * The token of the holder that the note beside the store in `file` names, if its socket shows that it is dead: it was made, it stands there
 * still, and nobody has it open. That is seen from other containers of the machine too, whose processes this one does not see, and of a
 * thread of this process that ended. A holder without a socket, and one of another machine, are not judged.
 */
export async function findDeadHolder(file: string, socketPath: string): Promise<string | undefined> {
  const holder = readHolder(file);
  if (holder === undefined || holder.socket === null || holder.boot !== identifyProcess().boot) return undefined;
  if (lstatSync(socketPath, { throwIfNoEntry: false })?.ino !== holder.socket) return undefined;
  try {
    (await connectAt(socketPath)).destroy();
    return undefined;
  } catch (error) {
    const cause = isFailure(error) ? error.cause : error;
    const isRefused = cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
    return isRefused ? holder.token : undefined;
  }
}
