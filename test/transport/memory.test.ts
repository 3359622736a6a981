import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { createMemoryBus, type MemoryBus } from "../../transport/memory/bus.ts";
import { Chaos } from "../../transport/memory/chaos.ts";
import type { Transport } from "../../transport/transport.ts";
import { describeTransport } from "../conformance/transport.ts";
import { FakeClock } from "../support/fake-clock.ts";

describeTransport("memory", async (logger) => {
  const bus = createMemoryBus({ clock: systemClock, logger });
  const transports: Transport[] = [];
  return {
    connect: async () => {
      const transport = bus.connect();
      transports.push(transport);
      return transport;
    },
    close: async () => {
      for (const transport of transports) bus.kill(transport); // tests leave requests unanswered
    },
  };
});

const empty = new Uint8Array(0);
const text = (value: string): Uint8Array => Buffer.from(value);
const toText = (message: { payload: Uint8Array }): string => Buffer.from(message.payload).toString();

interface Setup {
  clock: FakeClock;
  chaos: Chaos;
  bus: MemoryBus;
  alice: Transport;
  bob: Transport;
  logged: string[];
}

function setup(seed = 1): Setup {
  const clock = new FakeClock();
  const chaos = new Chaos({ random: createSeeded(seed), clock });
  const logged: string[] = [];
  const logger: Logger = { log: (level, message) => void logged.push(`${level}: ${message}`) };
  const bus = createMemoryBus({ clock, chaos, logger });
  const alice = bus.connect();
  const bob = bus.connect();
  onTestFinished(() => {
    bus.kill(alice);
    bus.kill(bob);
  });
  return { clock, chaos, bus, alice, bob, logged };
}

/** A small generator (mulberry32), good enough to draw faults. */
function createSeeded(seed: number): { u32(): number } {
  let state = seed;
  return {
    u32() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return (mixed ^ (mixed >>> 14)) >>> 0;
    },
  };
}

describe("memory bus", () => {
  it("delivers nothing before the clock's next turn, and replies a turn after their requests (B1)", async () => {
    const { clock, alice, bob } = setup();
    const seen: string[] = [];
    bob.subscribe("news", () => void seen.push("news"));
    bob.serve("work", "servers", ({ payload }) => {
      seen.push("served");
      return { payload };
    });

    alice.publish("news", empty);
    void alice.request("work", empty, { timeoutMs: 1_000 }).then(() => seen.push("replied"));
    const before = [...seen];
    await clock.settle();

    expect(before).toEqual([]);
    expect(seen).toEqual(["news", "served", "replied"]);
  });

  it("delivers what a server published before it replied before the reply (B2)", async () => {
    const { clock, alice, bob } = setup();
    const seen: string[] = [];
    alice.subscribe("news", (message) => void seen.push(toText(message)));
    bob.serve("work", "servers", ({ payload }) => {
      bob.publish("news", text("event"));
      return { payload };
    });

    void alice.request("work", empty, { timeoutMs: 1_000 }).then(() => seen.push("reply"));
    await clock.settle();

    expect(seen).toEqual(["event", "reply"]);
  });

  it("lets other work run between turns, however many messages answer each other", async () => {
    const bus = createMemoryBus({ clock: systemClock });
    const transport = bus.connect();
    onTestFinished(() => bus.kill(transport));
    transport.subscribe("ping", () => transport.publish("ping", empty));

    transport.publish("ping", empty);

    await new Promise((resolve) => setTimeout(resolve, 1)); // would never fire
  });

  it("drops published messages and refuses requests when a loop never lets the queue run", async () => {
    const { clock, alice, bob, logged } = setup();
    let received = 0;
    bob.subscribe("news", () => {
      received += 1;
    });

    for (let index = 0; index < 70_000; index += 1) alice.publish("news", empty);
    const refused = alice.request("work", empty, { timeoutMs: 10 });

    await expect(refused).rejects.toMatchObject({ code: "OVERLOADED" });
    await clock.settle();
    expect(received).toBe(65_536);
    expect(logged.length).toBe(70_000 - 65_536);
  });

  it("ends a request at its deadline by the clock", async () => {
    const { clock, alice, bob } = setup();
    bob.serve("work", "servers", () => new Promise(() => {}));
    let code = "";
    alice.request("work", empty, { timeoutMs: 500 }).catch((error: { code: string }) => (code = error.code));

    await clock.advance(499);
    const before = code;
    await clock.advance(1);

    expect(before).toBe("");
    expect(code).toBe("TRANSPORT_TIMEOUT");
    expect(clock.pendingTimers).toBe(0);
  });

  it("keeps no timer for a request that was answered", async () => {
    const { clock, alice, bob } = setup();
    bob.serve("work", "servers", ({ payload }) => ({ payload }));

    void alice.request("work", empty, { timeoutMs: 500 });
    await clock.settle();

    expect(clock.pendingTimers).toBe(0);
  });

  it("lets a killed transport neither hear, answer nor go on, and delivers what it had sent", async () => {
    const { clock, bus, alice, bob } = setup();
    const seen: string[] = [];
    let answer: () => void = () => {};
    bob.subscribe("news", () => void seen.push("bob heard"));
    bob.serve("work", "servers", ({ payload }) => new Promise((resolve) => (answer = () => resolve({ payload }))));
    alice.subscribe("last", () => void seen.push("last words"));
    void alice.request("work", empty, { timeoutMs: 100 }).catch((error: { code: string }) => seen.push(error.code));
    await clock.settle();
    bob.request("nobody", empty, { timeoutMs: 100 }).then(
      () => seen.push("bob went on"),
      () => seen.push("bob went on"),
    );
    bob.publish("last", empty);

    bus.kill(bob);
    answer();
    alice.publish("news", empty);
    await clock.runAll();

    expect(seen).toEqual(["last words", "TRANSPORT_TIMEOUT"]);
    expect(bob.state()).toBe("closed");
  });
});

