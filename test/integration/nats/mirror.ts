import { setTimeout as sleep } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { fromScopeName } from "../../../src/contracts/scope.ts";
import type { JournalEvent } from "../../../src/index.ts";
import { createSubjects } from "../../../transport/index.ts";
import { scope } from "./system.ts";

const patienceMs = 20_000;
const { stream } = createSubjects(fromScopeName(scope)).mirror;

/** Whether the mirror on a server holds these events of the journal, each once and in order. Waits until it has caught up. */
export async function checkMirror(server: { url: string }, events: readonly JournalEvent[]): Promise<string[]> {
  const connection = await connect({ servers: server.url });
  try {
    const held = await waitForMessages(connection, events.length);
    if (held !== events.length) return [`the mirror holds ${held} events of ${events.length}`];
    const ids = await readIds(connection, events.length);
    const wrong = events.findIndex(({ id }, index) => id !== ids[index]);
    return wrong < 0 ? [] : [`the mirror's event ${wrong + 1} is ${ids[wrong]}, not ${events[wrong]?.id}`];
  } finally {
    await connection.close();
  }
}

/** How many messages there are as soon as they are enough. The stream may be missing before: it was lost, and is made again. */
async function waitForMessages(connection: NatsConnection, wanted: number): Promise<number> {
  const manager = await jetstreamManager(connection);
  const endsAt = performance.now() + patienceMs;
  for (;;) {
    const { messages } = await manager.streams.info(stream).then(
      ({ state }) => state,
      () => ({ messages: 0 }),
    );
    if (messages >= wanted || performance.now() > endsAt) return messages;
    await sleep(50); // nothing tells of a stream that is filled
  }
}

async function readIds(connection: NatsConnection, count: number): Promise<unknown[]> {
  const ids: unknown[] = [];
  const consumer = await jetstream(connection).consumers.get(stream);
  for await (const { headers } of await consumer.consume()) {
    ids.push(headers?.get("ce-id"));
    if (ids.length === count) break;
  }
  return ids;
}
