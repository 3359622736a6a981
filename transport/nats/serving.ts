// Serving
//
// Brings requests to their handlers and the replies back. Owns which requests are being served, and for how long each is wanted.
//
// Invariants:
//   V1. A request is served while its sender waits, as far as this side knows: until its time has run out or the sender has said
//       that it gave up. Then it counts no more, and its reply is not sent.
//   V2. Every request is answered, also one that cannot be read: with a failure.
//   V3. Who serves a pattern can be felt, and told that a sender gave up (`toServedSubject`), for as long as it may still answer.

import type { Msg } from "@nats-io/transport-node";
import { AionisError, isFailure, overloaded } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { CancelTimer, Clock } from "../../src/kernel/clock.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { checkSize, noHeaders, toRequestFailure, toRetryAfterMs } from "../bounds.ts";
import { encodeToken, isInternalSubject, toServedSubject } from "../subjects.ts";
import type { IncomingRequest, Reply } from "../transport.ts";
import type { Blobs } from "./blobs.ts";
import { receive, toParcel } from "./received.ts";
import { readPatienceMark } from "./requests.ts";
import type { Listening, Wire } from "./wire.ts";

export type RequestHandler = (request: IncomingRequest) => Reply | Promise<Reply>;

interface ServingOptions {
  wire: Wire;
  blobs: Blobs;
  clock: Clock;
  /** Hears of handlers that throw. */
  logger: Logger;
  /** Hears of requests that cannot be read. */
  boundedLogger: Logger;
}

interface Served {
  /** Where its reply goes. */
  readonly reply: string;
  /** When its sender stops waiting. */
  endsAt: number;
  /** How many handlers work on it: one in each queue group. */
  handlers: number;
}

/** How long the sender of a request without our headers is taken to wait. */
const foreignTimeoutMs = limits.callWaitMs;

const sweepMs = 1_000; // how late it may be noticed that a request is no longer served, by those who wait for the last one

const detailCharsMax = 500; // a failure must fit where nothing else does

export class Serving {
  readonly #options: ServingOptions;
  readonly #served = new Map<string, Served>(); // by where its reply goes
  #cancelSweep: CancelTimer | undefined;
  /** Called when nothing is being served any more. */
  onQuiet: () => void = () => {};

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  get isQuiet(): boolean {
    return this.#served.size === 0;
  }

