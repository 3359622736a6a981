// The local server
//
// Lets other processes of this machine and user join a transport, usually the memory bus of the process that holds the store.
// Owns the socket and one session for each connection. A session is a bridge: it has a transport of its own, on which it does what
// its client's frames ask for. It does not know what the messages mean; who may open the socket (mode 0600) may send anything.
//
// Invariants:
//   L1. A connection has whatever its client registered, and all of it goes when the connection does.
//   L2. Before its `hello` in the right version, a connection can do nothing; without one it is closed after a moment.
//   L3. A client that breaks the protocol loses its connection and disturbs nobody else.
//   L4. What waits for a client is bounded (N1), and so are its requests and registrations (by the transport that it is bridged to).
//   L5. Frames whose end has not come are bounded in bytes over all clients: past it, the client that holds the most is cut off.

import type { Socket } from "node:net";
import { AionisError, isFailure, overloaded } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { requestsMax } from "../bounds.ts";
import type { IncomingRequest, Reply, Transport } from "../transport.ts";
import { Channel } from "./channel.ts";
import { encodeFailure, encodeFrame, type Frame, protocolName, protocolVersion, toFailure } from "./frames.ts";
import { standAt } from "./standing-socket.ts";

export interface LocalServerOptions {
  /** Where the socket stands. Any length; the folder must exist. */
  path: string;
  /** Makes the transport of one connection, such as `() => bus.connect()`. It is drained when the connection ends. */
  connect: () => Transport;
  /** What a client is told of a request that nobody serves, where the owner knows more than that. */
  explainUnrouted?: (subject: string) => AionisError | undefined;
  /** Called with the inode of the socket's file, first and whenever it was removed and made again. */
  onListening?: (inode: number) => void;
  /** Called when the file is gone, before it is made again: what it throws leaves the place alone. */
  onGone?: () => void;
  clock: Clock;
  logger: Logger;
}

export interface LocalServer {
  /** How many clients are connected now. */
  connections(): number;
  /** How many published messages were dropped because their client did not read. */
  dropped(): number;
  /** Takes no new client, answers the requests in flight, ends the connections, removes the socket. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Listens on a Unix domain socket, mode 0600. The socket of a dead process is replaced.
 * @throws AionisError `TRANSPORT_IN_USE` when somebody listens there or the file is no socket, `TRANSPORT_UNREACHABLE` when no
 *   socket can be made there.
 */
export async function openLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const sessions = new Set<Session>();
  const drops = { count: 0 };
  let closing: Promise<void> | undefined;

  function accept(socket: Socket): void {
    if (closing !== undefined || sessions.size >= connectionsMax) return void socket.destroy(); // it may have been accepted just before
    const session = new Session(socket, options, drops, boundUnfinished);
    sessions.add(session);
    void session.closed.then(() => sessions.delete(session)); // never rejects
  }

  /** L5: of a frame that ends soon there is never the most for long. */
  function boundUnfinished(): void {
    let [bytes, most] = [0, undefined as Session | undefined];
    for (const session of sessions) {
      bytes += session.unfinishedBytes;
      if (session.unfinishedBytes > (most?.unfinishedBytes ?? 0)) most = session;
    }
    if (bytes > unfinishedBytesMax)
      most?.hangUp(new Error(`${bytes} bytes of unfinished frames are held, most of them for this one`));
  }
  const { path, onListening, onGone, clock, logger } = options;
  const socket = await standAt({ path, accept, onListening, onGone, clock, logger });

