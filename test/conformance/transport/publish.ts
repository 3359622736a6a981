import { describe, expect, it } from "vitest";
import type { Message } from "../../../transport/transport.ts";
import { echo, empty, listen, type Setup, serve, soon, text, toText } from "./fabric.ts";

export function describePublish(name: string, setup: Setup): void {
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
}