describe("chaos", () => {
  /** What 400 numbered messages and requests look like to both sides under `rates`. */
  async function run(seed: number, rates: Parameters<Chaos["set"]>[0]): Promise<{ chaos: Chaos; trace: string[] }> {
    const { clock, chaos, alice, bob } = setup(seed);
    const trace: string[] = [];
    bob.subscribe("count", (message) => void trace.push(`heard ${toText(message)}`));
    bob.serve("work", "servers", (request) => {
      trace.push(`served ${toText(request)}`);
      return { payload: request.payload };
    });
    chaos.set(rates);
    for (let number = 0; number < 400; number += 1) {
      alice.publish("count", text(String(number)));
      alice.request("work", text(String(number)), { timeoutMs: 1_000 }).then(
        (reply) => trace.push(`reply ${toText(reply)}`),
        (error: { code: string }) => trace.push(`${error.code} ${number}`),
      );
      await clock.advance(1);
    }
    await clock.runAll();
    return { chaos, trace };
  }

  const everything = { lose: 0.1, double: 0.1, reorder: 0.1, delayMs: 20 };

  it("does the same for the same seed, and something else for another (X1)", async () => {
    const first = await run(7, everything);
    const again = await run(7, everything);
    const other = await run(8, everything);

    expect(again.trace).toEqual(first.trace);
    expect(again.chaos.counts).toEqual(first.chaos.counts);
    expect(other.trace).not.toEqual(first.trace);
  });

  it("loses messages, requests and replies as often as asked, and the requests time out", async () => {
    const { chaos, trace } = await run(1, { lose: 0.2 });

    const timeouts = trace.filter((line) => line.startsWith("TRANSPORT_TIMEOUT"));
    const served = trace.filter((line) => line.startsWith("served"));
    const replies = trace.filter((line) => line.startsWith("reply"));
    expect(served.length).toBeLessThan(400);
    expect(replies.length).toBeLessThan(served.length);
    expect(replies.length + timeouts.length).toBe(400);
    expect(chaos.counts.lost).toBeGreaterThan(1_100 * 0.15);
    expect(chaos.counts.lost).toBeLessThan(1_200 * 0.25);
  });

  it("doubles what it is asked to, and a request still has one reply", async () => {
    const { chaos, trace } = await run(1, { double: 1 });

    expect(trace.filter((line) => line === "heard 5").length).toBe(2);
    expect(trace.filter((line) => line === "served 5").length).toBe(2);
    expect(trace.filter((line) => line === "reply 5").length).toBe(1);
    expect(chaos.counts.doubled).toBe(400 + 400 + 800);
  });

  it("lets later messages overtake, and loses none", async () => {
    const { chaos, alice, bob, clock } = setup();
    const heard: number[] = [];
    bob.subscribe("count", (message) => void heard.push(Number(toText(message))));
    chaos.set({ reorder: 0.3 });

    for (let number = 0; number < 100; number += 1) alice.publish("count", text(String(number)));
    await clock.settle();

    const sorted = Array.from({ length: 100 }, (_, index) => index);
    expect(heard).not.toEqual(sorted);
    expect(heard.toSorted((a, b) => a - b)).toEqual(sorted);
    expect(chaos.counts.reordered).toBeGreaterThan(15);
  });

  it("delays each message by up to the longest time", async () => {
    const { clock, chaos, alice, bob } = setup();
    const at: number[] = [];
    bob.subscribe("count", () => void at.push(clock.mono()));
    chaos.set({ delayMs: 100 });

    for (let number = 0; number < 200; number += 1) alice.publish("count", empty);
    await clock.runAll();

    expect(at.length).toBe(200);
    expect(Math.min(...at)).toBeLessThan(10);
    expect(Math.max(...at)).toBeGreaterThan(90);
    expect(Math.max(...at)).toBeLessThanOrEqual(100);
  });

  it("brings a late request to its server even when its sender has given up", async () => {
    const { clock, chaos, alice, bob } = setup();
    const seen: string[] = [];
    bob.serve("work", "servers", ({ payload }) => {
      seen.push("served");
      return { payload };
    });
    chaos.set({ delayMs: 1_000 });

    alice.request("work", empty, { timeoutMs: 1 }).catch(() => seen.push("given up"));
    await clock.runAll();

    expect(seen).toEqual(["given up", "served"]);
  });

  it("swallows what would arrive while transports are cut off, and nothing after the heal (X2)", async () => {
    const { clock, chaos, bus, alice, bob } = setup();
    const carol = bus.connect();
    onTestFinished(() => bus.kill(carol));
    const heard: string[] = [];
    for (const [name, transport] of Object.entries({ alice, bob, carol })) {
      transport.subscribe("news", (message) => void heard.push(`${name} heard ${toText(message)}`));
    }

    alice.publish("news", text("sent before"));
    chaos.cut(alice, bob);
    await clock.settle();
    bob.publish("news", text("the other way"));
    await clock.settle();
    const whileCut = heard.splice(0);
    chaos.heal();
    alice.publish("news", text("healed"));
    await clock.settle();

    expect(whileCut).toEqual([
      "alice heard sent before",
      "carol heard sent before",
      "alice heard the other way",
      "bob heard the other way",
      "carol heard the other way",
    ]);
    expect(heard).toEqual(["alice heard healed", "bob heard healed", "carol heard healed"]);
    expect(chaos.counts.cut).toBe(1);
  });

  it("isolates a transport from all others but itself, and its requests time out", async () => {
    const { clock, chaos, alice, bob } = setup();
    const seen: string[] = [];
    alice.subscribe("news", () => void seen.push("alice heard"));
    bob.subscribe("news", () => void seen.push("bob heard"));
    bob.serve("work", "servers", ({ payload }) => ({ payload }));

    chaos.isolate(alice);
    alice.publish("news", empty);
    alice.request("work", empty, { timeoutMs: 10 }).catch((error: { code: string }) => seen.push(error.code));
    await clock.runAll();

    expect(seen).toEqual(["alice heard", "TRANSPORT_TIMEOUT"]);
  });

  it("drains under loss, because every request ends", async () => {
    const { clock, chaos, alice, bob } = setup();
    bob.serve("work", "servers", ({ payload }) => ({ payload }));
    chaos.set({ lose: 1 });
    const asked = alice.request("work", empty, { timeoutMs: 50 });
    asked.catch(() => {}); // times out

    const drained = Promise.all([alice.drain(), bob.drain()]);
    await clock.runAll();

    await drained;
    expect([alice.state(), bob.state()]).toEqual(["closed", "closed"]);
  });
});
