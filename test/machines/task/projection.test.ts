import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeSnapshot,
  fromTargetKey,
  type RowChanges,
  taskMachine,
  timersOf,
  toRowChanges,
  toTargetKey,
  toTitle,
} from "../../../machines/index.ts";
import { type Story, stories, storyStates, t0, taskId } from "../../support/tasks.ts";

/** What the story's last event changed in the rows. */
function lastChanges(story: Story, act: (story: Story) => void): RowChanges {
  const before = story.snapshot;
  act(story);
  return toRowChanges(story.headers.at(-1)!, before, story.now);
}

const none = { put: [], delete: [] };

describe("claimable places", () => {
  it("exist in start and handoff alone", () => {
    for (const state of storyStates) {
      const { claimables } = toRowChanges(stories.start().headers[0]!, undefined, stories[state]().now);
      const count = { start: 1, handoff: 1, answered: 2, waitingForCode: 2 }[state as string] ?? 0; // after an answer the last owner has a place of its own
      expect(claimables.put.length, state).toBe(count);
    }
  });

  it("are for whom the task is, from when it can be claimed", () => {
    const places = (story: Story) => toRowChanges(story.headers[0]!, undefined, story.now).claimables.put;

    expect(places(stories.start())).toEqual([{ target: "any", from: t0, clock: "steady" }]);
    expect(places(stories.start({ to: { role: "fix" } }))).toEqual([{ target: "role:fix", from: t0, clock: "steady" }]);
    expect(places(stories.start({ to: { agent: "a" }, claimableAt: t0 + 7 }))).toEqual([
      { target: "agent:a", from: t0 + 7, clock: "wall" },
    ]);
  });

  it("have keys that give back whom they are for, whatever the ids are", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (id) => {
        for (const to of ["any" as const, { agent: id }, { role: id }]) {
          expect(fromTargetKey(toTargetKey(to))).toEqual(to);
        }
      }),
    );
  });

  it("are two while an agent is preferred, one when the task is for that agent anyway", () => {
    const answer = (s: Story) => void s.do("tasks.answer", { answer: true });

    expect(lastChanges(stories.paused(), answer).claimables).toEqual({
      put: [
        { target: "agent:worker-1", from: t0, clock: "steady" },
        { target: "any", from: t0 + 5_000, clock: "steady" },
      ],
      delete: [],
    });
    expect(lastChanges(stories.paused({ to: { agent: "worker-1" } }), answer).claimables.put).toEqual([
      { target: "agent:worker-1", from: t0, clock: "steady" },
    ]);
  });

  it("go with the claim", () => {
    const changes = lastChanges(stories.start(), (s) => s.do("tasks.claim", {}));

    expect(changes.claimables).toEqual({ put: [], delete: [{ target: "any", from: t0, clock: "steady" }] });
  });

  it("of an offer come before all that wait in start", () => {
    expect(stories.handoff().now.context.handoff?.to).toEqual({ role: "review" });
    expect(lastChanges(stories.running(), (s) => s.do("handoff.offer", offer)).claimables.put).toEqual([
      { target: "role:review", from: 0, clock: "steady" },
    ]);
  });
});

const offer = { to: { role: "review" }, packet: { brief: "b", nextAction: "n" } };

