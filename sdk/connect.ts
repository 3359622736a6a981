import { basename, join, resolve } from "node:path";
import { AionisError, isFailure } from "../src/contracts/failures.ts";
import { checkOptions } from "../src/contracts/options.ts";
import { fromScopeName } from "../src/contracts/scope.ts";
import { refuseUnreadable } from "../src/kernel/access.ts";
import { type Clock, systemClock } from "../src/kernel/clock.ts";
import { readHolder } from "../src/kernel/holder-note.ts";
import { type Logger, silentLogger } from "../src/kernel/logger.ts";
import { findFate } from "../src/kernel/process-identity.ts";
import { createSystemRandom, type Random } from "../src/kernel/random.ts";
import { socketFile, storeFile } from "../src/kernel/store-folder.ts";
import type { Transport } from "../transport/index.ts";
import { connectLocal } from "../transport/local/index.ts";
import { type Connection, createConnection } from "./connection.ts";
import { connectToNats, type NatsAddress } from "./nats.ts";

export interface ConnectOptions extends Partial<NatsAddress> {
  /**
   * The folder of a store whose runtime is running in another process of this machine; `.aionis` in the current folder if absent.
   * With `servers` the runtime is reached over NATS instead, wherever it runs.
   */
  path?: string;
  /** `tenant/project`; `local/<name of the current folder>` if absent. */
  scope?: string;
  /** Who this program is, where an operation is not called for another agent; `client` if absent. NATS permissions are bound to it. */
  agent?: string;
  /** How long to try to connect; 5 s if absent. */
  timeoutMs?: number;
  /** Where problems that nobody awaits are reported; dropped if absent. */
  logger?: Logger;
}

/**
 * Connects to a runtime of another process: beside its store, or over NATS.
 * @throws AionisError `TRANSPORT_UNREACHABLE` when nobody listens there, `TRANSPORT_DENIED` when the NATS server refuses the credentials
 *   or the agent and when one side does not trust the other's certificate, `TRANSPORT_INCOMPATIBLE` when the other process is of another
 *   version or has no TLS, `INPUT_INVALID` for a scope that is not `tenant/project`, for files that cannot be read, and for `path` and
 *   `servers` together.
 */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  const ports = toPorts(options);
  return createConnection({ transport: await open(options, ports), ...ports });
}

/** The transport alone, for who asks nothing of the runtime; the caller drains it. @throws AionisError as `connect`. */
export async function openTransport(options: ConnectOptions): Promise<Transport> {
  return await open(options, toPorts(options));
}

function toPorts(options: ConnectOptions) {
  checkOptions("connect", options);
  const scope = options.scope ?? toDefaultScope(process.cwd());
  fromScopeName(scope); // refused before there is a connection that nobody would close
  const { logger = silentLogger, agent = "client" } = options;
  return { scope, agent, clock: systemClock, random: createSystemRandom(), logger };
}

async function open(
  { path, servers, ...options }: ConnectOptions,
  ports: { scope: string; agent: string; clock: Clock; random: Random; logger: Logger },
): Promise<Transport> {
  if (servers !== undefined && path !== undefined)
    throw new AionisError(
      "INPUT_INVALID",
      "Give `path` for a runtime of this machine or `servers` for NATS, not both.",
    );
  if (servers !== undefined) return connectToNats({ ...options, servers, ...ports });
  const folder = resolve(path ?? ".aionis");
  try {
    return await connectLocal({ path: toSocketPath(folder), timeoutMs: options.timeoutMs ?? 5_000, ...ports });
  } catch (error) {
    throw isFailure(error, "TRANSPORT_UNREACHABLE") ? explain(error, folder) : error;
  }
}

/** A holder that listens on no socket has said why. A user who may not read the folder is told that. */
function explain(failure: AionisError, folder: string): AionisError {
  refuseUnreadable(join(folder, storeFile));
  const holder = readHolder(join(folder, storeFile));
  if (holder?.withoutSocket === undefined || findFate(holder) === "dead") return failure;
  const { pid, withoutSocket } = holder;
  const detail = `Process ${pid} holds the store in ${folder} and listens on no socket (${withoutSocket}): only that program can use it.`;
  return new AionisError("TRANSPORT_UNREACHABLE", detail, { cause: failure, facts: { pid, withoutSocket } });
}

/** Where the process that holds the store in `folder` listens. */
export function toSocketPath(folder: string): string {
  return join(folder, socketFile);
}

/** The scope of a program that names none. */
export function toDefaultScope(folder: string): string {
  return `local/${basename(folder) || "root"}`;
}
