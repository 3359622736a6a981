// The feed: what tasks do as inspection messages, again from the journal and live.

import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { TaskId } from "../../src/contracts/ids.ts";
import type { EventMessage, InspectionMessage } from "../../src/contracts/inspection.ts";
import { createRuntime } from "../../src/embedded.ts";
import { type FeedReader, openFeed } from "../../src/inspect/index.ts";
import { systemClock } from "../../src/kernel/index.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openTestStore, scopeName, tempFolder } from "../support/store.ts";
import { eventId } from "../support/tasks.ts";
import { alter, collect, journal, mustBeInOrder, play, secret, seqsOf, setup, standings } from "./scene.ts";

const clock = new FakeClock();
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const about = (messages: readonly InspectionMessage[], taskId: string) =>
  messages.filter(({ sessionId }) => sessionId === `task:${taskId}`);
const withoutActors = (messages: readonly InspectionMessage[]) =>
  messages.filter((message) => message.type !== "@xstate.actor");

/** A reader that says what it is asked. */
function counted(reader: FeedReader) {
  const calls: string[] = [];
  const count = <Args extends unknown[], Result>(name: string, call: (...args: Args) => Result) => {
    return (...args: Args): Result => {
      calls.push(name);
      return call(...args);
    };
  };
  const watched: FeedReader = {
    events: { read: count("read", reader.events.read) },
    tasks: { list: count("list", reader.tasks.list) },
    runtime: { status: count("status", reader.runtime.status) },
  };
  return { calls, reader: watched };
}

