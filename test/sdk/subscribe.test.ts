// Subscriptions: every event that fits, each once, in the order of the journal, while it is being written.

import { describe, expect, it, onTestFinished } from "vitest";
import { type Connection, connect } from "../../sdk/index.ts";
import type { JournalEvent } from "../../src/contracts/events.ts";
import { createRuntime } from "../../src/embedded.ts";
import { createTestRuntime } from "../../src/testing.ts";
import { tempFolder } from "../support/store.ts";

const packet = { brief: "The changelog", nextAction: "Read the log" };

async function setup() {
  const test = await createTestRuntime({ leaseMs: 60_000, learns: false });
  onTestFinished(() => test.close());
  return { test, writer: test.connect("ann"), reader: test.connect("bob") };
}

/** Starts `count` tasks, some side by side and some after each other, and works on every third: three events more. */
async function write({ tasks }: Connection, count: number): Promise<void> {
  for (let from = 0; from < count; from += 10) {
    await Promise.all(
      Array.from({ length: Math.min(10, count - from) }, async (_, index) => {
        const { taskId } = await tasks.start({ brief: `part ${from + index}` });
        if (index % 3 !== 0) return;
        const { assignment } = await tasks.claim({ taskId });
        const { epoch } = assignment!;
        await tasks.step({ taskId, epoch, step: { name: "s", ordinal: 0, outcome: { kind: "succeeded" } } });
        await tasks.complete({ taskId, epoch });
      }),
    );
  }
}

/** The first `count` of what a subscription gives; then it is left. */
async function take<Item>(items: AsyncIterable<Item>, count: number, each?: () => Promise<unknown>): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of items) {
    taken.push(item);
    await each?.();
    if (taken.length >= count) break;
  }
  return taken;
}

