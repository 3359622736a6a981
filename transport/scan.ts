// Scans
//
// One pass over a message before a decoder sees it, and the limits of what may travel. (msgpackr decodes records, regular
// expressions and errors in every mode, and allocates and recurses as the bytes tell it to; JSON.parse takes a second for what is
// only deep.) Nothing here allocates or recurses, and every step moves on by a byte at least.

import { AionisError } from "../src/contracts/failures.ts";
import { limits } from "../src/contracts/limits.ts";

/** How deep a message may nest, and how many values it may hold. */
export interface Bounds {
  readonly depth: number;
  readonly values: number;
}

/** Of what is asked, told or recorded. */
export const messageBounds: Bounds = { depth: limits.messageDepth, values: limits.messageValues };

/** Of an answer, which holds several of the values that came with messages, each some levels deeper than it was. */
export const answerBounds: Bounds = { depth: limits.answerDepth, values: limits.answerValues };

// What is open round the value at hand, from the message itself at 0. A scan never runs inside another, so all share the arrays.
const openItems = new Int32Array(answerBounds.depth + 1);
const openMaps = new Uint8Array(answerBounds.depth + 1);

/**
 * Takes exactly one value: JSON's, or bytes. [0.25 µs for 1 KB.] Each round of the loop reads one value, and its key where it has one.
 * Returns whether one of its keys is `__proto__`, which the decoder must be kept from.
 * @throws AionisError `MESSAGE_TOO_LARGE`, `MESSAGE_INVALID`.
 */
export function scanMessagePack(bytes: Uint8Array, allowsBytes = true, bounds = messageBounds): boolean {
  const end = bytes.length;
  if (end > limits.messageBytes) throw tooLarge("bytes", end, limits.messageBytes);
  let at = 0;
  let values = 0;
  let depth = 0;
  let left = 1; // items not yet read, of what is open innermost
  let inMap = 0;
  let hasPrototypeKey = false;
  for (;;) {
    while (left === 0) {
      if (depth === 0) {
        if (at !== end) throw invalid(`${end - at} bytes follow the value`);
        return hasPrototypeKey;
      }
      depth -= 1;
      left = openItems[depth] ?? 0;
      inMap = openMaps[depth] ?? 0;
    }
    left -= 1;
    if (inMap === 1) {
      const keyAt = at;
      at = scanKey(bytes, at, end);
      hasPrototypeKey ||= isPrototypeKey(bytes, keyAt, at);
    }
    if (at >= end) throw truncated();
    const token = bytes[at] ?? 0xc1;
    at += 1;
    if (token < 0x80 || token >= 0xe0) continue; // small numbers

    let items = -1; // of a map or list, when the value is one
    let isMap = 0;
    if (token < 0x90) {
      items = token - 0x80;
      isMap = 1;
    } else if (token < 0xa0) {
      items = token - 0x90;
    } else if (token < 0xc0) {
      at += token - 0xa0; // short text
    } else {
      const width = tokenWidths[token - 0xc0] ?? -1;
      if (width < 0) throw invalid(`the token 0x${token.toString(16)} is not JSON and not a byte string`);
      if (at + width > end) throw truncated();
      if (token >= 0xdc) {
        items = readUint(bytes, at, width);
        isMap = token >= 0xde ? 1 : 0;
        at += width;
      } else if (token >= 0xd9 || (token >= 0xc4 && token <= 0xc6)) {
        if (token < 0xd9 && !allowsBytes)
          throw invalid("it holds bytes where only JSON is kept; send text, such as base64");
        at += width + readUint(bytes, at, width); // text and byte strings
      } else {
        scanNumber(bytes, at, token);
        at += width;
      }
    }
    if (at > end) throw truncated();
    if (items < 0) continue;

    values += isMap === 1 ? 2 * items : items;
    if (values > bounds.values) throw tooLarge("values", values, bounds.values);
    if (items > end - at) throw truncated(); // each item has a byte at least
    openItems[depth] = left;
    openMaps[depth] = inMap;
    depth += 1;
    if (depth > bounds.depth) throw tooDeep(bounds.depth);
    left = items;
    inMap = isMap;
  }
}