describe("timers", () => {
  it("follow from the state: expiry of a pause and of an offer, and the deadline while the task is open", () => {
    const deadlineAt = t0 + 9_000;
    const paused = stories.running({ deadlineAt });
    paused.do("tasks.pause", { expiresAt: t0 + 5 });
    const offered = stories.running({ deadlineAt });
    offered.do("handoff.offer", { ...offer, expiresAt: t0 + 6 });
    const deadline = { kind: "deadline", dueAt: deadlineAt, clock: "wall", entry: 1 };

    expect(timersOf(paused.now)).toEqual([{ kind: "pause", dueAt: t0 + 5, clock: "wall", entry: 3 }, deadline]);
    expect(timersOf(offered.now)).toEqual([{ kind: "handoff", dueAt: t0 + 6, clock: "wall", entry: 3 }, deadline]);
    expect(timersOf(stories.running({ deadlineAt }).now)).toEqual([deadline]);
    for (const state of ["succeeded", "failed", "cancelled"] as const) {
      expect(timersOf(stories[state]({ deadlineAt }).now)).toEqual([]);
    }
    expect(storyStates.flatMap((state) => timersOf(stories[state]().now))).toEqual([]);
  });

  it("are written with the event that asks for them and deleted with the one that ends them", () => {
    const story = stories.running({ deadlineAt: t0 + 9_000 });
    const paused = lastChanges(story, (s) => s.do("tasks.pause", { expiresAt: t0 + 5 }));
    const resumed = lastChanges(story, (s) => s.do("tasks.resume", {}));
    const cancelled = lastChanges(story, (s) => s.do("tasks.cancel", {}));

    expect(paused.timers).toEqual({ put: [{ kind: "pause", dueAt: t0 + 5, clock: "wall", entry: 3 }], delete: [] });
    expect(resumed.timers).toEqual({ put: [], delete: [{ kind: "pause", clock: "wall" }] });
    expect(cancelled.timers).toEqual({ put: [], delete: [{ kind: "deadline", clock: "wall" }] });
  });

  it("fire for the entry that asked, and for no other", () => {
    const story = stories.running();
    story.do("tasks.pause", { expiresAt: t0 });
    const fire = (entry: number) =>
      story.decide({ name: "timer.fire", taskId: taskId(), kind: "pause", entry }, { by: "runtime" }).kind;

    expect([fire(2), fire(3), fire(4)]).toEqual(["over", "accepted", "over"]);
  });

  it("end a task of any open state at its deadline", () => {
    for (const state of ["start", "running", "paused", "handoff", "verifying"] as const) {
      const story = stories[state]({ deadlineAt: t0 + 10 });
      const fire = { name: "timer.fire", taskId: taskId(), kind: "deadline", entry: 1 } as const;

      expect(story.decide(fire, { at: t0 + 9 }).kind, state).toBe("over");
      expect(story.take(story.decide(fire, { at: t0 + 10, by: "runtime" })).type, state).toBe("deadline.passed");
      expect(story.now.value).toBe("failed");
    }
  });

  it("take an offer back to its offerer at its expiry", () => {
    const story = stories.running();
    story.do("handoff.offer", { ...offer, expiresAt: t0 + 6 });

    const fire = { name: "timer.fire", taskId: taskId(), kind: "handoff", entry: 3 } as const;
    const event = story.take(story.decide(fire, { at: t0 + 6, by: "runtime" }), "runtime");

    expect(event).toMatchObject({ type: "handoff.expired", facts: { preferred: { agent: "worker-1" } } });
    expect(story.now.value).toBe("start");
  });
});

describe("other rows", () => {
  it("a step changes its own row and nothing else", () => {
    const step = { name: "s", ordinal: 2, outcome: { kind: "succeeded" as const } };

    expect(lastChanges(stories.running(), (s) => s.do("tasks.step", { step }))).toEqual({
      task: false,
      step: { name: "s", ordinal: 2, stage: 1 },
      timers: none,
      claimables: none,
      cancel: [],
      ended: false,
    });
  });

  it("an event of a session changes none", () => {
    expect(lastChanges(stories.session(), (s) => s.do("sessions.event", { text: "t" }))).toEqual({
      task: false,
      timers: none,
      claimables: none,
      cancel: [],
      ended: false,
    });
  });

  it("an end owes its open children a cancel, once", () => {
    const story = stories.running();
    story.do("tasks.delegate", offer);
    const children = story.now.context.childrenOpen.map(({ childId }) => childId);

    const changes = lastChanges(story, (s) => s.do("tasks.cancel", {}));

    expect(changes).toMatchObject({ cancel: children, ended: true });
    expect(children).toHaveLength(1);
  });

  it("learning after the end owes nothing more", () => {
    const changes = lastChanges(stories.replaying(), (s) =>
      s.fold({ type: "task.replayed", epoch: 1, facts: { replayId: taskId(9) }, body: {} }),
    );

    expect(changes).toMatchObject({ task: true, cancel: [], ended: false });
  });
});

describe("toTitle", () => {
  it("is the first line, cut at 200 characters, and Unicode that comes back from the store as it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (brief) => {
        const title = toTitle(brief);
        expect(title.length).toBeLessThanOrEqual(200);
        expect(title).not.toContain("\n");
        expect(Buffer.from(title).toString()).toBe(title);
      }),
    );
    expect(toTitle("One\nTwo")).toBe("One");
    expect(toTitle(`${"a".repeat(198)}😀😀`)).toBe(`${"a".repeat(198)}…`); // not half of a pair
    expect(toTitle("a\ud800b")).toBe("a\ufffdb");
  });
});

describe("encodeSnapshot", () => {
  it("holds JSON and nothing else: the state comes back the same", () => {
    for (const state of storyStates) {
      const { now } = stories[state]();
      expect(JSON.parse(encodeSnapshot(now)), state).toEqual({
        machine: "task",
        version: taskMachine.version,
        value: now.value,
        context: now.context,
      });
    }
  });
});
