// Bounds
//
// What every transport refuses before it sends, so that all of them refuse the same.

import { AionisError, isFailure } from "../src/contracts/failures.ts";
import { limits } from "../src/contracts/limits.ts";
import type { Headers } from "./transport.ts";

/** Characters of all names and values in one message's headers. */
export const headerCharsMax = 8_192;

/** Requests of one transport that wait for their replies; one more is refused with `OVERLOADED`. */
export const requestsMax = 4_096;

/** Subscriptions and servers of one transport; one more is refused with `OVERLOADED`. */
export const subscriptionsMax = 4_096;

/** The headers of a message that has none. */
export const noHeaders: Headers = Object.freeze({});

/** @throws AionisError `MESSAGE_TOO_LARGE` when the payload or the headers are over their limits. */
export function checkSize(payload: Uint8Array, headers: Headers): void {
  if (payload.byteLength > limits.messageBytes) {
    throw new AionisError(
      "MESSAGE_TOO_LARGE",
      `The payload has ${payload.byteLength} bytes; the limit is ${limits.messageBytes}.`,
    );
  }
  if (headers === noHeaders) return;
  let chars = 0;
  for (const name in headers) chars += name.length + (headers[name] ?? "").length;
  if (chars > headerCharsMax) {
    throw new AionisError("MESSAGE_TOO_LARGE", `The headers have ${chars} characters; the limit is ${headerCharsMax}.`);
  }
}

/** How long the requester should wait before it asks again, where a failure says so. */
export function toRetryAfterMs({ facts }: AionisError): number | undefined {
  const { retryAfterMs } = facts;
  return typeof retryAfterMs === "number" && retryAfterMs > 0 ? Math.ceil(retryAfterMs) : undefined;
}

/**
 * What a requester is told of an error that its server's handler threw. Failures of a request itself are passed on, because the
 * handler may be a bridge that asked somebody else; the text of any other error stays on the server's side.
 */
export function toRequestFailure(error: unknown, subject: string): AionisError {
  if (isFailure(error, "TRANSPORT_TIMEOUT", "TRANSPORT_UNROUTED", "OVERLOADED", "MESSAGE_TOO_LARGE", "REMOTE_FAULT"))
    return error;
  return new AionisError("REMOTE_FAULT", `The handler of ${subject} threw; its process has logged why.`);
}
