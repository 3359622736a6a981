import { describe, expect, it } from "vitest";
import { type Setup, start } from "./fabric.ts";

const longMs = 20_000; // far longer than any of these waits may take

export function describeClaims(setup: Setup): void {
  describe("waiting claims", () => {
    it("are answered as soon as a task comes", async () => {
      const { client } = await setup();

      const claim = client.tasks.claim({ waitMs: longMs }, { agent: "a" });
      await client.runtime.status(); // the claim is there before the task
      const taskId = await start(client);

      expect((await claim).assignment).toMatchObject({ taskId, epoch: 1 });
    });

    it("are answered in the order of waiting", async () => {
      const { client } = await setup();
      const claims = ["a", "b", "c"].map((agent) => client.tasks.claim({ waitMs: longMs }, { agent }));
      await client.runtime.status();

      const tasks = [await start(client), await start(client), await start(client)];

      const won = await Promise.all(claims);
      expect(won.map(({ assignment }) => assignment?.taskId)).toEqual(tasks);
    });

    it("come back with nothing when their time is over", async () => {
      const { client } = await setup();

      const claim = await client.tasks.claim({ waitMs: 30 }, { agent: "a" });

      expect(claim).toEqual({ assignment: null });
    });

    it("wait only for what is for their agent, one of their roles, or anyone", async () => {
      const { client } = await setup();
      const docs = client.tasks.claim({ roles: ["docs", "review"], waitMs: longMs }, { agent: "a" });
      const bert = client.tasks.claim({ waitMs: longMs }, { agent: "bert" });
      await client.runtime.status();

      await start(client, { to: { role: "code" } });
      const forBert = await start(client, { to: { agent: "bert" } });
      const forReview = await start(client, { to: { role: "review" } });

      expect((await docs).assignment).toMatchObject({ taskId: forReview });
      expect((await bert).assignment).toMatchObject({ taskId: forBert });
    });

    // When a backoff, a preference or a wait for a task's own time ends: test/runtime/waiting.test.ts, on a clock of its own.
    it("give a kept task to the preferred agent at once", async () => {
      const { client } = await setup();
      const taskId = await start(client);
      await client.tasks.claim({}, { agent: "a" });
      await client.tasks.pause({ taskId, epoch: 1 }, { agent: "a" });
      const other = client.tasks.claim({ waitMs: 100 }, { agent: "b" });
      const own = client.tasks.claim({ waitMs: longMs }, { agent: "a" });
      await client.runtime.status();

      await client.tasks.resume({ taskId });

      expect((await own).assignment).toMatchObject({ taskId, epoch: 2 });
      expect((await other).assignment).toBeNull();
    });
  });
}
