import { describe, expect, it } from "vitest";
import { forever, gate, type Setup, start, within } from "./fabric.ts";

const longMs = 20_000; // far longer than any of these waits may take

export function describeGivingUp(setup: Setup): void {
  describe("a call that is given up", () => {
    it("rejects at once with the signal's reason, and what it waited for goes to others", async () => {
      const { client } = await setup();
      const giveUp = new AbortController();
      const claim = client.tasks.claim({ waitMs: longMs }, { agent: "a", signal: giveUp.signal });
      claim.catch(() => {}); // expected below
      const other = client.tasks.claim({ waitMs: longMs }, { agent: "b" });
      await client.runtime.status(); // both wait

      const reason = new Error("a has gone home");
      giveUp.abort(reason);
      await expect(claim).rejects.toBe(reason);
      const taskId = await start(client);

      expect((await other).assignment).toMatchObject({ taskId, epoch: 1 });
    });

    it("does not begin when its signal has fired", async () => {
      const { client } = await setup();

      const started = client.tasks.start({ brief: "x" }, { signal: AbortSignal.abort() });

      await expect(started).rejects.toMatchObject({ name: "AbortError" });
      expect((await client.runtime.status()).head).toBe(0);
    });

    it("is not waited for when its connection closes", async () => {
      const { fabric } = await setup();
      const connection = await fabric.connect();
      const taskId = await start(connection);
      const giveUp = new AbortController();
      const watch = connection.tasks.watch({ taskId, untilEnded: true, waitMs: longMs }, { signal: giveUp.signal });
      watch.catch(() => {}); // expected below
      await connection.runtime.status();

      const closed = connection.close();
      giveUp.abort();

      await within(closed, "the end of the connection", 1_000);
      await expect(watch).rejects.toMatchObject({ name: "AbortError" });
    });

    it("is each that only waits when its connection closes: claims of workers, results, subscriptions, parts", async () => {
      const { fabric, work } = await setup();
      const connection = await fabric.connect();
      const taskId = await start(connection, { to: { role: "parent" } });
      const delegates = gate();
      work({ agent: "idle" }, forever, connection);
      const busy = work(
        { agent: "parent", roles: ["parent"] },
        (_task, ctx) => {
          delegates.open();
          return ctx.delegate({ to: { role: "nobody" }, brief: "A part", nextAction: "Wait" });
        },
        connection,
      );
      const waits = [connection.tasks.result(taskId), connection.events.subscribe({ types: ["task.promoted"] }).next()];
      const ends = Promise.allSettled(waits);
      await within(delegates.promise, "the parent");

      await busy.drain({ timeoutMs: 100 });
      await within(connection.close(), "the end of the connection", 1_000);

      const closed = { status: "rejected", reason: { code: "TRANSPORT_CLOSED" } };
      expect(await ends).toMatchObject([closed, closed]);
    });
  });
}
