// Connecting
//
// From what a user writes down to a transport that works: addresses, credentials, certificates, and what went wrong.
// No failure and no log line holds a password.

import { AionisError } from "../../src/contracts/failures.ts";
import { silentLogger } from "../../src/kernel/logger.ts";
import { toInboxPrefix } from "../subjects.ts";
import { boundLogger } from "./bounded-logger.ts";
import { dial } from "./dial.ts";
import type { NatsOptions, NatsTransport } from "./options.ts";
import { Requests } from "./requests.ts";
import { BrokerTransport } from "./transport.ts";
import { Wire } from "./wire.ts";

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
  return new BrokerTransport({ wire, requests, owner, clock, random, logger, boundedLogger });
}
