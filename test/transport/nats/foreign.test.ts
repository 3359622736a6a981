import { connect as connectSocket } from "node:net";
import { headers as startHeaders } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { headerCharsMax } from "../../../transport/bounds.ts";
import type { IncomingRequest } from "../../../transport/transport.ts";
import {
  echo,
  empty,
  flush,
  listen,
  serve,
  serveByHand,
  soon,
  text,
  toText,
} from "../../conformance/transport/fabric.ts";
import { describeNats } from "../../support/nats.ts";
import { setup } from "./support.ts";

/** Sends lines of the protocol as they are, and waits until the server has handled them. */
function sendRaw(port: number, lines: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, "127.0.0.1").setEncoding("latin1");
    let heard = "";
    socket.write(`CONNECT {"headers":true,"verbose":false}\r\n${lines}PING\r\n`, "latin1");
    socket.on("error", reject).on("data", (chunk: string) => {
      heard += chunk;
      if (heard.includes("PONG")) resolve(void socket.destroy());
      else if (heard.includes("-ERR")) reject(new Error(heard));
    });
  });
}

function toHpub(subject: string, reply: string, headers: string, payload = ""): string {
  const block = `NATS/1.0\r\n${headers}\r\n\r\n`;
  return `HPUB ${subject} ${reply} ${block.length} ${block.length + payload.length}\r\n${block}${payload}\r\n`;
}

describeNats("messages of clients that are not ours", (binary) => {
  it("are heard and served, with headers of any case, and get replies that they can read", async () => {
    const { connect, connectForeign } = await setup({ binary });
    const alice = await connect("alice");
    const foreign = await connectForeign();
    const inbox = await listen(alice, "news");
    const seen: IncomingRequest[] = [];
    await serve(alice, "work", (request) => {
      seen.push(request);
      return { payload: request.payload, headers: { "content-type": "text/plain" } };
    });
    await serve(alice, "faulty", () => {
      throw new Error("a bug");
    });
    const headers = startHeaders();
    headers.set("Content-Type", "application/json");

    foreign.publish("news", "{}", { headers });
    const reply = await foreign.request("work", "{}", { timeout: 5_000, headers });
    const failure = await foreign.request("faulty", "", { timeout: 5_000 });

    const [message] = await inbox.received(1);
    expect({ ...message?.headers }).toEqual({ "content-type": "application/json" });
    expect(seen).toMatchObject([{ headers: { "content-type": "application/json" }, timeoutMs: 30_000 }]);
    expect([reply.string(), reply.headers?.get("content-type")]).toEqual(["{}", "text/plain"]);
    expect(failure.headers?.get("aionis-failure")).toBe("REMOTE_FAULT");
    expect(failure.string()).toContain("The handler of faulty threw");
  });

  it("disturb nothing when they are malformed: they are ignored, or answered with a failure, and some are logged", async () => {
    const { server, connect, connectForeign, logged } = await setup({ binary });
    const alice = await connect("alice");
    const foreign = await connectForeign();
    const inbox = await listen(alice, "news");
    const served: string[] = [];
    await serve(alice, "work", (request) => {
      served.push(toText(request));
      return echo(request);
    });
    const answers: string[] = [];
    foreign.subscribe("_INBOX.answers", {
      callback: (_, { headers }) => void answers.push(headers?.get("aionis-failure") ?? ""),
    });
    await foreign.flush();

    const bad = [
      "b d: x",
      "aionis-timeout: soon",
      "aionis-timeout: -1",
      "aionis-timeout: 1e3",
      `note: ${"n".repeat(headerCharsMax)}`,
    ];
    for (const line of bad) {
      await sendRaw(
        server.port,
        toHpub("work", "_INBOX.answers", line, "bad") + toHpub("news", "", line.replace("timeout", "offset"), "fine?"),
      );
    }
    await sendRaw(
      server.port,
      `${toHpub("aionis.served.work", "", "aionis-abandon: _INBOX.x")}${toHpub("aionis.served.work", "", "b d: x")}PUB work 3\r\nbad\r\n`,
    );
    for (let count = 0; count < 100; count += 1)
      foreign.publish("work", "bad", { reply: "_INBOX.answers", headers: startHeaders() });
    alice.publish("news", text("good"));

    await expect.poll(() => inbox.messages.map(toText)).toContain("good");
    expect(toText(await alice.request("work", text("good"), soon))).toBe("good");
    await expect
      .poll(() => answers.slice(0, bad.length))
      .toEqual(["MESSAGE_INVALID", "MESSAGE_INVALID", "MESSAGE_INVALID", "MESSAGE_INVALID", "MESSAGE_TOO_LARGE"]);
    expect(served.at(-1)).toBe("good");
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.length).toBeLessThan(50);
  });

  it("end a request with REMOTE_FAULT when they are a reply that cannot be read, or holds an unknown failure", async () => {
    const { server, connect, connectForeign } = await setup({ binary });
    const alice = await connect("alice");
    const foreign = await connectForeign();
    const unknown = startHeaders();
    unknown.set("aionis-failure", "toString");
    foreign.subscribe("unknown", { callback: (_, message) => void message.respond("why", { headers: unknown }) });
    foreign.subscribe("broken", {
      callback: (_, message) => void sendRaw(server.port, toHpub(message.reply ?? "", "", "b d: x")),
    });
    foreign.subscribe("plain", { callback: (_, message) => void message.respond("plain") });
    await foreign.flush();

    for (const subject of ["unknown", "broken"]) {
      await expect(alice.request(subject, empty, soon), subject).rejects.toMatchObject({ code: "REMOTE_FAULT" });
    }
    expect(toText(await alice.request("plain", empty, soon))).toBe("plain");
  });

  it("do not get to hear of it when a mere subscriber of ours sees their request", async () => {
    const { connect, connectForeign } = await setup({ binary });
    const alice = await connect("alice");
    const foreign = await connectForeign();
    await listen(alice, "work");
    foreign.subscribe("work", { callback: (_, message) => void setTimeout(() => message.respond("done"), 50) });
    await foreign.flush();

    expect((await foreign.request("work", "", { timeout: 5_000 })).string()).toBe("done");
  });
});

