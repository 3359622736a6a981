import { expect, it } from "vitest";
import { createClient } from "../../sdk/client.ts";
import { createIds, createSeededRandom } from "../../src/kernel/index.ts";
import { createMemoryBus } from "../../transport/index.ts";
import { FakeClock } from "../support/fake-clock.ts";

it("a call that is given up between two tries ends at once, with the signal's reason", async () => {
  const clock = new FakeClock();
  const random = createSeededRandom(1);
  const transport = createMemoryBus({ clock }).connect(); // nobody serves it, so that the client pauses and asks again
  const client = createClient({
    transport,
    scope: "test/sdk",
    agent: "a",
    clock,
    ids: createIds(clock, random),
    random,
  });
  const giveUp = new AbortController();
  const asked = client.runtime.status({}, { timeoutMs: 3_600_000, signal: giveUp.signal });
  let end: unknown;
  asked.catch((error: unknown) => {
    end = error;
  });
  await clock.advance(10_000);
  const before = end;

  giveUp.abort("enough");
  await clock.settle();

  expect([before, end]).toEqual([undefined, "enough"]);
  expect(clock.pendingTimers).toBe(0);
});
