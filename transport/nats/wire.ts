// The wire
//
// A connection to NATS as the rest of this folder sees it. Owns the connection, its state, and what waits to be written.
// Does not own: what messages mean.
//
// Invariants:
//   W1. Nothing is kept back for a lost connection: what is sent then is dropped, and the sender told so. (The client would keep
//       it until its next try to connect and drop it then.)
//   W2. What the server has not read yet is bounded: past `unreadBytesMax` the wire says that it is full. A pong tells how far the
//       server has come, because the client does not show its socket.
//   W3. Nothing throws into the client. It reads the socket in the same loop that calls handlers, and an error would end that loop
//       without a word and leave a connection that looks open.
//   W4. Replies go to inboxes and nowhere else. Who asks names the subject of the reply, and the server does not check whether they may
//       publish there: whoever answers would do it for them.

import {
  errors,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type PermissionViolationError,
  type Subscription,
} from "@nats-io/transport-node";
import { AionisError } from "../../src/contracts/failures.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { isInbox } from "../subjects.ts";
import type { TransportState } from "../transport.ts";
import { Refusals, whatToAllow } from "./refusals.ts";

/** What is registered at the server. Ending it twice is safe, in either way. */
export interface Listening {
  /** Ends it; what is on its way is dropped. */
  stop(): void;
  /** Ends it; what is on its way is still handled. Settles when the server has sent it all. */
  drain(): Promise<void>;
}

/** One message to send. */
export interface Parcel {
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

const unreadBytesMax = 32 * 1024 * 1024;
const confirmEveryBytes = 1024 * 1024;

export class Wire {
  /** Called at each change of state. Of the last, `closed`, also when the client gives up by itself. */
  onState: (state: TransportState) => void = () => {};
  /** Called when the server refused to carry a message to `subject`. */
  onRefused: (subject: string) => void = () => {};
  readonly #connection: NatsConnection;
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #logger: Logger;
  #state: TransportState = "connected";
  #unreadBytes = 0;
  #unconfirmedBytes = 0; // of these, the ones sent since the last ping
  readonly #refusals: Refusals;
  #unread: (() => void)[] = [];
  #isAskingForRead = false;

  constructor(connection: NatsConnection, clock: Pick<Clock, "setTimer">, logger: Logger) {
    this.#connection = connection;
    this.#clock = clock;
    this.#logger = logger;
    this.#refusals = new Refusals(connection, clock, logger);
    void this.#follow(connection.status()); // ends with the connection, and does not fail
  }

  get state(): TransportState {
    return this.#state;
  }

  /** W2. */
  get isFull(): boolean {
    return this.#unreadBytes > unreadBytesMax;
  }

  /** The most bytes of headers and payload that the server takes in one message. */
  get messageBytesMax(): number {
    return this.#connection.info?.max_payload ?? Number.POSITIVE_INFINITY; // while reconnecting nothing is sent
  }

  /** Returns whether there was a connection to write to (W1). */
  send(subject: string, { payload, headers }: Parcel, reply?: string): boolean {
    if (this.#state !== "connected") return false;
    this.#connection.publish(subject, payload, {
      ...(headers === undefined ? {} : { headers }),
      ...(reply === undefined ? {} : { reply }),
    });
    this.#count(payload.byteLength + subject.length);
    return true;
  }

  /** Sends a reply to where its requester wants it; dropped when that is no inbox (W4), and when there is no connection. */
  answer(inbox: string, parcel: Parcel): void {
    if (isInbox(inbox)) this.send(inbox, parcel);
  }

  /** Calls `run` once the server has read what was sent until now, or the connection is lost. */
  whenRead(run: () => void): void {
    this.#unread.push(run);
    if (!this.#isAskingForRead) this.#askForRead();
  }

  /** Calls `onMessage` for each message, now and after every reconnection. */
  listen(pattern: string, onMessage: (message: Msg) => void, queue?: string): Listening {
    const callback = (error: Error | null, message: Msg): void => {
      try {
        if (error === null) return onMessage(message);
        this.#refusals.add(listened);
      } catch (failure) {
        this.#logger.log("error", "A message could not be handled.", { pattern, error: failure }); // W3
      }
    };
    const ask = (): Subscription =>
      this.#connection.subscribe(pattern, queue === undefined ? { callback } : { callback, queue });
    let subscription = ask();
    const listened = {
      pattern,
      begin: () => {
        subscription.unsubscribe();
        subscription = ask();
      },
    };
    this.#refusals.watch(listened);
    return {
      stop: () => {
        this.#refusals.forget(listened);
        subscription.unsubscribe();
      },
      drain: () => {
        this.#refusals.forget(listened);
        return this.#drain(subscription);
      },
    };
  }

  /**
   * Settles when the server has taken everything that was to be listened to until now.
   * @throws AionisError `TRANSPORT_DENIED` when it does not permit some of it, `TRANSPORT_UNREACHABLE` when it does not answer.
   */
  async confirm(timeoutMs: number): Promise<void> {
    await this.flush(timeoutMs).catch((cause: unknown) => {
      throw new AionisError("TRANSPORT_UNREACHABLE", "The NATS server hung up, or froze, at once.", { cause });
    });
    const refused = this.#refusals.list();
    if (refused === "") return;
    const detail = `NATS does not permit this user to subscribe to ${refused}. ${whatToAllow}`;
    throw new AionisError("TRANSPORT_DENIED", detail);
  }

  /**
   * Waits until the server has handled what was sent before, and everything that it sent before has been received.
   * @throws Error when the connection is lost or `timeoutMs` pass.
   */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#state !== "connected") throw new Error("not connected");
    await this.#within(timeoutMs, this.#connection.flush());
  }

