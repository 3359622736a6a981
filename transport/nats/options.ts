// What a program gives for a NATS transport, and what it gets. The declarations of the package end here: those of NATS's own client do not
// compile under every compiler and every option of a user.

import type { Clock } from "../../src/kernel/clock.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { Transport } from "../transport.ts";

/** Who a NATS server is to take this program for. */
export type NatsCredentials =
  | { user: string; password: string }
  | { token: string }
  /** The seed of a user's NKey, which begins with `SU`. */
  | { nkeySeed: string }
  /** The path of a file with a user's JWT and seed. Read again at each connection, so that it can be replaced meanwhile. */
  | { credsFile: string };

/** Paths of PEM files. Without `ca` the authorities that Node.js knows count. */
export interface TlsFiles {
  ca?: string;
  cert?: string;
  key?: string;
}

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

/** A transport over the connection of a broker. */
export interface NatsTransport extends Transport {
  readonly kind: "nats";

  /**
   * Settles when the server has taken everything that was subscribed to and served until now. What it refuses later is logged, and
   * asked for again.
   * @throws AionisError `TRANSPORT_DENIED` naming what it does not permit, `TRANSPORT_UNREACHABLE` when it does not answer in time,
   *   `TRANSPORT_CLOSED` after `drain`.
   */
  confirm(options: { timeoutMs: number }): Promise<void>;
}