  const close = async (): Promise<void> => {
    const closed = socket.close();
    await Promise.all([...sessions].map((session) => session.close()));
    await closed;
  };
  return {
    connections: () => sessions.size,
    dropped: () => drops.count,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

const connectionsMax = 256;

/** Bytes of frames that are being sent to the server, of all clients: four of the largest. */
const unfinishedBytesMax = 4 * limits.messageBytes;

const helloWaitMs = 5_000;

type Greeting = { state: "awaited"; cancelTimer: () => void } | { state: "done"; bridge: Transport };

interface Forwarded {
  settle(outcome: Reply | AionisError): void;
}

class Session {
  /** Settles when the socket is closed and everything of this client is gone. */
  readonly closed: Promise<void>;
  readonly #options: LocalServerOptions;
  readonly #drops: { count: number };
  readonly #channel: Channel;
  readonly #registrations = new Map<number, () => void>();
  readonly #answering = new Set<Promise<void>>();
  readonly #forwarded = new Map<number, Forwarded>();
  /** Of its requests in flight those that the client may give up; to have each of them ready for it would cost 1 µs a request. */
  readonly #abandonable = new Map<number, AbortController>();
  #greeting: Greeting;
  #lastRequestId = 0;

  constructor(socket: Socket, options: LocalServerOptions, drops: { count: number }, onUnfinished: () => void) {
    this.#options = options;
    this.#drops = drops;
    this.#channel = new Channel(socket, options.clock);
    const cancelTimer = options.clock.setTimer(helloWaitMs, () => this.#channel.destroy(new Error("no hello")));
    this.#greeting = { state: "awaited", cancelTimer };
    this.#channel.onFrame = (frame) => this.#handle(frame);
    this.#channel.onRead = () => {
      if (this.unfinishedBytes > 0) onUnfinished(); // L5
    };
    this.closed = new Promise((resolve) => {
      this.#channel.onClose = (error) => {
        this.#cleanUp(error);
        resolve();
      };
    });
  }

  /** Bytes of a frame whose end the client has not sent. */
  get unfinishedBytes(): number {
    return this.#channel.unfinishedBytes;
  }

  /** Ends the connection at once. */
  hangUp(reason: Error): void {
    this.#channel.destroy(reason);
  }

  /** Answers what is in flight and ends the connection. */
  async close(): Promise<void> {
    if (this.#greeting.state === "done") await this.#greeting.bridge.drain();
    await Promise.all(this.#answering); // the bridge has the replies; they must be written before the goodbye
    this.#channel.end();
    await this.closed;
  }

  #handle(frame: Frame): void {
    if (this.#greeting.state === "awaited") this.#greet(frame, this.#greeting.cancelTimer);
    else this.#obey(frame, this.#greeting.bridge);
  }

  #greet(frame: Frame, cancelTimer: () => void): void {
    if (frame.kind !== "hello" || frame.text !== protocolName) throw new Error("not a client of ours"); // L2
    cancelTimer();
    if (frame.number !== protocolVersion) {
      const detail = `The runtime speaks version ${protocolVersion} of the local protocol, its client version ${frame.number}; update the older one.`;
      this.#channel.send(encodeFailure(frame.id, new AionisError("TRANSPORT_INCOMPATIBLE", detail)));
      this.#channel.end();
      return;
    }
    this.#greeting = { state: "done", bridge: this.#options.connect() };
    this.#channel.send(encodeFrame({ kind: "welcome", number: protocolVersion }));
  }

  /** Errors end the connection (L3); those of a request are its answer. */
  #obey(frame: Frame, bridge: Transport): void {
    switch (frame.kind) {
      case "publish":
        return this.#publish(frame, bridge);
      case "subscribe":
        return this.#register(frame.id, () => this.#subscribe(frame, bridge));
      case "serve":
        return this.#register(frame.id, () => this.#serve(frame, bridge));
      case "unregister":
        return this.#unregister(frame.id);
      case "request":
        return this.#answer(frame, bridge);
      case "abandon":
        return this.#abandonable.get(frame.id)?.abort();
      case "reply":
        return this.#forwarded.get(frame.id)?.settle({ payload: frame.payload, headers: frame.headers });
      case "failure":
        return this.#forwarded.get(frame.id)?.settle(toFailure(frame));
      case "ping":
        return this.#channel.send(encodeFrame({ kind: "pong", id: frame.id }));
      default:
        throw new Error(`a client does not send ${frame.kind}`);
    }
  }

  #publish(frame: Frame, bridge: Transport): void {
    try {
      bridge.publish(frame.text, frame.payload, frame.headers);
    } catch (error) {
      if (!isFailure(error, "TRANSPORT_CLOSED")) throw error; // closed: the server is, and a published message may be lost
    }
  }

