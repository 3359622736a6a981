// Addresses
//
// A path in the file system as the address of a socket. Owns the file: how it appears, who may open it, and when it goes.
//
// Invariants:
//   A1. The socket appears under its path with mode 0600 and already listening: it is made in a folder of its own and moved there.
//   A2. Only the socket of a dead process is replaced. A file of another kind, or a socket that somebody listens on, is refused.
//   A3. Operating systems cut or refuse paths over about 104 bytes. A longer one is reached through a link in the temporary folder,
//       made for the moment, so that the socket itself always stands under the path that was asked for.

import { chmodSync, lstatSync, mkdtempSync, renameSync, rmSync, type Stats, symlinkSync, unlinkSync } from "node:fs";
import { createConnection, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { AionisError } from "../../src/contracts/failures.ts";
import { giveToFolderOwner } from "../../src/kernel/private-files.ts";

const addressBytesMax = 100; // macOS has 104 with the closing zero, Linux 108

/** The file of a socket that listens. */
export interface SocketFile {
  readonly inode: number;
  /** Whether it still stands under its path. */
  isThere(): boolean;
  /** Removes it, if it is still there. */
  remove(): void;
}

/**
 * Makes `server` listen at `path`.
 * @throws AionisError `TRANSPORT_IN_USE` (A2), `TRANSPORT_UNREACHABLE` when no socket can be made there.
 */
export async function listenAt(path: string, server: Server): Promise<SocketFile> {
  await refuseLive(path);
  try {
    const folder = mkdtempSync(`${resolve(path)}.`); // mode 0700
    try {
      const socket = join(folder, "s");
      await withShortPath(socket, (address) => listening(server, address));
      chmodSync(socket, 0o600);
      const { ino } = lstatSync(socket);
      giveToFolderOwner(folder);
      giveToFolderOwner(socket);
      renameSync(socket, path); // A1; also over the socket of a dead process
      return toSocketFile(path, ino);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  } catch (cause) {
    server.close();
    throw new AionisError("TRANSPORT_UNREACHABLE", `No socket can be made at ${path}.`, { cause });
  }
}

function toSocketFile(path: string, inode: number): SocketFile {
  const isThere = (): boolean => statAt(path)?.ino === inode;
  return {
    inode,
    isThere,
    remove() {
      if (isThere()) unlinkSync(path);
    },
  };
}

/**
 * A connected socket to whoever listens at `path`.
 * @throws AionisError `TRANSPORT_UNREACHABLE` when nobody listens or the socket cannot be opened; its cause has the system's code.
 */
export async function connectAt(path: string): Promise<Socket> {
  try {
    return await withShortPath(resolve(path), connected);
  } catch (cause) {
    throw new AionisError("TRANSPORT_UNREACHABLE", toUnreachable(path, cause), { cause });
  }
}

function toUnreachable(path: string, cause: unknown): string {
  const { code = "" } = cause as { code?: string };
  if (code === "ENOENT" || code === "ECONNREFUSED")
    return `No runtime listens at ${path}. Start one there: createRuntime(), or \`aionis serve\`.`;
  return `No runtime can be reached at ${path}${code === "" ? "" : ` (${code})`}.`;
}

async function refuseLive(path: string): Promise<void> {
  const found = statAt(path);
  if (found === undefined) return;
  if (!found.isSocket())
    throw new AionisError("TRANSPORT_IN_USE", `${path} is a file of another kind; it is left as it is.`);
  try {
    const socket = await withShortPath(resolve(path), connected);
    socket.destroy();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ECONNREFUSED" || code === "ENOENT") return; // A2: nobody has it open
    throw new AionisError("TRANSPORT_IN_USE", `The socket ${path} cannot be tried.`, { cause: error });
  }
  throw new AionisError("TRANSPORT_IN_USE", `Another process listens at ${path}; connect to it instead.`);
}

async function withShortPath<Result>(path: string, use: (address: string) => Promise<Result>): Promise<Result> {
  if (Buffer.byteLength(path) <= addressBytesMax) return await use(path);
  const folder = mkdtempSync(join(tmpdir(), "aionis-"));
  try {
    const link = join(folder, "d");
    symlinkSync(dirname(path), link); // A3
    return await use(join(link, basename(path)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function listening(server: Server, address: string): Promise<void> {
  return new Promise((resolveListening, reject) => {
    server.once("error", reject);
    server.listen(address, () => {
      server.off("error", reject);
      resolveListening();
    });
  });
}

/** Ends at once either way: the system connects, or refuses, without waiting for the listener. */
function connected(address: string): Promise<Socket> {
  return new Promise((resolveConnected, reject) => {
    const socket = createConnection(address);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolveConnected(socket);
    });
  });
}

function statAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
