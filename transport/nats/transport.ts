// The NATS transport
//
// A transport over the connection of a broker. Owns its life and what is registered on it; the files beside it own the rest.
//
// Invariants:
//   T1. While the server is gone the client tries again, without end and with jitter, until it is drained; then it listens again to
//       everything that it had registered.
//   T2. Nothing is kept back for a lost connection. Requests in flight end at once with `TRANSPORT_TIMEOUT`, because they may have
//       arrived; new ones are refused with `TRANSPORT_UNROUTED`; what is published, and replies, are lost.
//   T3. Messages of one sender arrive in the order in which they were sent, replies among them, unless they are larger than the
//       server's `max_payload`: those come later (O4).

import { AionisError, isFailure, overloaded } from "../../src/contracts/failures.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import type { Random } from "../../src/kernel/random.ts";
import { checkSize, noHeaders, requestsMax, subscriptionsMax } from "../bounds.ts";
import { StateListeners } from "../listeners.ts";
import { checkPattern, checkSubject } from "../subjects.ts";
import type { Headers, IncomingRequest, Message, Reply, RequestOptions, TransportState } from "../transport.ts";
import { Blobs } from "./blobs.ts";
import type { NatsTransport } from "./options.ts";
import { notConnected, type Requests } from "./requests.ts";
import { Serving } from "./serving.ts";
import { subscribe } from "./subscribing.ts";
import { graceMs, type Listening, type Wire } from "./wire.ts";

export interface BrokerTransportOptions {
  wire: Wire;
  requests: Requests;
  owner: string;
  clock: Clock;
  random: Pick<Random, "bytes">;
  logger: Logger;
  boundedLogger: Logger;
}

export class BrokerTransport implements NatsTransport {
  readonly kind = "nats";
  readonly #options: BrokerTransportOptions;
  readonly #wire: Wire;
  readonly #requests: Requests;
  readonly #blobs: Blobs;
  readonly #serving: Serving;
  readonly #listeners: StateListeners;
  readonly #registered = new Set<Listening>();
  #inFlight = 0;
  #life: "open" | "draining" | "closed" = "open";
  #onQuiet: () => void = () => {};
  #drained: Promise<void> | undefined;

  constructor(options: BrokerTransportOptions) {
    const { wire, requests, owner, clock, random, logger, boundedLogger } = options;
    this.#options = options;
    this.#wire = wire;
    this.#requests = requests;
    this.#blobs = new Blobs({ wire, requests, owner, clock, random });
    this.#serving = new Serving({ wire, blobs: this.#blobs, clock, logger, boundedLogger });
    this.#listeners = new StateListeners(logger);
    this.#serving.onQuiet = () => this.#checkQuiet();
    wire.onState = (state) => this.#follow(state);
    wire.onRefused = (subject) => requests.refuse(subject);
  }

  publish(subject: string, payload: Uint8Array, headers: Headers = noHeaders): void {
    this.#refuseWhenClosed();
    checkSize(payload, headers);
    checkSubject(subject);
    const isSent = !this.#wire.isFull && this.#wire.send(subject, this.#blobs.pack({ payload, headers }, {}));
    if (!isSent)
      this.#options.logger.log("debug", "A published message was dropped: NATS is gone or does not read.", { subject });
  }

