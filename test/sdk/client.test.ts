import { expect, it } from "vitest";
import { createClient } from "../../sdk/client.ts";
import { createIds, createSeededRandom } from "../../src/kernel/index.ts";
import { createMemoryBus, createSubjects, decode, encode, type IncomingRequest } from "../../transport/index.ts";
import { FakeClock } from "../support/fake-clock.ts";

const scope = { tenant: "test", project: "sdk" };

function setup() {
  const clock = new FakeClock();
  const random = createSeededRandom(1);
  const bus = createMemoryBus({ clock });
  const ids = createIds(clock, random);
  const client = createClient({ transport: bus.connect(), scope: "test/sdk", agent: "a", clock, ids, random });
  return { clock, bus, client };
}

it("a call that is given up between two tries ends at once, with the signal's reason", async () => {
  const { clock, client } = setup(); // nobody serves it, so that the client pauses and asks again
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

it("a call that waits for its reply is made again, under the same id, when the runtime says that it is up", async () => {
  const { clock, bus, client } = setup();
  const subjects = createSubjects(scope);
  const runtime = bus.connect();
  const asked: IncomingRequest[] = [];
  runtime.serve(subjects.rpcPattern, "runtime", (request) => {
    asked.push(request);
    if (asked.length === 1) return new Promise(() => {}); // its reply is lost
    return { payload: encode({ ok: true, store: `store_${"0".repeat(20)}`, output: { taskId: "t" } }) };
  });
  const started = client.tasks.start({ brief: "a task" });
  await clock.advance(100);

  runtime.publish(subjects.up, encode({}));
  await clock.advance(100);

  await expect(started).resolves.toEqual({ taskId: "t" });
  const ids = asked.map(({ payload }) => (decode(payload) as { id: string }).id);
  expect(ids).toEqual([ids[0], ids[0]]);
  expect(asked[0]?.isWanted()).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});
