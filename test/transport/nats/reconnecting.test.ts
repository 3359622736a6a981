import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
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
import { nextState, setup } from "./support.ts";

const mib = 1024 * 1024;
const repository = new URL("../../../", import.meta.url).href;

describeNats("a NATS transport whose server is gone", (binary) => {
  it("ends requests in flight with TRANSPORT_TIMEOUT at once, refuses new ones with TRANSPORT_UNROUTED, loses what it publishes (T2)", async () => {
    const { server, connect } = await setup({ binary });
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    const work = await serveByHand(bob, "work");
    const asked = expect(alice.request("work", empty, { timeoutMs: Infinity })).rejects.toMatchObject({
      code: "TRANSPORT_TIMEOUT",
    });
    await work.arrived;
    const lost = nextState(alice, "reconnecting");

    await server.kill();

    await asked;
    await lost;
    expect(alice.state()).toBe("reconnecting");
    await expect(alice.request("work", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
    alice.publish("news", text("lost"));
    work.answer();
    await alice.drain();
    expect(alice.state()).toBe("closed");
  });

  it("connects again when the server is back, with all that it had registered, and does not send what was published meanwhile (T1)", async () => {
    const { server, connect } = await setup({ binary });
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    const inbox = await listen(bob, "news");
    await serve(bob, "work", echo);
    const states: string[] = [];
    alice.onState((state) => void states.push(state));

    const rounds = ["first", "second"];
    for (const [index, round] of rounds.entries()) {
      const lost = Promise.all([nextState(alice, "reconnecting"), nextState(bob, "reconnecting")]);
      const back = Promise.all([nextState(alice, "connected"), nextState(bob, "connected")]);
      await server.kill();
      await lost;
      alice.publish("news", text("lost"));
      await server.restart();
      await back;
      await flush(bob);
      expect(toText(await alice.request("work", text(round), soon))).toBe(round);
      alice.publish("news", text(round));
      await inbox.received(index + 1);
    }

    expect(inbox.messages.map(toText)).toEqual(rounds);
    expect(states).toEqual(["reconnecting", "connected", "reconnecting", "connected"]);
  });

  it("reports that its connection was lost, which drops what was on its way, and that it is back", async () => {
    const { server, connect, logged } = await setup({ binary });
    const alice = await connect("alice");
    const [lost, back] = [nextState(alice, "reconnecting"), nextState(alice, "connected")];

    await server.kill();
    await lost;
    await server.restart();
    await back;

    expect(logged.map(({ message }) => message)).toEqual([
      "The connection to NATS was lost; what was on its way was dropped, and is asked for again.",
      "The connection to NATS is back.",
    ]);
  });

  it("notices a server that is frozen, and goes on with it when it thaws", async () => {
    const { server, connect } = await setup({ binary });
    const alice = await connect("alice", { pingIntervalMs: 50, timeoutMs: 500 });
    await serve(alice, "work", echo);
    const lost = nextState(alice, "reconnecting");
    const back = nextState(alice, "connected");

    await server.pause();
    const asked = alice.request("work", empty, { timeoutMs: Infinity });

    await expect(asked).rejects.toMatchObject({ code: "TRANSPORT_TIMEOUT" });
    await lost;
    server.resume();
    await back;
    await flush(alice);
    expect(toText(await alice.request("work", text("again"), soon))).toBe("again");
  });

  it("keeps little for a server that does not read: published messages are dropped, requests refused with OVERLOADED (W2)", async () => {
    const { server, connect, logged } = await setup({ binary });
    const alice = await connect("alice");
    const payload = new Uint8Array(mib / 2);

    await server.pause();
    for (let count = 0; count < 100; count += 1) alice.publish("news", payload);

    await expect(alice.request("work", empty, soon)).rejects.toMatchObject({ code: "OVERLOADED" });
    expect(logged.filter(({ message }) => message.includes("dropped")).length).toBeGreaterThan(30);
    server.resume();
    await expect
      .poll(() => alice.request("work", empty, soon).catch((error: unknown) => error))
      .toMatchObject({ code: "TRANSPORT_UNROUTED" });
  });

  it("ends a drain that waits for what cannot come any more", async () => {
    const { server, connect } = await setup({ binary });
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    const work = await serveByHand(bob, "work");
    const asked = expect(alice.request("work", empty, { timeoutMs: Infinity })).rejects.toMatchObject({
      code: "TRANSPORT_TIMEOUT",
    });
    await work.arrived;

    const drained = Promise.all([alice.drain(), bob.drain()]);
    await server.kill();

    await drained;
    await asked;
    expect([alice.state(), bob.state()]).toEqual(["closed", "closed"]);
  });
});

describeNats("a process with a NATS transport", (binary) => {
  const run = async (url: string, timeoutMs: number, program: string): Promise<string> => {
    const head = `
      const { connectNats } = await import("${repository}transport/nats/index.ts");
      const { systemClock: clock } = await import("${repository}src/kernel/clock.ts");
      const { createSystemRandom } = await import("${repository}src/kernel/random.ts");
      const connect = () => connectNats({ servers: "${url}", owner: "child", timeoutMs: ${timeoutMs}, pingIntervalMs: 50, clock, random: createSystemRandom() });
    `;
    const argv = ["--input-type=module-typescript", "-e", head + program];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 10_000 });
    return stdout.trim();
  };

  it("ends by itself after a drain, also one with the server frozen", async () => {
    const { server } = await setup({ binary });

    await expect(run(server.url, 3_000, "await (await connect()).drain(); console.log('drained')")).resolves.toBe(
      "drained",
    );
    await expect(
      run(
        server.url,
        30_000,
        `const transport = await connect();
        process.kill(${server.pid}, "SIGSTOP");
        await new Promise((resolve) => transport.onState(resolve));
        await new Promise((resolve) => setTimeout(resolve, 1_000)); // it has begun to connect again, which takes its time
        await transport.drain();
        console.log("drained")`,
      ),
    ).resolves.toBe("drained");
  });

  it("ends by itself when nobody answered at first", async () => {
    const mute = createServer().listen(0, "127.0.0.1");
    await once(mute, "listening");
    onTestFinished(() => void mute.close());
    const address = mute.address();
    const url = typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";

    await expect(run(url, 200, "await connect().catch((error) => console.log(error.code))")).resolves.toBe(
      "TRANSPORT_UNREACHABLE",
    );
  });
});
