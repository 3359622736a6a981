import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { toAddress } from "../../../transport/nats/addresses.ts";
import { connectNats } from "../../../transport/nats/index.ts";
import { echo, empty, flush, serve, soon, text, toText } from "../../conformance/transport/fabric.ts";
import { describeNats } from "../../support/nats.ts";
import { makeJwtAccount } from "./jwt.ts";
import { nextState, type Setup, setup, toOptions } from "./support.ts";

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aionis-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An address where whoever connects is treated as `onConnection` says. */
async function listenRaw(onConnection: (socket: NodeJS.WritableStream) => void): Promise<string> {
  const server = createServer(onConnection).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("it has no port");
  return `127.0.0.1:${address.port}`;
}

describe("the address of a NATS server", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1:4222", false],
    ["localhost:5222", "localhost:5222", false],
    ["nats://broker.example:80", "broker.example:80", false],
    ["tls://broker.example", "broker.example:4222", true],
    ["[::1]:4333", "[::1]:4333", false],
  ])("may be written as %s", (written, shown, isTls) => {
    expect(toAddress(written)).toMatchObject({ text: shown, isTls });
  });

  it.each(["", ":4222", "http://broker", "a b", "broker:port", "nats://"])(
    "is refused with INPUT_INVALID as %j",
    (written) => {
      expect(() => toAddress(written)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
    },
  );

  it("is refused with a password in it, which the failure does not repeat", () => {
    const refused: unknown = expect.objectContaining({
      code: "INPUT_INVALID",
      message: expect.not.stringContaining("s3cret"),
    });

    expect(() => toAddress("nats://user:s3cret@broker:4222")).toThrow(refused);
  });
});

describe("connecting to NATS where there is none", () => {
  it("fails with TRANSPORT_UNREACHABLE, the addresses and what to do, when nobody listens or answers as NATS", async () => {
    const closed = await listenRaw(() => {});
    const [mute, chatty, rude] = [
      await listenRaw(() => {}),
      await listenRaw((socket) => void socket.end("HTTP/1.1 400\r\n")),
      await listenRaw((socket) => void socket.end()),
    ];
    const credentials = { user: "alice", password: "s3cret" };
    const servers = ["127.0.0.1:1", mute, chatty, rude];

    const failure = await connectNats({
      ...toOptions({ url: "" }, "alice"),
      servers,
      credentials,
      timeoutMs: 200,
    }).catch((error: unknown) => error);

    expect(closed).toContain("127.0.0.1");
    expect(failure).toMatchObject({ code: "TRANSPORT_UNREACHABLE" });
    for (const part of [
      "127.0.0.1:1 (connect ECONNREFUSED",
      `${mute} (silent for 200 ms)`,
      `${chatty} (what answers is no NATS server)`,
      `${rude} (it hung up)`,
      "Start one there",
    ]) {
      expect(String(failure)).toContain(part);
    }
    expect(String(failure)).not.toContain("s3cret");
  });

  it("refuses credentials that cannot be read with INPUT_INVALID, and does not repeat them", async () => {
    const path = join(makeFolder(), "user.creds");
    const connect = (credentials: Parameters<typeof connectNats>[0]["credentials"]): Promise<unknown> =>
      connectNats({
        ...toOptions({ url: "127.0.0.1:1" }, "alice"),
        ...(credentials === undefined ? {} : { credentials }),
      }).catch((error: unknown) => error);

    const missing = await connect({ credsFile: path });
    writeFileSync(path, "s3cret");
    const failures = [missing, await connect({ credsFile: path }), await connect({ nkeySeed: "s3cret" })];

    for (const failure of failures) {
      expect(failure).toMatchObject({ code: "INPUT_INVALID" });
      expect(String(failure)).not.toContain("s3cret");
    }
  });
});

