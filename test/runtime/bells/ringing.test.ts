// When and where bells ring, and when they are silent, to the millisecond.

import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { silentLogger } from "../../../src/kernel/index.ts";
import { createBells } from "../../../src/runtime/bells.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { tempFolder } from "../../support/store.ts";
import { stories } from "../../support/tasks.ts";
import { againMs, packet, scope, setup, subjects } from "./support.ts";

describe("bells", () => {
  it("ring for an offer, and name the packet and the task (D1)", async () => {
    const { clock, client, heard, now, startClaimed } = await setup();
    const taskId = await startClaimed();
    await clock.advance(700);

    const offered = await now(client.handoff.offer({ taskId, epoch: 1, to: { role: "code.review" }, packet }));

    const { packetId } = offered;
    const to = { role: "code.review" };
    const claimableAt = clock.now();
    expect(heard).toEqual([{ ms: 700, subject: subjects.bell(to), to, taskId, packetId, claimableAt }]);
  });

  it("ring for a delegation and for a task without a packet, each on its target's subject (D1)", async () => {
    const { client, heard, now, startClaimed } = await setup();
    const taskId = await startClaimed();

    const sent = await now(client.tasks.delegate({ taskId, epoch: 1, to: { agent: "docs-1" }, packet }));
    const started = await now(client.tasks.start({ brief: "y" }));

    expect(heard).toMatchObject([
      { subject: subjects.bell({ agent: "docs-1" }), taskId: sent.childId, packetId: expect.stringMatching(/^pkt_/) },
      { subject: subjects.bell("any"), to: "any", taskId: started.taskId },
    ]);
    expect(heard[1]).not.toHaveProperty("packetId");
  });

  it("are silent where a waiting claim took the task in the same commit (D1)", async () => {
    const { clock, client, heard, now } = await setup();
    const waiting = client.tasks.claim({ waitMs: 20_000 });
    await clock.settle();

    const { taskId } = await now(client.tasks.start({ brief: "x" }));
    await waiting;
    await now(client.tasks.heartbeat({ taskId, epoch: 1 })); // else it would be claimable again after 2 s
    await clock.advance(2 * againMs);

    expect(heard).toEqual([]);
  });

  it("ring when the claim that took the task turns out to be nobody's (D1)", async () => {
    const { clock, client, heard, now } = await setup();
    const waiting = client.tasks.claim({ waitMs: 20_000 });
    await clock.settle();

    const { taskId } = await now(client.tasks.start({ brief: "x" }));
    await waiting;
    await clock.advance(2_000);

    expect(heard).toMatchObject([{ ms: 2_000, taskId, claimableAt: clock.now() }]);
  });

  it("ring again every 15 s until the task is claimed, and then no more (D2, D3)", async () => {
    const { clock, client, heard, now } = await setup();
    await clock.advance(4_000);
    const { taskId } = await now(client.tasks.start({ brief: "x", to: { role: "fix" } }));

    await clock.advance(3 * againMs);
    await now(client.tasks.claim({ taskId, roles: ["fix"] }));
    await clock.advance(3 * againMs);

    expect(heard.map(({ ms }) => ms)).toEqual([4_000, 15_000, 30_000, 45_000]);
    expect(heard.every((bell) => bell.taskId === taskId)).toBe(true);
  });

  it("name what would be claimed first when they ring again, and are one a target (D4)", async () => {
    const { clock, client, heard, now } = await setup();
    for (const brief of ["1", "2", "3"]) await now(client.tasks.start({ brief }));
    const urgent = await now(client.tasks.start({ brief: "4", priority: 4 }));
    heard.length = 0;

    await clock.advance(againMs);

    expect(heard.map(({ taskId }) => taskId)).toEqual([urgent.taskId]);
  });

  it.each(["cancelled", "withdrawn"] as const)("are silent about what was %s (D3)", async (how) => {
    const { clock, client, heard, now, startClaimed } = await setup();
    const taskId = await startClaimed();
    const { packetId } = await now(client.handoff.offer({ taskId, epoch: 1, to: { role: "fix" }, packet }));
    heard.length = 0;

    if (how === "cancelled") await now(client.tasks.cancel({ taskId }));
    else await now(client.handoff.withdraw({ taskId, packetId }));
    await clock.advance(2 * againMs);

    expect(heard.filter(({ subject }) => subject === subjects.bell({ role: "fix" }))).toEqual([]);
  });

  it("ring for what becomes claimable later at the next round after that, not before (D2)", async () => {
    const { clock, client, heard, now } = await setup();
    const claimableAt = clock.now() + 20_000;

    const { taskId } = await now(client.tasks.start({ brief: "later", claimableAt }));
    await clock.advance(45_000);

    expect(heard.map(({ ms }) => ms)).toEqual([30_000, 45_000]);
    expect(heard[0]).toMatchObject({ taskId, claimableAt });
  });

  it("ring for the preferred agent at once, for the others after its time (D1, D2)", async () => {
    const { clock, client, heard, now, startClaimed } = await setup();
    const taskId = await startClaimed();
    await now(client.tasks.pause({ taskId, epoch: 1 }));

    await now(client.tasks.resume({ taskId }));
    await clock.advance(againMs);

    expect(heard.map(({ ms, to }) => [ms, to])).toEqual([
      [0, { agent: "a" }],
      [15_000, { agent: "a" }],
      [15_000, "any"],
    ]);
  });

  it("ring at the start of a runtime for what was claimable before (D2)", async () => {
    const file = join(tempFolder(), "aionis.db");
    const clock = new FakeClock();
    const first = await setup({ clock, file });
    const { taskId } = await first.now(first.client.tasks.start({ brief: "x", to: { role: "fix" } }));
    await first.close();

    const second = await setup({ clock, file });

    expect(second.heard).toMatchObject([{ subject: subjects.bell({ role: "fix" }), taskId }]);
  });

  it("ring for every one of many targets, with one timer and in slices (D2, D4)", async () => {
    const { clock, client, heard, now } = await setup();
    const count = 1_000;
    await now(
      Promise.all(Array.from({ length: count }, (_, n) => client.tasks.start({ brief: "x", to: { role: `r${n}` } }))),
    );
    heard.length = 0;
    const timers = clock.pendingTimers;

    await clock.advance(againMs);

    expect(new Set(heard.map(({ subject }) => subject)).size).toBe(count);
    expect(heard).toHaveLength(count);
    expect(clock.pendingTimers).toBe(timers);
  });

  it("read nothing for a step (D4)", async () => {
    const { client, reads, now, startClaimed } = await setup();
    const taskId = await startClaimed();

    await now(client.tasks.step({ taskId, epoch: 1, step: { name: "s", ordinal: 0, outcome: { kind: "succeeded" } } }));

    expect(reads).toEqual([]);
  });

  it("are lost on a transport that is gone, and disturb nobody", async () => {
    const { clock, client, heard, transport, now } = await setup();
    await now(transport.drain());

    await now(client.tasks.start({ brief: "x" }));
    await clock.advance(2 * againMs);

    expect(heard).toEqual([]);
    expect((await now(client.runtime.status())).head).toBe(1);
  });

  it("that cannot ring, or cannot be read for, disturb no other and nobody else (D4)", async () => {
    const { clock, time, client, rows, heard, transport, now } = await setup();
    const broken = createBells({
      transport,
      store: { ...rows, task: fail, nextTarget: fail },
      clock,
      time,
      logger: silentLogger,
    });
    onTestFinished(() => broken.close());
    const publish = transport.publish.bind(transport);
    transport.publish = (subject, ...rest) => (subject === subjects.bell("any") ? fail() : publish(subject, ...rest));
    await now(client.tasks.start({ brief: "x" }));
    await now(client.tasks.start({ brief: "x", to: { role: "fix" } }));

    await clock.advance(againMs);
    const story = stories.start();
    const recorded = { header: story.headers[0]!, body: undefined };
    broken.wake([{ scope, recorded, after: story.now, hasWaited: false }]); // does not throw

    expect(heard.map(({ ms, to }) => [ms, to])).toEqual([0, againMs].map((ms) => [ms, { role: "fix" }]));
  });

  it("end with the runtime, in the middle of a round too", async () => {
    const { clock, time, client, rows, heard, transport, now } = await setup();
    for (let n = 0; n < 200; n += 1) await now(client.tasks.start({ brief: "x", to: { role: `r${n}` } }));
    heard.length = 0;
    const timers = clock.pendingTimers;

    const bells = createBells({ transport, store: rows, clock, time, logger: silentLogger });
    await bells.close();
    await clock.settle();

    expect(heard.length).toBeLessThan(200);
    expect(clock.pendingTimers).toBe(timers);
  });
});

function fail(): never {
  throw new Error("not now");
}
