// Streams
//
// One JetStream stream as a log that is written in order. Owns a connection of its own, so that filling the log never holds up requests.
//
// Invariants:
//   S1. A message is stored only right after the one that its writer took for the last (`expected last sequence`), so that of two
//       writers, and of one that was cut off and comes back, neither can put a message twice or out of order.
//   S2. What is asked of a server that is gone fails at once: the client would let it wait for its time to run out.

import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers as createHeaders, errors, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { AionisError, isFailure } from "../../src/contracts/failures.ts";
import type { Headers } from "../transport.ts";
import { dial } from "./dial.ts";
import type { NatsOptions } from "./options.ts";
import { whatToAllow } from "./refusals.ts";

/** A message as it stands in the log. Header names are kept as they are. */
export interface LogMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: Headers;
}

export interface LogStream {
  /** The most bytes of one message, headers included. */
  readonly messageBytesMax: number;
  /** The places of its first and last message; of an empty one the first is after the last. Makes the stream if there is none. */
  readRange(): Promise<{ first: number; last: number }>;
  /** The headers of the message at `place`; nothing when there is none. */
  readHeaders(place: number): Promise<Headers | undefined>;
  /** Stores the messages in order after `place`. Resolves when all are stored; when it rejects, some may be. */
  append(place: number, messages: readonly LogMessage[]): Promise<void>;
  /** Removes every message. */
  clear(): Promise<void>;
  /** Calls `listener` each time the server is there again. */
  onBack(listener: () => void): void;
  close(): Promise<void>;
}

export interface StreamOptions extends NatsOptions {
  /** The name of the stream; `A-Z a-z 0-9 _ -` */
  stream: string;
  /** The subjects whose messages it keeps. */
  subjects: readonly string[];
}

/**
 * Opens a stream on a connection of its own, and makes it if there is none. Whatever else fails by then can get right by itself, as a
 * cluster that has no leader yet; who writes to the stream hears of it.
 * @throws AionisError as `connectNats`; `TRANSPORT_INCOMPATIBLE` when the server, or this user's account, has no JetStream;
 *   `TRANSPORT_DENIED` when it has, and the user may not ask it.
 */
export async function openStream(options: StreamOptions): Promise<LogStream> {
  const connection = await dial(options);
  const given = { timeout: options.timeoutMs };
  const manager = await jetstreamManager(connection, { ...given, checkAPI: false });
  const stream = createStream(options, { connection, manager, client: jetstream(connection, given) });
  try {
    await stream.readRange();
  } catch (cause) {
    const failure = toOpenFailure(cause, connection.info?.jetstream === true);
    if (failure === undefined) return stream;
    await connection.close();
    throw failure;
  }
  return stream;
}

function toOpenFailure(cause: unknown, hasStreams: boolean): AionisError | undefined {
  const isDenied = isFailure(cause, "TRANSPORT_DENIED");
  if (isDenied && hasStreams) return cause;
  if (!isDenied && !(cause instanceof Error && cause.name === "JetStreamNotEnabled")) return undefined;
  const detail =
    "The NATS server keeps no streams for this user; start it with JetStream (-js), or give its account some.";
  return new AionisError("TRANSPORT_INCOMPATIBLE", detail, { cause });
}

interface Parts {
  connection: NatsConnection;
  manager: JetStreamManager;
  client: JetStreamClient;
}

function createStream(options: StreamOptions, { connection, manager, client }: Parts): LogStream {
  const { stream, subjects, timeoutMs } = options;

  const link = followLink(connection);

  async function readInfo() {
    try {
      return await link.during(() => manager.streams.info(stream));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === streamNotFound)) throw error;
      return await link.during(() =>
        manager.streams.add({ name: stream, subjects: [...subjects], retention: "limits", storage: "file" }),
      );
    }
  }

  const store = ({ subject, payload, headers }: LogMessage, lastSequence: number) =>
    client.publish(subject, payload, {
      headers: toLines(headers),
      expect: { streamName: stream, lastSequence }, // S1
      timeout: timeoutMs,
      retries: 1,
    });

  return {
    messageBytesMax: connection.info?.max_payload ?? defaultBytesMax,
    async readRange() {
      const { state } = await readInfo();
      const first = state.messages === 0 ? state.last_seq + 1 : state.first_seq; // servers differ in what they say of an empty one
      return { first, last: state.last_seq };
    },
    async readHeaders(place) {
      const message = await link.during(() => manager.streams.getMessage(stream, { seq: place }));
      return message === null ? undefined : toHeaders(message.header);
    },
    async append(place, messages) {
      await link.during(async () => {
        const stored = await Promise.allSettled(messages.map((message, index) => store(message, place + index)));
        for (const outcome of stored) if (outcome.status === "rejected") throw outcome.reason;
      });
    },
    async clear() {
      await link.during(() => manager.streams.purge(stream));
    },
    onBack: link.onBack,
    close: () => connection.close(),
  };
}

const streamNotFound = 10_059;
const defaultBytesMax = 1024 * 1024;

/** Whether the server is there. */
function followLink(connection: NatsConnection) {
  const waiting = new Set<(error: Error) => void>();
  let isUp = true;
  let onBack = (): void => {};

  async function follow(): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect") {
        isUp = false;
        for (const lose of waiting) lose(new Error("the connection was lost"));
      } else if (type === "reconnect") {
        isUp = true;
        onBack();
      }
    }
  }

  void follow(); // ends with the connection, and does not fail
  return {
    onBack(listener: () => void): void {
      onBack = listener;
    },
    /** S2 */
    async during<Value>(ask: () => Promise<Value>): Promise<Value> {
      if (!isUp) throw new Error("the server is gone");
      const asked = ask();
      asked.catch(() => {}); // when the connection is lost, nobody waits for it any more
      let lose: (error: Error) => void = () => {};
      const lost = new Promise<never>((_, reject) => {
        lose = reject;
      });
      waiting.add(lose);
      try {
        return await Promise.race([asked, lost]);
      } catch (error) {
        throw toDenial(error) ?? error;
      } finally {
        waiting.delete(lose);
      }
    },
  };
}

/** The client tells a refusal only as what another failure came from. */
function toDenial(error: unknown): AionisError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof errors.PermissionViolationError)) continue;
    const detail = `NATS does not permit this user to send to ${cause.subject}, which keeps the mirror. ${whatToAllow}`;
    return new AionisError("TRANSPORT_DENIED", detail, { cause: error });
  }
  return undefined;
}

function toLines(headers: Headers): MsgHdrs {
  const lines = createHeaders();
  for (const [name, value] of Object.entries(headers)) lines.set(name, value);
  return lines;
}

/** The client gives none for a message without any, whatever its type says. */
function toHeaders(lines: MsgHdrs | undefined): Headers {
  return lines === undefined ? {} : Object.fromEntries(lines.keys().map((name) => [name, lines.get(name)]));
}