  #subscribe(frame: Frame, bridge: Transport): () => void {
    return bridge.subscribe(frame.text, ({ subject, payload, headers }) => {
      const pieces = encodeFrame({ kind: "message", target: frame.id, text: subject, payload, headers });
      if (!this.#channel.offer(pieces)) this.#drops.count += 1; // L4
    });
  }

  #serve(frame: Frame, bridge: Transport): () => void {
    const queueGroup = Buffer.from(frame.payload).toString("utf8");
    return bridge.serve(frame.text, queueGroup, (request) => this.#forward(frame.id, request));
  }

  #register(id: number, register: () => () => void): void {
    if (this.#registrations.has(id)) throw new Error(`registration ${id} exists`);
    try {
      this.#registrations.set(id, register());
    } catch (error) {
      if (!isFailure(error, "TRANSPORT_CLOSED")) throw error; // the connection is about to end
    }
  }

  #unregister(id: number): void {
    this.#registrations.get(id)?.();
    this.#registrations.delete(id);
  }

  #answer(frame: Frame, bridge: Transport): void {
    if (frame.target === 1) this.#abandonable.set(frame.id, new AbortController());
    const answering = this.#request(frame, bridge).finally(() => {
      this.#answering.delete(answering);
      this.#abandonable.delete(frame.id);
    }); // never rejects
    this.#answering.add(answering);
  }

  async #request(frame: Frame, bridge: Transport): Promise<void> {
    try {
      const { payload, headers, onGone } = await bridge.request(frame.text, frame.payload, {
        timeoutMs: frame.number,
        headers: frame.headers,
        signal: this.#abandonable.get(frame.id)?.signal,
        holdsReply: true,
      });
      this.#channel.send(encodeFrame({ kind: "reply", id: frame.id, payload, headers }), onGone);
    } catch (error) {
      this.#channel.send(encodeFailure(frame.id, this.#toAnswer(error, frame.text)));
    }
  }

  /** Hands a request of the bridge to the client that serves it. */
  #forward(registration: number, request: IncomingRequest): Promise<Reply> {
    if (this.#forwarded.size >= requestsMax) {
      throw overloaded(`The server of ${request.subject} has ${requestsMax} requests to answer, which is the limit.`);
    }
    this.#lastRequestId = (this.#lastRequestId + 1) % 2 ** 32;
    const id = this.#lastRequestId;
    const { subject, payload, headers, timeoutMs } = request;
    this.#channel.send(
      encodeFrame({ kind: "request", id, target: registration, number: timeoutMs, text: subject, payload, headers }),
    );
    return new Promise((resolve, reject) => {
      const settle = (outcome: Reply | AionisError): void => {
        cancelTimer();
        this.#forwarded.delete(id);
        if (outcome instanceof AionisError) reject(outcome);
        else resolve(outcome);
      };
      const cancelTimer = this.#options.clock.setTimer(timeoutMs, () => {
        settle(new AionisError("TRANSPORT_TIMEOUT", `The server of ${subject} did not answer in time.`));
      });
      this.#forwarded.set(id, { settle });
    });
  }

  /** What the client is told when its request failed on this side. */
  #toAnswer(error: unknown, subject: string): AionisError {
    if (isFailure(error, "TRANSPORT_CLOSED"))
      return new AionisError("TRANSPORT_UNROUTED", `The runtime that served ${subject} is closing.`);
    if (isFailure(error, "TRANSPORT_UNROUTED")) return this.#options.explainUnrouted?.(subject) ?? error;
    return isFailure(error)
      ? error
      : new AionisError("REMOTE_FAULT", `The request to ${subject} failed in the runtime's process.`);
  }

  #cleanUp(error: unknown): void {
    if (error !== undefined)
      this.#options.logger.log("warn", "A local connection was ended.", { path: this.#options.path, error });
    for (const { settle } of this.#forwarded.values()) {
      settle(
        new AionisError(
          "TRANSPORT_TIMEOUT",
          "The process that served the request is gone; whether it acted is not known.",
        ),
      );
    }
    if (this.#greeting.state === "awaited") this.#greeting.cancelTimer();
    else void this.#greeting.bridge.drain(); // L1; cannot fail, and what it still asked for is answered to nobody
  }
}
