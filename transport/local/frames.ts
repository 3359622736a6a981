// Frames
//
// How messages look on the local socket. Every frame has one layout, big-endian, so that reading one is a few bounded steps:
//
//   u32 length of the rest | u8 kind | u32 id | u32 target | f64 number | u16 text bytes | u32 header bytes | text | headers | payload
//
//   kind         sent by   id              target         number      text      payload
//   hello        client                                   version     "aionis"
//   welcome      server                                   version
//   publish      client                                               subject   the message's
//   subscribe    client    registration                               pattern
//   serve        client    registration                               pattern   the queue group
//   unregister   client    registration
//   message      server                    registration               subject   the message's
//   request      both      of the request  registration*  timeoutMs   subject   the message's     (* towards a client that serves; else 1
//   abandon      client    of the request                                                            when it may be abandoned)
//   reply        both      of the request                                       the message's
//   failure      both      of the request                 retry**     code      its detail (** after how many ms to ask again, or 0)
//   ping, pong   both      of the ping
//
// Headers are a JSON object, or nothing. Nothing here trusts the other side: whatever does not fit is `MESSAGE_INVALID`.

import { AionisError, type FailureCode, failures } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { noHeaders, toRetryAfterMs } from "../bounds.ts";
import type { Headers } from "../transport.ts";

/** Raised when a frame changes its meaning. Both sides must have the same one. */
export const protocolVersion = 2;

/** The text of a `hello`, by which a server knows that a client means it. */
export const protocolName = "aionis";

const kinds = [
  ...(["hello", "welcome", "publish", "subscribe", "serve", "unregister"] as const),
  ...(["message", "request", "reply", "failure", "ping", "pong", "abandon"] as const),
];
type FrameKind = (typeof kinds)[number];

export interface Frame {
  readonly kind: FrameKind;
  readonly id: number;
  readonly target: number;
  readonly number: number;
  readonly text: string;
  readonly headers: Headers;
  readonly payload: Uint8Array;
}

const lengthBytes = 4;
const fixedBytes = 23; // from `kind` to the length of the headers
const frameBytesMax = limits.messageBytes + 64 * 1024; // a payload, its subject and its headers
const copiedBytes = 16 * 1024; // up to here one copy is cheaper than one more piece to write
const noPayload = new Uint8Array(0);

/** A frame as the pieces to write. What is left out is 0 or empty. */
export function encodeFrame(frame: Pick<Frame, "kind"> & Partial<Frame>): Uint8Array[] {
  const { text = "", headers = noHeaders, payload = noPayload } = frame;
  const headerText = headers === noHeaders ? "" : JSON.stringify(headers);
  const textBytes = Buffer.byteLength(text);
  const headBytes = lengthBytes + fixedBytes + textBytes + Buffer.byteLength(headerText);
  const isCopied = payload.length <= copiedBytes;

  const head = Buffer.allocUnsafe(isCopied ? headBytes + payload.length : headBytes);
  head.writeUInt32BE(headBytes - lengthBytes + payload.length, 0);
  head.writeUInt8(kinds.indexOf(frame.kind), 4);
  head.writeUInt32BE(frame.id ?? 0, 5);
  head.writeUInt32BE(frame.target ?? 0, 9);
  head.writeDoubleBE(frame.number ?? 0, 13);
  head.writeUInt16BE(textBytes, 21);
  head.writeUInt32BE(headBytes - lengthBytes - fixedBytes - textBytes, 23);
  head.write(text, 27);
  head.write(headerText, 27 + textBytes);
  if (!isCopied) return [head, payload];
  head.set(payload, headBytes);
  return [head];
}

/** Cuts a stream of bytes into frames. Holds at most one unfinished frame. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #bytes = 0;
  #bytesNeeded = lengthBytes;

  /** What it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws AionisError `MESSAGE_TOO_LARGE`, `MESSAGE_INVALID`; the stream cannot be read further. */
  read(chunk: Buffer): Frame[] {
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#bytesNeeded) return []; // pieces of a large frame are joined once, when all are there

    const data = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces);
    const frames: Frame[] = [];
    let at = 0;
    let needed = lengthBytes;
    while (data.length - at >= needed) {
      const length = data.readUInt32BE(at);
      checkLength(length);
      needed = lengthBytes + length;
      if (data.length - at < needed) break;
      frames.push(decodeFrame(data.subarray(at + lengthBytes, at + needed)));
      at += needed;
      needed = lengthBytes;
    }
    this.#pieces = at === data.length ? [] : [data.subarray(at)];
    this.#bytes = data.length - at;
    this.#bytesNeeded = needed;
    return frames;
  }
}

/** A failure as a frame that answers request `id`. */
export function encodeFailure(id: number, failure: AionisError): Uint8Array[] {
  const number = toRetryAfterMs(failure) ?? 0;
  return encodeFrame({ kind: "failure", id, number, text: failure.code, payload: Buffer.from(failure.detail) });
}

/** The failure that a frame carries. A code of a newer version is `REMOTE_FAULT`. */
export function toFailure(frame: Frame): AionisError {
  const detail = Buffer.from(frame.payload).toString("utf8");
  const code = Object.hasOwn(failures, frame.text) ? (frame.text as FailureCode) : "REMOTE_FAULT"; // cast: the table has it
  return new AionisError(code, detail, frame.number > 0 ? { facts: { retryAfterMs: frame.number } } : {});
}

function checkLength(length: number): void {
  if (length > frameBytesMax)
    throw new AionisError("MESSAGE_TOO_LARGE", `A frame of ${length} bytes; the limit is ${frameBytesMax}.`);
  if (length < fixedBytes)
    throw new AionisError("MESSAGE_INVALID", `A frame of ${length} bytes; the least is ${fixedBytes}.`);
}

function decodeFrame(data: Buffer): Frame {
  const kind = kinds[data.readUInt8(0)];
  const number = data.readDoubleBE(9);
  const textEnd = fixedBytes + data.readUInt16BE(17);
  const headersEnd = textEnd + data.readUInt32BE(19);
  if (kind === undefined || headersEnd > data.length || !(number >= 0 && number <= Number.MAX_SAFE_INTEGER)) {
    throw new AionisError("MESSAGE_INVALID", "A frame of unknown kind, or one whose parts do not fit its length.");
  }
  return {
    kind,
    id: data.readUInt32BE(1),
    target: data.readUInt32BE(5),
    number,
    text: data.toString("utf8", fixedBytes, textEnd),
    headers: decodeHeaders(data.toString("utf8", textEnd, headersEnd)),
    payload: data.subarray(headersEnd),
  };
}

function decodeHeaders(text: string): Headers {
  if (text === "") return noHeaders;
  let headers: unknown;
  try {
    headers = JSON.parse(text);
  } catch (cause) {
    throw new AionisError("MESSAGE_INVALID", "The headers of a frame are not JSON.", { cause });
  }
  if (
    typeof headers !== "object" ||
    headers === null ||
    Object.values(headers).some((value) => typeof value !== "string")
  ) {
    throw new AionisError("MESSAGE_INVALID", "The headers of a frame are not an object of texts.");
  }
  return headers as Headers; // checked above
}