describe("a replay", () => {
  it("shows each event once and in order, and ends where the tasks stand", async () => {
    const { ann, bob, reader } = await setup();
    const { handed, parent, child, paused, session } = await play({ ann, bob });

    const messages = await collect(openFeed(reader, { clock, from: 1 }));

    const events = await journal(reader);
    expect(seqsOf(messages)).toEqual(upTo(events.length));
    expect(standings(messages)).toEqual({
      [`task:${handed}`]: { succeeded: "recorded" },
      [`task:${parent}`]: { running: "working" },
      [`task:${child}`]: "failed",
      [`task:${paused}`]: "paused",
      [`task:${session}`]: "start",
      "agent:ann": "active",
      "agent:bob": "active",
      "agent:runtime": "active",
    });
    const { task } = await reader.tasks.get({ taskId: paused as TaskId });
    expect(about(messages, paused).at(-1)).toMatchObject({ snapshot: { context: { revision: task.revision } } });
  });

  it("registers each actor once, tasks by their titles and under who delegated them", async () => {
    const { ann, bob, reader } = await setup();
    const { handed, parent, child, paused, session } = await play({ ann, bob });

    const messages = await collect(openFeed(reader, { clock, from: 1 }));

    const actors = messages.filter((message) => message.type === "@xstate.actor");
    expect(actors.map(({ name, sessionId, rootId, parentId }) => [name, sessionId, rootId, parentId])).toEqual([
      ["Fix the build", `task:${handed}`, `task:${handed}`, undefined],
      ["ann", "agent:ann", "agent:ann", undefined],
      ["Write the release notes", `task:${parent}`, `task:${parent}`, undefined],
      ["bob", "agent:bob", "agent:bob", undefined],
      [`task ${paused.slice(-6)}`, `task:${paused}`, `task:${paused}`, undefined],
      ["Friday", `task:${session}`, `task:${session}`, undefined],
      ["Review it", `task:${child}`, `task:${parent}`, `task:${parent}`],
      ["runtime", "agent:runtime", "agent:runtime", undefined],
    ]);
    expect(JSON.parse(actors[0]!.definition)).toMatchObject({ id: "task", initial: "start" });
    expect(actors[1]!.definition).toBe('{"id":"ann"}');
  });

  it("shows who handed what to whom", async () => {
    const { ann, bob, reader } = await setup();
    const { handed } = await play({ ann, bob });

    const messages = about(await collect(openFeed(reader, { clock, from: 1 })), handed);

    const events = messages.filter((message): message is EventMessage => message.type === "@xstate.event");
    expect(events.map(({ event, sourceId }) => [event.type, sourceId])).toEqual([
      ["task.created", "agent:ann"],
      ["task.claimed", "agent:ann"],
      ["step.succeeded", "agent:ann"],
      ["handoff.offered", "agent:ann"],
      ["handoff.claimed", "agent:bob"],
      ["task.completed", "agent:bob"],
      ["checks.passed", "agent:bob"],
    ]);
    expect(events[3]!.event).toMatchObject({
      facts: { to: { role: "review" } },
      body: { packet: { brief: "Review it" } },
    });
  });

  it("tells no secret, in no message of any task", async () => {
    const { ann, bob, reader } = await setup();
    await play({ ann, bob });

    const text = JSON.stringify(await collect(openFeed(reader, { clock, from: 1 })));

    expect(JSON.stringify(await journal(reader)).split(secret).length).toBeGreaterThan(20);
    expect(text).not.toContain(secret);
  });

  it("from any sequence on shows the same as one from the start, from there on", async () => {
    const { ann, bob, reader } = await setup();
    await play({ ann, bob });
    const all = withoutActors(await collect(openFeed(reader, { clock, from: 1 })));
    const { head } = await reader.runtime.status();

    for (const from of upTo(head)) {
      const messages = await collect(openFeed(reader, { clock, from }));

      expect(withoutActors(messages)).toEqual(all.slice((from - 1) * 2));
    }
    expect(await collect(openFeed(reader, { clock, from: head + 1 }))).toEqual([]);
  });

  it("keeps no more tasks folded than it may, lets go of those that ended, and shows the same", async () => {
    const { ann, bob, reader } = await setup();
    await play({ ann, bob });
    const wide = openFeed(reader, { clock, from: 1 });
    const all = await collect(wide);

    const narrow = openFeed(reader, { clock, from: 1, tasksFolded: 1 });
    const messages: InspectionMessage[] = [];
    for await (const message of narrow) {
      messages.push(message);
      expect(narrow.stats().tasksFolded).toBeLessThanOrEqual(1);
    }

    expect(messages).toEqual(all);
    expect(wide.stats()).toMatchObject({ refolds: 0, tasksFolded: 3 });
    expect(narrow.stats().refolds).toBeGreaterThan(5);
  });

  it("of one task shows it and what it delegated", async () => {
    const { ann, bob, reader } = await setup();
    const { parent, child } = await play({ ann, bob });
    const events = await journal(reader);
    const seqs = events.filter(({ taskId }) => taskId === parent || taskId === child).map(({ seq }) => seq);

    const messages = await collect(openFeed(reader, { clock, from: 1, task: parent as TaskId }));
    const part = await collect(openFeed(reader, { clock, from: 1, task: child as TaskId }));
    const end = await collect(openFeed(reader, { clock, from: seqs.at(-1)!, task: parent as TaskId }));

    expect(seqsOf(messages)).toEqual(seqs);
    expect(seqsOf(end)).toEqual(seqs.slice(-1));
    expect(part[0]).toMatchObject({ sessionId: `task:${child}`, rootId: `task:${child}` });
    expect(part[0]).not.toHaveProperty("parentId");
  });

  it("of one task from any sequence on shows the same as one from its start, and reads nothing else", async () => {
    const { ann, bob, reader } = await setup();
    const task = (await play({ ann, bob })).parent as TaskId;
    await ann.tasks.start({ brief: "Something else" });
    const whole = openFeed(reader, { clock, from: 1, task });
    const all = withoutActors(await collect(whole));
    const { head } = await reader.runtime.status();

    for (const from of upTo(head)) {
      const messages = await collect(openFeed(reader, { clock, from, task }));

      expect(withoutActors(messages)).toEqual(all.filter(({ event }) => Number(event.seq) >= from));
    }
    expect(whole.stats().events).toBe(seqsOf(all).length);
  });

  it("follows when it was asked to", async () => {
    const { ann, bob, reader } = await setup();
    await play({ ann, bob });
    const ending = new AbortController();
    const messages: InspectionMessage[] = [];
    const { head } = await reader.runtime.status();

    for await (const message of openFeed(reader, { clock, from: head, follow: true, signal: ending.signal })) {
      messages.push(message);
      if (message.type !== "@xstate.snapshot") continue;
      if (message.event.seq === head) await ann.tasks.start({ brief: "One more" });
      if (message.event.seq === head + 1) ending.abort();
    }

    expect(seqsOf(messages)).toEqual([head, head + 1]);
  });

  it("of events whose texts were erased shows the same states, and tasks by their kind", async () => {
    const { ann, bob, reader } = await setup();
    const { handed } = await play({ ann, bob });
    const erased = alter(reader, ({ body: _, ...header }) => header);

    const messages = await collect(openFeed(erased, { clock, from: 1 }));

    expect(standings(messages)).toEqual(standings(await collect(openFeed(reader, { clock, from: 1 }))));
    expect(about(messages, handed)[0]).toMatchObject({ name: `task ${handed.slice(-6)}` });
  });

  it("shows a task that cannot be folded as in error, and goes on", async () => {
    const { ann, bob, reader } = await setup();
    const { handed, parent, paused } = await play({ ann, bob });
    const lost = new Set(["task.created", "handoff.offered"]);
    const holed = alter(reader, (event) => {
      if (event.taskId === paused && lost.has(event.type)) return undefined;
      if (event.taskId === handed && lost.has(event.type) && event.type !== "task.created") return undefined;
      return event.taskId === parent && event.seq > 10 ? { ...event, facts: {} } : event;
    });

    const messages = await collect(openFeed(holed, { clock, from: 1 }));

    expect(standings(messages)).toMatchObject({ [`task:${handed}`]: "error", [`task:${paused}`]: "error" });
    expect(about(messages, handed).filter(({ type }) => type === "@xstate.event")).toHaveLength(6);
    expect(seqsOf(messages)).toEqual(seqsOf(await collect(openFeed(holed, { clock, from: 1, tasksFolded: 1 }))));
  });

  it("goes on after an event of a type that it does not know", async () => {
    const { ann, bob, reader } = await setup();
    const { handed } = await play({ ann, bob });
    const newer = alter(reader, (event) =>
      event.type === "step.succeeded" ? { ...event, type: "task.teleported" as never, facts: { to: secret } } : event,
    );

    const messages = await collect(openFeed(newer, { clock, from: 1 }));

    expect(standings(messages)[`task:${handed}`]).toBe("error");
    expect(JSON.stringify(messages)).not.toContain(secret);
  });

  it("shows a task that its runtime cannot fold, and so does a live feed with the task's next event", async () => {
    const path = tempFolder();
    const first = await createRuntime({ path, scope: scopeName });
    const { taskId } = await first.tasks.start({ brief: "Sold" });
    await first.tasks.start({ brief: "Fix it" });
    await first.close();
    const store = openTestStore(join(path, "aionis.db"));
    const scope = store.scope(scopeName);
    const { task } = scope.task(taskId)!;
    const event = { id: eventId(9), taskId, task, epoch: 1, at: 1, by: "x", seq: 3, type: "task.sold", facts: "{}" };
    store.begin();
    scope.append({ ...event, commandId: null, content: null, causedBy: null }, "{}");
    scope.putTail(task, [{ seq: 3 }]);
    store.commit();
    store.close();
    const reader = await createRuntime({ path, scope: scopeName });
    onTestFinished(() => reader.close());

    const messages = await collect(openFeed(reader, { clock, from: 1 }));
    const later = await collect(openFeed(reader, { clock, from: 3 }));
    const live = openFeed(reader, { clock });

    expect(standings(messages)[`task:${taskId}`]).toBe("error");
    expect(later[0]).toMatchObject({ sessionId: `task:${taskId}`, snapshot: { value: "start" } });
    expect((await live.next()).value).toMatchObject({ sessionId: "agent:runtime" });
    expect((await live.next()).value).toMatchObject({ event: { type: "inspection.cut", shown: 1 } });
    expect((await live.next()).value).toMatchObject({ name: "Fix it" });
    await reader.tasks.start({ brief: "One more" });
    for (let next = await live.next(); ; next = await live.next())
      if ((next.value as { name?: string }).name === "One more") break; // else the test runs out of time
    await live.return();
  });

  it("refuses a speed that is none, a sequence past the journal, and a task that is not there", async () => {
    const { ann, bob, reader } = await setup();
    await play({ ann, bob });
    const { head } = await reader.runtime.status();
    const task = `task_${"0".repeat(20)}` as TaskId;

    for (const speed of [0, -1, Number.NaN]) {
      expect(() => openFeed(reader, { clock, from: 1, speed })).toThrow(
        expect.objectContaining({ code: "INPUT_INVALID" }),
      );
    }
    await expect(collect(openFeed(reader, { clock, from: head + 2 }))).rejects.toMatchObject({
      code: "CURSOR_INVALID",
    });
    for (const from of [undefined, 1]) {
      await expect(collect(openFeed(reader, { clock, from, task }))).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    }
  });
});

