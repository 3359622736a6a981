// What holds while more is asked than the runtime can do. Turns are counted in the journal's order, not in time.

import { describe, expect, it } from "vitest";
import type { Setup } from "./fabric.ts";

const many = 1_500;

export function describeOverload(setup: Setup): void {
  describe("under more calls than there is room for", () => {
    it("records each of an agent's calls once, and answers it", async () => {
      const { client } = await setup();

      const started = await Promise.all(
        Array.from({ length: many }, (_, index) => client.tasks.start({ brief: `${index}` }, { agent: "greedy" })),
      );

      expect(new Set(started.map(({ taskId }) => taskId)).size).toBe(many);
      expect((await client.runtime.status()).head).toBe(many);
    });

    it.each([
      ["the same connection", true],
      ["a connection of its own", false],
    ])("gives an agent that asks in turn its turns beside a greedy one, on %s", async (_how, isShared) => {
      const { client, fabric } = await setup();
      const other = isShared ? client : await fabric.connect();
      await other.tasks.start({ brief: "so that it is connected" }, { agent: "other" });

      const greedy = Promise.all(
        Array.from({ length: many }, (_, index) => client.tasks.start({ brief: `${index}` }, { agent: "greedy" })),
      );
      const places: number[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const { taskId } = await other.tasks.start({ brief: "in turn" }, { agent: "other" });
        const { events } = await other.events.read({ taskId }, { agent: "other" });
        places.push(events[0]?.seq ?? many);
      }
      await greedy;

      expect(places).toHaveLength(3);
      expect(Math.max(...places)).toBeLessThan(many);
    });

    it("records nothing of the calls that were given up before their turn", async () => {
      const { client } = await setup();
      const giveUp = new AbortController();
      const asked = Array.from({ length: many }, (_, index) =>
        client.tasks.start({ brief: `${index}` }, { agent: "greedy", signal: giveUp.signal }).then(
          () => "recorded",
          () => "given up",
        ),
      );

      giveUp.abort(new Error("enough"));
      const ends = await Promise.all(asked);
      await client.tasks.start({ brief: "after them" }, { agent: "greedy" });

      expect(ends).not.toContain("recorded");
      expect((await client.runtime.status()).head).toBeLessThan(many / 2);
    });
  });
}