describeNats("connecting to NATS", (binary) => {
  it("finds the server that answers among several", async () => {
    const { server, connect } = await setup({ binary });
    const mute = await listenRaw(() => {});

    const alice = await connect("alice", { servers: [mute, server.url] });

    await flush(alice);
  });

  it("moves to another of its servers when its own is gone", async () => {
    const [one, two] = [await setup({ binary }), await setup({ binary })];
    const servers = [one.server.url, two.server.url];
    const alice = await one.connect("alice", { servers });
    const isConnected = nextState(alice, "connected");
    const [first, second] = (await isServedBy(one)) ? [one, two] : [two, one];

    await first.server.kill();
    await isConnected;

    const bob = await second.connect("bob");
    await serve(bob, "work", echo);
    expect(toText(await alice.request("work", text("moved"), soon))).toBe("moved");

    async function isServedBy({ connect }: Setup): Promise<boolean> {
      await serve(await connect("carol"), "here", echo);
      return await alice.request("here", empty, soon).then(
        () => true,
        () => false,
      );
    }
  });

  it("shows its name, or the agent's, to the server", async () => {
    const { server, connect, connectForeign } = await setup({
      binary,
      config: `accounts { SYS { users [{ user: sys, password: sys }] }, A { users [{ user: a, password: a }] } }\nsystem_account: SYS`,
    });
    const credentials = { user: "a", password: "a" };
    await connect("alice", { credentials });
    await connect("bob", { credentials, name: "bob's worker" });
    const system = await connectForeign({ user: "sys", pass: "sys" });

    const { data } = await system.request("$SYS.REQ.SERVER.PING.CONNZ", "{}", { timeout: 5_000 });

    const { connections } = (JSON.parse(Buffer.from(data).toString()) as { data: { connections: { name?: string }[] } })
      .data; // the server's own format
    expect(connections.map(({ name }) => name)).toEqual(expect.arrayContaining(["alice", "bob's worker"]));
    expect(server.port).toBeGreaterThan(0);
  });

  it.each([
    [
      "a user and password",
      `authorization { user: alice, password: "p4ss" }`,
      { user: "alice", password: "p4ss" },
      { user: "alice", password: "s3cret" },
    ],
    ["a token", `authorization { token: "t0ken" }`, { token: "t0ken" }, { token: "s3cret" }],
  ])("proves who it is with %s, and is told TRANSPORT_DENIED with others or none", async (_, config, right, wrong) => {
    const { server, connect } = await setup({ binary, config });

    await flush(await connect("alice", { credentials: right }));

    for (const credentials of [wrong, undefined]) {
      const failure = await connect("alice", credentials === undefined ? {} : { credentials }).catch(
        (error: unknown) => error,
      );
      expect(failure).toMatchObject({ code: "TRANSPORT_DENIED" });
      expect(String(failure)).toContain(`127.0.0.1:${server.port}`);
      expect(String(failure)).not.toContain("s3cret");
    }
  });

  it("proves who it is with an NKey", async () => {
    const [right, wrong] = [nkeys.createUser(), nkeys.createUser()];
    const { connect } = await setup({ binary, config: `authorization { users: [{ nkey: ${right.getPublicKey()} }] }` });
    const toSeed = (pair: typeof right): string => Buffer.from(pair.getSeed()).toString();

    await flush(await connect("alice", { credentials: { nkeySeed: toSeed(right) } }));

    await expect(connect("alice", { credentials: { nkeySeed: toSeed(wrong) } })).rejects.toMatchObject({
      code: "TRANSPORT_DENIED",
    });
  });

  it("proves who it is with a credentials file, also after a reconnection that finds the file broken", async () => {
    const account = makeJwtAccount();
    const { server, connect } = await setup({ binary, config: account.config });
    const path = join(makeFolder(), "user.creds");
    writeFileSync(path, account.makeCredentials());
    const alice = await connect("alice", { credentials: { credsFile: path } });
    const back = nextState(alice, "connected");

    writeFileSync(path, "half writ");
    await server.restart();

    await back;
    await flush(alice);
    const foreign = makeJwtAccount();
    writeFileSync(path, foreign.makeCredentials());
    await expect(connect("alice", { credentials: { credsFile: path } })).rejects.toMatchObject({
      code: "TRANSPORT_DENIED",
    });
  });

  it("goes on trying while its credentials are refused (T1)", async () => {
    const { server, connect, logged } = await setup({ binary, config: `authorization { token: "t0ken" }` });
    const alice = await connect("alice", { credentials: { token: "t0ken" } });
    const back = nextState(alice, "connected");
    const configFile = join(server.folder, "nats.conf");
    const config = readFileSync(configFile, "utf8");

    writeFileSync(configFile, config.replace("t0ken", "another"));
    await server.restart();
    const countRefusals = (): number => logged.filter(({ message }) => message.includes("refused")).length;
    await expect.poll(countRefusals).toBeGreaterThanOrEqual(3);
    writeFileSync(configFile, config);
    await server.restart();

    await back;
    await flush(alice);
  });

  it("is told TRANSPORT_INCOMPATIBLE by a server without headers", async () => {
    const { connect } = await setup({ binary, config: "no_header_support: true" });

    await expect(connect("alice")).rejects.toMatchObject({ code: "TRANSPORT_INCOMPATIBLE" });
  });
});
