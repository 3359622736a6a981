import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Line, openLine } from "./line.ts";

interface Setup {
  line: Line;
  client: Socket;
  /** What the server says to the client, and what it has heard of it. */
  server: Socket;
}

async function setup(): Promise<Setup> {
  const listener = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void listener.close());
  await once(listener, "listening");
  const line = await openLine({ ports: [(listener.address() as AddressInfo).port], atEnd: onTestFinished });
  const client = connect(Number(new URL(line.urls[0] ?? "").port), "127.0.0.1").setEncoding("utf8");
  const [server] = (await once(listener, "connection")) as [Socket];
  server.setEncoding("utf8").on("error", () => {});
  return { line, client, server };
}

async function heard(socket: Socket, text: string): Promise<void> {
  for (let all = ""; all !== text; ) {
    const [chunk] = (await once(socket, "data")) as [string];
    all += chunk;
    expect(text.startsWith(all), `"${all}" is the beginning of "${text}"`).toBe(true);
  }
}

describe("a line", () => {
  it("carries bytes both ways", async () => {
    const { client, server } = await setup();

    client.write("ping");
    await heard(server, "ping");
    server.write("pong");

    await heard(client, "pong");
  });

  it("holds what is sent while it is blocked, and passes it in order when it is opened (L1)", async () => {
    const { line, client, server } = await setup();
    line.block("up");
    const all: string[] = [];
    server.on("data", (text: string) => all.push(text));

    client.write("one ");
    client.write("two");
    server.write("meanwhile");
    await heard(client, "meanwhile"); // by now what was to pass upwards would have passed
    expect(all).toEqual([]);
    line.open();
    await expect.poll(() => all.join("")).toBe("one two");
  });

  it("tells of an end only when it is opened (L1)", async () => {
    const { line, client, server } = await setup();
    let hasEnded = false;
    server.on("close", () => {
      hasEnded = true;
    });
    line.block("up");

    client.destroy();
    await once(client, "close");
    expect(hasEnded).toBe(false);
    line.open();

    await once(server, "close");
  });

  it("that is cut breaks its connections, and takes new ones", async () => {
    const { line, client, server } = await setup();

    line.cut();

    await Promise.all([once(client, "close"), once(server, "close")]);
    const next = connect(Number(new URL(line.urls[0] ?? "").port), "127.0.0.1");
    await once(next, "connect");
    next.destroy();
  });

  it("to several servers has an address for each, and knows where its oldest connection leads", async () => {
    const listeners = [createServer().listen(0, "127.0.0.1"), createServer().listen(0, "127.0.0.1")];
    onTestFinished(() => void listeners.forEach((listener) => void listener.close()));
    await Promise.all(listeners.map((listener) => once(listener, "listening")));
    const ports = listeners.map((listener) => (listener.address() as AddressInfo).port);
    const line = await openLine({ ports, atEnd: onTestFinished });
    expect(line.oldestPort()).toBeUndefined();

    const sockets: Socket[] = [];
    for (const [index, listener] of listeners.entries()) {
      sockets.push(connect(Number(new URL(line.urls[index] ?? "").port), "127.0.0.1"));
      await once(listener, "connection");
    }

    expect(line.oldestPort()).toBe(ports[0]);
    sockets[0]?.destroy();
    await expect.poll(line.oldestPort).toBe(ports[1]);
  });
});
