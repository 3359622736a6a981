// Subscribe, plain
//
// Follows a journal without our SDK: with the client of NATS alone, from the stream that mirrors the journal. It prints one line of JSON for
// each event from the given one on, each once and in order. A lost connection, a restarted server, a stream that was lost and filled again: it
// reads on after the last event that it printed. Keep the `seq` of what you have handled, and start with the next one.

import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DeliverPolicy, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";

const usage = "Usage: npm run subscribe:plain -- --nats <url> --scope <tenant>/<project> [--from <sequence>]";
const sequenceHeader = "aionis-seq";
const pingMs = 10_000; // a server that is silent for three times as long is given up
const retryMs = 500;
const timeoutMs = 1_000; // what is asked of a server that has gone is never answered

/** Prints events until the process is ended. @throws when the arguments do not fit, or no server answers at first. */
export async function main(argv: string[]): Promise<void> {
  const { servers, subject, from } = readOptions(argv);
  const again = { maxReconnectAttempts: -1, reconnectTimeWait: retryMs, pingInterval: pingMs };
  const reading = new Reading(await connect({ servers, ...again }));
  for (let next = from; ; ) {
    try {
      for await (const event of reading.from(next, subject)) {
        if (event.seq < next) continue; // a stream that was filled again begins at the beginning
        process.stdout.write(`${JSON.stringify(event)}\n`);
        next = event.seq + 1;
      }
    } catch (error) {
      process.stderr.write(`${String(error)}; it tries again from event ${next} on\n`);
    }
    await sleep(retryMs);
  }
}

function readOptions(argv: string[]) {
  const flag = { type: "string" } as const;
  const { values } = parseArgs({ args: argv, options: { nats: flag, scope: flag, from: flag } });
  const { nats: servers, scope, from = "1" } = values;
  if (servers === undefined || scope === undefined || !/^\d+$/.test(from)) throw new Error(usage);
  const subject = `aionis.v1.${scope.split("/").map(toToken).join(".")}.task.>`; // one of those that the stream keeps
  return { servers, subject, from: Number(from) };
}

/** Reads the stream, by one consumer for as long as the connection holds: the client's own recovery can take half a minute. */
class Reading {
  readonly #connection: NatsConnection;
  #stop = (): void => {};

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    void this.#watch(); // ends with the connection, and does not fail
  }

  /** The events from about `next` on, until the connection is lost or the stream is gone. */
  async *from(next: number, subject: string): AsyncGenerator<{ seq: number }, void, void> {
    const manager = await jetstreamManager(this.#connection, { timeout: timeoutMs });
    const stream = await manager.streams.find(subject);
    const start = {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: await findPlace(manager, stream, next),
    };
    const consumer = await jetstream(this.#connection, { timeout: timeoutMs }).consumers.get(stream, start);
    const messages = await consumer.consume({ abort_on_missing_resource: true });
    this.#stop = () => messages.stop();
    for await (const message of messages) {
      if (message.headers?.has(sequenceHeader)) yield message.json<{ seq: number }>(); // what somebody else put there has none
    }
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) if (type === "disconnect") this.#stop();
  }
}

/** Where event `next` stands in the stream at the earliest: events stand there in order, and what is not an event only moves them back. */
async function findPlace(manager: JetStreamManager, stream: string, next: number): Promise<number> {
  const { first_seq, last_seq } = (await manager.streams.info(stream)).state;
  const first = await manager.streams.getMessage(stream, { seq: first_seq });
  if (!first?.header.has(sequenceHeader)) return first_seq;
  const ahead = next - Number(first.header.get(sequenceHeader));
  return Math.min(first_seq + Math.max(ahead, 0), last_seq + 1); // a server that lost its last events is given them again
}

/** How a tenant or a project stands in a subject. (Over 63 characters it is a hash, which is left out here.) */
function toToken(text: string): string {
  return /^[A-Za-z0-9_-]{1,63}$/.test(text) ? text : `=${Buffer.from(text).toString("base64url")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