describe("a live feed", () => {
  it("begins with where the open tasks stand and loses nothing that happens meanwhile", async () => {
    const { ann, bob, reader } = await setup();
    const { handed, child, paused } = await play({ ann, bob });
    const { head } = await reader.runtime.status();
    const ending = new AbortController();
    const messages: InspectionMessage[] = [];
    let written = 0;

    for await (const message of openFeed(reader, { clock: systemClock, signal: ending.signal })) {
      messages.push(message);
      if (message.type === "@xstate.actor" && written < 10) {
        await bob.tasks.start({ brief: `More ${written}` });
        written += 1;
        if (written === 2) await bob.tasks.cancel({ taskId: paused as TaskId });
      }
      if (message.type === "@xstate.snapshot" && message.event.seq === head + 11) ending.abort();
    }

    mustBeInOrder(messages);
    expect(seqsOf(messages)).toEqual(upTo(11).map((index) => head + index));
    const { [`task:${handed}`]: ended, [`task:${paused}`]: cancelled } = standings(messages);
    expect([ended, cancelled]).toEqual([undefined, "cancelled"]);
    expect(messages.slice(0, 3).map(({ type }) => type)).toEqual(Array(3).fill("@xstate.actor"));
    expect(messages[0]).toMatchObject({ snapshot: { value: { running: "working" }, status: "active" } });
    expect(about(messages, child)).toEqual([]);
  });

  it("begins with the most recent tasks and says that there are more, which come with their next event", async () => {
    const { ann, bob, reader } = await setup();
    const { parent, session } = await play({ ann, bob });
    const ending = new AbortController();
    const messages: InspectionMessage[] = [];

    for await (const message of openFeed(reader, { clock, tasksShown: 1, signal: ending.signal })) {
      messages.push(message);
      if (message.sessionId === `task:${session}`) {
        const { task } = await reader.tasks.get({ taskId: parent as TaskId });
        await bob.tasks.delegate({
          taskId: parent as TaskId,
          epoch: task.epoch,
          to: "any",
          packet: { brief: "Part two", nextAction: "Go" },
        });
      }
      if (message.type === "@xstate.snapshot" && message.event.type === "task.created") ending.abort();
    }

    mustBeInOrder(messages);
    expect(messages[1]).toMatchObject({ sessionId: "agent:runtime", event: { type: "inspection.cut", shown: 1 } });
    expect(
      messages
        .filter(({ sessionId }) => sessionId.startsWith("task:"))
        .map(({ type, sessionId }) => [type, sessionId])
        .slice(0, 4),
    ).toEqual([
      ["@xstate.actor", `task:${session}`],
      ["@xstate.actor", `task:${parent}`],
      ["@xstate.event", `task:${parent}`],
      ["@xstate.snapshot", `task:${parent}`],
    ]);
  });

  it("of one task begins with it and what it delegated, whether they have ended or not", async () => {
    const { ann, bob, reader } = await setup();
    const { parent, child } = await play({ ann, bob });
    const ending = new AbortController();
    const messages: InspectionMessage[] = [];

    for await (const message of openFeed(reader, { clock, task: parent as TaskId, signal: ending.signal })) {
      messages.push(message);
      if (messages.length === 2) await bob.tasks.start({ brief: "Something else" });
      if (messages.length === 2) await bob.tasks.cancel({ taskId: parent as TaskId });
      if (message.type === "@xstate.snapshot") ending.abort();
    }

    expect(standings(messages.slice(0, 2))).toEqual({
      [`task:${parent}`]: { running: "working" },
      [`task:${child}`]: "failed",
    });
    expect(standings(messages)[`task:${parent}`]).toBe("cancelled");
  });

  it("folds an ended task again when something happens to it still", async () => {
    const { ann, bob, reader } = await setup();
    const { handed } = await play({ ann, bob });
    const { head } = await reader.runtime.status();
    const later = { id: `evt_${"0".repeat(20)}`, epoch: 2, at: 1, by: "runtime", facts: { replayId: handed } } as const;
    const ending = new AbortController();
    const replayed: FeedReader = {
      ...reader,
      events: {
        async read(input, options) {
          if (input?.taskId !== undefined || input?.from !== head + 1) return reader.events.read(input, options);
          ending.signal.throwIfAborted();
          const event = { ...later, type: "replay.started" as const, taskId: handed as TaskId, seq: head + 1 };
          return { events: [event], next: head + 2, head: head + 1 };
        },
      },
    };
    const messages: InspectionMessage[] = [];

    for await (const message of openFeed(replayed, { clock, signal: ending.signal })) {
      messages.push(message);
      if (message.type === "@xstate.snapshot" && message.event.type === "replay.started") ending.abort();
    }

    mustBeInOrder(messages);
    expect(about(messages, handed).map((message) => "snapshot" in message && message.snapshot.value)).toEqual([
      { succeeded: "recorded" },
      false,
      { succeeded: "replaying" },
    ]);
  });
});

