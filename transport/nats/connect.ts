// Connecting
//
// From what a user writes down to a transport that works: addresses, credentials, certificates, and what went wrong.
// No failure and no log line holds a password.

import { connect, errors, type NatsConnection } from "@nats-io/transport-node";
import { AionisError } from "../../src/contracts/failures.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { type Logger, silentLogger } from "../../src/kernel/logger.ts";
import type { Random } from "../../src/kernel/random.ts";
import { toUnit } from "../../src/kernel/unit.ts";
import { toInboxPrefix } from "../subjects.ts";
import { type FoundServer, findServer, toAddress } from "./addresses.ts";
import { boundLogger } from "./bounded-logger.ts";
import { type NatsCredentials, toAuthenticator } from "./credentials.ts";
import { Requests } from "./requests.ts";
import { type TlsFiles, tryTls } from "./tls.ts";
import { NatsTransport } from "./transport.ts";
import { Wire } from "./wire.ts";

export interface NatsOptions {
  /** One server or several of one cluster, as `host:port` or `nats://host:port`; `tls://` asks for TLS. */
  servers: string | readonly string[];
  /** Who this program is (`toOwner`). Its inbox is `_INBOX_<token of the owner>`, so that NATS permissions can bind it. */
  owner: string;
  /** What the server's lists call the connection; the owner if absent. */
  name?: string;
  /** None where the server asks for none. */
  credentials?: NatsCredentials;
  /**
   * Asks for TLS; each is the path of a PEM file. Without `ca` the authorities that Node.js knows count. The server's certificate
   * must have the host's name: the client does not find an IP address in it.
   */
  tls?: TlsFiles;
  /** How long the first connection may take, and each later try. */
  timeoutMs: number;
  /** How often the server is pinged; it is given up when it is silent for three times that. 10 s if absent. */
  pingIntervalMs?: number;
  clock: Clock;
  random: Random;
  logger?: Logger;
}

/**
 * Connects to NATS. The transport reconnects by itself until it is drained (T1).
 *
 * Where permissions bind the user it must be allowed, besides what it publishes, asks, subscribes to and serves:
 * to subscribe to its inbox (`_INBOX_<token of the owner>.>`) and to publish to the `aionis.served.` form of the subjects it asks; for
 * payloads over the server's `max_payload` to publish to `aionis.v1.blob.*.*`, to subscribe to `aionis.v1.blob.<token of the agent>.*`
 * and `allow_responses`; to serve, to subscribe to the `aionis.served.` form of its patterns and `allow_responses`.
 * @throws AionisError `TRANSPORT_UNREACHABLE` when no server answers, `TRANSPORT_DENIED` when the server refuses the credentials or
 *   the agent's inbox and when either side does not trust the other's certificate, `TRANSPORT_INCOMPATIBLE` when it carries no headers
 *   or has no TLS that was asked for, `INPUT_INVALID` for an address, credentials or certificates that cannot be read.
 */
export async function connectNats(options: NatsOptions): Promise<NatsTransport> {
  const { owner, clock, random, logger = silentLogger } = options;
  const boundedLogger = boundLogger(logger, clock);
  const connection = await dial(options);
  const { info } = connection;
  const wire = new Wire(connection, clock, boundedLogger);
  const inbox = `${toInboxPrefix(owner)}.${Buffer.from(random.bytes(12)).toString("hex")}`; // several processes may be one agent
  const requests = new Requests(wire, clock, inbox);
  try {
    if (info?.headers !== true)
      throw new AionisError(
        "TRANSPORT_INCOMPATIBLE",
        `The NATS server ${info?.version} carries no headers; allow them.`,
      );
    requests.open();
    await wire.confirm(options.timeoutMs); // without an inbox every request would only run out of time
  } catch (error) {
    await wire.close();
    throw error;
  }
  return new NatsTransport({ wire, requests, owner, clock, random, logger, boundedLogger });
}

const pingIntervalMs = 10_000;
const retryMs = 500; // half as much to half as much again, so that not all clients come back to a server at once

/** Connects, and goes on trying to once the first connection is lost. @throws AionisError as `connectNats`. */
export async function dial(options: NatsOptions): Promise<NatsConnection> {
  const { owner, name = owner, credentials, clock, random, timeoutMs } = options;
  const addresses = [options.servers].flat().map(toAddress);
  const asked = options.tls ?? (addresses.some(({ isTls }) => isTls) ? {} : undefined);
  const authenticator = credentials === undefined ? {} : { authenticator: toAuthenticator(credentials) };
  const startedAt = clock.mono();
  const server = await findServer(addresses, timeoutMs, clock);
  const leftMs = (): number => Math.max(timeoutMs - (clock.mono() - startedAt), 1);
  const tls = chooseTls(server, asked);
  if (tls !== undefined) await tryTls(server, tls, { timeoutMs: leftMs(), clock });
  const { text } = server;
  try {
    const connection = await connect({
      servers: text,
      name,
      inboxPrefix: toInboxPrefix(owner),
      timeout: leftMs(),
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true, // T1: the client would give up when it is refused twice
      reconnectDelayHandler: () => retryMs * (0.5 + toUnit(random)),
      pingInterval: options.pingIntervalMs ?? pingIntervalMs,
      ...authenticator,
      ...(asked === undefined ? {} : { tls: toFiles(asked) }),
    });
    connection.setServers(addresses.map((address) => address.text));
    return connection;
  } catch (cause) {
    throw toFailure(text, cause);
  }
}

/** What the client will use: a server that has TLS decides that it is used. */
function chooseTls({ hasTls, text }: FoundServer, asked: TlsFiles | undefined): TlsFiles | undefined {
  if (hasTls) return asked ?? {};
  if (asked === undefined) return undefined;
  throw new AionisError(
    "TRANSPORT_INCOMPATIBLE",
    `The NATS server at ${text} has no TLS. Give it certificates, or do not ask it for TLS.`,
  );
}

/** The client's names. It reads the files at each connection, so that they can be replaced meanwhile. */
function toFiles({ ca, cert, key }: TlsFiles) {
  return {
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(cert === undefined ? {} : { certFile: cert }),
    ...(key === undefined ? {} : { keyFile: key }),
  };
}

/** What went wrong at a server that is there. */
function toFailure(address: string, cause: unknown): AionisError {
  if (cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError) {
    return new AionisError("TRANSPORT_DENIED", `The NATS server at ${address} refuses the credentials. Correct them.`, {
      cause,
    });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AionisError("TRANSPORT_UNREACHABLE", `The NATS server at ${address} cannot be used: ${why}.`, { cause });
}
