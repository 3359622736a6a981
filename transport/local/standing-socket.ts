// Standing socket
//
// A socket that stays reachable under its path for as long as its owner lives. Owns: listening, and a look after the file. Does not own: what
// comes in on it.
//
// Invariants:
//   S1. When the file is removed or replaced, such as by a program that tidies the folder, it is made again soon, and its owner is told. Those
//       that are connected notice nothing.
//   S2. A file that cannot be made again is tried for again and told of once. Another's live socket is left alone.
//   S3. A full disk is no reason to go without: what there is no room for at first is made when there is.

import { createServer, type Server, type Socket } from "node:net";
import type { CancelTimer, Clock } from "../../src/kernel/clock.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { isNoRoom } from "../../src/kernel/room.ts";
import { listenAt, type SocketFile } from "./address.ts";

export interface StandingSocketOptions {
  path: string;
  accept(socket: Socket): void;
  /** Called with the file's inode, first and whenever it was made again. */
  onListening?: ((inode: number) => void) | undefined;
  /** Called when the file is gone, before it is made again: what it throws leaves the place alone. */
  onGone?: (() => void) | undefined;
  clock: Clock;
  logger: Logger;
}

export interface StandingSocket {
  /** Removes the file and takes no new connection. Those that are there are their owner's to end; it resolves then. */
  close(): Promise<void>;
}

interface Listening {
  readonly server: Server;
  readonly file: SocketFile;
}

const lookEveryMs = 1_000;

/**
 * Listens at a path, and goes on doing so.
 * @throws AionisError as `listenAt`, unless there is no room (S3), and what `onListening` throws first.
 */
export async function standAt(options: StandingSocketOptions): Promise<StandingSocket> {
  const { path, onListening, clock, logger } = options;
  let standing = await listenIfRoom(options);
  let isTold = standing === undefined;
  let isClosed = false;
  let cancel: CancelTimer = () => {};
  let looking = Promise.resolve();
  try {
    if (standing !== undefined) onListening?.(standing.file.inode);
  } catch (error) {
    await closeServer(standing); // nobody else could
    throw error;
  }

  /** S1 */
  async function makeAgain(): Promise<void> {
    options.onGone?.();
    const anew = await listen(options);
    if (isClosed) return void (await closeServer(anew));
    const isFirst = standing === undefined;
    void closeServer(standing); // ends with its connections
    standing = anew;
    isTold = false;
    onListening?.(anew.file.inode);
    const what = isFirst ? "There is room for the socket; it was made." : removedAndMade;
    logger.log("warn", what, { path });
  }

  async function look(): Promise<void> {
    try {
      if (standing?.file.isThere() !== true) await makeAgain();
    } catch (error) {
      if (!isTold) logger.log("error", "The socket's file is gone, and cannot be made again.", { path, error });
      isTold = true; // S2
    }
    watch();
  }

  function watch(): void {
    if (isClosed) return;
    cancel = clock.setTimer(lookEveryMs, () => {
      looking = look(); // it reports its own failures
    });
  }

  watch();
  return {
    async close() {
      isClosed = true;
      cancel();
      const closed = closeServer(standing);
      await looking; // what it makes now, it closes
      await closed;
    },
  };
}

const removedAndMade = "The socket's file was removed or replaced; it was made again.";

/** S3 */
async function listenIfRoom(options: StandingSocketOptions): Promise<Listening | undefined> {
  try {
    return await listen(options);
  } catch (error) {
    if (!(error instanceof Error) || !isNoRoom(error.cause)) throw error;
    const { path, logger } = options;
    logger.log("warn", "There is no room for the socket; other processes reach this one when there is.", { path });
    return undefined;
  }
}

async function listen({ path, accept, logger }: StandingSocketOptions): Promise<Listening> {
  const server = createServer(accept);
  const file = await listenAt(path, server);
  server.on("error", (error) => logger.log("error", "The local socket failed.", { path, error }));
  return { server, file };
}

async function closeServer(listening: Listening | undefined): Promise<void> {
  listening?.file.remove();
  await new Promise<void>((resolve) => {
    if (listening === undefined) resolve();
    else listening.server.close(() => resolve());
  });
}