describe("what a feed costs", () => {
  it("is nothing before somebody pulls, and a page at a time then", async () => {
    const { ann, bob, reader } = await setup();
    await play({ ann, bob });
    const watched = counted(reader);

    const feed = openFeed(watched.reader, { clock, from: 1 });
    await clock.settle();
    expect([watched.calls, feed.stats()]).toEqual([[], { messages: 0, events: 0, refolds: 0, tasksFolded: 0 }]);

    await feed.next();
    await clock.settle();
    expect([watched.calls, feed.stats().messages]).toEqual([["status", "read"], 4]);
    expect((await feed.return()).done).toBe(true);
  });
});

describe("the rhythm of a replay", () => {
  const at = 1_700_000_000_000;
  /** After how long each event was shown, when they were recorded so long after the first. */
  async function shownAt(recordedAt: number[], speed: number, signal?: AbortSignal) {
    const { ann, reader } = await setup();
    for (const _ of recordedAt) await ann.tasks.start({ brief: "One" });
    const timed = alter(reader, (event) => ({ ...event, at: at + recordedAt[event.seq - 1]! }));
    const time = new FakeClock();
    const shown: number[] = [];
    const ended = (async () => {
      for await (const { type } of openFeed(timed, { clock: time, from: 1, speed, ...(signal && { signal }) })) {
        if (type === "@xstate.event") shown.push(time.mono());
      }
    })();
    return { time, shown, ended };
  }
  const drained = async ({ time, shown, ended }: Awaited<ReturnType<typeof shownAt>>) => {
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    while (!isOver) await time.runAll();
    return shown;
  };

  it("is that in which it was recorded, divided by the speed, and at once without one", async () => {
    const recordedAt = [0, 100, 100, 400];

    expect(await drained(await shownAt(recordedAt, 1))).toEqual([0, 100, 100, 400]);
    expect(await drained(await shownAt(recordedAt, 10))).toEqual([0, 10, 10, 40]);
    expect(await drained(await shownAt(recordedAt, Infinity))).toEqual([0, 0, 0, 0]);
  });

  it("has no pause over 2 s, and takes times that go back for the same", async () => {
    expect(await drained(await shownAt([0, 3_600_000, 3_600_500, 0, 100], 1))).toEqual([0, 2_000, 2_500, 2_500, 2_600]);
  });

  it("puts waits together that are too short for a timer", async () => {
    const everyMs = upTo(10).map((index) => index * 10);

    expect(await drained(await shownAt(everyMs, 10))).toEqual([0, 0, 0, 0, 4, 4, 4, 4, 8, 8]);
  });

  it("ends at once when its viewer leaves, in the middle of a pause too", async () => {
    const leaving = new AbortController();
    const replay = await shownAt([0, 1_000], 1, leaving.signal);
    while (replay.time.pendingTimers === 0) await replay.time.settle();

    leaving.abort();
    await replay.ended;

    expect([replay.shown, replay.time.mono(), replay.time.pendingTimers]).toEqual([[0], 0, 0]);
  });

  it("ends at once when its viewer leaves while it waits for what comes", async () => {
    const { reader } = await setup();
    const leaving = new AbortController();
    const next = openFeed(reader, { clock, signal: leaving.signal }).next();
    await clock.settle();

    leaving.abort();

    expect(await next).toEqual({ done: true, value: undefined });
    expect(await openFeed(reader, { clock, signal: leaving.signal }).next()).toEqual({ done: true, value: undefined });
  });
});
