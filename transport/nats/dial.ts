// Dialling
//
// One connection to a server of the list, with credentials and certificates, which then finds its way back by itself (T1).

import { connect, errors, type NatsConnection } from "@nats-io/transport-node";
import { AionisError } from "../../src/contracts/failures.ts";
import { toUnit } from "../../src/kernel/unit.ts";
import { toInboxPrefix } from "../subjects.ts";
import { type FoundServer, findServer, toAddress } from "./addresses.ts";
import { toAuthenticator } from "./authenticator.ts";
import type { NatsOptions, TlsFiles } from "./options.ts";
import { tryTls } from "./tls.ts";

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