// From 0xc0: how many bytes of number or length follow the token, or -1 for what may not travel: 0xc1 and the extensions.
const tokenWidths = Int8Array.of(
  ...[0, -1, 0, 0, 1, 2, 4, -1, -1, -1, 4, 8, 1, 2, 4, 8], // nil, unused, false, true, bin 8-32, ext 8-32, float 32-64, uint 8-64
  ...[1, 2, 4, 8, -1, -1, -1, -1, -1, 1, 2, 4, 2, 4, 2, 4], // int 8-64, fixext 1-16, str 8-32, array 16-32, map 16-32
);

/** Passes one key of a map, which must be text. */
function scanKey(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) throw truncated();
  const token = bytes[at] ?? 0xc1;
  let start = at + 1;
  let length = token - 0xa0;
  if (token < 0xa0 || token > 0xbf) {
    if (token < 0xd9 || token > 0xdb) throw invalid("a key is not text");
    const width = tokenWidths[token - 0xc0] ?? 0;
    if (start + width > end) throw truncated();
    length = readUint(bytes, start, width);
    start += width;
  }
  if (start + length > end) throw truncated();
  return start + length;
}

const prototypeKey = "__proto__";

/** Whether the key whose token and text stand in these bytes ends with `__proto__`: a longer one costs no more than time. */
function isPrototypeKey(bytes: Uint8Array, start: number, end: number): boolean {
  const textAt = end - prototypeKey.length;
  if (textAt <= start || bytes[textAt] !== 0x5f || bytes[end - 1] !== 0x5f) return false; // most keys end here
  return toLatin1(bytes, textAt, prototypeKey.length) === prototypeKey;
}

/** Refuses what is no finite number, and whole numbers that would lose digits. */
function scanNumber(bytes: Uint8Array, at: number, token: number): void {
  if (token === 0xca || token === 0xcb) {
    const exponent = readUint(bytes, at, 2) & (token === 0xca ? 0x7f80 : 0x7ff0); // all ones in infinities and what is no number
    if (exponent === (token === 0xca ? 0x7f80 : 0x7ff0)) throw invalid("a number is not finite");
  } else if (token === 0xcf || token === 0xd3) {
    const high = token === 0xcf ? readUint(bytes, at, 4) : readUint(bytes, at, 4) | 0;
    if (!Number.isSafeInteger(high * 2 ** 32 + readUint(bytes, at + 4, 4)))
      throw invalid("a whole number has over 53 bits");
  }
}

/** The big-endian number of 1, 2 or 4 bytes at `at`; the caller has checked that they are there. A view would double the scan's cost. */
function readUint(bytes: Uint8Array, at: number, width: number): number {
  let number = 0;
  for (let index = at; index < at + width; index += 1) number = number * 0x100 + (bytes[index] ?? 0);
  return number;
}

function toLatin1(bytes: Uint8Array, start: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("latin1");
}

/**
 * Counts depth and separators outside of texts. What is no JSON at all is left to the parser.
 * @throws AionisError `MESSAGE_TOO_LARGE`.
 */
export function scanJson(bytes: Uint8Array, bounds = messageBounds): void {
  if (bytes.length > limits.messageBytes) throw tooLarge("bytes", bytes.length, limits.messageBytes);
  let depth = 0;
  let values = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const char = bytes[at];
    if (inText) {
      if (char === 0x5c)
        at += 1; // a backslash and what it escapes
      else if (char === 0x22) inText = false;
    } else if (char === 0x22) {
      inText = true;
    } else if (char === 0x5b || char === 0x7b) {
      depth += 1;
      values += 1;
      if (depth > bounds.depth) throw tooDeep(bounds.depth);
    } else if (char === 0x5d || char === 0x7d) {
      depth -= 1;
    } else if (char === 0x2c || char === 0x3a) {
      values += 1;
    }
  }
  if (values > bounds.values) throw tooLarge("values", values, bounds.values);
}

/** A refusal that says what is wrong with the message. */
export function invalid(what: string): AionisError {
  return new AionisError("MESSAGE_INVALID", `The message is refused: ${what}.`);
}

function truncated(): AionisError {
  return invalid("it ends within a value");
}

function tooDeep(limit: number): AionisError {
  return new AionisError("MESSAGE_TOO_LARGE", `The message nests deeper than ${limit} levels.`);
}

function tooLarge(what: string, count: number, limit: number): AionisError {
  return new AionisError("MESSAGE_TOO_LARGE", `The message has ${count} ${what}; the limit is ${limit}.`);
}
