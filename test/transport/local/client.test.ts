import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import { type Frame, FrameReader, protocolVersion } from "../../../transport/local/frames.ts";
import { connectLocal } from "../../../transport/local/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import {
  connect,
  connectRaw,
  empty,
  hello,
  makeFolder,
  nextState,
  random,
  settled,
  setup,
  soon,
  text,
  toText,
  write,
} from "./support.ts";

describe("connecting to the local socket", () => {
  it("fails at once with TRANSPORT_UNREACHABLE when nobody listens (K1)", async () => {
    const path = join(makeFolder(), "runtime.sock");

    await expect(connect(path)).rejects.toMatchObject({
      code: "TRANSPORT_UNREACHABLE",
      detail: `No runtime listens at ${path}. Start one there: createRuntime(), or \`aionis serve\`.`,
      cause: { code: "ENOENT" },
    });
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

    write(socket, { ...hello, number: protocolVersion + 1 });

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

describe("a local client that drains", () => {
  it("still serves what was on its way to it", async () => {
    const frames: Frame[] = [];
    const path = join(makeFolder(), "runtime.sock");
    const listener = createServer((socket) => {
      const reader = new FrameReader();
      socket.on("data", (chunk: Buffer) => {
        for (const frame of reader.read(chunk)) {
          frames.push(frame);
          if (frame.kind === "hello") write(socket, { kind: "welcome", number: protocolVersion });
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
