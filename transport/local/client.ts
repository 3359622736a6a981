// The local client
//
// A transport over the socket of another process. Owns its connection, what is registered on it, and the requests in flight.
//
// Invariants:
//   K1. While the server is gone the client tries again, without end and with jitter, until it is drained; then it registers
//       everything anew. The first connection is tried once: the caller may want to open the store itself.
//   K2. Nothing is kept back for a lost connection. Requests in flight end at once with `TRANSPORT_TIMEOUT`, because the server may
//       have acted; new ones are refused with `TRANSPORT_UNROUTED`, because it has not; what is published is lost.
//   K3. Messages and replies arrive in the order in which the server's side sent them.

import { AionisError, overloaded } from "../../src/contracts/failures.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { type Logger, silentLogger } from "../../src/kernel/logger.ts";
import type { Random } from "../../src/kernel/random.ts";
import { toUnit } from "../../src/kernel/unit.ts";
import { onAbort, type Signal } from "../abort.ts";
import { checkSize, noHeaders, requestsMax, subscriptionsMax, toRequestFailure } from "../bounds.ts";
import { StateListeners } from "../listeners.ts";
import { checkPattern, checkSubject } from "../subjects.ts";
import type {
  Headers,
  IncomingRequest,
  Message,
  Reply,
  RequestOptions,
  Transport,
  TransportState,
} from "../transport.ts";
import { connectAt } from "./address.ts";
import { Channel } from "./channel.ts";
import { encodeFailure, encodeFrame, type Frame, protocolName, protocolVersion, toFailure } from "./frames.ts";

export interface LocalClientOptions {
  /** The path that was given to `openLocalServer`. */
  path: string;
  /** How long one try to connect may take. */
  timeoutMs: number;
  clock: Clock;
  random: Pick<Random, "u32">;
  logger?: Logger;
}

/**
 * Connects to the process that listens at `path`.
 * @throws AionisError `TRANSPORT_UNREACHABLE` when nobody listens or answers, `TRANSPORT_INCOMPATIBLE` when the other process speaks
 *   another version.
 */
export async function connectLocal(options: LocalClientOptions): Promise<Transport> {
  return new LocalTransport(options, await dial(options));
}

const retryFirstMs = 50;
const retryMostMs = 2_000;

type Registration =
  | { kind: "subscribe"; pattern: string; handler: (message: Message) => void }
  | {
      kind: "serve";
      pattern: string;
      queueGroup: string;
      handler: (request: IncomingRequest) => Reply | Promise<Reply>;
    };

class LocalTransport implements Transport {
  readonly kind = "local";
  readonly #options: LocalClientOptions;
  readonly #logger: Logger;
  readonly #listeners: StateListeners;
  readonly #registrations = new Map<number, Registration>();
  readonly #asked = new Map<number, (outcome: Message | AionisError) => void>();
  /** Requests that this process serves and whose senders still wait. */
  readonly #serving = new Set<IncomingRequest>();
  #life: "open" | "draining" | "closed" = "open";
  #channel: Channel | undefined; // undefined while reconnecting, and at the end
  #connectedAt = 0;
  #retries = 0;
  #lastId = 0;
  #cancelRetry: () => void = () => {};
  #onPong: () => void = () => {};
  #onQuiet: () => void = () => {};
  #drained: Promise<void> | undefined;

