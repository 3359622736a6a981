// The inspection's server
//
// Serves what there is to see on loopback: a WebSocket on which each message is one text frame, and a page that shows them.
// Owns: the port, the token, and how many look at once. Does not own: what there is to see, which is handed in.
//
// Why ws: Node.js has no WebSocket server of its own, and the protocol's framing is no place for ours.
//
// Invariants:
//   I1. Only loopback is listened on, and nobody is answered who lacks the token (`server-access.ts`).
//   I2. Nothing is read or made while nobody looks: a source is opened for a viewer, and ends with it.
//   I3. At most `limits.viewers` look at once, and each holds a bounded amount of memory (`server-viewer.ts`).

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { AionisError } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Random } from "../kernel/random.ts";
import { createAccess, readTarget } from "./server-access.ts";
import { readPage, readStatelyUrl, statelyUrlDefault, toPageHeaders } from "./server-page.ts";
import { closeCodes, type InspectionSource, showTo } from "./server-viewer.ts";

export type { InspectionSource } from "./server-viewer.ts";

export interface InspectionServerOptions {
  readonly source: InspectionSource;
  /** One that is free if absent. */
  readonly port?: number | undefined;
  /** The inspector that the page can open; Stately's if absent. */
  readonly statelyUrl?: string | undefined;
  readonly clock: Clock;
  readonly random: Pick<Random, "bytes">;
  readonly logger: Logger;
}

export interface InspectionServer {
  /** The page's address, with this start's token. Whoever knows it sees everything. */
  readonly url: string;
  readonly port: number;
  /** Sends the viewers away and gives the port back. Safe to call twice. */
  close(): Promise<void>;
}

const host = "127.0.0.1";
const tokenBytes = 32;
const frameBytes = 1_024; // nothing that a viewer says is read
const farewellMs = 500;

/**
 * Serves an inspection until it is closed.
 * @throws AionisError `TRANSPORT_IN_USE` when somebody listens on the port, `INPUT_INVALID` for a port or an inspector's address that is none.
 */
export async function openInspectionServer(options: InspectionServerOptions): Promise<InspectionServer> {
  const { source, clock, logger } = options;
  const statelyUrl = readStatelyUrl(options.statelyUrl ?? statelyUrlDefault);
  const page = readPage(statelyUrl);
  const token = Buffer.from(options.random.bytes(tokenBytes)).toString("base64url");
  const server = createServer();
  const port = await listen(server, options.port ?? 0);
  const access = createAccess({ token, port });
  const headers = toPageHeaders({ port, statelyUrl });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: frameBytes, perMessageDeflate: false });
  server.on("request", answer);
  server.on("upgrade", upgrade);
  const shows = new Set<Promise<void>>();
  let closing: Promise<void> | undefined;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { path, query } = readTarget(request.url);
    const file = page.get(path);
    const refusal = access.refuse(request) ?? refuseQuestion(request, file !== undefined);
    if (refusal !== undefined || file === undefined) {
      const { status = 404, detail = "" } = refusal ?? {};
      response.writeHead(status, { ...headers, "content-type": "text/plain; charset=utf-8" }).end(`${detail}\n`);
      return;
    }
    const cookie = query.has("token") ? { "set-cookie": access.cookie } : {};
    response.writeHead(200, { ...headers, ...cookie, "content-type": file.type });
    response.end(request.method === "HEAD" ? undefined : file.text);
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy()); // of one that is refused; ws listens to the others
    const refusal = access.refuse(request) ?? refuseViewer(readTarget(request.url).path, sockets.clients.size);
    if (refusal !== undefined) return refuseUpgrade(socket, refusal);
    sockets.handleUpgrade(request, socket, head, (viewer) => {
      const showing = showTo({ socket: viewer, stream: socket, source, clock, logger }).finally(() =>
        shows.delete(showing),
      );
      shows.add(showing);
    });
  }

  async function close(): Promise<void> {
    const closed = once(server, "close");
    server.close();
    for (const viewer of sockets.clients) viewer.close(closeCodes.goingAway, "The inspector has ended.");
    const cancel = clock.setTimer(farewellMs, () => {
      for (const viewer of sockets.clients) viewer.terminate();
      server.closeAllConnections();
    });
    server.closeIdleConnections();
    await Promise.all([closed, ...shows]);
    cancel();
  }

  return {
    url: `http://${host}:${port}/?token=${token}`,
    port,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

interface Refusal {
  readonly status: number;
  readonly detail: string;
}

function refuseQuestion({ method }: IncomingMessage, isThere: boolean): Refusal | undefined {
  if (!isThere)
    return { status: 404, detail: "There is nothing at this path: the page is at /, the WebSocket at /ws." };
  if (method === "GET" || method === "HEAD") return undefined;
  return { status: 405, detail: "Only GET and HEAD are answered." };
}

/** I3 */
function refuseViewer(path: string, viewers: number): Refusal | undefined {
  if (path !== "/ws") return { status: 404, detail: "The WebSocket is at /ws." };
  if (viewers < limits.viewers) return undefined;
  return { status: 503, detail: `${limits.viewers} viewers look already; close one of them.` };
}

function refuseUpgrade(socket: Duplex, { status, detail }: Refusal): void {
  const body = `${detail}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

async function listen(server: Server, port: number): Promise<number> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new AionisError("INPUT_INVALID", `The inspector's port is ${port}, which is no port.`);
  try {
    server.listen({ host, port }); // I1
    await once(server, "listening");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "EADDRINUSE" && code !== "EACCES") throw cause;
    const why = code === "EACCES" ? "may not be used by this user" : "is used by another program";
    const detail = `Port ${port} of ${host} ${why}: give another port, or 0 for one that is free.`;
    throw new AionisError("TRANSPORT_IN_USE", detail, { cause });
  }
  return (server.address() as AddressInfo).port; // it listens on a port, not on a path
}
