import { describe, expect, it } from "vitest";
import { AionisError } from "../../../src/contracts/failures.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { headerCharsMax, requestsMax, subscriptionsMax } from "../../../transport/bounds.ts";
import { createSubjects, parseRpc, toAgentHeaders } from "../../../transport/subjects.ts";
import { echo, empty, listen, type Setup, serve, soon, text, toText } from "./fabric.ts";

export function describeBounds(name: string, setup: Setup): void {
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

      const refused = { code: "OVERLOADED", facts: { retryAfterMs: expect.any(Number) } };
      await expect(alice.request("quick", empty, soon)).rejects.toMatchObject(refused);

      for (const answer of waiting) answer();
      await Promise.all(asked);
      expect(toText(await alice.request("quick", text("again"), soon))).toBe("again");
    });

    it("tells a requester after which time to ask again, where the server's refusal says so", async () => {
      const { alice, bob } = await setup();
      await serve(bob, "full", () => {
        throw new AionisError("OVERLOADED", "Too much waits.", { facts: { retryAfterMs: 150 } });
      });

      const refused = alice.request("full", empty, soon);

      await expect(refused).rejects.toMatchObject({ code: "OVERLOADED", facts: { retryAfterMs: 150 } });
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
}
