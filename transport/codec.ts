// Codec
//
// Values to bytes and back: MessagePack between our own processes, JSON where the headers say so.
// Owns: which values may travel and how much of them. Does not own: what they mean; schemas check that afterwards.
//
// Invariants:
//   C1. Bytes are scanned before a decoder sees them: what is too large, too deep, too many, cut off, followed by more, or holds
//       anything but JSON values and byte strings, is refused at a cost of one pass.
//   C2. What `encode` returns, `decode` takes: the encoder's output goes through the same scan. What was taken once can be given in an
//       answer, whose bounds are wider than those of what is asked.
//   C3. Any key is data, `__proto__` too: it becomes a property of its own and reaches no prototype. Every number is finite, and an
//       integer that a double would round is refused, with its path where it was written as JSON.
//   C4. What is decoded to be kept is JSON, and comes back as it was: half a surrogate pair, which JSON can spell, is refused.
//       (MessagePack cannot: bytes that are no UTF-8 are its sender's fault and are read as U+FFFD.)

import { Packr } from "msgpackr/pack";
import { AionisError, isFailure } from "../src/contracts/failures.ts";
import { parseJson } from "../src/contracts/json.ts";
import { noHeaders } from "./bounds.ts";
import { answerBounds, type Bounds, invalid, messageBounds, scanJson, scanMessagePack } from "./scan.ts";
import type { Headers } from "./transport.ts";

/** How a message's payload is written. */
export type Format = "msgpack" | "json";

/** The headers to send with a payload of each format. */
export const formatHeaders: Readonly<Record<Format, Headers>> = {
  msgpack: noHeaders,
  json: Object.freeze({ "content-type": "application/json" }),
};

/**
 * The format that a message's headers name. Answer in the same one.
 * @throws AionisError `MESSAGE_INVALID` when it is neither MessagePack (the default) nor JSON.
 */
export function toFormat(headers: Headers): Format {
  const contentType = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (contentType === undefined || contentType === "application/msgpack") return "msgpack";
  if (contentType === "application/json") return "json";
  throw new AionisError(
    "MESSAGE_INVALID",
    `The content type "${contentType.slice(0, 80)}" is unknown; send application/msgpack or application/json.`,
  );
}

/**
 * The bytes of `value`: JSON values, in MessagePack also `Uint8Array`. Fields that are `undefined` are left out, such items of a
 * list become `null`, and half a surrogate pair may become U+FFFD: `toJson` refuses it before. MessagePack refuses `NaN`, infinities and
 * dates, which JSON writes as something else.
 * @throws AionisError `MESSAGE_TOO_LARGE` past a limit of bytes, depth or values, `MESSAGE_INVALID` when the value cannot be carried.
 */
export function encode(value: unknown, format: Format = "msgpack"): Uint8Array {
  return format === "json" ? encodeJson(value, messageBounds) : encodeMessagePack(value, messageBounds);
}

/**
 * The same for an answer, within its wider bounds (C2).
 * @throws AionisError as `encode` does.
 */
export function encodeAnswer(value: unknown, format: Format = "msgpack"): Uint8Array {
  return format === "json" ? encodeJson(value, answerBounds) : encodeMessagePack(value, answerBounds);
}

/**
 * The value that `bytes` hold, which shares no memory with them. Of a repeated key the last value counts. More is refused of what `isKept` (C4).
 * @throws AionisError `MESSAGE_TOO_LARGE` past a limit of bytes, depth or values, `MESSAGE_INVALID` when they are not one such value.
 */
export function decode(bytes: Uint8Array, format: Format = "msgpack", isKept = false): unknown {
  return format === "json" ? decodeJson(bytes, isKept, messageBounds) : decodeMessagePack(bytes, isKept, messageBounds);
}

/**
 * The value of an answer in MessagePack, as `encodeAnswer` wrote it.
 * @throws AionisError as `decode` does.
 */
export function decodeAnswer(bytes: Uint8Array): unknown {
  return decodeMessagePack(bytes, false, answerBounds);
}

