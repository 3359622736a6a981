// Headers
//
// How a message's headers look on NATS: its own, and beside them what this transport says about the message.
//
// NATS carries lines of ASCII and trims them. What does not fit is written another way, which foreign readers know: a value as in
// RFC 8187 (`UTF-8''sch%C3%B6n`), a name percent-encoded. A name that is ours has its first letter encoded when a caller uses it,
// so that nothing a caller sends is mistaken for the transport's word.

import { type MsgHdrs, headers as startHeaders } from "@nats-io/transport-node";
import { noHeaders } from "../bounds.ts";
import type { Headers } from "../transport.ts";

const controlNames = {
  /** How long the sender of a request waits, in milliseconds, or `Infinity`; ours say it in the subject of the reply. */
  timeout: "aionis-timeout",
  /** In a reply: the code of a failure, whose detail is the payload. */
  failure: "aionis-failure",
  /** Beside it: after how many milliseconds to ask again. */
  retryAfter: "aionis-retry-after",
  /** In a reply: it comes from a mere subscriber, which does not serve the request. */
  bystander: "aionis-bystander",
  /** To those who serve a subject: the reply subject of a request whose sender no longer waits. */
  abandon: "aionis-abandon",
  /** Where the payload can be fetched, its length, and its SHA-256 in hexadecimal. */
  blob: "aionis-blob",
  blobBytes: "aionis-blob-bytes",
  blobSha256: "aionis-blob-sha256",
  /** In a request for a part of a payload: where the part begins. */
  blobOffset: "aionis-blob-offset",
} as const;

/** What this transport says about a message. */
export type Control = Partial<Record<keyof typeof controlNames, string>>;

const controlsByName = new Map(Object.entries(controlNames).map(([control, name]) => [name as string, control]));

const plainName = /^[!-$&-9;-~]+$/;
const plainValue = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
const encodedMark = "UTF-8''";

/** The lines to send, and how many bytes they take; no lines when there is nothing to say. */
export function encodeHeaders(headers: Headers, control: Control): { lines: MsgHdrs | undefined; bytes: number } {
  const lines = startHeaders();
  let bytes = frameBytes;
  const append = (name: string, value: string): void => {
    lines.append(name, value);
    bytes += name.length + value.length + lineBytes;
  };
  for (const [key, value] of Object.entries(control)) append(controlNames[key as keyof Control], value); // cast: its own keys
  for (const name in headers) append(encodeName(name), encodeValue(headers[name] ?? ""));
  return bytes === frameBytes ? { lines: undefined, bytes: 0 } : { lines, bytes };
}

/** @throws Error when a foreign sender's headers cannot be read. */
export function decodeHeaders(lines: MsgHdrs | undefined): { headers: Headers; control: Control } {
  if (lines === undefined) return { headers: noHeaders, control: {} };
  const headers: [string, string][] = [];
  const control: Record<string, string> = {};
  for (const [line, [value = ""]] of lines) {
    const name = line.toLowerCase();
    const known = controlsByName.get(name);
    if (known === undefined) headers.push([decodePercents(name), decodeValue(value)]);
    else control[known] = value;
  }
  return { headers: headers.length === 0 ? noHeaders : Object.fromEntries(headers), control };
}

const frameBytes = 12; // "NATS/1.0\r\n" and the empty line
const lineBytes = 4; // ": " and "\r\n"

function encodeName(name: string): string {
  const encoded = plainName.test(name) ? name : encodeURIComponent(name.toWellFormed());
  return controlsByName.has(encoded) ? `%61${encoded.slice(1)}` : encoded; // they begin with `a`
}

function encodeValue(value: string): string {
  if (plainValue.test(value) && !value.startsWith(encodedMark)) return value;
  return encodedMark + encodeURIComponent(value.toWellFormed());
}

function decodeValue(value: string): string {
  return value.startsWith(encodedMark) ? decodePercents(value.slice(encodedMark.length)) : value;
}

function decodePercents(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a foreign sender means its `%`
  }
}
