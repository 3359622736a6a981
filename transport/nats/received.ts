import type { Msg } from "@nats-io/transport-node";
import { checkSize, noHeaders } from "../bounds.ts";
import type { Headers } from "../transport.ts";
import { type Control, decodeHeaders, encodeHeaders } from "./headers.ts";
import type { Parcel } from "./wire.ts";

/** A message as it arrived, its headers told apart from what the transport says about it. */
export interface Received {
  readonly payload: Uint8Array;
  readonly headers: Headers;
  readonly control: Control;
}

/** @throws Error when its headers cannot be read; AionisError `MESSAGE_TOO_LARGE` when it is larger than what any transport sends. */
export function receive(message: Msg): Received {
  const { headers, control } = decodeHeaders(message.headers);
  checkSize(message.data, headers);
  return { payload: message.data, headers, control };
}

/** A message of a few bytes, which any server takes. */
export function toParcel(control: Control, payload: Uint8Array = noPayload): Parcel {
  return { payload, headers: encodeHeaders(noHeaders, control).lines };
}

const noPayload = new Uint8Array(0);
