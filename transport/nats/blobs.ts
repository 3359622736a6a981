// Blobs
//
// Payloads that are too large for one message of the server (`max_payload`, 1 MB by default). The sender keeps the bytes and sends
// in their place where they are; the receiver fetches them in parts, by requests, and checks them.
// Owns: the bytes that were not fetched yet, and the fetching. Does not own: the message round them.
//
// Invariants:
//   O1. What is kept is bounded in number, bytes and time. When it is too much, what was kept longest is forgotten first, and who
//       would still fetch it is told at once that nobody has it.
//   O2. A receiver asks only where blobs are, whatever a message says: else a message could make it ask anything of anybody.
//   O3. What is fetched has the length and the SHA-256 that the message named. What is being fetched at one time is bounded, and each part
//       comes in time or all is given up: an owner that does not answer holds up no drain for as long as its request may take.
//   O4. A blob is overtaken by the small messages that were sent after it.

import { createHash } from "node:crypto";
import type { Msg } from "@nats-io/transport-node";
import { AionisError, overloaded } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { Signal } from "../abort.ts";
import { noHeaders } from "../bounds.ts";
import { isBlobSubject, toBlobSubject } from "../subjects.ts";
import type { Reply } from "../transport.ts";
import { type Control, encodeHeaders } from "./headers.ts";
import { type Received, receive, toParcel } from "./received.ts";
import type { Requests } from "./requests.ts";
import type { Listening, Parcel, Wire } from "./wire.ts";

/** A message to send, whose payload may be kept back here until it was fetched. */
export interface Packed extends Parcel {
  /** Whether the payload is kept here; then its `onGone` is called when it is forgotten. */
  readonly isKept: boolean;
  /** Forgets the payload: nobody waits for it any more. */
  forget(): void;
}

const keptMax = 1_024;
const keptBytesMax = 256 * 1024 * 1024;
const keptMs = 60_000;
const fetchedBytesMax = 64 * 1024 * 1024;
const partBytesMax = 512 * 1024;
const partHeaderBytes = 256;
/** How long one part may take; 0.4 Mbit/s are enough. */
const partMs = 10_000;

interface Kept {
  readonly payload: Uint8Array;
  readonly listening: Listening;
  readonly cancelTimer: () => void;
  readonly isForOne: boolean;
  readonly onGone: (() => void) | undefined;
  isFetched: boolean;
}

interface BlobsOptions {
  wire: Wire;
  requests: Requests;
  /** The agent whose blobs they are; only it may serve them. */
  owner: string;
  clock: Clock;
  random: Pick<Random, "bytes">;
}

export class Blobs {
  readonly #options: BlobsOptions;
  readonly #kept = new Map<string, Kept>();
  #keptBytes = 0;
  #fetchedBytes = 0;
  #onQuiet: () => void = () => {};

  constructor(options: BlobsOptions) {
    this.#options = options;
  }

