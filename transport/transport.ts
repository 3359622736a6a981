import type { Signal } from "./abort.ts";

/** Text headers of one message. Names are lower case; names and values together hold at most `headerCharsMax` characters. */
export type Headers = Readonly<Record<string, string>>;

/**
 * One message as it arrived. Its bytes may be shared with the sender and with other receivers: nobody changes a payload after
 * giving it to a transport or getting it from one.
 */
export interface Message {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: Headers;
}

/** A message whose sender waits for a reply. */
export interface IncomingRequest extends Message {
  /** How long the sender waits, counted from when it asked. Work that is not done by then is done for nobody. */
  readonly timeoutMs: number;
  /** Whether somebody still waits for the reply, as far as this side knows. Work for nobody can be left undone. */
  isWanted(): boolean;
}

/** How a request is made. */
export interface RequestOptions {
  timeoutMs: number;
  headers?: Headers;
  /** Gives the request up when it fires. */
  signal?: Signal | undefined;
  /** For a bridge: the reply's `onGone`, if it has one, is called by the requester, once it has let go of the payload. */
  holdsReply?: boolean;
}

/** What a request's server sends back. */
export interface Reply {
  readonly payload: Uint8Array;
  readonly headers?: Headers;
  /** Called once when the transport holds the payload no more: it was handed over or read, or nobody takes it. */
  readonly onGone?: (() => void) | undefined;
}

/** A reply as its requester gets it. */
export interface ReplyMessage extends Message {
  /** Only for who asked for it with `holdsReply`. */
  readonly onGone?: (() => void) | undefined;
}

export type TransportState = "connected" | "reconnecting" | "closed";

/**
 * Carries bytes between subjects. It knows no tasks.
 *
 * A subject is dot-separated tokens built by `subjects.ts`; the patterns given to `subscribe` and `serve` may hold `*` for one
 * token and end in `>` for one or more. Anything else is refused with `INPUT_INVALID`, because brokers accept it and then do
 * something else. Requests are seen by servers only, published messages by subscribers only.
 *
 * Publishing and replies are at most once: a message may be lost, doubled, late or out of order wherever an implementation's doc
 * comment does not promise more, and nothing above relies on more. No handler runs inside a call of `publish` or `request`.
 */
export interface Transport {
  readonly kind: "memory" | "local" | "nats";

  /**
   * Sends to everybody subscribed now; lost when nobody is, and while the transport is `reconnecting`.
   * @throws AionisError `MESSAGE_TOO_LARGE` past `limits.messageBytes`, `INPUT_INVALID` when `subject` is not one,
   *   `TRANSPORT_CLOSED` after `drain`.
   */
  publish(subject: string, payload: Uint8Array, headers?: Headers): void;

  /**
   * Calls `handler` for each message that matches `pattern`, until the returned function is called.
   * A handler that throws is reported to the logger and does not disturb others.
   * @throws AionisError `INPUT_INVALID` when `pattern` is not one, `OVERLOADED` past `subscriptionsMax`, `TRANSPORT_CLOSED` after `drain`.
   */
  subscribe(pattern: string, handler: (message: Message) => void): () => void;

  /**
   * Asks whoever serves `subject` and waits for the reply. Of these failures only `TRANSPORT_TIMEOUT` and `REMOTE_FAULT` leave
   * open whether the server acted; a connection that breaks while the request is on its way ends it with `TRANSPORT_TIMEOUT` at once.
   * So does a `signal` that fires, which rejects with its reason at once; the server hears of it where it can (`isWanted`).
   * @throws AionisError `TRANSPORT_TIMEOUT` when no reply came within `timeoutMs`, `TRANSPORT_UNROUTED` when nobody serves the
   *   subject or the transport is `reconnecting`, `REMOTE_FAULT` when the server's handler threw, `MESSAGE_TOO_LARGE` (request or
   *   reply), `OVERLOADED` when too many requests wait, `INPUT_INVALID` when `subject` is not one, `TRANSPORT_CLOSED` after `drain`.
   */
  request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<ReplyMessage>;

  /**
   * Serves `pattern` until the returned function is called. Within a queue group each request goes to one server; of several
   * groups the first reply counts. A handler that throws is reported to the logger.
   * @throws AionisError as `subscribe`.
   */
  serve(pattern: string, queueGroup: string, handler: (request: IncomingRequest) => Reply | Promise<Reply>): () => void;

  state(): TransportState;

  /** Calls `listener` at each change of state, until the returned function is called. */
  onState(listener: (state: TransportState) => void): () => void;

  /**
   * Takes nothing new, lets requests in flight finish (both asked and served, the latter for as long as their senders wait), closes.
   * Safe to call twice.
   */
  drain(): Promise<void>;
}
