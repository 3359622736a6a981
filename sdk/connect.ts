import { basename, join, resolve } from "node:path";
import { fromScopeName } from "../src/contracts/scope.ts";
import { systemClock } from "../src/kernel/clock.ts";
import { type Logger, silentLogger } from "../src/kernel/logger.ts";
import { createSystemRandom } from "../src/kernel/random.ts";
import { connectLocal } from "../transport/local/index.ts";
import { type Connection, createConnection } from "./connection.ts";

export interface ConnectOptions {
  /** The folder of a store whose runtime is running in another process of this machine; `.aionis` in the current folder if absent. */
  path?: string;
  /** `tenant/project`; `local/<name of the current folder>` if absent. */
  scope?: string;
  /** Who this program is, where an operation is not called for another agent; `client` if absent. */
  agent?: string;
  /** How long to try to connect; 5 s if absent. */
  timeoutMs?: number;
  /** Where problems that nobody awaits are reported; dropped if absent. */
  logger?: Logger;
}

/**
 * Connects to the runtime that another process serves beside its store.
 * @throws AionisError `TRANSPORT_UNREACHABLE` when nobody listens there, `TRANSPORT_INCOMPATIBLE` when the other process is of another
 *   version, `INPUT_INVALID` for a scope that is not `tenant/project`.
 */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  const scope = options.scope ?? toDefaultScope(process.cwd());
  fromScopeName(scope); // refused before there is a connection that nobody would close
  const clock = systemClock;
  const random = createSystemRandom();
  const logger = options.logger ?? silentLogger;
  const path = toSocketPath(resolve(options.path ?? ".aionis"));
  const transport = await connectLocal({ path, timeoutMs: options.timeoutMs ?? 5_000, clock, random, logger });
  return createConnection({
    transport,
    scope,
    agent: options.agent ?? "client",
    clock,
    random,
    logger,
  });
}

/** Where the process that holds the store in `folder` listens. */
export function toSocketPath(folder: string): string {
  return join(folder, "runtime.sock");
}

/** The scope of a program that names none. */
export function toDefaultScope(folder: string): string {
  return `local/${basename(folder) || "root"}`;
}