describeNats("what transports say among themselves on NATS", (binary) => {
  it("reaches no subscriber and no server of everything", async () => {
    const { connect } = await setup({ binary });
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    const heard = { alice: [] as string[], bob: [] as string[] };
    let onNews: () => void = () => {};
    const news = new Promise<void>((resolve) => (onNews = resolve));
    alice.subscribe(">", ({ subject }) => {
      heard.alice.push(subject);
      onNews();
    });
    bob.subscribe("*.*.*.*.*", ({ subject }) => void heard.bob.push(subject));
    const served: string[] = [];
    bob.serve(">", "servers", (request) => {
      served.push(request.subject);
      return { payload: new Uint8Array(2 * 1024 * 1024) };
    });
    await bob.request("warm.up", empty, soon); // from here on it is served everywhere

    const giveUp = new AbortController();
    const reply = await alice.request("work", new Uint8Array(3 * 1024 * 1024), soon);
    const given = alice.request("work", empty, { timeoutMs: Infinity, signal: giveUp.signal });
    giveUp.abort("enough");
    await expect(given).rejects.toBe("enough");
    alice.publish("news", empty);
    await news;

    expect(reply.payload.byteLength).toBe(2 * 1024 * 1024);
    expect(heard).toEqual({ alice: ["news"], bob: [] });
    expect([...new Set(served)]).toEqual(["warm.up", "work"]);
  });

  it("lets a server know that the sender of a request gave up, or that its time is over", async () => {
    const { connect } = await setup({ binary });
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    const requests: IncomingRequest[] = [];
    let onArrival: () => void = () => {};
    await serve(bob, "work", (request) => {
      requests.push(request);
      onArrival();
      return new Promise(() => {});
    });
    const nextArrival = (): Promise<void> => new Promise((resolve) => (onArrival = resolve));
    const ask = async (timeoutMs: number, signal?: AbortSignal): Promise<void> => {
      const arrived = nextArrival();
      alice.request("work", empty, { timeoutMs, signal }).catch(() => {}); // given up
      await arrived;
    };
    const [giveUp, atEnd] = [new AbortController(), new AbortController()];
    onTestFinished(() => atEnd.abort());

    await ask(Infinity, giveUp.signal);
    await ask(100);
    await ask(Infinity, atEnd.signal);
    const before = requests.map((request) => request.isWanted());
    giveUp.abort();

    await expect.poll(() => requests.map((request) => request.isWanted())).toEqual([false, false, true]);
    expect(before).toEqual([true, true, true]);
  });

  it("keeps a request waiting for its server where subscribers of ours see it too (Q2)", async () => {
    const { connect } = await setup({ binary });
    const [alice, bob, carol] = [await connect("alice"), await connect("bob"), await connect("carol")];
    await listen(carol, "work");
    const work = await serveByHand(bob, "work");

    const asked = alice.request("work", text("done"), { timeoutMs: Infinity });
    await work.arrived;
    await flush(carol);
    await flush(alice);
    work.answer();

    expect(toText(await asked)).toBe("done");
  });

  it("keeps apart two processes of one agent", async () => {
    const { connect } = await setup({ binary });
    const [one, two] = [await connect("alice"), await connect("alice")];
    await serve(one, "one", () => ({ payload: text("one") }));
    await serve(two, "two", () => ({ payload: text("two") }));

    const replies = await Promise.all([one.request("two", empty, soon), two.request("one", empty, soon)]);

    expect(replies.map(toText)).toEqual(["two", "one"]);
  });
});
