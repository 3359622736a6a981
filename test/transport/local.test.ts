import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { limits } from "../../src/contracts/limits.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { type Logger, silentLogger } from "../../src/kernel/logger.ts";
import { createSystemRandom } from "../../src/kernel/random.ts";
import { encodeFrame, type Frame, FrameReader } from "../../transport/local/frames.ts";
import { connectLocal, type LocalServer, openLocalServer } from "../../transport/local/index.ts";
import { createMemoryBus, type MemoryBus } from "../../transport/memory/bus.ts";
import type { Transport } from "../../transport/transport.ts";
import { describeTransport } from "../conformance/transport.ts";
import { FakeClock } from "../support/fake-clock.ts";

const random = createSystemRandom();

describeTransport("local", async (logger) => {
  const path = join(makeFolder(), "runtime.sock");
  const bus = createMemoryBus({ clock: systemClock, logger });
  const server = await openLocalServer({ path, connect: () => bus.connect(), clock: systemClock, logger });
  return {
    connect: () => connect(path, logger),
    close: () => server.close(),
  };
});

describeTransport("local, between a client and the server's own bus,", async (logger) => {
  const path = join(makeFolder(), "runtime.sock");
  const bus = createMemoryBus({ clock: systemClock, logger });
  const server = await openLocalServer({ path, connect: () => bus.connect(), clock: systemClock, logger });
  let connections = 0;
  return {
    connect: async () => {
      connections += 1;
      return connections % 2 === 1 ? await connect(path, logger) : bus.connect();
    },
    close: () => server.close(),
  };
});

const soon = { timeoutMs: 10_000 };
const empty = new Uint8Array(0);
const text = (value: string): Uint8Array => Buffer.from(value);
const toText = (message: { payload: Uint8Array }): string => Buffer.from(message.payload).toString();

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aionis-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function connect(path: string, logger: Logger = silentLogger): Promise<Transport> {
  const transport = await connectLocal({ path, timeoutMs: 5_000, clock: systemClock, random, logger });
  onTestFinished(() => transport.drain());
  return transport;
}

interface Setup {
  path: string;
  bus: MemoryBus;
  /** The runtime's own transport, on the server's side of the socket. */
  runtime: Transport;
  server: LocalServer;
  logged: { level: string; message: string }[];
}

async function setup(path = join(makeFolder(), "runtime.sock")): Promise<Setup> {
  const logged: Setup["logged"] = [];
  const logger: Logger = { log: (level, message) => void logged.push({ level, message }) };
  const bus = createMemoryBus({ clock: systemClock, logger });
  const server = await openLocalServer({ path, connect: () => bus.connect(), clock: systemClock, logger });
  onTestFinished(() => server.close());
  const runtime = bus.connect();
  runtime.serve("echo", "runtime", ({ payload }) => ({ payload }));
  return { path, bus, runtime, server, logged };
}

/** A client of bytes, for what no client of ours would send. */
async function connectRaw(
  path: string,
): Promise<{ socket: Socket; frames: Frame[]; until: (isThere: () => boolean) => Promise<void> }> {
  const socket = connectSocket(path);
  onTestFinished(() => void socket.destroy());
  const frames: Frame[] = [];
  const reader = new FrameReader();
  let onData: () => void = () => {};
  socket.on("data", (chunk: Buffer) => {
    frames.push(...reader.read(chunk));
    onData();
  });
  socket.on("close", () => onData());
  socket.on("error", () => {}); // the server may reset the connection
  await once(socket, "connect");
  const until = async (isThere: () => boolean): Promise<void> => {
    while (!isThere()) {
      await new Promise<void>((resolve) => {
        onData = resolve;
      });
    }
  };
  return { socket, frames, until };
}

function write(socket: Socket, ...frames: Parameters<typeof encodeFrame>[0][]): void {
  for (const frame of frames) for (const piece of encodeFrame(frame)) socket.write(piece);
}

const hello = { kind: "hello", number: 1, text: "aionis" } as const;

/** Runs a fake clock until `promise` is settled. */
async function settled<Value>(clock: FakeClock, promise: Promise<Value>): Promise<Value> {
  let isSettled = false;
  const watched = promise.finally(() => {
    isSettled = true;
  });
  while (!isSettled) await clock.settle();
  return await watched;
}

function nextState(transport: Transport, wanted: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = transport.onState((state) => {
      if (state !== wanted) return;
      stop();
      resolve();
    });
  });
}