  subscribe(pattern: string, handler: (message: Message) => void): () => void {
    const { logger, boundedLogger } = this.#options;
    const options = { wire: this.#wire, blobs: this.#blobs, logger, boundedLogger };
    return this.#register(pattern, () => subscribe(options, pattern, handler));
  }

  serve(
    pattern: string,
    queueGroup: string,
    handler: (request: IncomingRequest) => Reply | Promise<Reply>,
  ): () => void {
    return this.#register(pattern, () => this.#serving.serve(pattern, queueGroup, handler));
  }

  async request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Message> {
    const { headers = noHeaders, signal } = options;
    this.#refuseWhenClosed();
    signal?.throwIfAborted();
    checkSize(payload, headers);
    checkSubject(subject);
    if (this.#wire.state !== "connected") throw notConnected(); // T2
    if (this.#inFlight >= requestsMax || this.#wire.isFull) {
      throw overloaded(`${this.#inFlight} requests wait at NATS; the limit is ${requestsMax}.`);
    }
    this.#inFlight += 1;
    try {
      return await this.#ask(subject, { payload, headers }, options);
    } finally {
      this.#inFlight -= 1;
      this.#checkQuiet();
    }
  }

  async confirm({ timeoutMs }: { timeoutMs: number }): Promise<void> {
    this.#refuseWhenClosed();
    await this.#wire.confirm(timeoutMs);
  }

  state(): TransportState {
    return this.#life === "closed" ? "closed" : this.#wire.state;
  }

  onState(listener: (state: TransportState) => void): () => void {
    return this.#listeners.add(listener);
  }

  drain(): Promise<void> {
    this.#drained ??= this.#close();
    return this.#drained;
  }

  async #ask(subject: string, message: Reply, { timeoutMs, signal }: RequestOptions): Promise<Message> {
    const { clock } = this.#options;
    const askedAt = clock.mono();
    const parcel = this.#blobs.pack(message, {});
    try {
      const received = await this.#requests.ask({ subject, parcel, timeoutMs, signal });
      const limit = { timeoutMs: timeoutMs - (clock.mono() - askedAt), signal };
      const { payload, headers } = await this.#blobs.open(received, limit).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw toReplyFailure(subject, error);
      });
      return { subject, payload, headers };
    } finally {
      parcel.forget();
    }
  }

  #register(pattern: string, register: () => Listening): () => void {
    this.#refuseWhenClosed();
    checkPattern(pattern);
    if (this.#registered.size >= subscriptionsMax) {
      throw overloaded(`The transport has ${subscriptionsMax} subscriptions, which is the limit.`);
    }
    const listening = register();
    this.#registered.add(listening);
    return () => {
      if (this.#registered.delete(listening)) listening.stop();
    };
  }

  #follow(state: TransportState): void {
    if (state !== "connected") this.#requests.lose(); // T2
    if (this.#life === "open" && state !== "closed") return this.#listeners.tell(state);
    if (state !== "connected") this.#serving.forgetAll(); // nobody can be answered before the end
    void this.drain(); // does not fail; it has begun already unless the client gave up by itself
  }

  async #close(): Promise<void> {
    this.#life = "draining";
    await Promise.all([...this.#registered].map((listening) => listening.drain()));
    if (this.#wire.state !== "connected") this.#serving.forgetAll();
    await this.#becomeQuiet();
    await this.#blobs.drain(this.#wire.state === "connected" ? graceMs : 0);
    await this.#wire.flush(graceMs).catch(() => {}); // lost or frozen: what was sent last may be lost
    for (const listening of this.#registered) listening.stop();
    this.#registered.clear();
    this.#serving.close();
    await this.#wire.close();
    this.#life = "closed";
    this.#listeners.tell("closed");
  }

  #becomeQuiet(): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuiet = resolve;
      this.#checkQuiet();
    });
  }

  #checkQuiet(): void {
    if (this.#inFlight === 0 && this.#serving.isQuiet) this.#onQuiet();
  }

  #refuseWhenClosed(): void {
    if (this.#life !== "open") throw new AionisError("TRANSPORT_CLOSED", "This runtime or connection has been closed.");
  }
}

/** The server acted; whatever went wrong afterwards, the requester cannot know how it ended. */
function toReplyFailure(subject: string, cause: unknown): AionisError {
  const code = isFailure(cause, "MESSAGE_INVALID") ? "REMOTE_FAULT" : "TRANSPORT_TIMEOUT";
  return new AionisError(code, `${subject} was answered, but the reply's payload cannot be had.`, { cause });
}
