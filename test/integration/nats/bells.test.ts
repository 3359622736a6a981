// Bells as a program without our SDK hears them, on a server without JetStream.

import { connect as connectToServer, headers as startHeaders } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { createConnection } from "../../../sdk/index.ts";
import { createIds, createSystemRandom, noFaults, silentLogger, systemClock } from "../../../src/kernel/index.ts";
import { joinNats } from "../../../src/network.ts";
import { startRuntime } from "../../../src/runtime/start.ts";
import { createMemoryBus } from "../../../transport/index.ts";
import { describeNats, startNatsServer } from "../../support/nats.ts";
import { openTestStore } from "../../support/store.ts";

const scope = "acme/billing";
const prefix = "aionis.v1.acme.billing";
const longMs = 10_000;
const hurry = 50;

// What takes long goes by fast: the interval of the bells is 15 s, and everything shorter keeps its length.
const clock: typeof systemClock = {
  ...systemClock,
  setTimer: (delayMs, run) => systemClock.setTimer(delayMs > longMs ? delayMs / hurry : delayMs, run),
};

interface Bell {
  taskId: string;
  packetId?: string;
}

describeNats("bells on a server without JetStream", (binary) => {
  async function setup() {
    const server = await startNatsServer({ binary, atEnd: onTestFinished });
    const address = { servers: server.url };
    const random = createSystemRandom();
    const ids = createIds(clock, random);
    const store = openTestStore();
    const bus = createMemoryBus({ clock });
    const ports = { scope, ids, random, logger: silentLogger };
    const parts = { ...ports, store, transport: bus.connect(), clock: systemClock, faults: noFaults };
    const runtime = await startRuntime(parts);
    onTestFinished(() => runtime.close());
    await joinNats({ ...ports, clock, runtime, address, store, storeId: store.id, instance: ids.next("run") });
    const client = createConnection({ ...parts, transport: bus.connect(), agent: "fixer-1" });
    onTestFinished(() => client.close());
    const foreign = await connectToServer(address);
    onTestFinished(() => foreign.close());

    const heard: Bell[] = [];
    foreign.subscribe(`${prefix}.bell.role-code-review`, {
      callback: (_, message) => void heard.push(message.json<Bell>()),
    });
    await foreign.flush();

    /** Calls an operation as the agent `script-1`, with the client of NATS alone. */
    const call = async (operation: string, body: object): Promise<unknown> => {
      const envelope = { v: 1, id: crypto.randomUUID(), scope, at: Date.now(), from: "script-1", body };
      const headers = startHeaders();
      headers.set("Content-Type", "application/json");
      const subject = `${prefix}.rpc.script-1.${operation}`;
      const reply = await foreign.request(subject, JSON.stringify(envelope), { headers, timeout: 5_000 });
      return reply.json();
    };
    return { server, client, heard, call };
  }

  it("ring again and again for an offer, until a program that heard them claims it", async () => {
    const { client, heard, call } = await setup();
    const { taskId } = await client.tasks.start({ brief: "Fix the retry" });
    await client.tasks.claim({ taskId });
    const packet = { brief: "Review it", nextAction: "look" };
    const { packetId } = await client.handoff.offer({ taskId, epoch: 1, to: { role: "code-review" }, packet });

    await expect.poll(() => heard.length).toBeGreaterThan(3);
    const claimed = await call("tasks.claim", { roles: ["code-review"], commandId: "claim-1" });
    const rung = heard.length;
    await new Promise((resolve) => setTimeout(resolve, (4 * 15_000) / hurry)); // silence is the absence of several rounds

    expect(new Set(heard.map((bell) => `${bell.taskId} ${bell.packetId}`))).toEqual(new Set([`${taskId} ${packetId}`]));
    expect(claimed).toMatchObject({
      ok: true,
      output: { assignment: { taskId, epoch: 2, packet: { brief: "Review it" } } },
    });
    expect(heard.length).toBeLessThanOrEqual(rung + 1); // one may have been on its way
  });

  it("are heard again after the server was gone", async () => {
    const { server, client, heard } = await setup();
    await client.tasks.start({ brief: "Review it", to: { role: "code-review" } });
    await expect.poll(() => heard.length).toBeGreaterThan(0);

    await server.kill();
    const rung = heard.length;
    await server.restart();

    await expect.poll(() => heard.length).toBeGreaterThan(rung + 1);
  });
});
