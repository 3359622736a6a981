import { describe, expect, it } from "vitest";
import { AionisError } from "../../../src/contracts/failures.ts";
import type { IncomingRequest, Reply } from "../../../transport/transport.ts";
import { echo, empty, flush, listen, type Setup, serve, serveByHand, soon, text, toText } from "./fabric.ts";

export function describeRequest(name: string, setup: Setup): void {
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

    it("fails with TRANSPORT_UNROUTED at once when nobody serves the subject, however long it would wait", async () => {
      const { alice, bob } = await setup();
      await listen(bob, "nobody.>"); // a subscriber is no server

      const asked = alice.request("nobody.home", empty, { timeoutMs: Infinity });

      await expect(asked).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
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

    it("ends at once when its signal fires, with the signal's reason, and drops the reply that comes late", async () => {
      const { alice, bob } = await setup();
      const work = await serveByHand(bob, "work");
      await serve(bob, "quick", echo);
      const giveUp = new AbortController();
      const asked = alice.request("work", empty, { timeoutMs: Infinity, signal: giveUp.signal });
      asked.catch(() => {}); // expected below
      await work.arrived;

      const reason = { why: "no longer of use" };
      giveUp.abort(reason);

      await expect(asked).rejects.toBe(reason);
      work.answer();
      expect(toText(await alice.request("quick", text("and on"), soon))).toBe("and on");
    });

    it("is not made when its signal has fired before", async () => {
      const { alice, bob } = await setup();
      let served = 0;
      await serve(bob, "work", (request) => {
        served += 1;
        return echo(request);
      });

      const asked = alice.request("work", empty, { ...soon, signal: AbortSignal.abort() });

      await expect(asked).rejects.toMatchObject({ name: "AbortError" });
      await alice.request("work", empty, { ...soon, signal: new AbortController().signal });
      expect(served).toBe(1);
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

    it("tells a server once when its reply is held no more, also one of several megabytes", async () => {
      const { alice, bob } = await setup();
      const gone: string[] = [];
      let last: () => void = () => {};
      const all = new Promise<void>((resolve) => (last = resolve));
      const tell = (what: string) => (): void => {
        gone.push(what);
        if (gone.length === 2) last();
      };
      await serve(bob, "small", () => ({ payload: text("x"), onGone: tell("small") }));
      await serve(bob, "large", () => ({ payload: new Uint8Array(3_000_000), onGone: tell("large") }));

      await alice.request("small", empty, soon);
      await alice.request("large", empty, soon);
      await all;
      await alice.request("small", empty, soon).then(() => alice.request("small", empty, soon)); // one more would have come before them

      expect(gone.slice(0, 2)).toEqual(["small", "large"]);
      expect(gone.filter((what) => what === "large")).toEqual(["large"]);
    });

    it("tells a server that its reply is gone when nobody waits for it any more", async () => {
      const { alice, bob } = await setup();
      const giveUp = new AbortController();
      const arrived = gate();
      const left = gate();
      const gone = gate();
      await serve(bob, "slow", async () => {
        arrived.open();
        await left.promise;
        return { payload: new Uint8Array(50_000), onGone: gone.open };
      });

      const asked = alice.request("slow", empty, { ...soon, signal: giveUp.signal });
      await arrived.promise;
      giveUp.abort(new Error("enough"));
      await expect(asked).rejects.toThrow("enough");
      left.open();

      await expect(gone.promise).resolves.toBeUndefined();
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
}

function gate(): { promise: Promise<void>; open: () => void } {
  let open: () => void = () => {};
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}
