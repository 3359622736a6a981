import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { claimablesOf, timersOf, toSessionStatus, toTaskState } from "../../../machines/index.ts";
import { codeOf, packet, packetId, type Story, stories, t0 } from "../../support/tasks.ts";

const statusOf = (story: Story) => toSessionStatus(toTaskState(story.now));

describe("sessions.create", () => {
  it("makes a task of its own kind, which is of whoever opened it and has no expiry", () => {
    const [created] = stories.session().headers;

    expect(created).toMatchObject({ type: "task.created", facts: { kind: "session", to: { agent: "worker-1" } } });
    expect(created?.facts).not.toHaveProperty("deadlineAt");
  });
});

describe("an open session", () => {
  it("takes events of anybody, counts them and stays open", () => {
    const story = stories.session();
    story.at = t0 + 7;

    const event = story.do(
      "sessions.event",
      { kind: "message", title: "Hello", text: "Who is there?", data: { n: 1 } },
      { by: "worker-2" },
    );

    expect(event).toMatchObject({
      type: "session.noted",
      facts: { kind: "message" },
      body: { title: "Hello", text: "Who is there?", data: { n: 1 } },
    });
    expect(statusOf(story)).toBe("open");
    expect(story.now.context).toMatchObject({ records: 2, updatedAt: t0 + 7, epoch: 0, owner: null });
  });

  it("calls an event a note when nothing is said of its kind", () => {
    expect(stories.session().headers.at(-1)?.facts).toEqual({ kind: "note" });
  });

  it("is nowhere to be claimed, and has no timer (M4)", () => {
    const { now } = stories.session();

    expect(claimablesOf(now)).toEqual([]);
    expect(timersOf(now)).toEqual([]);
  });

  it("says what it is when it is claimed", () => {
    const decision = stories.session().try("tasks.claim", {});

    expect(decision).toMatchObject({
      failure: {
        code: "TASK_STATE_CONFLICT",
        detail: expect.stringMatching(
          /^tasks\.claim is not possible: task_\w+ is a session and open\. It takes sessions\.event, sessions\.close, tasks\.cancel\.$/,
        ),
      },
    });
  });

  it("ends with its summary when it is closed, and only once", () => {
    const story = stories.session();

    const event = story.do("sessions.close", { summary: "Quiet" }, { by: "worker-2" });
    const again = story.try("sessions.close", { summary: "Loud" });

    expect(event).toMatchObject({ type: "session.closed", body: { summary: "Quiet" } });
    expect(story.now.context.outcome).toMatchObject({ seq: 3, verified: false });
    expect(again).toEqual({ kind: "already", seq: 3 });
  });

  it("is cancelled like any task, and then neither closed nor noted in", () => {
    const story = stories.session();
    story.do("tasks.cancel", { reason: "Not needed" });

    expect(statusOf(story)).toBe("cancelled");
    for (const decision of [story.try("sessions.close", {}), story.try("sessions.event", { text: "t" })]) {
      expect(decision).toMatchObject({
        failure: { code: "TASK_STATE_CONFLICT", facts: { state: "cancelled", allowed: [] } },
      });
    }
  });
});

describe("a task that is no session", () => {
  it("is not found by a session's commands, and its kind is told", () => {
    for (const state of ["start", "running", "succeeded"] as const) {
      const decision = stories[state]({ kind: "fix" }).try("sessions.event", { text: "t" });

      expect(codeOf(decision), state).toBe("TASK_NOT_FOUND");
      expect(decision, state).toMatchObject({ failure: { detail: expect.stringContaining("of kind fix") } });
    }
  });
});

describe("any order of commands", () => {
  const acts = {
    note: (story: Story) => story.try("sessions.event", { text: "t" }),
    close: (story: Story) => story.try("sessions.close", {}),
    cancel: (story: Story) => story.try("tasks.cancel", {}),
    claim: (story: Story) => story.try("tasks.claim", {}),
    release: (story: Story) => story.try("tasks.release", {}),
    complete: (story: Story) => story.try("tasks.complete", {}),
    resume: (story: Story) => story.try("tasks.resume", {}),
    offer: (story: Story) => story.try("handoff.offer", { to: "any", packet }),
    take: (story: Story) => story.try("handoff.claim", { packetId: packetId(), roles: [] }),
  };
  type Act = keyof typeof acts;

  /** What an act must come to, from nothing but where the session stands. */
  function expectedOf(act: Act, status: string): string {
    if (act === "close" && status === "closed") return "already";
    if (act === "cancel" && status === "cancelled") return "already";
    return status === "open" && ["note", "close", "cancel"].includes(act) ? "accepted" : "refused";
  }

  it("keeps a session open until it is closed or cancelled, and counts what was noted", () => {
    const some = fc.array(fc.constantFrom(...(Object.keys(acts) as Act[])), { maxLength: 20 }); // Object.keys loses the key type
    fc.assert(
      fc.property(some, (order) => {
        const story = stories.session();
        let noted = 1;
        for (const act of order) {
          const status = statusOf(story);
          const decision = acts[act](story);

          expect(decision.kind, `${act} when ${status}`).toBe(expectedOf(act, status));
          if (decision.kind !== "accepted") continue;
          story.take(decision);
          if (act === "note") noted += 1;
          expect(statusOf(story)).toBe(act === "note" ? "open" : act === "close" ? "closed" : "cancelled");
        }
        expect(story.now.context.records).toBe(noted);
      }),
    );
  });
});
