// What every transport promises
//
// One suite for every implementation: each sentence of the interface's doc comments, nothing that one implementation alone does.
// It runs on the machine's clock, because some implementations do real I/O; nothing sleeps, every wait is for a message or a reply.

import { describe, expect, it, onTestFinished } from "vitest";
import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { headerCharsMax, requestsMax, subscriptionsMax } from "../../transport/bounds.ts";
import { createSubjects, parseRpc, toAgentHeaders } from "../../transport/subjects.ts";
import type { IncomingRequest, Message, Reply, Transport } from "../../transport/transport.ts";

/** Where transports that reach each other come from. */
export interface Fabric {
  connect(): Promise<Transport>;
  /** Drains what was connected and frees the rest. */
  close(): Promise<void>;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const toText = (message: { payload: Uint8Array }): string => new TextDecoder().decode(message.payload);
const empty = new Uint8Array(0);
const soon = { timeoutMs: 10_000 }; // for replies that come; a test that waits this long has failed
const echo = (request: IncomingRequest): Reply => ({ payload: request.payload, headers: request.headers });

/** What every transport promises. Each implementation's test file calls this. */
export function describeTransport(name: string, open: (logger: Logger) => Promise<Fabric>): void {
  const setup = async (): Promise<{ alice: Transport; bob: Transport; fabric: Fabric; reports: string[] }> => {
    const reports: string[] = [];
    const fabric = await open({ log: (level, message) => void (level === "error" && reports.push(message)) });
    onTestFinished(() => fabric.close());
    return { alice: await fabric.connect(), bob: await fabric.connect(), fabric, reports };
  };

  describe(`${name} transport: publish and subscribe`, () => {
    it("delivers a message with its subject, bytes and headers", async () => {
      const { alice, bob } = await setup();
      const inbox = await listen(bob, "greetings.*");
      const payload = Uint8Array.from({ length: 256 }, (_, byte) => byte);

      alice.publish("greetings.morning", payload, { "content-type": "text/plain", mood: "schön · 良い" });

      const [message] = await inbox.received(1);
      expect(message?.subject).toBe("greetings.morning");
      expect([...(message?.payload ?? [])]).toEqual([...payload]);
      expect({ ...message?.headers }).toEqual({ "content-type": "text/plain", mood: "schön · 良い" });
    });

    it("delivers an empty payload without headers as that", async () => {
      const { alice, bob } = await setup();
      const inbox = await listen(bob, "greetings");

      alice.publish("greetings", empty);

      const [message] = await inbox.received(1);
      expect(message?.payload.length).toBe(0);
      expect({ ...message?.headers }).toEqual({});
    });

    it("delivers to every subscriber, the sender's own too", async () => {
      const { alice, bob } = await setup();
      const inboxes = [await listen(alice, "news.>"), await listen(bob, "news.>"), await listen(bob, "news.today")];

      alice.publish("news.today", text("rain"));

      for (const inbox of inboxes) expect((await inbox.received(1)).map(toText)).toEqual(["rain"]);
    });

    it.each([
      ["a.b", ["a.b"], ["a", "a.b.c", "a.c", "ab"]],
      ["a.*", ["a.b", "a.*".replace("*", "=")], ["a", "a.b.c", "b.a"]],
      ["*.b", ["a.b"], ["b", "a.b.c"]],
      ["a.*.c", ["a.b.c"], ["a.c", "a.b", "a.b.b.c"]],
      ["a.>", ["a.b", "a.b.c"], ["a", "b.a"]],
      ["a.*.>", ["a.b.c", "a.b.c.d"], ["a.b", "a"]],
    ])("matches %s as NATS does", async (pattern, fitting, others) => {
      const { alice, bob } = await setup();
      const inbox = await listen(bob, `t.${pattern}`);
      const marker = await listen(bob, "marker");

      for (const subject of [...others, ...fitting]) alice.publish(`t.${subject}`, empty);
      alice.publish("marker", empty);

      await marker.received(1);
      expect((await inbox.received(fitting.length)).map((message) => message.subject)).toEqual(
        fitting.map((subject) => `t.${subject}`),
      );
    });

    it("keeps the order of one sender's messages", async () => {
      const { alice, bob } = await setup();
      const inbox = await listen(bob, "count.>");
      const numbers = Array.from({ length: 500 }, (_, index) => String(index));

      for (const number of numbers) alice.publish(`count.${Number(number) % 7}`, text(number));

      expect((await inbox.received(500)).map(toText)).toEqual(numbers);
    });

    it("runs no handler inside publish", async () => {
      const { alice } = await setup();
      const inbox = await listen(alice, "self");

      alice.publish("self", empty);
      const during = inbox.count;

      await inbox.received(1);
      expect(during).toBe(0);
    });

    it("delivers nothing to a handler that was unsubscribed, and goes on delivering to the others", async () => {
      const { alice, bob } = await setup();
      const gone: Message[] = [];
      const unsubscribe = bob.subscribe("news", (message) => void gone.push(message));
      const inbox = await listen(bob, "news");

      unsubscribe();
      unsubscribe();
      alice.publish("news", text("late"));

      expect((await inbox.received(1)).map(toText)).toEqual(["late"]);
      expect(gone).toEqual([]);
    });

    it("delivers nothing to a handler that was unsubscribed, even of what was published before", async () => {
      const { alice } = await setup();
      const gone: Message[] = [];
      const unsubscribe = alice.subscribe("news", (message) => void gone.push(message));
      const inbox = await listen(alice, "news");

      alice.publish("news", empty);
      unsubscribe();

      await inbox.received(1);
      expect(gone).toEqual([]);
    });

    it("reports a handler that throws or rejects, and disturbs nobody else", async () => {
      const { alice, bob, reports } = await setup();
      bob.subscribe("news", () => {
        throw new Error("a bug");
      });
      bob.subscribe("news", (async () => {
        throw new Error("a bug, later");
      }) as () => void);
      const inbox = await listen(bob, "news");

      alice.publish("news", text("one"));
      alice.publish("news", text("two"));

      expect((await inbox.received(2)).map(toText)).toEqual(["one", "two"]);
      expect(reports.length).toBe(4);
    });

    it("shows requests to servers only and published messages to subscribers only", async () => {
      const { alice, bob } = await setup();
      const heard = await listen(bob, "both.>");
      const served: string[] = [];
      await serve(bob, "both.>", (request) => {
        served.push(toText(request));
        return echo(request);
      });

      await alice.request("both.x", text("asked"), soon);
      alice.publish("both.x", text("told"));
      await heard.received(1);
      await alice.request("both.x", text("asked again"), soon);

      expect(heard.messages.map(toText)).toEqual(["told"]);
      expect(served).toEqual(["asked", "asked again"]);
    });
  });

  describe(`${name} transport: request and serve`, () => {
    it("brings a request to its server, with headers and the sender's patience, and the reply back", async () => {
      const { alice, bob } = await setup();
      const seen: IncomingRequest[] = [];
      await serve(bob, "math.*", (request) => {
        seen.push(request);
        return { payload: text(`${toText(request)}!`), headers: { unit: "m" } };
      });

      const reply = await alice.request("math.add", text("1+1"), { timeoutMs: 9_000, headers: { trace: "t1" } });

      expect(toText(reply)).toBe("1+1!");
      expect({ ...reply.headers }).toEqual({ unit: "m" });
      expect(seen.map(({ subject, timeoutMs }) => ({ subject, timeoutMs }))).toEqual([
        { subject: "math.add", timeoutMs: 9_000 },
      ]);
      expect({ ...seen[0]?.headers }).toEqual({ trace: "t1" });
    });

    it("runs no handler inside request", async () => {
      const { alice } = await setup();
      let served = 0;
      await serve(alice, "self", (request) => {
        served += 1;
        return echo(request);
      });

      const reply = alice.request("self", empty, soon);
      const during = served;

      await reply;
      expect(during).toBe(0);
      expect(served).toBe(1);
    });

    it("fails with TRANSPORT_UNROUTED when nobody serves the subject", async () => {
      const { alice, bob } = await setup();
      await listen(bob, "nobody.>"); // a subscriber is no server

      await expect(alice.request("nobody.home", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
    });

    it("fails with TRANSPORT_TIMEOUT when no reply came in time, and drops the reply that comes late", async () => {
      const { alice, bob } = await setup();
      let answer: (reply: Reply) => void = () => {};
      await serve(bob, "slow", () => new Promise((resolve) => (answer = resolve)));
      await serve(bob, "quick", echo);

      await expect(alice.request("slow", empty, { timeoutMs: 20 })).rejects.toMatchObject({
        code: "TRANSPORT_TIMEOUT",
      });

      answer({ payload: text("too late") });
      expect(toText(await alice.request("quick", text("and on"), soon))).toBe("and on");
    });

    it.each([
      [
        "throws",
        () => {
          throw new Error("the password is 1234");
        },
      ],
      ["rejects", () => Promise.reject(new Error("the password is 1234"))],
      ["returns no reply", () => undefined as unknown as Reply],
    ])(
      "fails with REMOTE_FAULT when the handler %s, and tells its text to the server's logger only",
      async (_, handler) => {
        const { alice, bob, reports } = await setup();
        await serve(bob, "faulty", handler);

        const failure = await alice.request("faulty", empty, soon).catch((error: unknown) => error);

        expect(failure).toBeInstanceOf(AionisError);
        expect(failure).toMatchObject({ code: "REMOTE_FAULT" });
        expect(String(failure)).not.toContain("1234");
        expect(reports.length).toBe(1);
      },
    );

    it("waits for ever when asked to", async () => {
      const { alice, bob } = await setup();
      await serve(bob, "work", echo);

      expect(toText(await alice.request("work", text("patient"), { timeoutMs: Infinity }))).toBe("patient");
    });

    it("passes on the failure of a request that the handler made itself", async () => {
      const { alice, bob } = await setup();
      await serve(bob, "bridge", async () => await bob.request("nobody", empty, soon));

      await expect(alice.request("bridge", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
    });

    it("brings each request to one server of a queue group, and to all of them in turn", async () => {
      const { alice, bob, fabric } = await setup();
      const carol = await fabric.connect();
      const served: Record<string, string[]> = { bob: [], carol: [], carolToo: [] };
      const count =
        (who: string) =>
        (request: IncomingRequest): Reply => {
          served[who]?.push(toText(request));
          return echo(request);
        };
      await serve(bob, "work.*", count("bob"));
      await serve(carol, "work.>", count("carol"));
      await serve(carol, "work.a", count("carolToo"));

      const numbers = Array.from({ length: 60 }, (_, index) => String(index));
      await Promise.all(numbers.map((number) => alice.request("work.a", text(number), soon)));

      const all = Object.values(served).flat();
      expect(all.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers);
      for (const share of Object.values(served)) expect(share.length).toBeGreaterThan(0);
    });

    it("brings a request to each queue group and takes the first reply", async () => {
      const { alice, bob, fabric } = await setup();
      const carol = await fabric.connect();
      const second = await serveByHand(carol, "work", "second");
      await serve(bob, "work", () => ({ payload: text("bob") }), "first");

      const reply = await alice.request("work", text("carol"), soon);
      await second.arrived;
      second.answer();

      expect(toText(reply)).toBe("bob");
    });

    it("no longer brings requests to a server that was taken back", async () => {
      const { alice, bob } = await setup();
      const stop = await serve(bob, "work", echo);
      await alice.request("work", empty, soon);

      stop();
      await flush(bob);

      await expect(alice.request("work", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
    });

    it("keeps 64 requests in flight apart, whatever the order of their replies", async () => {
      const { alice, bob } = await setup();
      const waiting: (() => void)[] = [];
      await serve(bob, "work", (request) => {
        return new Promise((resolve) => {
          waiting.push(() => resolve(echo(request)));
          if (waiting.length === 64) for (const answer of waiting.toReversed()) answer();
        });
      });

      const numbers = Array.from({ length: 64 }, (_, index) => String(index));
      const replies = await Promise.all(numbers.map((number) => alice.request("work", text(number), soon)));

      expect(replies.map(toText)).toEqual(numbers);
    });
  });

  describe(`${name} transport: bounds`, () => {
    it("carries a payload near the limit both ways", async () => {
      const { alice, bob } = await setup();
      await serve(bob, "big", echo);
      const inbox = await listen(bob, "big");
      const payload = new Uint8Array(limits.messageBytes - 64).fill(7);
      payload[payload.length - 1] = 9;

      const reply = await alice.request("big", payload, soon);
      alice.publish("big", payload);

      const [message] = await inbox.received(1);
      for (const bytes of [reply.payload, message?.payload]) expect(Buffer.compare(bytes ?? empty, payload)).toBe(0);
    });

    it("refuses a larger payload with MESSAGE_TOO_LARGE, as a reply too", async () => {
      const { alice, bob } = await setup();
      const payload = new Uint8Array(limits.messageBytes + 1);
      await serve(bob, "big", () => ({ payload }));

      expect(() => alice.publish("big", payload)).toThrow(expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }));
      await expect(alice.request("big", payload, soon)).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
      await expect(alice.request("big", empty, soon)).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
    });

    it("refuses headers over their limit with MESSAGE_TOO_LARGE", async () => {
      const { alice, bob } = await setup();
      await serve(bob, "work", echo);
      const fitting = { note: "n".repeat(headerCharsMax - 4) };

      expect({ ...(await alice.request("work", empty, { ...soon, headers: fitting })).headers }).toEqual(fitting);

      const headers = { note: `${fitting.note}n` };
      expect(() => alice.publish("x", empty, headers)).toThrow(expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }));
      await expect(alice.request("work", empty, { ...soon, headers })).rejects.toMatchObject({
        code: "MESSAGE_TOO_LARGE",
      });
    });

    it("refuses what is no subject or no pattern with INPUT_INVALID", async () => {
      const { alice } = await setup();
      const notSubjects = [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a.*",
        "a.>",
        "*",
        ">",
        "a b",
        "a\r\nb",
        "a\tb",
        "ä",
        "a.b*",
        "x".repeat(513),
      ];
      const notPatterns = ["", ".", "a.", ".a", "a..b", "a.>.b", "a.b*", "a.*b", "a b", "a\nb", "a.>>"];
      const refused: unknown = expect.objectContaining({ code: "INPUT_INVALID" });

      for (const subject of notSubjects) {
        expect(() => alice.publish(subject, empty), subject).toThrow(refused);
        await expect(alice.request(subject, empty, soon), subject).rejects.toMatchObject({ code: "INPUT_INVALID" });
      }
      for (const pattern of notPatterns) {
        expect(() => alice.subscribe(pattern, () => {}), pattern).toThrow(refused);
        expect(() => alice.serve(pattern, "group", echo), pattern).toThrow(refused);
      }
    });

    it("refuses with OVERLOADED when too many requests wait, and goes on when they are answered", async () => {
      const { alice, bob } = await setup();
      const waiting: (() => void)[] = [];
      let isFull: () => void = () => {};
      const full = new Promise<void>((resolve) => (isFull = resolve));
      await serve(bob, "quick", echo);
      await serve(bob, "slow", (request) => {
        return new Promise((resolve) => {
          waiting.push(() => resolve(echo(request)));
          if (waiting.length === requestsMax) isFull();
        });
      });
      const asked = Array.from({ length: requestsMax }, () => alice.request("slow", empty, soon));
      await full;

      await expect(alice.request("quick", empty, soon)).rejects.toMatchObject({ code: "OVERLOADED" });

      for (const answer of waiting) answer();
      await Promise.all(asked);
      expect(toText(await alice.request("quick", text("again"), soon))).toBe("again");
    });

    it("refuses with OVERLOADED when there are too many subscriptions", async () => {
      const { alice } = await setup();
      const stops = Array.from({ length: subscriptionsMax }, () => alice.subscribe("news", () => {}));
      const refused: unknown = expect.objectContaining({ code: "OVERLOADED" });

      expect(() => alice.subscribe("news", () => {})).toThrow(refused);
      expect(() => alice.serve("news", "group", echo)).toThrow(refused);

      stops[0]?.();
      expect(() => alice.subscribe("news", () => {})).not.toThrow();
    });

    it("carries ids of any text inside subjects, and wildcards in them stay text", async () => {
      const { alice, bob } = await setup();
      const subjects = createSubjects({ tenant: "a.b", project: "*" });
      const others = createSubjects({ tenant: "a", project: "b" });
      const agents = [
        "fixer-1",
        "",
        "*",
        ">",
        "a.b",
        "agent with space",
        "💥",
        "=",
        "==x",
        "a\u0000\r\n",
        "é".repeat(100),
      ];
      await serve(bob, subjects.rpcPattern, (request) => ({ payload: text(JSON.stringify(parseRpc(request))) }));
      await serve(bob, others.rpcPattern, () => ({ payload: text("another scope") }), "others");

      for (const agentId of agents) {
        const subject = subjects.rpc(agentId, "tasks.start");
        const reply = await alice.request(subject, empty, { ...soon, headers: toAgentHeaders(agentId) });
        expect(JSON.parse(toText(reply))).toEqual({ agentId, operation: "tasks.start" });
      }
    });
  });

  describe(`${name} transport: state and drain`, () => {
    it("is connected, then closed, and tells so once", async () => {
      const { alice } = await setup();
      const states: string[] = [];
      const unheard: string[] = [];
      alice.onState(() => {
        throw new Error("a bug");
      });
      alice.onState((state) => void states.push(state));
      alice.onState((state) => void unheard.push(state))();
      const before = alice.state();

      await alice.drain();

      expect(before).toBe("connected");
      expect(alice.state()).toBe("closed");
      expect(states).toEqual(["closed"]);
      expect(unheard).toEqual([]);
    });

    it("refuses everything with TRANSPORT_CLOSED once it drains", async () => {
      const { alice } = await setup();
      const refused: unknown = expect.objectContaining({ code: "TRANSPORT_CLOSED" });

      const drained = alice.drain();

      for (const moment of ["during", "after"]) {
        expect(() => alice.publish("x", empty), moment).toThrow(refused);
        expect(() => alice.subscribe("x", () => {}), moment).toThrow(refused);
        expect(() => alice.serve("x", "group", echo), moment).toThrow(refused);
        await expect(alice.request("x", empty, soon), moment).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
        await drained;
      }
    });

    it("may be drained twice, at once and later", async () => {
      const { alice } = await setup();

      await Promise.all([alice.drain(), alice.drain()]);
      await alice.drain();

      expect(alice.state()).toBe("closed");
    });

    it("delivers what was published before the drain", async () => {
      const { alice, bob } = await setup();
      const inbox = await listen(bob, "news");

      alice.publish("news", text("goodbye"));
      await alice.drain();

      expect((await inbox.received(1)).map(toText)).toEqual(["goodbye"]);
    });

    it("waits for the replies to its own requests", async () => {
      const { alice, bob } = await setup();
      const work = await serveByHand(bob, "work");
      const order: string[] = [];
      const asked = alice.request("work", text("mine"), soon).then((reply) => order.push(toText(reply)));
      await work.arrived;

      const drained = alice.drain().then(() => order.push("drained"));
      work.answer();

      await Promise.all([asked, drained]);
      expect(order).toEqual(["mine", "drained"]);
    });

    it("waits for the requests that it serves, and takes no new ones", async () => {
      const { alice, bob } = await setup();
      const work = await serveByHand(bob, "work");
      const asked = alice.request("work", text("served"), soon);
      await work.arrived;

      let isDrained = false;
      const drained = bob.drain().then(() => (isDrained = true));
      await expect(untilUnrouted(alice, "work")).resolves.toBe("TRANSPORT_UNROUTED");
      const early = isDrained;
      work.answer();

      expect(toText(await asked)).toBe("served");
      await drained;
      expect(early).toBe(false);
    });

    it("does not wait for what it serves longer than the sender does", async () => {
      const { alice, bob } = await setup();
      await serve(bob, "stuck", () => new Promise(() => {}));
      const asked = alice.request("stuck", empty, { timeoutMs: 50 });
      asked.catch(() => {}); // expected below
      await flush(alice);

      await bob.drain();

      await expect(asked).rejects.toMatchObject({ code: "TRANSPORT_TIMEOUT" });
    });

    it("hears nothing any more once it is drained", async () => {
      const { alice, bob, fabric } = await setup();
      const carol = await fabric.connect();
      const heard = await listen(bob, "news");
      const marker = await listen(carol, "news");

      await bob.drain();
      alice.publish("news", text("after"));

      await marker.received(1);
      expect(heard.messages).toEqual([]);
    });
  });
}

/** Messages of one subscription, as they come. */
class Inbox {
  readonly messages: Message[] = [];
  #onMessage: () => void = () => {};

  get count(): number {
    return this.messages.length;
  }

  readonly push = (message: Message): void => {
    this.messages.push(message);
    this.#onMessage();
  };

  /** All messages, once there are `count` of them. */
  async received(count: number): Promise<readonly Message[]> {
    while (this.messages.length < count) await new Promise<void>((resolve) => (this.#onMessage = resolve));
    return this.messages;
  }
}

/** An inbox whose subscription is in force everywhere. */
async function listen(transport: Transport, pattern: string): Promise<Inbox> {
  const inbox = new Inbox();
  transport.subscribe(pattern, inbox.push);
  await flush(transport);
  return inbox;
}

async function serve(
  transport: Transport,
  pattern: string,
  handler: (request: IncomingRequest) => Reply | Promise<Reply>,
  queueGroup = "servers",
): Promise<() => void> {
  const stop = transport.serve(pattern, queueGroup, handler);
  await flush(transport);
  return stop;
}

/** Serves requests that are answered when the test says so. */
async function serveByHand(
  transport: Transport,
  pattern: string,
  queueGroup?: string,
): Promise<{ arrived: Promise<void>; answer: () => void }> {
  let onArrival: () => void = () => {};
  let onAnswer: () => void = () => {};
  const arrived = new Promise<void>((resolve) => (onArrival = resolve));
  const answered = new Promise<void>((resolve) => (onAnswer = resolve));
  const handler = async (request: IncomingRequest): Promise<Reply> => {
    onArrival();
    await answered;
    return echo(request);
  };
  await serve(transport, pattern, handler, queueGroup);
  return { arrived, answer: () => onAnswer() };
}

/** Waits until all that `transport` sent before has taken effect: whoever connects it handles its messages in order. */
async function flush(transport: Transport): Promise<void> {
  await expect(transport.request("flush.nobody", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
}

/** Asks again until the answer is that nobody serves `subject`; a request that still reached a server may time out. */
async function untilUnrouted(transport: Transport, subject: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const failure = await transport.request(subject, empty, { timeoutMs: 20 }).catch((error: unknown) => error);
    if (failure instanceof AionisError && failure.code === "TRANSPORT_UNROUTED") return failure.code;
  }
  return "still served";
}
