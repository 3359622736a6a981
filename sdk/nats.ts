import type { Clock } from "../src/kernel/clock.ts";
import type { Logger } from "../src/kernel/logger.ts";
import type { Random } from "../src/kernel/random.ts";
import { toOwner } from "../transport/index.ts";
import type { NatsCredentials, NatsTransport } from "../transport/nats/index.ts";

/** How a NATS server is reached. */
export interface NatsAddress {
  /** One server or several of one cluster, as `host:port` or `nats://host:port`; `tls://` asks for TLS. */
  servers: string | readonly string[];
  /** None where the server asks for none. */
  credentials?: NatsCredentials;
  /** Asks for TLS; each is the path of a PEM file. Without `ca` the system's authorities count. */
  tls?: { ca?: string; cert?: string; key?: string };
  /** What the server's lists call the connection; the agent if absent. */
  name?: string;
}

const timeoutMsDefault = 5_000;

/** The transport on that server. The client of NATS is loaded by those who use it. @throws AionisError as `connectNats`. */
export async function connectToNats(
  options: NatsAddress & {
    scope: string;
    agent: string;
    timeoutMs?: number | undefined;
    clock: Clock;
    random: Random;
    logger: Logger;
  },
): Promise<NatsTransport> {
  const { connectNats } = await import("../transport/nats/index.ts");
  const { scope, agent, name = agent, timeoutMs = timeoutMsDefault } = options;
  return connectNats({ ...options, owner: toOwner(scope, agent), name, timeoutMs });
}