  /** Ends the connection at once. Safe to call twice. */
  async close(): Promise<void> {
    this.#refusals.close();
    await this.#connection.close();
    discardDial(this.#connection);
  }

  async #drain(subscription: Subscription): Promise<void> {
    if (subscription.isClosed()) return;
    if (this.#state === "connected") await this.#within(graceMs, subscription.drain()).catch(() => {}); // lost or frozen: nothing more comes
    subscription.unsubscribe();
  }

  async #follow(statuses: ReturnType<NatsConnection["status"]>): Promise<void> {
    for await (const status of statuses) {
      if (status.type === "disconnect") this.#become("reconnecting");
      else if (status.type === "reconnect") this.#become("connected");
      else if (status.type === "error") this.#refuse(status.error);
    }
    this.#refusals.close();
    this.#become("closed");
  }

  #become(state: TransportState): void {
    if (this.#state === state) return; // a failed try to connect is told as one more disconnection
    this.#report(state);
    this.#state = state;
    this.#unreadBytes = 0;
    this.#unconfirmedBytes = 0;
    if (state === "connected") this.#refusals.askAgain();
    this.onState(state);
  }

  /** A server also hangs up on a client that is too busy to read, and drops what it held for it; it does not say so. */
  #report(state: TransportState): void {
    if (state === "reconnecting")
      this.#logger.log(
        "warn",
        "The connection to NATS was lost; what was on its way was dropped, and is asked for again.",
        {
          server: this.#connection.getServer(),
        },
      );
    if (state === "connected") this.#logger.log("info", "The connection to NATS is back.");
  }

  #refuse(error: Error): void {
    if (isViolation(error, "subscription")) return this.#refusals.addPattern(error.subject);
    if (!isViolation(error, "publish")) return this.#logger.log("warn", "NATS refused something.", { error });
    const { subject } = error;
    this.#logger.log("warn", "NATS does not permit this user to send there.", { subject });
    this.onRefused(subject);
  }

  #count(bytes: number): void {
    this.#unreadBytes += bytes;
    this.#unconfirmedBytes += bytes;
    if (this.#unconfirmedBytes < confirmEveryBytes) return;
    const confirmed = this.#unconfirmedBytes;
    this.#unconfirmedBytes = 0;
    this.#connection.flush().then(
      () => {
        this.#unreadBytes = Math.max(0, this.#unreadBytes - confirmed);
      },
      () => {}, // the connection was lost, and the count with it
    );
  }

  #askForRead(): void {
    const batch = this.#unread;
    this.#unread = [];
    this.#isAskingForRead = batch.length > 0;
    if (batch.length === 0) return;
    const end = (): void => {
      for (const run of batch) run();
      this.#askForRead();
    };
    if (this.#state === "connected") this.#connection.flush().then(end, end);
    else void Promise.resolve().then(end);
  }

  #within<Value>(timeoutMs: number, promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.setTimer(timeoutMs, () =>
        reject(new Error(`NATS was silent for ${timeoutMs} ms`)),
      );
      promise.then(resolve, reject).finally(cancelTimer);
    });
  }
}

/** How long a server that does not answer may hold up a drain. */
export const graceMs = 2_000;

function isViolation(error: Error, operation: string): error is PermissionViolationError {
  return error instanceof errors.PermissionViolationError && error.operation === operation;
}

/**
 * Ends a try to connect that is under way. The client, when closed meanwhile, forgets its socket but leaves it open, and a server
 * that accepts connections and says nothing would keep this process alive.
 */
function discardDial(connection: NatsConnection): void {
  const { protocol } = connection as { protocol?: { transport?: { discard?: () => void } } }; // cast: not in the public interface
  protocol?.transport?.discard?.();
}