  constructor(options: LocalClientOptions, channel: Channel) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#listeners = new StateListeners(this.#logger);
    this.#adopt(channel);
  }

  publish(subject: string, payload: Uint8Array, headers: Headers = noHeaders): void {
    this.#refuseWhenClosed();
    checkSize(payload, headers);
    checkSubject(subject);
    const isSent = this.#channel?.offer(encodeFrame({ kind: "publish", text: subject, payload, headers })) === true;
    if (!isSent)
      this.#logger.log("debug", "A published message was dropped: the server is gone or does not read.", { subject });
  }

  subscribe(pattern: string, handler: (message: Message) => void): () => void {
    return this.#register({ kind: "subscribe", pattern, handler });
  }

  serve(
    pattern: string,
    queueGroup: string,
    handler: (request: IncomingRequest) => Reply | Promise<Reply>,
  ): () => void {
    return this.#register({ kind: "serve", pattern, queueGroup, handler });
  }

  async request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Message> {
    const { timeoutMs, headers = noHeaders, signal } = options;
    this.#refuseWhenClosed();
    signal?.throwIfAborted();
    checkSize(payload, headers);
    checkSubject(subject);
    const channel = this.#channel;
    if (channel === undefined)
      throw new AionisError("TRANSPORT_UNROUTED", `Not connected to ${this.#options.path}; trying again.`); // K2
    if (this.#asked.size >= requestsMax || channel.isFull) {
      throw overloaded(`${this.#asked.size} requests wait at ${this.#options.path}; the limit is ${requestsMax}.`);
    }
    return await this.#ask(channel, { subject, payload, headers, timeoutMs }, signal);
  }

  state(): TransportState {
    if (this.#life === "closed") return "closed";
    return this.#channel === undefined ? "reconnecting" : "connected";
  }

  onState(listener: (state: TransportState) => void): () => void {
    return this.#listeners.add(listener);
  }

  drain(): Promise<void> {
    this.#drained ??= this.#close();
    return this.#drained;
  }

  #ask(channel: Channel, request: Omit<IncomingRequest, "isWanted">, signal: Signal | undefined): Promise<Message> {
    const { subject, payload, headers, timeoutMs } = request;
    const number = Math.min(Math.max(timeoutMs, 0), Number.MAX_SAFE_INTEGER); // what a frame can carry; the timer below decides
    const id = this.#nextId();
    return new Promise((resolve, reject) => {
      const end = (tell: () => void): void => {
        cancelTimer();
        forgetSignal();
        this.#asked.delete(id);
        tell();
        this.#checkQuiet();
      };
      const settle = (outcome: Message | AionisError): void => {
        end(() => (outcome instanceof AionisError ? reject(outcome) : resolve({ ...outcome, subject })));
      };
      const cancelTimer = this.#options.clock.setTimer(timeoutMs, () => {
        settle(new AionisError("TRANSPORT_TIMEOUT", `No reply from ${subject} within ${timeoutMs} ms.`));
      });
      const forgetSignal = onAbort(signal, () => {
        channel.send(encodeFrame({ kind: "abandon", id }));
        end(() => reject(signal?.reason));
      });
      this.#asked.set(id, settle);
      const target = signal === undefined ? 0 : 1;
      channel.send(encodeFrame({ kind: "request", id, target, number, text: subject, payload, headers }));
    });
  }

  #register(registration: Registration): () => void {
    this.#refuseWhenClosed();
    checkPattern(registration.pattern);
    if (this.#registrations.size >= subscriptionsMax) {
      throw overloaded(`The transport has ${subscriptionsMax} subscriptions, which is the limit.`);
    }
    const id = this.#nextId();
    this.#registrations.set(id, registration);
    this.#channel?.send(encodeRegistration(id, registration));
    return () => {
      if (this.#registrations.delete(id)) this.#channel?.send(encodeFrame({ kind: "unregister", id }));
    };
  }

  #adopt(channel: Channel): void {
    this.#channel = channel;
    this.#connectedAt = this.#options.clock.mono();
    channel.onFrame = (frame) => this.#handle(channel, frame);
    channel.onClose = (error) => this.#lose(error);
    for (const [id, registration] of this.#registrations) channel.send(encodeRegistration(id, registration));
    if (!channel.isOpen) this.#lose(undefined); // it closed between its welcome and now, when nobody listened
  }

  /** Errors end the connection. */
  #handle(channel: Channel, frame: Frame): void {
    switch (frame.kind) {
      case "message":
        return this.#deliver(frame);
      case "request":
        return void this.#serve(channel, frame); // reports its own failures
      case "reply":
        return this.#asked.get(frame.id)?.({ subject: "", payload: frame.payload, headers: frame.headers });
      case "failure":
        return this.#asked.get(frame.id)?.(toFailure(frame));
      case "pong":
        return this.#onPong();
      default:
        throw new Error(`a server does not send ${frame.kind}`);
    }
  }

  #deliver(frame: Frame): void {
    const registration = this.#registrations.get(frame.target);
    if (registration?.kind !== "subscribe") return; // unregistered while the message was on its way
    const { text: subject, payload, headers } = frame;
    try {
      const result: unknown = registration.handler({ subject, payload, headers });
      if (result instanceof Promise) result.catch((error: unknown) => this.#report(subject, error)); // an async handler is allowed by its type
    } catch (error) {
      this.#report(subject, error);
    }
  }

  async #serve(channel: Channel, frame: Frame): Promise<void> {
    const { id, text: subject, payload, headers, number: timeoutMs } = frame;
    const registration = this.#registrations.get(frame.target);
    if (registration?.kind !== "serve") {
      channel.send(encodeFailure(id, new AionisError("TRANSPORT_UNROUTED", `Nobody serves ${subject} any more.`)));
      return;
    }
    const request = { subject, payload, headers, timeoutMs, isWanted: () => channel.isOpen };
    const forget = this.#expect(request);
    let reply: Reply | undefined;
    try {
      reply = await registration.handler(request);
      const { payload: answer, headers: answerHeaders = noHeaders, onGone } = reply;
      checkSize(answer, answerHeaders);
      channel.send(encodeFrame({ kind: "reply", id, payload: answer, headers: answerHeaders }), onGone);
    } catch (error) {
      reply?.onGone?.();
      const failure = toRequestFailure(error, subject);
      if (failure !== error) this.#report(subject, error);
      channel.send(encodeFailure(id, failure));
    }
    forget();
  }

  /** Counts `request` as being served until the returned function is called or its sender has given up. */
  #expect(request: IncomingRequest): () => void {
    this.#serving.add(request);
    const forget = (): void => {
      cancelTimer();
      this.#serving.delete(request);
      this.#checkQuiet();
    };
    const cancelTimer = this.#options.clock.setTimer(request.timeoutMs, () => forget());
    return forget;
  }

  #lose(error: unknown): void {
    if (this.#channel === undefined) return;
    this.#channel = undefined;
    this.#logger.log("info", "The connection to the local runtime was lost.", { path: this.#options.path, error });
    const failure = new AionisError(
      "TRANSPORT_TIMEOUT",
      `The connection to ${this.#options.path} broke before the reply.`,
      { cause: error },
    );
    for (const settle of this.#asked.values()) settle(failure); // K2
    this.#serving.clear(); // nobody can be answered
    this.#onPong();
    this.#checkQuiet();
    if (this.#life !== "open") return;
    if (this.#options.clock.mono() - this.#connectedAt > retryMostMs) this.#retries = 0; // else it flaps, and waits grow
    this.#listeners.tell("reconnecting");
    this.#scheduleRetry();
  }

  #scheduleRetry(): void {
    const most = Math.min(retryFirstMs * 2 ** this.#retries, retryMostMs);
    this.#retries += 1;
    const delayMs = (most * (1 + toUnit(this.#options.random))) / 2;
    this.#cancelRetry = this.#options.clock.setTimer(delayMs, () => void this.#retry()); // reports its own failures
  }

  async #retry(): Promise<void> {
    try {
      const channel = await dial(this.#options);
      if (this.#life !== "open") return channel.end(); // drained meanwhile
      this.#adopt(channel);
      this.#listeners.tell(this.state());
    } catch (error) {
      this.#logger.log("debug", "The local runtime cannot be reached yet.", { path: this.#options.path, error });
      if (this.#life === "open") this.#scheduleRetry(); // K1
    }
  }

  async #close(): Promise<void> {
    this.#life = "draining";
    this.#cancelRetry();
    for (const id of this.#registrations.keys()) this.#channel?.send(encodeFrame({ kind: "unregister", id }));
    await this.#hearPong(); // all that was on its way has arrived: the server sends in order (K3)
    await this.#becomeQuiet();
    await this.#hangUp();
    this.#registrations.clear();
    this.#life = "closed";
    this.#listeners.tell("closed");
  }

  #hearPong(): Promise<void> {
    return new Promise((resolve) => {
      this.#onPong = resolve; // also called when the connection is lost
      if (this.#channel === undefined) resolve();
      else this.#channel.send(encodeFrame({ kind: "ping" }));
    });
  }

  #becomeQuiet(): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuiet = resolve;
      this.#checkQuiet();
    });
  }

  #hangUp(): Promise<void> {
    return new Promise((resolve) => {
      const channel = this.#channel;
      if (channel === undefined) return resolve();
      channel.onClose = () => resolve();
      channel.end();
      this.#channel = undefined;
    });
  }

  #checkQuiet(): void {
    if (this.#asked.size === 0 && this.#serving.size === 0) this.#onQuiet();
  }

  #nextId(): number {
    this.#lastId = (this.#lastId + 1) % 2 ** 32;
    return this.#lastId;
  }

  #report(subject: string, error: unknown): void {
    this.#logger.log("error", "A message handler threw.", { subject, error });
  }

  #refuseWhenClosed(): void {
    if (this.#life !== "open") throw new AionisError("TRANSPORT_CLOSED", "This runtime or connection has been closed.");
  }
}

function encodeRegistration(id: number, registration: Registration): Uint8Array[] {
  const { kind, pattern } = registration;
  if (kind === "subscribe") return encodeFrame({ kind, id, text: pattern });
  return encodeFrame({ kind, id, text: pattern, payload: Buffer.from(registration.queueGroup) });
}

/** One connection, greeted and ready. */
async function dial(options: LocalClientOptions): Promise<Channel> {
  const { path, timeoutMs, clock } = options;
  const channel = new Channel(await connectAt(path), clock);
  return await new Promise((resolve, reject) => {
    const fail = (failure: AionisError): void => {
      cancelTimer();
      channel.onClose = () => {};
      channel.destroy();
      reject(failure);
    };
    const cancelTimer = clock.setTimer(timeoutMs, () => {
      fail(
        new AionisError("TRANSPORT_UNREACHABLE", `Whoever listens at ${path} did not answer within ${timeoutMs} ms.`),
      );
    });
    channel.onClose = (cause) =>
      fail(new AionisError("TRANSPORT_UNREACHABLE", `Whoever listens at ${path} hung up.`, { cause }));
    channel.onFrame = (frame) => {
      if (frame.kind === "failure") return fail(toFailure(frame));
      if (frame.kind !== "welcome") throw new Error(`a server does not greet with ${frame.kind}`);
      cancelTimer();
      resolve(channel);
    };
    channel.send(encodeFrame({ kind: "hello", number: protocolVersion, text: protocolName }));
  });
}
