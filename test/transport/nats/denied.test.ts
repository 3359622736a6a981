import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { toInboxPrefix } from "../../../transport/subjects.ts";
import { echo, empty, serve, soon } from "../../conformance/transport/fabric.ts";
import { describeNats, type NatsServer } from "../../support/nats.ts";
import { nextState, setup } from "./support.ts";

const inbox = (owner: string): string => `${toInboxPrefix(owner)}.>`;

describeNats("a NATS user whose permissions bind it", (binary) => {
  const config = `
    authorization { users: [
      { user: alice, password: a, permissions: { allow_responses: true, publish: ["work.alice", "aionis.served.>", "aionis.v1.blob.>"], subscribe: ["_INBOX_alice.>", "aionis.v1.blob.alice.*"] } }
      { user: mute, password: m, permissions: { publish: ["work.>"], subscribe: [">"] } }
      { user: runtime, password: r }
    ] }`;
  const alice = { credentials: { user: "alice", password: "a" } };
  const runtime = { credentials: { user: "runtime", password: "r" } };

  it("works within them, payloads over max_payload too", async () => {
    const { connect } = await setup({ binary, config });
    await serve(await connect("runtime", runtime), "work.*", echo);
    const client = await connect("alice", alice);
    const big = Buffer.alloc(2 * 1024 * 1024, 7);

    const reply = await client.request("work.alice", big, soon);

    expect(Buffer.compare(reply.payload, big)).toBe(0);
  });

  it("is told TRANSPORT_DENIED of another's inbox when it connects, and whose it is", async () => {
    const { connect } = await setup({ binary, config });

    await expect(connect("acme/billing/bob", alice)).rejects.toMatchObject({
      code: "TRANSPORT_DENIED",
      detail: expect.stringContaining(`${inbox("acme/billing/bob")} (the inbox of acme/billing/bob)`),
    });
  });

  it("is told TRANSPORT_DENIED of another's subject when it asks, and stays connected", async () => {
    const { connect } = await setup({ binary, config });
    const client = await connect("alice", alice);

    client.publish("news", empty);

    await expect(client.request("work.bob", empty, { timeoutMs: Infinity })).rejects.toMatchObject({
      code: "TRANSPORT_DENIED",
      detail: expect.stringContaining("work.bob"),
    });
    expect(client.state()).toBe("connected");
  });

  it("is told TRANSPORT_DENIED of all that it subscribes to and serves and may not, when that is to be confirmed", async () => {
    const { connect } = await setup({ binary, config });
    const client = await connect("alice", alice);
    await client.confirm(soon);

    client.subscribe("news", () => {});
    client.serve("work.>", "workers", echo);

    await expect(client.confirm(soon)).rejects.toMatchObject({
      code: "TRANSPORT_DENIED",
      detail: expect.stringContaining("to subscribe to aionis.served.work.>, news, work.>."),
    });
  });

  it("names some of very many", async () => {
    const { connect } = await setup({ binary, config });
    const client = await connect("alice", alice);

    for (let count = 0; count < 9; count += 1) client.subscribe(`news.${count}`, () => {});

    await expect(client.confirm(soon)).rejects.toMatchObject({ detail: expect.stringContaining("news.5, 3 more.") });
  });

  it("is told TRANSPORT_DENIED when it asks itself and may not answer", async () => {
    const { connect } = await setup({ binary, config });
    const client = await connect("mute", { credentials: { user: "mute", password: "m" } });
    client.serve("work.mute", "workers", echo);

    await expect(client.request("work.mute", empty, soon)).rejects.toMatchObject({
      code: "TRANSPORT_DENIED",
      detail: expect.stringContaining("allow_responses"),
    });
  });

  it("has what it forgets no more refused", async () => {
    const { connect } = await setup({ binary, config });
    const client = await connect("alice", alice);
    const stop = client.subscribe("news", () => {});

    stop();

    await client.confirm(soon);
  });
});

describeNats("a NATS user whose permissions change under its connection", (binary) => {
  const allowed = '["_INBOX_alice.>", "work.>", "aionis.served.>"]';
  const config = `authorization { users: [
    { user: alice, password: a, permissions: { publish: [">"], subscribe: ${allowed} } }
    { user: bob, password: b }
  ] }`;

  async function setupServed() {
    const fixture = await setup({ binary, config });
    const hurried = {
      ...systemClock,
      setTimer: (ms: number, run: () => void) => systemClock.setTimer(ms / 100, run), // what is 10 s takes 0.1 s
    };
    const options = { credentials: { user: "alice", password: "a" }, clock: hurried, timeoutMs: 500_000 };
    const alice = await fixture.connect("alice", options);
    const bob = await fixture.connect("bob", { credentials: { user: "bob", password: "b" } });
    await serve(alice, "work.*", echo);
    const told = (): unknown[] =>
      fixture.logged.filter(({ message }) => message.includes("permit")).map(({ level, fields }) => [level, fields]);
    return { ...fixture, alice, bob, told };
  }

  const refused = ["error", { patterns: "aionis.served.work.*, work.*" }];
  const permitted = ["info", undefined];

  it("has what is refused said once, and listens again when it is permitted again (F1, F2)", async () => {
    const { server, bob, told } = await setupServed();

    change(server, allowed, '["_INBOX_alice.>"]');
    await expect.poll(told).toEqual([refused]);
    await expect(bob.request("work.1", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
    change(server, '["_INBOX_alice.>"]', allowed);

    await expect.poll(told).toEqual([refused, permitted]);
    await bob.request("work.1", empty, soon);
  });

  it("listens again after a reconnection that permits it (F1)", async () => {
    const { server, alice, bob, told } = await setupServed();
    const restart = async (): Promise<void> => {
      const isBack = Promise.all([nextState(alice, "connected"), nextState(bob, "connected")]);
      await server.restart();
      await isBack;
    };

    rewrite(server, allowed, '["_INBOX_alice.>"]');
    await restart();
    await expect.poll(told).toEqual([refused]);
    rewrite(server, '["_INBOX_alice.>"]', allowed);
    await restart();

    await expect.poll(told).toEqual([refused, permitted]);
    // the server may take bob's request before what alice listens to, which she sent at the same moment
    await expect.poll(() => bob.request("work.1", empty, soon).then(({ payload }) => payload.length)).toBe(0);
  });
});

function rewrite({ folder }: NatsServer, from: string, to: string): void {
  const file = join(folder, "nats.conf");
  writeFileSync(file, readFileSync(file, "utf8").replace(from, to));
}

/** The server reads its configuration again. */
function change(server: NatsServer, from: string, to: string): void {
  rewrite(server, from, to);
  process.kill(server.pid, "SIGHUP");
}