/** The whole journal, read page by page. */
async function journal({ events }: Connection): Promise<JournalEvent[]> {
  const all: JournalEvent[] = [];
  for (let from = 1; ; ) {
    const page = await events.read({ from, pageSize: 500 });
    all.push(...page.events);
    if (page.next > page.head) return all;
    from = page.next;
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const seqsOf = (events: readonly { seq: number }[]): number[] => events.map(({ seq }) => seq);

/** What `write` records of 200 tasks: a start each, and three more for those it works on. */
const tasksWritten = 200;
const eventsWritten = tasksWritten + 3 * 4 * 20;

describe("events.subscribe", () => {
  it("gives each event once and in order, those before it began and those after", async () => {
    const { writer, reader } = await setup();
    await write(writer, 50);

    const [events] = await Promise.all([
      take(reader.events.subscribe({ from: 1 }), eventsWritten),
      write(writer, tasksWritten - 50),
    ]);

    expect(seqsOf(events)).toEqual(upTo(eventsWritten));
    expect(events).toEqual(await journal(reader));
  });

  it("begins with the next event to come when it is not told where", async () => {
    const { writer, reader } = await setup();
    await write(writer, 20);
    const { head } = await writer.runtime.status();
    const first = reader.events.subscribe().next();
    await reader.runtime.status(); // answered after the subscription has asked where the journal ends

    const { seq, taskId } = await writer.tasks.start({ brief: "New" });

    expect(seq).toBe(head + 1);
    expect((await first).value).toMatchObject({ seq, taskId, type: "task.created" });
  });

  it("goes on from a cursor after a new connection, without a gap or a repeat", async () => {
    const { test, writer } = await setup();
    const writing = write(writer, tasksWritten);
    const seen: number[] = [];

    while (seen.length < eventsWritten) {
      const reader = test.connect("bob");
      const from = (seen.at(-1) ?? 0) + 1;
      seen.push(...seqsOf(await take(reader.events.subscribe({ from }), Math.min(97, eventsWritten - seen.length))));
      await reader.close();
    }

    await writing;
    expect(seen).toEqual(upTo(eventsWritten));
  });

  it("goes on from a cursor after the runtime was started again, over the socket too", async () => {
    const place = { path: tempFolder(), scope: "acme/billing", durability: "process" } as const;
    const first = await createRuntime(place);
    await write(first, 20);
    const before = await take(first.events.subscribe({ from: 1 }), 15);
    await first.close();

    await using second = await createRuntime(place);
    await using reader = await connect({ path: place.path, scope: place.scope });
    const [after] = await Promise.all([
      take(reader.events.subscribe({ from: before.at(-1)!.seq + 1 }), 65),
      write(second, 20),
    ]);

    expect(seqsOf([...before, ...after])).toEqual(upTo(80));
  });

  it("gives only the events of one task, of some types, or both", async () => {
    const { writer, reader } = await setup();
    await write(writer, 30);
    const { taskId } = await writer.tasks.start({ brief: "Mine" });
    const { assignment } = await writer.tasks.claim({ taskId });
    await write(writer, 30);
    await writer.tasks.complete({ taskId, epoch: assignment!.epoch });
    const all = await journal(reader);
    const types: JournalEvent["type"][] = ["task.created", "task.completed"];
    const ofTask = (event: JournalEvent): boolean => event.taskId === taskId;
    const ofTypes = (event: JournalEvent): boolean => types.includes(event.type);

    const cases = [
      { filter: { task: taskId }, expected: all.filter(ofTask) },
      { filter: { types }, expected: all.filter(ofTypes) },
      { filter: { task: taskId, types }, expected: all.filter((event) => ofTask(event) && ofTypes(event)) },
    ];

    for (const { filter, expected } of cases) {
      expect(await take(reader.events.subscribe({ from: 1, ...filter }), expected.length)).toEqual(expected);
    }
    expect(cases.map(({ expected }) => expected.length)).toEqual([3, 86, 2]);
  });

  it("waits through what does not fit, and gives what fits when it comes", async () => {
    const { writer, reader } = await setup();
    const failures = take(reader.events.subscribe({ from: 1, types: ["task.cancelled"] }), 1);
    await write(writer, 120);
    const { taskId } = await writer.tasks.start({ brief: "To be cancelled" });

    const { seq } = await writer.tasks.cancel({ taskId });

    expect(seqsOf(await failures)).toEqual([seq]);
  });

  it("ends when its loop is left, and gives nothing more", async () => {
    const { writer, reader } = await setup();
    await write(writer, 10);
    const subscription = reader.events.subscribe({ from: 1 });

    await take(subscription, 3);

    await write(writer, 10);
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
  });

  it("refuses a task that is not there", async () => {
    const { reader } = await setup();

    const first = reader.events.subscribe({ task: `task_${"0".repeat(20)}` }).next();

    await expect(first).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  });

  it("fails when its connection is closed", async () => {
    const { reader } = await setup();
    const subscription = reader.events.subscribe({ from: 1 });
    const waiting = take(subscription, 1);
    await reader.runtime.status(); // it waits by now

    const closing = reader.close();

    await expect(waiting).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
    await closing;
  });

  it("gives several subscribers all of it, each at its own place", async () => {
    const { test, writer } = await setup();
    const subscribers = ["a", "b", "c"].map((agent) => test.connect(agent));

    const [seen] = await Promise.all([
      Promise.all(subscribers.map(({ events }) => take(events.subscribe({ from: 1 }), eventsWritten))),
      write(writer, tasksWritten),
    ]);

    for (const events of seen) expect(seqsOf(events)).toEqual(upTo(eventsWritten));
  });

  it("loses nothing for a slow subscriber", async () => {
    const { writer, reader } = await setup();
    const writing = write(writer, tasksWritten);

    const events = await take(reader.events.subscribe({ from: 1 }), eventsWritten, async () => {
      for (let call = 0; call < 3; call += 1) await reader.runtime.status(); // slower than the writer
    });

    await writing;
    expect(seqsOf(events)).toEqual(upTo(eventsWritten));
  });

  it("gives each once and in order when messages are doubled and overtaken", async () => {
    const { test, writer, reader } = await setup();
    test.chaos.set({ double: 0.3, reorder: 0.3 });

    const [events] = await Promise.all([
      take(reader.events.subscribe({ from: 1 }), eventsWritten),
      write(writer, tasksWritten),
    ]);

    expect(seqsOf(events)).toEqual(upTo(eventsWritten));
  });
});

describe("delegationRecords.subscribe", () => {
  it("gives each packet and each return as it happens, with its cursor", async () => {
    const { writer, reader } = await setup();
    const following = take(reader.delegationRecords.subscribe({ from: 1 }), 4);
    const { taskId } = await writer.tasks.start({ brief: "Release" });
    const epoch = (await writer.tasks.claim({ taskId })).assignment!.epoch;
    const [first, second] = [await delegate("first"), await delegate("second")];
    const part = (await writer.tasks.claim({ taskId: second.childId })).assignment!;
    await writer.tasks.complete({ taskId: part.taskId, epoch: part.epoch, return: { summary: "Done", data: [1] } });
    await writer.tasks.cancel({ taskId: first.childId, reason: "not needed" });

    const notices = await following;

    const sent = { fact: "packet", parentId: taskId };
    const returned = { fact: "return", parentId: taskId };
    expect(notices).toMatchObject([
      { ...sent, ...toIds(first), packet: { brief: "first", kind: "delegation", from: { agent: "ann" } } },
      { ...sent, ...toIds(second), packet: { brief: "second" } },
      { ...returned, ...toIds(second), return: { outcome: "completed", summary: "Done", data: [1] } },
      { ...returned, ...toIds(first), return: { outcome: "failed", summary: "Cancelled: not needed" } },
    ]);
    const from = notices[1]!.seq + 1;
    expect(await take(reader.delegationRecords.subscribe({ from }), 2)).toEqual(notices.slice(2));

    function delegate(brief: string) {
      return writer.tasks.delegate({ taskId, epoch, to: "any", packet: { ...packet, brief } });
    }
  });
});

function toIds({ childId, delegationId }: { childId: string; delegationId: string }) {
  return { childId, delegationId };
}
