import { describe, expect, it } from "vitest";
import { limits } from "../../../src/contracts/limits.ts";
import { codeOf, stories, t0 } from "../../support/tasks.ts";

const asked = { asks: true, question: { answerSchema: { type: "boolean" } } };

describe("tasks.pause", () => {
  it("ends the run and keeps the question, its schema, its approver and its expiry", () => {
    const story = stories.running();

    const event = story.do("tasks.pause", {
      question: "Deploy?",
      answerSchema: { type: "boolean" },
      approver: "boss",
      expiresAt: t0 + 60_000,
      note: "All green",
    });

    expect(event).toMatchObject({
      facts: { asks: true, approver: "boss", expiresAt: t0 + 60_000 },
      body: { question: "Deploy?", answerSchema: { type: "boolean" }, note: "All green" },
    });
    expect(story.now.context).toMatchObject({
      owner: null,
      lastAgent: "worker-1",
      pause: { seq: 3, asks: true, approver: "boss", expiresAt: t0 + 60_000 },
    });
  });

  it("is refused with a schema that nobody could answer by, and with a schema without a question", () => {
    const bad = [
      { question: "?", answerSchema: { type: "no such type" } },
      { question: "?", answerSchema: { $ref: "https://example.com/elsewhere.json" } },
      { answerSchema: { type: "boolean" } },
    ];

    for (const input of bad) {
      expect(codeOf(stories.running().try("tasks.pause", input)), JSON.stringify(input)).toBe("INPUT_INVALID");
    }
  });

  it("is PAUSE_LIMIT after the last pause of a stage, and possible again in the next", () => {
    const story = stories.running();
    const ended = { seq: 3, end: "resumed" as const, about: null };
    const ends = Array.from({ length: limits.pausesPerStage }, () => ended);
    story.snapshot = { ...story.now, context: { ...story.now.context, pauseEnds: ends } } as typeof story.now;

    expect(codeOf(story.try("tasks.pause", {}))).toBe("PAUSE_LIMIT");
    story.do("handoff.offer", { to: "any", packet: { brief: "b", nextAction: "n" } });
    story.do("tasks.claim", {});
    expect(story.try("tasks.pause", {}).kind).toBe("accepted");
  });
});

describe("tasks.answer", () => {
  it("makes the task claimable for its last owner first, and keeps how the pause ended", () => {
    const story = stories.paused();
    story.at = t0 + 100;

    const event = story.do("tasks.answer", { answer: true }, { by: "boss", question: asked.question });

    expect(event).toMatchObject({ type: "task.answered", epoch: 1, body: { answer: true } });
    expect(story.now.context).toMatchObject({
      pause: null,
      pauseEnds: [{ seq: 4, end: "answered" }],
      claimableAt: t0 + 100,
      preferred: { agent: "worker-1", until: t0 + 5_100 },
      attempt: 1,
    });
  });

  it("is ANSWER_INVALID when it does not fit the schema, and any JSON value without one", () => {
    const story = stories.paused();

    for (const answer of ["yes", 1, null, { yes: true }]) {
      expect(codeOf(story.try("tasks.answer", { answer }, { question: asked.question }))).toBe("ANSWER_INVALID");
      expect(story.try("tasks.answer", { answer }, { question: {} }).kind).toBe("accepted");
    }
  });

  it("is for the approver alone when there is one", () => {
    const story = stories.running();
    story.do("tasks.pause", { question: "Deploy?", approver: "boss" });

    expect(codeOf(story.try("tasks.answer", { answer: 1 }, { by: "worker-1" }))).toBe("NOT_ADDRESSED");
    expect(story.try("tasks.answer", { answer: 1 }, { by: "boss" }).kind).toBe("accepted");
  });

  it("twice the same is one answer, whatever the order of keys; another one is ANSWER_CONFLICT", () => {
    const story = stories.paused();
    story.do("tasks.answer", { answer: { a: 1, b: [2] } });
    const answered = { seq: 4, answer: { a: 1, b: [2] } };

    expect(story.try("tasks.answer", { answer: { b: [2], a: 1 } }, { answered })).toEqual({ kind: "already", seq: 4 });
    expect(story.try("tasks.answer", { answer: { a: 1 } }, { answered })).toMatchObject({
      failure: { code: "ANSWER_CONFLICT", facts: { seq: 4 } },
    });
    story.do("tasks.claim", {});
    expect(story.try("tasks.answer", { answer: { a: 1, b: [2] } }, { answered }).kind).toBe("already");
  });

  it("has nothing to answer when the pause asks nothing, or nothing was asked", () => {
    const silent = stories.running();
    silent.do("tasks.pause", {});

    expect(codeOf(silent.try("tasks.answer", { answer: 1 }))).toBe("TASK_STATE_CONFLICT");
    expect(codeOf(stories.running().try("tasks.answer", { answer: 1 }))).toBe("TASK_STATE_CONFLICT");
  });
});

describe("a pause without an answer", () => {
  it("ends by resume, with its reason", () => {
    const story = stories.paused();

    expect(story.do("tasks.resume", { reason: "Never mind" }).body).toEqual({ reason: "Never mind" });
    expect(story.now.context.pauseEnds).toEqual([{ seq: 4, end: "resumed", about: null }]);
  });

  it("ends by its expiry", () => {
    const story = stories.running();
    story.do("tasks.pause", { question: "Deploy?", expiresAt: t0 + 50 });
    const fire = { name: "timer.fire", taskId: story.now.context.id, kind: "pause", entry: 3 } as const;

    expect(story.decide(fire, { at: t0 + 49 }).kind).toBe("over");
    story.take(story.decide(fire, { at: t0 + 50 }));

    expect(story.now.context.pauseEnds).toEqual([{ seq: 4, end: "expired", about: null }]);
    expect(story.now.value).toBe("start");
  });
});