const arenaBytes = 8_192;

const packrOptions = {
  useRecords: false,
  moreTypes: false,
  mapsAsObjects: true,
  variableMapSize: true, // the fast path ends at 65,535 keys
  useToJSON: false, // `toJSON` is a key like others: what has such a method was converted before, by `toJson`
  skipValues: [undefined], // leaves such fields out; missing in the library's types
  encodeUndefinedAsNil: true,
  int64AsType: "number" as const, // the scan lets only exact ones through
  copyBuffers: true,
};
const packr = new Packr(packrOptions);

function encodeMessagePack(value: unknown, bounds: Bounds): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = packr.pack(value);
  } catch (cause) {
    throw new AionisError(
      "MESSAGE_INVALID",
      "The value cannot be written as MessagePack: it is circular, or holds what is no data.",
      { cause },
    );
  }
  // The encoder cuts later messages from what is left of its buffer, and each of them would keep all of a large one alive.
  if (bytes.buffer.byteLength > arenaBytes) packr.useBuffer(Buffer.allocUnsafeSlow(arenaBytes));
  scanMessagePack(bytes, true, bounds); // C2
  return bytes;
}

function decodeMessagePack(bytes: Uint8Array, isKept: boolean, bounds: Bounds): unknown {
  const hasPrototypeKey = scanMessagePack(bytes, !isKept, bounds); // C1
  // A view of its own, because the decoder hangs a property on what it is given; a Buffer, because that decodes text faster.
  return hasPrototypeKey ? toObjects(mapPackr.unpack(toView(bytes))) : packr.unpack(toView(bytes));
}

/** msgpackr gives the key `__proto__` another name in objects, but not in maps. [Seldom needed, and five times as slow.] */
const mapPackr = new Packr({ ...packrOptions, mapsAsObjects: false });

/** The value with an object for each map (C3). Recurses no deeper than a message nests. */
function toObjects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toObjects);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries(Array.from(value as Map<string, unknown>, ([key, item]) => [key, toObjects(item)])); // keys are texts (C1)
}

/** The same bytes as a Buffer. */
function toView(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const strictText = new TextDecoder("utf-8", { fatal: true });

function encodeJson(value: unknown, bounds: Bounds): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new AionisError(
      "MESSAGE_INVALID",
      "The value cannot be written as JSON: it is circular, or holds what is no data.",
      { cause },
    );
  }
  const bytes = Buffer.from(text ?? "null", "utf8");
  decodeJson(bytes, false, bounds); // C2; foreign clients alone speak JSON, so that twice the cost is bearable
  return bytes;
}

function decodeJson(bytes: Uint8Array, isKept: boolean, bounds: Bounds): unknown {
  scanJson(bytes, bounds); // C1
  let value: unknown;
  try {
    value = parseJson(strictText.decode(bytes), "The message");
  } catch (cause) {
    if (isFailure(cause)) throw cause; // an integer that would be rounded (C3)
    throw new AionisError("MESSAGE_INVALID", "The message is not JSON.", { cause });
  }
  refuseInfinities(value);
  const path = isKept ? findIllFormed(value) : undefined;
  if (path !== undefined) throw invalid(`${path} holds half of a surrogate pair, which is no Unicode text`); // C4
  return value;
}

/** C3 for JSON: a number such as `1e400` can be spelled in many ways, and is looked at once it is parsed. */
function refuseInfinities(root: unknown): void {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (value === Infinity || value === -Infinity) throw invalid("a number is too large");
    if (typeof value !== "object" || value === null) continue;
    for (const item of Object.values(value)) open.push(item);
  }
}

/** Recurses no deeper than a message nests: what it looks at has been encoded or decoded. */
function findIllFormed(value: unknown, path: readonly string[] = []): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : path.join(".");
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const here = [...path, key];
    const found = key.isWellFormed() ? findIllFormed(item, here) : here.join(".").toWellFormed();
    if (found !== undefined) return found;
  }
  return undefined;
}
