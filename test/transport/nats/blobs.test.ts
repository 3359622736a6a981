import { randomBytes } from "node:crypto";
import { type Msg, headers as startHeaders } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { echo, empty, flush, listen, serve, soon, text, toText } from "../../conformance/transport/fabric.ts";
import { describeNats } from "../../support/nats.ts";
import { setup } from "./support.ts";

const mib = 1024 * 1024;

function toHeaders(lines: Record<string, string>): ReturnType<typeof startHeaders> {
  const headers = startHeaders();
  for (const [name, value] of Object.entries(lines)) headers.set(name, value);
  return headers;
}

describeNats("payloads over the server's max_payload", (binary) => {
  it("travel as requests, as replies and as published messages, to every subscriber", async () => {
    const { connect } = await setup({ binary });
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    const big = randomBytes(5 * mib);
    await serve(bob, "measure", ({ payload }) => ({ payload: text(String(payload.byteLength)) }));
    await serve(bob, "make", () => ({ payload: big, headers: { kind: "big" } }));
    const inboxes = [await listen(bob, "news"), await listen(bob, "news"), await listen(alice, "news")];

    const measured = await alice.request("measure", big, soon);
    const made = await alice.request("make", empty, soon);
    alice.publish("news", big, { kind: "big" });

    expect(toText(measured)).toBe(String(big.byteLength));
    expect(Buffer.compare(made.payload, big)).toBe(0);
    expect({ ...made.headers }).toEqual({ kind: "big" });
    for (const inbox of inboxes) {
      const [message] = await inbox.received(1);
      expect(Buffer.compare(message?.payload ?? empty, big)).toBe(0);
      expect({ ...message?.headers }).toEqual({ kind: "big" });
    }
  });

  it("fit into a server with a small max_payload, and so do headers up to it", async () => {
    const { connect } = await setup({ binary, config: "max_payload: 2048" });
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    await serve(bob, "echo", echo);

    for (const bytes of [1_000, 2_000, 2_048, 20_000]) {
      const payload = randomBytes(bytes);
      expect(Buffer.compare((await alice.request("echo", payload, soon)).payload, payload)).toBe(0);
    }

    const headers = { note: "n".repeat(4_000) };
    await serve(bob, "note", () => ({ payload: empty, headers }));
    await expect(alice.request("note", empty, soon)).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
    await expect(alice.request("echo", empty, { ...soon, headers })).rejects.toMatchObject({
      code: "MESSAGE_TOO_LARGE",
    });
    expect(() => alice.publish("news", empty, headers)).toThrow(expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }));
  });

  it("are fetched before a drain ends the sender", async () => {
    const { connect } = await setup({ binary });
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    const big = randomBytes(5 * mib);
    const inbox = await listen(bob, "news");
    const stop = await serve(bob, "make", () => {
      void bob.drain(); // it answers before it goes
      return { payload: big };
    });

    alice.publish("news", big);
    await alice.drain();
    const carol = await connect("carol");
    const made = await carol.request("make", empty, soon);

    expect((await inbox.received(1)).length).toBe(1);
    expect(Buffer.compare(made.payload, big)).toBe(0);
    stop();
  });

  it("are forgotten oldest first when too many are kept, and nobody hears of the forgotten ones (O1)", async () => {
    const { connect, connectForeign } = await setup({ binary });
    const alice = await connect("alice");
    const foreign = await connectForeign();
    const references: string[] = [];
    foreign.subscribe("news", {
      callback: (_, { headers }) => void references.push(headers?.get("aionis-blob") ?? ""),
    });
    await foreign.flush();
    const big = Buffer.alloc(15 * mib);

    for (let count = 0; count < 20; count += 1) alice.publish("news", big); // 300 MB
    await flush(alice);
    await foreign.flush();

    const ask = (subject = ""): Promise<Msg> =>
      foreign.request(subject, empty, { timeout: 5_000, headers: toHeaders({ "aionis-blob-offset": "0" }) });
    expect(references.length).toBe(20);
    await expect(ask(references[0])).rejects.toThrow("no responders");
    expect((await ask(references[19])).data.byteLength).toBe(mib / 2);
  });

  it("end a request whose payload was forgotten with OVERLOADED, and one whose reply was with TRANSPORT_TIMEOUT", async () => {
    const { connect, connectForeign, logged } = await setup({ binary });
    const alice = await connect("alice");
    const foreign = await connectForeign();
    const gone = toHeaders({
      "aionis-blob": "aionis.v1.blob.nobody.abc",
      "aionis-blob-bytes": "9",
      "aionis-blob-sha256": "00",
    });
    let served = 0;
    await serve(alice, "work", (request) => {
      served += 1;
      return echo(request);
    });
    const inbox = await listen(alice, "news");
    foreign.subscribe("answer", { callback: (_, message) => void message.respond(empty, { headers: gone }) });
    await foreign.flush();

    const refused = await foreign.request("work", empty, { timeout: 5_000, headers: gone });
    const answered = alice.request("answer", empty, soon);
    foreign.publish("news", empty, { headers: gone });
    foreign.publish("news", "after");

    expect(refused.headers?.get("aionis-failure")).toBe("OVERLOADED");
    expect(served).toBe(0);
    await expect(answered).rejects.toMatchObject({ code: "TRANSPORT_TIMEOUT", cause: { code: "TRANSPORT_UNROUTED" } });
    expect((await inbox.received(1)).map(toText)).toEqual(["after"]);
    await expect.poll(() => logged.filter(({ message }) => message.includes("was lost")).length).toBe(1);
  });

  it("are refused when they are not what the message says, or not where blobs are (O2, O3)", async () => {
    const { connect, connectForeign } = await setup({ binary });
    const alice = await connect("alice");
    const foreign = await connectForeign();
    await serve(alice, "work", echo);
    const asked: string[] = [];
    foreign.subscribe("secret.>", { callback: (_, message) => void asked.push(message.subject) });
    foreign.subscribe("aionis.v1.blob.mallory.*", { callback: (_, message) => void message.respond("12345") });
    await foreign.flush();
    const good = {
      "aionis-blob": "aionis.v1.blob.mallory.a",
      "aionis-blob-bytes": "5",
      "aionis-blob-sha256": "0".repeat(64),
    };

    const lies = [
      good,
      { ...good, "aionis-blob-bytes": "4" },
      { ...good, "aionis-blob-bytes": "-1" },
      { ...good, "aionis-blob-bytes": "1e99" },
      { ...good, "aionis-blob-bytes": String(17 * mib) },
      { ...good, "aionis-blob": "secret.door" },
      { ...good, "aionis-blob": "aionis.v1.blob.mallory.*" },
      { ...good, "aionis-blob": "aionis.v1.blob.mallory.a.b" },
      { "aionis-blob": "aionis.v1.blob.mallory.a" },
    ];
    for (const lie of lies) {
      const { headers } = await foreign.request("work", empty, { timeout: 5_000, headers: toHeaders(lie) });
      expect(headers?.get("aionis-failure"), JSON.stringify(lie)).toBe("MESSAGE_INVALID");
    }

    expect(asked).toEqual([]);
  });

  it("stop being fetched when the request's signal fires or its time is over", async () => {
    const { connect, connectForeign } = await setup({ binary });
    const alice = await connect("alice");
    const foreign = await connectForeign();
    const stuck = toHeaders({
      "aionis-blob": "aionis.v1.blob.slow.a",
      "aionis-blob-bytes": "5",
      "aionis-blob-sha256": "00",
    });
    let onFetch: () => void = () => {};
    foreign.subscribe("aionis.v1.blob.slow.a", { callback: () => onFetch() });
    foreign.subscribe("answer", { callback: (_, message) => void message.respond(empty, { headers: stuck }) });
    await foreign.flush();
    const giveUp = new AbortController();

    const fetched = new Promise<void>((resolve) => (onFetch = resolve));
    const abandoned = expect(
      alice.request("answer", empty, { timeoutMs: Infinity, signal: giveUp.signal }),
    ).rejects.toBe("enough");
    await fetched;
    giveUp.abort("enough");

    await abandoned;
    await expect(alice.request("answer", empty, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "TRANSPORT_TIMEOUT",
    });
  });

  it("are given up when a part does not come for ten seconds, however long the request may take (O3)", async () => {
    const soonAfter = (delayMs: number): number => (delayMs === 10_000 ? 50 : delayMs);
    const clock = {
      ...systemClock,
      setTimer: (delayMs: number, run: () => void) => systemClock.setTimer(soonAfter(delayMs), run),
    };
    const { connect, connectForeign } = await setup({ binary });
    const alice = await connect("alice", { clock });
    const foreign = await connectForeign();
    await serve(alice, "work", echo);
    foreign.subscribe("aionis.v1.blob.silent.a", { callback() {} });
    await foreign.flush();

    const { headers } = await foreign.request("work", empty, {
      timeout: 60_000,
      headers: toHeaders({
        "aionis-blob": "aionis.v1.blob.silent.a",
        "aionis-blob-bytes": "5",
        "aionis-blob-sha256": "00",
        "aionis-timeout": "3600000",
      }),
    });

    expect(headers?.get("aionis-failure")).toBe("OVERLOADED"); // as of each payload that cannot be had: ask again
  });

  it("are forgotten after a minute, and with the end of their request at once", async () => {
    const timers: { delayMs: number; run: () => void }[] = [];
    const clock = {
      ...systemClock,
      setTimer: (delayMs: number, run: () => void) => {
        if (delayMs !== 60_000) return systemClock.setTimer(delayMs, run);
        const timer = { delayMs, run };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0);
      },
    };
    const { connect, connectForeign } = await setup({ binary });
    const alice = await connect("alice", { clock });
    const foreign = await connectForeign();
    const references: string[] = [];
    foreign.subscribe("news", {
      callback: (_, { headers }) => void references.push(headers?.get("aionis-blob") ?? ""),
    });
    await foreign.flush();

    await expect(alice.request("nobody", new Uint8Array(2 * mib), soon)).rejects.toMatchObject({
      code: "TRANSPORT_UNROUTED",
    });
    const keptForRequest = timers.length;
    alice.publish("news", new Uint8Array(2 * mib));
    await flush(alice);
    const keptForNews = timers.length;
    for (const { run } of [...timers]) run();
    await flush(alice);

    expect([keptForRequest, keptForNews, timers.length]).toEqual([0, 1, 0]);
    await foreign.flush();
    await expect(foreign.request(references[0] ?? "", empty, { timeout: 5_000 })).rejects.toThrow("no responders");
  });
});