describe("the local socket's file", () => {
  it("is open to its owner only, and gone after the close (A1)", async () => {
    const { path, server } = await setup();

    const { mode } = lstatSync(path);
    await server.close();
    await server.close();

    expect(mode & 0o777).toBe(0o600);
    expect(existsSync(path)).toBe(false);
  });

  it("leaves nothing else beside it", async () => {
    const folder = makeFolder();
    const { server } = await setup(join(folder, "runtime.sock"));

    const whileOpen = readdirSync(folder);
    await server.close();

    expect(whileOpen).toEqual(["runtime.sock"]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is replaced when its process is dead (A2)", async () => {
    const path = join(makeFolder(), "runtime.sock");
    const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", script, path]), "exit");
    const isStale = lstatSync(path).isSocket();

    await setup(path);

    const client = await connect(path);
    expect(isStale).toBe(true);
    expect(toText(await client.request("echo", text("hello"), soon))).toBe("hello");
  });

  it("is refused with TRANSPORT_IN_USE while somebody listens, who is not disturbed (A2)", async () => {
    const { path } = await setup();
    const client = await connect(path);

    await expect(setup(path)).rejects.toMatchObject({ code: "TRANSPORT_IN_USE" });

    expect(toText(await client.request("echo", text("still here"), soon))).toBe("still here");
  });

  it("is refused with TRANSPORT_IN_USE when it is no socket, and left as it is (A2)", async () => {
    const path = join(makeFolder(), "runtime.sock");
    writeFileSync(path, "precious");

    await expect(setup(path)).rejects.toMatchObject({ code: "TRANSPORT_IN_USE" });

    expect(lstatSync(path).size).toBe(8);
  });

  it("may have a path longer than the system's limit, and stands under that path (A3)", async () => {
    const folder = join(makeFolder(), "a-rather-long-name".repeat(5), "and-another".repeat(10));
    mkdirSync(folder, { recursive: true });
    const { path, server } = await setup(join(folder, "runtime.sock"));

    const client = await connect(path);
    const reply = await client.request("echo", text("far away"), soon);
    await expect(setup(path)).rejects.toMatchObject({ code: "TRANSPORT_IN_USE" });
    await client.drain();
    await server.close();

    expect(path.length).toBeGreaterThan(200);
    expect(toText(reply)).toBe("far away");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("cannot stand in a folder that does not exist: TRANSPORT_UNREACHABLE", async () => {
    await expect(setup(join(makeFolder(), "missing", "runtime.sock"))).rejects.toMatchObject({
      code: "TRANSPORT_UNREACHABLE",
    });
  });

  it("is not removed by a server whose socket another one has replaced", async () => {
    const { path, server } = await setup();
    rmSync(path);
    const other = await setup(path);

    await server.close();

    const client = await connect(other.path);
    expect(toText(await client.request("echo", text("mine"), soon))).toBe("mine");
  });
});

describe("connecting to the local socket", () => {
  it("fails at once with TRANSPORT_UNREACHABLE when nobody listens (K1)", async () => {
    const path = join(makeFolder(), "runtime.sock");

    await expect(connect(path)).rejects.toMatchObject({ code: "TRANSPORT_UNREACHABLE", cause: { code: "ENOENT" } });
  });

  it("fails with TRANSPORT_UNREACHABLE when whoever listens does not answer, or hangs up", async () => {
    const path = join(makeFolder(), "runtime.sock");
    const sockets: Socket[] = [];
    const mute = createServer((socket) => void sockets.push(socket)).listen(path);
    await once(mute, "listening");
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });

    const waiting = connectLocal({ path, timeoutMs: 30, clock: systemClock, random });
    await expect(waiting).rejects.toMatchObject({ code: "TRANSPORT_UNREACHABLE" });

    mute.on("connection", (socket) => socket.end());
    await expect(connect(path)).rejects.toMatchObject({ code: "TRANSPORT_UNREACHABLE" });
  });

  it("fails with TRANSPORT_INCOMPATIBLE when the other side speaks another version", async () => {
    const { path } = await setup();
    const { socket, frames, until } = await connectRaw(path);

    write(socket, { ...hello, number: 2 });

    await until(() => socket.destroyed);
    expect(frames.map(({ kind, text: code }) => ({ kind, code }))).toEqual([
      { kind: "failure", code: "TRANSPORT_INCOMPATIBLE" },
    ]);
    const newer = createServer((peer) =>
      write(peer, { kind: "failure", text: "TRANSPORT_INCOMPATIBLE", payload: text("update") }),
    );
    const newerPath = join(makeFolder(), "newer.sock");
    await once(newer.listen(newerPath), "listening");
    onTestFinished(() => void newer.close());
    await expect(connect(newerPath)).rejects.toMatchObject({ code: "TRANSPORT_INCOMPATIBLE" });
  });
});

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

describe("a local client that drains", () => {
  it("still serves what was on its way to it", async () => {
    const frames: Frame[] = [];
    const path = join(makeFolder(), "runtime.sock");
    const listener = createServer((socket) => {
      const reader = new FrameReader();
      socket.on("data", (chunk: Buffer) => {
        for (const frame of reader.read(chunk)) {
          frames.push(frame);
          if (frame.kind === "hello") write(socket, { kind: "welcome", number: 1 });
          if (frame.kind === "unregister")
            write(socket, { kind: "request", id: 9, target: frame.id, number: 1_000, text: "work" });
          if (frame.kind === "ping") write(socket, { kind: "pong", id: frame.id });
        }
      });
    });
    await once(listener.listen(path), "listening");
    onTestFinished(() => void listener.close());
    const client = await connect(path);
    client.serve("work", "workers", () => ({ payload: text("done") }));

    await client.drain();

    expect(frames.map(({ kind }) => kind)).toEqual(["hello", "serve", "unregister", "ping", "reply"]);
  });
});

describe("a local client whose server is gone", () => {
  it("ends requests in flight with TRANSPORT_TIMEOUT, refuses new ones with TRANSPORT_UNROUTED, and loses what it publishes (K2)", async () => {
    const script = `
      const { createMemoryBus } = await import("${process.cwd()}/transport/memory/bus.ts");
      const { openLocalServer } = await import("${process.cwd()}/transport/local/server.ts");
      const { systemClock: clock } = await import("${process.cwd()}/src/kernel/clock.ts");
      const bus = createMemoryBus({ clock });
      bus.connect().serve("work", "runtime", () => new Promise(() => process.kill(process.pid, "SIGKILL")));
      await openLocalServer({ path: process.argv[1], connect: () => bus.connect(), clock, logger: { log() {} } });
      console.log("ready");
    `;
    const path = join(makeFolder(), "runtime.sock");
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script, path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const client = await connect(path);
    const isLost = nextState(client, "reconnecting");

    await expect(client.request("work", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_TIMEOUT" });

    await isLost;
    expect(client.state()).toBe("reconnecting");
    await expect(client.request("work", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
    client.publish("news", empty);
    await client.drain();
    expect(client.state()).toBe("closed");
  });

  it("connects again when the server is back, with all that it had registered (K1)", async () => {
    const { path, server } = await setup();
    const client = await connect(path);
    const heard: string[] = [];
    client.subscribe("news", (message) => void heard.push(toText(message)));
    client.serve("work", "workers", ({ payload }) => ({ payload }));
    const lost = nextState(client, "reconnecting");
    const back = nextState(client, "connected");

    await server.close();
    await lost;
    const { runtime } = await setup(path);
    await back;
    await client.request("echo", empty, soon); // its registrations were sent before

    expect(toText(await runtime.request("work", text("again"), soon))).toBe("again");
    runtime.publish("news", text("good news"));
    await client.request("echo", empty, soon);
    expect(heard).toEqual(["good news"]);
  });

  it("survives many restarts", async () => {
    const path = join(makeFolder(), "runtime.sock");
    let { server } = await setup(path);
    const client = await connect(path);

    for (let restart = 0; restart < 3; restart += 1) {
      const lost = nextState(client, "reconnecting");
      const back = nextState(client, "connected");
      await server.close();
      await lost;
      ({ server } = await setup(path));
      await back;
      expect(toText(await client.request("echo", text(String(restart)), soon))).toBe(String(restart));
    }
  });

  it("waits longer from try to try, up to two seconds, and stops when it is drained (K1)", async () => {
    const { path, server } = await setup();
    const clock = new FakeClock();
    const tries: number[] = [];
    const logger: Logger = {
      log: (_, message) => void (message.includes("cannot be reached") && tries.push(clock.mono())),
    };
    const connecting = connectLocal({ path, timeoutMs: 1_000, clock, random: { u32: () => 2 ** 32 - 1 }, logger });
    const client = await settled(clock, connecting);
    await settled(clock, server.close());

    while (tries.length < 8) await clock.advance(10);
    await client.drain();
    await clock.advance(10_000);

    const waits = tries.map((at, index) => at - (tries[index - 1] ?? 0)).map((ms) => Math.round(ms / 50) * 50);
    expect(waits.slice(1)).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000]);
    expect(tries.length).toBe(8);
    expect(clock.pendingTimers).toBe(0);
  });

  it("ends the wait of a drain that was on its way", async () => {
    const { path, server, runtime } = await setup();
    const client = await connect(path);
    const arrived = new Promise<void>((onArrival) => {
      runtime.serve("work", "runtime", () => new Promise(() => onArrival()));
    });
    const asked = client.request("work", empty, { timeoutMs: 300 });
    asked.catch(() => {}); // expected below
    await arrived;

    await Promise.all([client.drain(), server.close()]);

    await expect(asked).rejects.toMatchObject({ code: "TRANSPORT_TIMEOUT" });
  });
});
