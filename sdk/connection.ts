import { fromScopeName } from "../src/contracts/scope.ts";
import type { Clock } from "../src/kernel/clock.ts";
import { createIds } from "../src/kernel/ids.ts";
import type { Logger } from "../src/kernel/logger.ts";
import type { Random } from "../src/kernel/random.ts";
import type { Transport } from "../transport/index.ts";
import { type Client, createClient } from "./client.ts";

/** A client with its transport: what a program holds while it talks to a runtime. */
export interface Connection extends Client, AsyncDisposable {
  /** Lets calls in flight finish and lets go of the transport. Safe to call twice. */
  close(): Promise<void>;
}

export interface ConnectionOptions {
  transport: Transport;
  /** `tenant/project` */
  scope: string;
  /** Who this program is, where an operation is not called for another agent. */
  agent: string;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** A connection over an open transport, which it drains when it is closed. */
export function createConnection(options: ConnectionOptions): Connection {
  const { transport, clock, random } = options;
  fromScopeName(options.scope);
  const ids = createIds(clock, random);
  const client = createClient({ ...options, ids });
  const close = (): Promise<void> => transport.drain();
  return { ...client, close, [Symbol.asyncDispose]: close };
}
