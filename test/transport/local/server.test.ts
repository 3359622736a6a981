import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AionisError } from "../../../src/contracts/failures.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLogger } from "../../../src/kernel/logger.ts";
import { encodeFrame } from "../../../transport/local/frames.ts";
import { openLocalServer } from "../../../transport/local/index.ts";
import { createMemoryBus } from "../../../transport/memory/bus.ts";
import type { IncomingRequest } from "../../../transport/transport.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { connect, connectRaw, empty, hello, makeFolder, setup, soon, text, toText, write } from "./support.ts";

describe("a local server", () => {
  it("delivers what was published before a reply before the reply (K3)", async () => {
    const { path, runtime } = await setup();
    const client = await connect(path);
    const seen: string[] = [];
    client.subscribe("news", (message) => void seen.push(toText(message)));
    runtime.serve("work", "runtime", ({ payload }) => {
      runtime.publish("news", text("event"));
      return { payload };
    });

    await client.request("work", empty, soon).then(() => seen.push("reply"));

    expect(seen).toEqual(["event", "reply"]);
  });

  it.each<[string, Uint8Array]>([
    ["random bytes", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["a frame without a hello", encodeFrame({ kind: "publish", text: "news" })[0] ?? empty],
    ["a hello of another program", encodeFrame({ ...hello, text: "other" })[0] ?? empty],
    ["a frame of 4 GB", Buffer.from([0xff, 0xff, 0xff, 0xff, 0])],
    ["a frame that is too short", Buffer.from([0, 0, 0, 1, 0])],
    ["a frame of an unknown kind", Buffer.concat([Buffer.from([0, 0, 0, 23, 99]), Buffer.alloc(22)])],
    [
      "a frame whose parts are longer than it",
      Buffer.concat([Buffer.from([0, 0, 0, 23, 0]), Buffer.alloc(16), Buffer.alloc(6, 0xff)]),
    ],
  ])("hangs up on %s and serves the others (L2, L3)", async (_, garbage) => {
    const { path, server } = await setup();
    const client = await connect(path);
    const { socket, until } = await connectRaw(path);

    socket.write(garbage);

    await until(() => socket.destroyed);
    expect(toText(await client.request("echo", text("fine"), soon))).toBe("fine");
    expect(server.connections()).toBe(1);
  });

  it.each<[string, Parameters<typeof encodeFrame>[0]]>([
    ["publishes to a pattern", { kind: "publish", text: "news.>" }],
    ["subscribes to what is no pattern", { kind: "subscribe", id: 2, text: "a..b" }],
    ["registers the same id twice", { kind: "subscribe", id: 1, text: "news" }],
    ["sends what only a server sends", { kind: "welcome" }],
    ["says hello again", hello],
    [
      "sends headers that are no texts",
      { kind: "publish", text: "news", headers: { a: 1 } as unknown as Record<string, string> },
    ],
    ["asks with a timeout that is no number", { kind: "request", id: 3, number: Number.NaN, text: "echo" }],
  ])("hangs up on a client that %s (L3)", async (_, frame) => {
    const { path, logged } = await setup();
    const { socket, until } = await connectRaw(path);
    write(socket, hello, { kind: "subscribe", id: 1, text: "news" });

    write(socket, frame);

    await until(() => socket.destroyed);
    expect(logged.map(({ level }) => level)).toEqual(["warn"]);
  });

  it("handles nothing that comes with garbage, however good it looks (N2)", async () => {
    const { path, runtime } = await setup();
    const { socket, until } = await connectRaw(path);
    const heard: string[] = [];
    runtime.subscribe("news", (message) => void heard.push(toText(message)));
    const frames = [hello, { kind: "publish", text: "a..b" }, { kind: "publish", text: "news" }] as const;

    socket.write(Buffer.concat(frames.flatMap((frame) => encodeFrame(frame))));

    await until(() => socket.destroyed);
    await runtime.request("echo", empty, soon); // what was published has been delivered
    expect(heard).toEqual([]);
  });

  it("hangs up on a client that says nothing for a while (L2)", async () => {
    const path = join(makeFolder(), "runtime.sock");
    const clock = new FakeClock();
    const bus = createMemoryBus({ clock });
    const server = await openLocalServer({ path, connect: () => bus.connect(), clock, logger: silentLogger });
    onTestFinished(() => server.close());
    const { socket, until } = await connectRaw(path);
    while (server.connections() === 0) await clock.settle();

    await clock.advance(5_000);

    await until(() => socket.destroyed);
    expect(socket.destroyed).toBe(true);
  });

  it("answers a request for what is no subject with its failure", async () => {
    const { path } = await setup();
    const { socket, frames, until } = await connectRaw(path);

    write(socket, hello, { kind: "request", id: 5, number: 1_000, text: "a..b" });

    await until(() => frames.length === 2);
    expect(frames.map(({ kind, id, text: code }) => ({ kind, id, code }))).toEqual([
      { kind: "welcome", id: 0, code: "" },
      { kind: "failure", id: 5, code: "INPUT_INVALID" },
    ]);
  });

  it("reads frames however they are cut into pieces", async () => {
    const { path } = await setup();
    const { socket, frames, until } = await connectRaw(path);
    const request = { kind: "request", id: 7, number: 1_000, text: "echo", payload: text("piecemeal") } as const;
    const all = Buffer.concat([hello, request, { ...request, id: 8 }].flatMap((frame) => encodeFrame(frame)));

    for (const byte of all) {
      socket.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }

    await until(() => frames.length === 3);
    expect(frames.slice(1).map((frame) => [frame.kind, frame.id, toText(frame)])).toEqual([
      ["reply", 7, "piecemeal"],
      ["reply", 8, "piecemeal"],
    ]);
  });

  it("forgets a client that dies in the middle of a frame, with all that it registered (L1)", async () => {
    const { path, runtime, server } = await setup();
    const { socket, frames, until } = await connectRaw(path);
    write(socket, hello, { kind: "serve", id: 1, text: "work", payload: text("workers") }, { kind: "ping" });
    await until(() => frames.length === 2);
    const asked = runtime.request("work", empty, soon);
    await until(() => frames.length === 3);

    socket.write(
      (encodeFrame({ kind: "publish", text: "news", payload: text("unfinished") })[0] ?? empty).subarray(0, 20),
    );
    socket.destroy();

    await expect(asked).rejects.toMatchObject({ code: "TRANSPORT_TIMEOUT" }); // it may have acted
    await expect(runtime.request("work", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
    expect(server.connections()).toBe(0);
  });

  it("drops published messages for a client that does not read, counts them, and goes on when it reads again (L4)", async () => {
    const { path, runtime, server } = await setup();
    const { socket, frames, until } = await connectRaw(path);
    write(socket, hello, { kind: "subscribe", id: 1, text: "news" }, { kind: "ping" });
    await until(() => frames.length === 2);

    socket.pause();
    const payload = new Uint8Array(1024 * 1024);
    for (let index = 0; index < 40; index += 1) {
      runtime.publish("news", payload);
      await runtime.request("echo", empty, soon);
    }
    const dropped = server.dropped();
    socket.resume();
    await until(() => frames.length === 2 + 40 - dropped);
    runtime.publish("news", text("again"));

    await until(() => frames.some((frame) => toText(frame) === "again"));
    expect(dropped).toBeGreaterThan(10);
    expect(dropped).toBeLessThan(40);
  });

  it("hangs up on a client that asks for more than it reads (N1)", async () => {
    const { path, server } = await setup();
    const { socket, frames, until } = await connectRaw(path);
    write(socket, hello);
    await until(() => frames.length === 1);

    socket.pause();
    const payload = new Uint8Array(limits.messageBytes);
    for (let id = 1; id <= 8; id += 1) write(socket, { kind: "request", id, number: 10_000, text: "echo", payload });

    const client = await connect(path);
    while (server.connections() > 1) await client.request("echo", empty, soon);
    expect(server.connections()).toBe(1);
  });

  it("cuts off the one that holds the most of a frame, when unfinished frames are too much, and serves the others (L5)", async () => {
    const { path, server } = await setup();
    const client = await connect(path);
    const half = Buffer.alloc(limits.messageBytes);
    half.writeUInt32BE(limits.messageBytes, 0);
    half.writeUInt8(7, 4); // a request whose end never comes
    const raws = await Promise.all(Array.from({ length: 6 }, () => connectRaw(path)));

    for (const { socket } of raws) {
      write(socket, hello);
      socket.write(half.subarray(0, half.length - 64));
    }

    while (server.connections() > 5) await client.request("echo", empty, soon);
    expect(toText(await client.request("echo", text("fine"), soon))).toBe("fine");
    expect(server.connections()).toBeGreaterThan(1);
  });

  it("answers what is in flight before it closes, and no more after", async () => {
    const { path, runtime, server } = await setup();
    const client = await connect(path);
    let answer: () => void = () => {};
    const arrived = new Promise<void>((onArrival) => {
      runtime.serve("work", "runtime", ({ payload }) => {
        return new Promise((resolve) => {
          answer = () => resolve({ payload });
          onArrival();
        });
      });
    });
    const asked = client.request("work", text("last"), soon);
    await arrived;

    const closed = server.close();
    const late = client.request("echo", empty, soon);
    await expect(late).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
    answer();

    expect(toText(await asked)).toBe("last");
    await closed;
    expect(server.connections()).toBe(0);
  });

  it("tells the server of a request that its client gave up", async () => {
    const { path, runtime } = await setup();
    const client = await connect(path);
    const giveUp = new AbortController();
    const served: IncomingRequest[] = [];
    const arrived = new Promise<void>((onArrival) => {
      runtime.serve("work", "runtime", (request) => {
        served.push(request);
        onArrival();
        return new Promise(() => {});
      });
    });
    const asked = client.request("work", empty, { ...soon, signal: giveUp.signal });
    await arrived;
    const before = served[0]?.isWanted();

    giveUp.abort(new Error("no longer"));
    await expect(asked).rejects.toThrow("no longer");
    await client.request("echo", empty, soon); // what was sent before has arrived

    expect([before, served[0]?.isWanted()]).toEqual([true, false]);
  });

  it("says of a request that nobody serves what its owner knows", async () => {
    const path = join(makeFolder(), "runtime.sock");
    const bus = createMemoryBus({ clock: systemClock });
    const explainUnrouted = (subject: string) =>
      subject === "known" ? undefined : new AionisError("SCOPE_NOT_FOUND", `No ${subject}.`);
    const options = { path, connect: () => bus.connect(), clock: systemClock, logger: silentLogger };
    const server = await openLocalServer({ ...options, explainUnrouted });
    onTestFinished(() => server.close());
    const client = await connect(path);

    const unknown = client.request("unknown", empty, soon);
    const known = client.request("known", empty, soon);

    await expect(unknown).rejects.toMatchObject({ code: "SCOPE_NOT_FOUND", detail: "No unknown." });
    await expect(known).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
  });

  it("closes although a client never reads its goodbye", async () => {
    const { path, runtime, server } = await setup();
    const { socket, frames, until } = await connectRaw(path);
    write(socket, hello, { kind: "subscribe", id: 1, text: "news" }, { kind: "ping" });
    await until(() => frames.length === 2);
    socket.pause();
    for (let index = 0; index < 4; index += 1) runtime.publish("news", new Uint8Array(1024 * 1024));
    await runtime.request("echo", empty, soon); // what was published is on its way

    await server.close();

    expect(server.connections()).toBe(0);
  });
});
