import { rmSync } from "node:fs";
import { join } from "node:path";
import { type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect as connectToServer } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { type Connection, createRuntime } from "../../src/index.ts";
import { createSubjects } from "../../transport/index.ts";
import { describeNatsOnEach, type NatsServer, startNatsServer } from "../support/nats.ts";
import { tempFolder } from "../support/store.ts";

const scope = "acme/billing & co";
const { mirror, task, handoff } = createSubjects({ tenant: "acme", project: "billing & co" });

describeNatsOnEach("the mirror of a journal", (binary) => {
  async function setup() {
    const server = await startNatsServer({ binary, jetstream: true, atEnd: onTestFinished });
    const path = tempFolder();
    const open = async () => {
      const runtime = await createRuntime({ scope, path, durability: "process", nats: { servers: server.url } });
      onTestFinished(() => runtime.close());
      return runtime;
    };
    return { server, path, open, runtime: await open() };
  }

  it("holds every event in order and once, where followers without our SDK find it", async () => {
    const { server, runtime } = await setup();
    const { taskId, events } = await makeEvents(runtime);

    const mirrored = await readAll(server, events.length);

    expect(mirrored.map((message) => message.json())).toEqual(events);
    const [first] = mirrored;
    expect(first?.subject).toBe(task(taskId, "created"));
    const offered = events.findIndex(({ type }) => type === "handoff.offered");
    expect(mirrored[offered]?.subject).toBe(handoff({ role: "code.review" }, "offered"));
    expect(first?.headers?.get("ce-id")).toBe(events[0]?.id);
    expect(first?.headers?.get("ce-type")).toBe("aionis.task.created");
    expect(first?.headers?.get("ce-source")).toBe("aionis:acme%2Fbilling%20%26%20co");
  });

  it("leaves the body out of an event that the server does not take, and says so", async () => {
    const { server, runtime } = await setup();

    await runtime.tasks.start({ brief: "x".repeat(1_050_000) });

    const [created] = await readAll(server, 1);
    expect(created?.json()).toMatchObject({ seq: 1, type: "task.created", bodyLeftOut: true });
  });

  it("goes on after a restart of the runtime and of the server", async () => {
    const { server, runtime, open } = await setup();
    await makeEvents(runtime);
    await runtime.close();
    await server.kill();
    await server.restart();
    const second = await open();

    const { events } = await makeEvents(second);

    expect(sequences(await readAll(server, events.length))).toEqual(events.map(({ seq }) => seq));
  });

  it("is filled again when the server was wiped, while nothing new is recorded", async () => {
    const { server, runtime } = await setup();
    const { events } = await makeEvents(runtime);
    await readAll(server, events.length);

    await server.kill();
    rmSync(join(server.folder, "store"), { recursive: true });
    await server.restart();

    expect(sequences(await readAll(server, events.length))).toEqual(events.map(({ seq }) => seq));
  });

  it("goes on over what somebody else put into the stream", async () => {
    const { server, runtime } = await setup();
    const { events } = await makeEvents(runtime);
    await readAll(server, events.length);
    const foreign = await connectToServer({ servers: server.url });
    foreign.publish(task("task_1", "claimed"), "noise");
    await foreign.flush();
    await foreign.close();

    await runtime.tasks.start({ brief: "after the noise" });

    const all = await readAll(server, events.length + 2);
    expect(all.at(-2)?.string()).toBe("noise");
    expect(all.at(-1)?.json()).toMatchObject({ seq: events.length + 1, body: { brief: "after the noise" } });
  });

  it("has no gap after somebody else wrote into it while it was being filled", async () => {
    const { server, runtime } = await setup();
    const foreign = await connectToServer({ servers: server.url });
    onTestFinished(() => foreign.close());
    const noise = setInterval(() => foreign.publish(task("task_1", "claimed"), "noise"), 1);
    const { events } = await makeEvents(runtime);
    await makeEvents(runtime);
    clearInterval(noise);
    await foreign.flush();
    const { head } = await runtime.runtime.status();
    expect(head).toBeGreaterThan(events.length);

    const own = async () => sequences(await readStream(server)).filter((seq) => Number.isInteger(seq));
    await expect.poll(own).toEqual(Array.from({ length: head }, (_, index) => index + 1));
  }, 20_000);

  it("is emptied and filled again when it holds another store's journal", async () => {
    const { server, runtime } = await setup();
    await makeEvents(runtime);
    await runtime.close();
    const other = await createRuntime({
      scope,
      path: tempFolder(),
      durability: "process",
      nats: { servers: server.url },
    });
    onTestFinished(() => other.close());

    await other.tasks.start({ brief: "the first of another store" });

    const [only, ...more] = await readAll(server, 1);
    expect(only?.json()).toMatchObject({ seq: 1, body: { brief: "the first of another store" } });
    expect(more).toEqual([]);
  });

  it("is not needed: without JetStream the runtime serves, and says that there is none", async () => {
    const server = await startNatsServer({ binary, atEnd: onTestFinished });
    const lines: string[] = [];
    const logger = { log: (_level: string, message: string) => void lines.push(message) };
    const runtime = await createRuntime({ scope, path: tempFolder(), nats: { servers: server.url }, logger });
    onTestFinished(() => runtime.close());

    expect(lines).toEqual(["the journal is not mirrored"]);
    await runtime.tasks.start({ brief: "all the same" });
  });
});

async function makeEvents(runtime: Connection) {
  const { taskId } = await runtime.tasks.start({ brief: "Fix the retry" });
  const { assignment } = await runtime.tasks.claim({ taskId });
  const packet = { brief: "Review it", nextAction: "look" };
  await runtime.handoff.offer({ taskId, epoch: assignment?.epoch ?? 0, to: { role: "code.review" }, packet });
  await Promise.all(
    Array.from({ length: 100 }, (_, n) => runtime.tasks.start({ brief: `task ${n}`, to: { role: "x" } })),
  );
  const { events } = await runtime.events.read({ from: 1, pageSize: 500 });
  return { taskId, events };
}

function sequences(messages: readonly JsMsg[]): unknown[] {
  return messages.map((message) => Number(message.headers?.get("aionis-seq") ?? "none"));
}

/** The whole stream, as soon as it holds `count` messages that a plain consumer reads. */
async function readAll(server: NatsServer, count: number): Promise<JsMsg[]> {
  const connection = await connectToServer({ servers: server.url });
  try {
    const manager = await jetstreamManager(connection);
    const size = () =>
      manager.streams.info(mirror.stream).then(
        ({ state }) => state.messages,
        () => 0,
      );
    await expect.poll(size).toBe(count);
    return await readStream(server);
  } finally {
    await connection.close();
  }
}

async function readStream(server: NatsServer): Promise<JsMsg[]> {
  const connection = await connectToServer({ servers: server.url });
  try {
    const manager = await jetstreamManager(connection);
    const { messages: count } = (await manager.streams.info(mirror.stream)).state;
    const consumer = await jetstream(connection).consumers.get(mirror.stream);
    const messages: JsMsg[] = [];
    for await (const message of await consumer.fetch({ max_messages: count, expires: 2_000 })) messages.push(message);
    return messages;
  } finally {
    await connection.close();
  }
}
