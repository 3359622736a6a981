// Waits on two clocks: what decides and folds when the steady clock is ahead of the wall clock.

import { describe, expect, it } from "vitest";
import { claimablesOf, timersOf } from "../../../machines/index.ts";
import { packet, type Story, stories, t0, taskId } from "../../support/tasks.ts";

const leadMs = 3_600_000; // the wall clock was set back by an hour
const retry = { attemptsMax: 3, backoffMs: 1_000, backoffMaxMs: 1_000 };

function fold(story: Story, decision: ReturnType<Story["decide"]>): Story {
  story.take(decision);
  return story;
}

describe("a length that begins", () => {
  it("ends on the steady clock, and its event has the wall clock's moment with the length", () => {
    const story = stories.running();

    const { facts } = story.take(story.try("tasks.pause", { question: "?", expiresInMs: 5_000 }, { leadMs }));

    expect(facts).toMatchObject({ expiresAt: t0 + 5_000, expiresInMs: 5_000, leadMs });
    expect(timersOf(story.now)).toMatchObject([{ kind: "pause", dueAt: t0 + 5_000 + leadMs, clock: "steady" }]);
  });

  it("is on the wall clock when the caller named the moment", () => {
    const story = stories.running();

    const { facts } = story.take(story.try("tasks.pause", { question: "?", expiresAt: t0 + 5_000 }, { leadMs }));

    expect(facts).not.toHaveProperty("expiresInMs");
    expect(timersOf(story.now)).toMatchObject([{ kind: "pause", dueAt: t0 + 5_000, clock: "wall" }]);
  });

  it("of a retry can be claimed when the steady clock says so", () => {
    const story = stories.running({ retry });
    fold(story, story.try("tasks.fail", { error: "e" }, { leadMs }));
    const claim = (at: number, lead: number) => story.try("tasks.claim", {}, { at, leadMs: lead }).kind;

    expect(claimablesOf(story.now)).toMatchObject([{ from: t0 + 750 + leadMs, clock: "steady" }]);
    expect([claim(t0 + 749, leadMs), claim(t0 + 750, leadMs)]).toEqual(["refused", "accepted"]);
    expect([claim(t0 + 749 + leadMs, 0), claim(t0 + 750 + leadMs, 0)]).toEqual(["refused", "accepted"]);
  });

  it("prefers the last owner until the steady clock says so, and refuses others with the wall clock's moment", () => {
    const story = stories.running();
    fold(story, story.try("tasks.pause", {}, { leadMs }));
    fold(story, story.try("tasks.resume", {}, { leadMs }));
    const claim = (at: number) => story.try("tasks.claim", {}, { at, leadMs, by: "other" });

    expect(claim(t0 + 4_999)).toMatchObject({
      kind: "refused",
      failure: { code: "NOT_ADDRESSED", facts: { preferred: { agent: "worker-1", until: t0 + 5_000 } } },
    });
    expect(claim(t0 + 5_000).kind).toBe("accepted");
  });
});

describe("a deadline", () => {
  it("of a delegated part is the end of its time limit, on the steady clock", () => {
    const story = stories.running();

    const decision = story.try("tasks.delegate", { to: "any", packet, timeoutMs: 5_000 }, { leadMs });

    expect(decision).toMatchObject({
      event: { body: { packet: { deadlineAt: t0 + 5_000 } } },
      also: [{ parent: { deadlineAt: { at: t0 + 5_000 + leadMs, clock: "steady" } } }],
    });
  });

  it("is the earlier of two on different clocks, as they stand", () => {
    const story = stories.running({ deadlineAt: t0 + 6_000 });
    const deadlineOf = (timeoutMs: number) => {
      const decision = story.try("tasks.delegate", { to: "any", packet, timeoutMs }, { leadMs });
      return decision.kind === "accepted" ? decision.also?.[0] : undefined;
    };

    expect(deadlineOf(5_000)).toMatchObject({ parent: { deadlineAt: { clock: "steady" } } });
    expect(deadlineOf(7_000)).toMatchObject({ parent: { deadlineAt: { at: t0 + 6_000, clock: "wall" } } });
  });
});

describe("pauses that expire on different clocks", () => {
  it("have a timer each, and each fires by its own", () => {
    const story = stories.running();
    fold(story, story.try("tasks.pause", { question: "A?", key: "a", expiresInMs: 5_000, ends: false }));
    fold(story, story.try("tasks.pause", { question: "B?", key: "b", expiresAt: t0 + 5_000, ends: false }));
    const [steady, wall] = timersOf(story.now);
    const fire = (timer: typeof steady, at: number, lead: number) =>
      story.decide(
        { name: "timer.fire", taskId: taskId(), kind: "pause", entry: timer?.entry ?? 0 },
        { at, leadMs: lead },
      ).kind;

    expect([steady?.clock, wall?.clock]).toEqual(["steady", "wall"]);
    expect([fire(steady, t0, 5_000), fire(wall, t0, 5_000)]).toEqual(["accepted", "over"]);
    expect([fire(steady, t0 + 5_000, -1), fire(wall, t0 + 5_000, -1)]).toEqual(["over", "accepted"]);
  });
});

describe("a moment from which a task can be claimed", () => {
  it("is on the wall clock when it is to come, and only places the task among others when it has passed", () => {
    const placesOf = (claimableAt: number) => claimablesOf(stories.start({ claimableAt }).now);

    expect(placesOf(t0 + 5)).toMatchObject([{ from: t0 + 5, clock: "wall" }]);
    expect(placesOf(t0 - 5)).toMatchObject([{ from: t0 - 5, clock: "steady" }]);
  });
});