  serve(pattern: string, queueGroup: string, handler: RequestHandler): Listening {
    const { wire } = this.#options;
    const queue = encodeToken(queueGroup); // white space in it would end the protocol's line
    const presence = wire.listen(toServedSubject(pattern), (message) => this.#abandon(message)); // all hear; one has the request
    const requests = wire.listen(pattern, (message) => this.#hear(message, handler), queue);
    return {
      stop: () => {
        requests.stop();
        presence.stop();
      },
      drain: () => requests.drain(), // V3
    };
  }

  /** Counts nothing as being served any more. */
  forgetAll(): void {
    for (const served of [...this.#served.values()]) this.#forget(served);
  }

  /** Lets go of its timer: nothing is served any more. */
  close(): void {
    this.#cancelSweep?.();
  }

  #hear(message: Msg, handler: RequestHandler): void {
    if (!message.reply || isInternalSubject(message.subject)) return; // without a reply subject it was published
    void this.#serve(message, message.reply, handler); // answers its own failures
  }

  #abandon(message: Msg): void {
    const { abandon } = receive(message).control;
    const served = this.#served.get(abandon ?? "");
    if (served !== undefined) this.#forget(served);
  }

  async #serve(message: Msg, reply: string, handler: RequestHandler): Promise<void> {
    const served = this.#served.get(reply) ?? { reply, endsAt: Number.POSITIVE_INFINITY, handlers: 0 };
    served.handlers += 1;
    this.#served.set(reply, served);
    this.#sweepLater();
    const request = await this.#accept(message, served);
    const outcome = request instanceof AionisError ? request : await this.#handle(request, handler);
    try {
      if (this.#isWanted(served))
        this.#answer(reply, outcome); // V1
      else letGo(outcome);
    } catch (error) {
      letGo(outcome);
      this.#answer(reply, toRequestFailure(error, message.subject)); // its headers are too large for this server
    }
    served.handlers -= 1;
    if (served.handlers === 0) this.#forget(served);
  }

  /** The request as its handler sees it, or why there is none. */
  async #accept(message: Msg, served: Served): Promise<IncomingRequest | AionisError> {
    const { subject } = message;
    try {
      const received = receive(message);
      const timeoutMs = readPatienceMark(served.reply) ?? toTimeout(received.control.timeout);
      served.endsAt = this.#options.clock.mono() + timeoutMs;
      const isWhole = received.control.blob === undefined;
      const { payload, headers } = isWhole ? received : await this.#options.blobs.open(received, { timeoutMs });
      return { subject, payload, headers, timeoutMs, isWanted: () => this.#isWanted(served) };
    } catch (error) {
      this.#options.boundedLogger.log("warn", "A request was refused: it cannot be read.", { subject, error });
      return toRefusal(error);
    }
  }

  async #handle(request: IncomingRequest, handler: RequestHandler): Promise<Reply | AionisError> {
    const { subject } = request;
    let reply: Reply | undefined;
    try {
      reply = await handler(request);
      checkSize(reply.payload, reply.headers ?? noHeaders);
      return reply;
    } catch (error) {
      reply?.onGone?.();
      const failure = toRequestFailure(error, subject);
      if (failure !== error) this.#options.logger.log("error", "A message handler threw.", { subject, error });
      return failure;
    }
  }

  /** Sends the reply; lost when there is no connection. */
  #answer(subject: string, outcome: Reply | AionisError): void {
    const { wire, blobs } = this.#options;
    if (outcome instanceof AionisError) {
      const retryAfterMs = toRetryAfterMs(outcome);
      const control = {
        failure: outcome.code,
        ...(retryAfterMs === undefined ? {} : { retryAfter: String(retryAfterMs) }),
      };
      wire.answer(subject, toParcel(control, Buffer.from(outcome.detail.slice(0, detailCharsMax))));
    } else {
      const parcel = blobs.pack(outcome, {}, { isForOne: true });
      wire.answer(subject, parcel);
      if (outcome.onGone !== undefined && !parcel.isKept) wire.whenRead(outcome.onGone);
    }
  }

  /** V1 */
  #isWanted(served: Served): boolean {
    return this.#served.get(served.reply) === served && this.#options.clock.mono() < served.endsAt;
  }

  /** One timer for all: most requests are answered long before their time, and a timer for each would cost more than to look at them. */
  #sweepLater(): void {
    this.#cancelSweep ??= this.#options.clock.setTimer(sweepMs, () => {
      this.#cancelSweep = undefined;
      for (const served of [...this.#served.values()]) if (!this.#isWanted(served)) this.#forget(served);
      if (!this.isQuiet) this.#sweepLater();
    });
  }

  #forget(served: Served): void {
    if (this.#served.get(served.reply) !== served) return;
    this.#served.delete(served.reply);
    if (this.isQuiet) this.onQuiet();
  }
}

function letGo(outcome: Reply | AionisError): void {
  if (!(outcome instanceof AionisError)) outcome.onGone?.();
}

/** @throws AionisError `MESSAGE_INVALID` when it is no length of time. */
function toTimeout(text: string | undefined): number {
  if (text === undefined) return foreignTimeoutMs;
  if (!/^(?:\d{1,15}|Infinity)$/.test(text))
    throw new AionisError("MESSAGE_INVALID", "The request's timeout is no number.");
  return Number(text);
}

/** What the sender is told of a request that no handler saw. */
function toRefusal(error: unknown): AionisError {
  if (isFailure(error, "MESSAGE_INVALID", "MESSAGE_TOO_LARGE", "TRANSPORT_DENIED")) return error;
  if (isFailure(error)) return overloaded(`The request's payload cannot be had: ${error.detail}`);
  return new AionisError("MESSAGE_INVALID", "The request's headers cannot be read.");
}
