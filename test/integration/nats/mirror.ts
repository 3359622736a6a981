// The mirror as anybody sees it who follows it without our SDK. While servers of a cluster come and go, what is asked of JetStream may be
// refused or get no answer; then it is asked again.

import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamManager, jetstream, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { fromScopeName } from "../../../src/contracts/scope.ts";
import type { JournalEvent } from "../../../src/index.ts";
import { createSubjects } from "../../../transport/index.ts";
import type { NatsServer } from "../../support/nats.ts";
import { patienceMs } from "../../support/patience.ts";

/** Where a mirror is: whose, and on one server or on a cluster. */
interface Place {
  readonly scope: string;
  readonly servers: readonly NatsServer[];
}

const answerMs = 1_000;

/** A connection that breaks loses what it still had to hand over: after this long it is asked for again. */
const readMs = 5_000;

/** Makes the stream as somebody does who wants it kept by several members of a cluster: the runtime finds it, and takes it as it is. */
export async function createMirrorStream(place: Place, replicas: number): Promise<void> {
  const { stream, patterns } = toMirror(place);
  await ask(place, (_, manager) =>
    manager.streams.add({
      name: stream,
      subjects: [...patterns],
      retention: "limits",
      storage: "file",
      num_replicas: replicas,
    }),
  );
}

/** The server that keeps the mirror; of several that one which leads them. */
export async function findMirrorKeeper(place: Place): Promise<NatsServer> {
  return await ask(place, async (_, manager) => {
    const { cluster } = await readInfo(place, manager);
    const keeper = cluster === undefined ? place.servers[0] : place.servers.find(({ name }) => name === cluster.leader);
    if (keeper === undefined) throw new Error("nobody leads the mirror");
    return keeper;
  });
}

/** Whether the mirror holds these events of the journal, each once and in order. Waits until it has caught up. */
export async function checkMirror(place: Place, events: readonly JournalEvent[]): Promise<string[]> {
  try {
    const ids = await ask(place, async (connection, manager) => {
      const { state } = await readInfo(place, manager);
      const read = state.messages < events.length ? [] : await readIds(connection, place, state.messages);
      if (read.length < events.length) throw new Error(`the mirror holds ${state.messages} events of ${events.length}`);
      return read;
    });
    if (ids.length > events.length) return [`the mirror holds ${ids.length} events of ${events.length}`];
    const wrong = events.findIndex(({ id }, index) => id !== ids[index]);
    return wrong < 0 ? [] : [`the mirror's event ${wrong + 1} is ${String(ids[wrong])}, not ${events[wrong]?.id}`];
  } catch (error) {
    return [String(error)];
  }
}

/** Asks until there is an answer. @throws what was the last failure. */
async function ask<Answer>(
  { servers }: Place,
  question: (connection: NatsConnection, manager: JetStreamManager) => Promise<Answer>,
): Promise<Answer> {
  const endsAt = performance.now() + patienceMs;
  const connection = await connect({
    servers: servers.map(({ url }) => url),
    timeout: answerMs,
    reconnectTimeWait: 100,
  });
  try {
    for (;;) {
      try {
        return await question(connection, await jetstreamManager(connection, { timeout: answerMs }));
      } catch (error) {
        if (performance.now() > endsAt) throw error;
      }
      await sleep(50); // nothing tells of a stream that is filled
    }
  } finally {
    await connection.close();
  }
}

async function readInfo(place: Place, manager: JetStreamManager): Promise<StreamInfo> {
  return await manager.streams.info(toMirror(place).stream);
}

async function readIds(connection: NatsConnection, place: Place, count: number): Promise<unknown[]> {
  const ids: unknown[] = [];
  const consumer = await jetstream(connection).consumers.get(toMirror(place).stream, { headers_only: true });
  for await (const { headers } of await consumer.fetch({ max_messages: count, expires: readMs })) {
    ids.push(headers?.get("ce-id"));
  }
  return ids;
}

function toMirror({ scope }: Pick<Place, "scope">) {
  return createSubjects(fromScopeName(scope)).mirror;
}
