import { describe, expect, it } from "vitest";
import {
  echo,
  empty,
  flush,
  listen,
  type Setup,
  serve,
  serveByHand,
  soon,
  text,
  toText,
  untilUnrouted,
} from "./fabric.ts";

export function describeLife(name: string, setup: Setup): void {
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

    it("does not wait for a request that was given up", async () => {
      const { alice, bob } = await setup();
      const work = await serveByHand(bob, "work");
      const giveUp = new AbortController();
      const asked = alice.request("work", empty, { timeoutMs: Infinity, signal: giveUp.signal });
      asked.catch(() => {}); // expected below
      await work.arrived;

      const drained = alice.drain();
      giveUp.abort();

      await drained;
      await expect(asked).rejects.toMatchObject({ name: "AbortError" });
      work.answer();
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