  /**
   * The message as the server takes it. A payload for one receiver is forgotten as soon as it was fetched.
   * @throws AionisError `MESSAGE_TOO_LARGE` when not even its headers fit.
   */
  pack({ payload, headers = noHeaders, onGone }: Reply, control: Control, { isForOne = false } = {}): Packed {
    const bytesMax = this.#options.wire.messageBytesMax;
    const whole = encodeHeaders(headers, control);
    if (whole.bytes + payload.byteLength <= bytesMax) {
      return { payload, headers: whole.lines, isKept: false, forget: doNothing };
    }

    const subject = toBlobSubject(this.#options.owner, Buffer.from(this.#options.random.bytes(16)).toString("hex"));
    const head = encodeHeaders(headers, {
      ...control,
      blob: subject,
      blobBytes: String(payload.byteLength),
      blobSha256: toSha256(payload),
    });
    if (head.bytes > bytesMax) {
      throw new AionisError(
        "MESSAGE_TOO_LARGE",
        `The headers take ${head.bytes} bytes; the server's max_payload is ${bytesMax}.`,
      );
    }
    this.#keep(subject, payload, { isForOne, onGone });
    return { payload: nothing, headers: head.lines, isKept: true, forget: () => this.#forget(subject) };
  }

  /**
   * The message with its payload, fetched when it was kept back.
   * @throws AionisError `MESSAGE_INVALID` when it is not what the message promised, `OVERLOADED` when too much is being fetched,
   *   `TRANSPORT_UNROUTED` when its sender does not have it any more, `TRANSPORT_TIMEOUT` when it did not come in time.
   */
  async open(received: Received, limit: { timeoutMs: number; signal?: Signal | undefined }): Promise<Received> {
    const { blob, blobBytes, blobSha256 } = received.control;
    if (blob === undefined) return received;
    const length = Number(blobBytes);
    if (!isBlobSubject(blob) || !(Number.isInteger(length) && length > 0 && length <= limits.messageBytes)) {
      throw new AionisError("MESSAGE_INVALID", "What the message says about its payload is no blob."); // O2
    }
    if (this.#fetchedBytes + length > fetchedBytesMax) {
      throw overloaded(`${this.#fetchedBytes} bytes of payloads are being fetched, which is the limit.`);
    }
    this.#fetchedBytes += length;
    try {
      const payload = await this.#fetch(blob, length, limit);
      if (toSha256(payload) !== blobSha256)
        throw new AionisError("MESSAGE_INVALID", `The payload at ${blob} is another one.`);
      return { ...received, payload };
    } finally {
      this.#fetchedBytes -= length;
    }
  }

  /** Settles when everything that is kept was fetched once, or when `timeoutMs` have passed, and forgets it all. */
  async drain(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancelTimer = this.#options.clock.setTimer(timeoutMs, resolve);
      this.#onQuiet = () => {
        if ([...this.#kept.values()].some(({ isFetched }) => !isFetched)) return;
        cancelTimer();
        resolve();
      };
      this.#onQuiet();
    });
    for (const subject of this.#kept.keys()) this.#forget(subject);
  }

  #keep(subject: string, payload: Uint8Array, rest: Pick<Kept, "isForOne" | "onGone">): void {
    this.#keptBytes += payload.byteLength;
    this.#kept.set(subject, {
      payload,
      listening: this.#options.wire.listen(subject, (message) => this.#serve(subject, message)),
      cancelTimer: this.#options.clock.setTimer(keptMs, () => this.#forget(subject)),
      ...rest,
      isFetched: false,
    });
    for (const oldest of this.#kept.keys()) {
      if (this.#keptBytes <= keptBytesMax && this.#kept.size <= keptMax) return; // O1
      this.#forget(oldest);
    }
  }

  #forget(subject: string): void {
    const kept = this.#kept.get(subject);
    if (kept === undefined) return;
    this.#kept.delete(subject);
    this.#keptBytes -= kept.payload.byteLength;
    kept.cancelTimer();
    kept.listening.stop();
    kept.onGone?.();
    this.#onQuiet();
  }

  /** Answers a request for one part. */
  #serve(subject: string, message: Msg): void {
    const kept = this.#kept.get(subject);
    const offset = Number(receive(message).control.blobOffset);
    if (kept === undefined || !message.reply || !(offset >= 0)) return; // a foreign message
    const partBytes = Math.min(partBytesMax, this.#options.wire.messageBytesMax - partHeaderBytes);
    const part = kept.payload.subarray(offset, offset + partBytes);
    this.#options.wire.answer(message.reply, { payload: part, headers: undefined });
    if (offset + part.byteLength < kept.payload.byteLength) return;
    kept.isFetched = true;
    if (kept.isForOne) this.#forget(subject);
    this.#onQuiet();
  }

  async #fetch(
    subject: string,
    length: number,
    { timeoutMs, signal }: { timeoutMs: number; signal?: Signal | undefined },
  ): Promise<Uint8Array> {
    const { clock, requests } = this.#options;
    const deadline = clock.mono() + timeoutMs;
    const payload = Buffer.allocUnsafeSlow(length); // filled whole before anybody sees it
    for (let offset = 0; offset < length; ) {
      const parcel = toParcel({ blobOffset: String(offset) });
      const part = await requests.ask({
        subject,
        parcel,
        timeoutMs: Math.min(deadline - clock.mono(), partMs),
        signal,
      });
      const bytes = part.payload.byteLength;
      if (bytes === 0 || offset + bytes > length)
        throw new AionisError("MESSAGE_INVALID", `${subject} is of another length.`);
      payload.set(part.payload, offset);
      offset += bytes;
    }
    return payload;
  }
}

const nothing = new Uint8Array(0);

function toSha256(payload: Uint8Array): string {
  return createHash("sha256").update(payload).digest("hex");
}

function doNothing(): void {}
