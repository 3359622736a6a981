// Addresses
//
// Where NATS servers are, and whether one is there. A server says INFO to whoever connects; it is heard here, on a connection of our
// own, before the client is let near it: the client leaves its socket open when a first try fails, and the process would not end.

import { createConnection } from "node:net";
import { AionisError } from "../../src/contracts/failures.ts";
import type { Clock } from "../../src/kernel/clock.ts";

export interface ServerAddress {
  /** `host:port`, without anything secret. */
  readonly text: string;
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** One that answered, and what it said of TLS. */
export interface FoundServer extends ServerAddress {
  readonly hasTls: boolean;
  /** Whether its clients must show a certificate. */
  readonly wantsCertificate: boolean;
}

const defaultPort = 4222;
const greeting = "INFO ";

/** @throws AionisError `INPUT_INVALID` when it is no address, or holds credentials: those would get into logs. */
export function toAddress(server: string): ServerAddress {
  const url = URL.parse(server.includes("://") ? server : `nats://${server}`);
  if (url === null || url.hostname === "" || !["nats:", "tls:"].includes(url.protocol)) {
    throw new AionisError("INPUT_INVALID", "A server's address is host:port, nats://host:port or tls://host:port.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new AionisError("INPUT_INVALID", `Give the credentials for ${url.host} apart from its address.`);
  }
  const port = url.port === "" ? defaultPort : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1"); // an IPv6 address
  return { text: `${url.hostname}:${port}`, host, port, isTls: url.protocol === "tls:" };
}

/**
 * The first of the servers that answers.
 * @throws AionisError `TRANSPORT_UNREACHABLE` when none does within `timeoutMs`; it says why for each.
 */
export async function findServer(
  addresses: readonly ServerAddress[],
  timeoutMs: number,
  clock: Pick<Clock, "setTimer">,
): Promise<FoundServer> {
  const found = new AbortController();
  const misses: string[] = [];
  const cancelTimer = clock.setTimer(timeoutMs, () => found.abort(new Error(`silent for ${timeoutMs} ms`)));
  try {
    return await Promise.any(
      addresses.map(async (address) => {
        const info = await hearGreeting(address, found.signal).catch((error: unknown) => {
          misses.push(`${address.text} (${error instanceof Error ? error.message : String(error)})`);
          throw error;
        });
        const hasTls = info.tls_required === true || info.tls_available === true;
        return { ...address, hasTls, wantsCertificate: info.tls_verify === true };
      }),
    );
  } catch (cause) {
    const detail = `No NATS server answers at ${misses.join(" or ")}. Start one there, or correct the address.`;
    throw new AionisError("TRANSPORT_UNREACHABLE", detail, { cause });
  } finally {
    cancelTimer();
    found.abort();
  }
}

/** What the server says of itself: the protocol's words, of which it leaves out what is false. */
type Info = Readonly<Record<string, unknown>>;

function hearGreeting({ host, port }: ServerAddress, signal: AbortSignal): Promise<Info> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, signal });
    let heard = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      heard += chunk;
      if (heard.length < greeting.length || (heard.startsWith(greeting) && !heard.includes("\r\n"))) return;
      const info = toInfo(heard);
      if (info === undefined) reject(new Error("what answers is no NATS server"));
      else resolve(info);
      socket.destroy();
    });
    socket.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    socket.on("close", () => reject(new Error("it hung up")));
  });
}

function toInfo(heard: string): Info | undefined {
  const [line = ""] = heard.split("\r\n");
  try {
    return line.startsWith(greeting) ? (JSON.parse(line.slice(greeting.length)) as Info) : undefined; // any object will do
  } catch {
    return undefined; // somebody else's protocol
  }
}
