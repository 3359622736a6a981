import { describe, expect, it } from "vitest";
import { limits } from "../../../src/contracts/limits.ts";
import { codeOf, pauseId, type Story, stories, t0 } from "../../support/tasks.ts";

const yesOrNo = { question: "Deploy?", answerSchema: { type: "boolean" } };
const questions = [yesOrNo];

const concerns = { of: "step" as const, name: "s", ordinal: 0, seq: 3, differs: [], waitsForCode: true };

describe("a question that waits for other code", () => {
  it("can be claimed after a while, which grows with each try, while it stays open", () => {
    const story = stories.running();
    story.do("tasks.pause", { question: "Keep it?", key: "k", concerns });
    const waits: number[] = [];

    for (let tries = 0; tries < 16; tries += 1) {
      const { claimableAt } = story.now.context;
      waits.push(claimableAt.at - story.at);
      expect(codeOf(story.try("tasks.claim", {}))).toBe("TASK_STATE_CONFLICT");
      story.at = claimableAt.at;
      story.do("tasks.claim", {}, { by: "worker-1" });
      story.do("tasks.rest", { waitsFor: [pauseId(3)] });
    }

    expect(waits.slice(0, 6)).toEqual([1_000, 1_000, 1_000, 2_000, 4_000, 8_000]);
    expect(waits.at(-1)).toBe(600_000);
    expect(story.now).toMatchObject({ value: "paused", context: { pauses: [{ pauseId: pauseId(3), tries: 16 }] } });
    expect(story.now.context).toMatchObject({ attempt: 1, pauseEnds: [] });
  });

  it("can be claimed at once by a program that started after the latest try", () => {
    const story = stories.running();
    story.do("tasks.pause", { question: "Keep it?", key: "k", concerns });
    const claimedAt = story.now.context.claimedAt;
    story.at = claimedAt + 500;

    expect(codeOf(story.try("tasks.claim", { upMs: 501 }))).toBe("TASK_STATE_CONFLICT");
    expect(story.try("tasks.claim", { upMs: 500 }).kind).toBe("accepted");
    story.do("tasks.claim", { upMs: 100 });
    story.do("tasks.rest", { waitsFor: [pauseId(3)] });
    expect(codeOf(story.try("tasks.claim", { upMs: 100 }))).toBe("TASK_STATE_CONFLICT");
  });

  it("is told what it was answered with, when that is a word to choose from", () => {
    const ended = ["rerun", { output: 1 }].map((answer) => {
      const story = stories.running();
      story.do("tasks.pause", { question: "Keep it?", key: "k", concerns });
      story.do("tasks.answer", { answer });
      return story.now.context.pauseEnds;
    });

    expect(ended[0]).toMatchObject([{ end: "answered", concerns, choice: "rerun" }]);
    expect(ended[1]?.[0]).not.toHaveProperty("choice");
  });

  it("is replaced by one about other code under the same key, and only while it is open", () => {
    const story = stories.running();
    story.do("tasks.pause", { question: "Keep it?", key: "k", concerns });
    story.at += 1_000;
    story.do("tasks.claim", {});

    const other = { question: "Keep that?", key: "k", concerns: { ...concerns, tool: "make" }, replaces: pauseId(3) };
    story.do("tasks.pause", other);

    expect(story.now.context.pauses).toMatchObject([{ key: "k", concerns: { tool: "make" } }]);
    expect(story.now.context.pauseEnds).toMatchObject([{ pauseId: pauseId(3), end: "withdrawn" }]);
    story.at += 1_000;
    story.do("tasks.claim", {});
    expect(codeOf(story.try("tasks.pause", { ...other, key: "l" }))).toBe("PAUSE_NOT_FOUND");
  });
});

describe("tasks.pause", () => {
  it("ends the run and keeps the question, its schema, its approver and its expiry under an id", () => {
    const story = stories.running();

    const event = story.do("tasks.pause", {
      question: "Deploy?",
      answerSchema: { type: "boolean" },
      key: "deploy",
      approver: "boss",
      expiresAt: t0 + 60_000,
      note: "All green",
    });

    const kept = { pauseId: pauseId(3), key: "deploy", asks: true, approver: "boss", expiresAt: t0 + 60_000 };
    expect(event).toMatchObject({
      facts: { ...kept, ends: true, next: "paused", withdrawn: [] },
      body: { question: "Deploy?", answerSchema: { type: "boolean" }, note: "All green" },
    });
    expect(story.now).toMatchObject({
      value: "paused",
      context: {
        owner: null,
        lastAgent: "worker-1",
        pauses: [{ ...kept, seq: 3, expiresAt: { at: t0 + 60_000, clock: "wall" } }],
      },
    });
  });

  it("leaves the run on when the owner has other work: several questions are open at once", () => {
    const story = stories.running();

    story.do("tasks.pause", { question: "One?", ends: false });
    story.do("tasks.step", { step: { name: "s", ordinal: 0, outcome: { kind: "succeeded" } } });
    story.do("tasks.pause", { question: "Two?", ends: false });

    expect(story.now).toMatchObject({
      value: { running: "asking" },
      context: { owner: { agent: "worker-1" }, pauses: [{ pauseId: pauseId(3) }, { pauseId: pauseId(5) }] },
    });
  });

  it("is refused with a schema that nobody could answer by, and with a schema without a question", () => {
    const bad = [
      { question: "?", answerSchema: { type: "no such type" } },
      { question: "?", answerSchema: { $ref: "https://example.com/elsewhere.json" } },
      { answerSchema: { type: "boolean" } },
      { question: "?", ends: false, waitsFor: [] },
    ];

    for (const input of bad) {
      expect(codeOf(stories.running().try("tasks.pause", input)), JSON.stringify(input)).toBe("INPUT_INVALID");
    }
  });

  it("is PAUSE_AMBIGUOUS under the key of an open pause", () => {
    const story = stories.running();
    story.do("tasks.pause", { question: "One?", key: "k", ends: false });

    expect(story.try("tasks.pause", { question: "Two?", key: "k" })).toMatchObject({
      failure: { code: "PAUSE_AMBIGUOUS", facts: { pauseId: pauseId(3) } },
    });
    story.do("tasks.answer", { pauseId: pauseId(3), answer: 1 });
    expect(story.try("tasks.pause", { question: "Two?", key: "k" }).kind).toBe("accepted");
  });

  it("is PAUSE_LIMIT after the last pause of a stage, and possible again in the next", () => {
    const story = stories.running();
    const ended = { pauseId: pauseId(3), key: "k", seq: 3, end: "resumed" as const };
    const ends = Array.from({ length: limits.pausesPerStage }, () => ended);
    story.snapshot = { ...story.now, context: { ...story.now.context, pauseEnds: ends } };

    expect(codeOf(story.try("tasks.pause", {}))).toBe("PAUSE_LIMIT");
    story.do("handoff.offer", { to: "any", packet: { brief: "b", nextAction: "n" } });
    story.do("tasks.claim", {});
    expect(story.try("tasks.pause", {}).kind).toBe("accepted");
  });

  it("is PAUSE_LIMIT while as many are open as may be", () => {
    const story = stories.running();
    for (let count = 0; count < limits.pausesOpen; count += 1) story.do("tasks.pause", { ends: false });

    expect(codeOf(story.try("tasks.pause", { ends: false }))).toBe("PAUSE_LIMIT");
  });
});

describe("the end of a run that waits for its pauses", () => {
  it("leaves the task paused while all of them are open", () => {
    const story = asking("One?", "Two?");

    story.do("tasks.rest", { waitsFor: [pauseId(3), pauseId(4)] });

    expect(story.now).toMatchObject({ value: "paused", context: { owner: null, lastAgent: "worker-1" } });
  });

  it("makes it claimable at once, for the same agent first, when one of them has ended", () => {
    const story = asking("One?", "Two?");
    story.do("tasks.answer", { pauseId: pauseId(3), answer: 1 });
    story.at = t0 + 7;

    story.do("tasks.rest", { waitsFor: [pauseId(3), pauseId(4)] });

    expect(story.now).toMatchObject({
      value: "start",
      context: {
        claimableAt: { at: t0 + 7, clock: "steady" },
        preferred: { agent: "worker-1" },
        pauses: [{ pauseId: pauseId(4) }],
      },
    });
  });

  it("withdraws what is no longer asked for, with a last question as well", () => {
    for (const last of ["tasks.rest", "tasks.pause"] as const) {
      const story = asking("One?", "Two?");

      const event = story.do(last, { waitsFor: [pauseId(4)] });

      expect(event.facts, last).toMatchObject({ next: "paused", withdrawn: [pauseId(3)] });
      expect(story.now.context.pauseEnds, last).toMatchObject([{ pauseId: pauseId(3), seq: 5, end: "withdrawn" }]);
      expect(codeOf(story.try("tasks.answer", { pauseId: pauseId(3), answer: 1 })), last).toBe("QUESTION_OVER");
    }
  });

  it("is PAUSE_NOT_FOUND for a pause that the stage does not know", () => {
    expect(codeOf(asking("One?").try("tasks.rest", { waitsFor: [pauseId(77)] }))).toBe("PAUSE_NOT_FOUND");
  });
});

describe("open pauses", () => {
  it("stay open over a lost lease, a failed try, a release and the next claim", () => {
    const ends = {
      lost: (story: Story) =>
        story.take(story.decide({ name: "lease.expire", taskId: story.now.context.id, epoch: 1 }), "runtime"),
      failed: (story: Story) => story.do("tasks.fail", { error: "e" }),
      released: (story: Story) => story.do("tasks.release", {}),
    };
    for (const [name, end] of Object.entries(ends)) {
      const story = asking("One?");

      end(story);
      const waiting = story.now;
      story.at = t0 + 5_000;
      story.do("tasks.claim", {});

      expect([waiting.value, story.now.value], name).toEqual(["start", { running: "asking" }]);
      expect(story.now.context.pauses, name).toMatchObject([{ pauseId: pauseId(3) }]);
    }
  });

  it("are withdrawn by a completion, a failure for good, a cancel, a deadline and a handoff", () => {
    const packet = { brief: "b", nextAction: "n" };
    const ends = {
      completed: (story: Story) => story.do("tasks.complete", {}),
      failed: (story: Story) => story.do("tasks.fail", { error: "e", retryable: false }),
      cancelled: (story: Story) => story.do("tasks.cancel", {}),
      late: (story: Story) =>
        story.take(
          story.decide(
            { name: "timer.fire", taskId: story.now.context.id, kind: "deadline", entry: 1 },
            { at: t0 + 9_000 },
          ),
        ),
      offered: (story: Story) => story.do("handoff.offer", { to: "any", packet }),
    };
    for (const [name, end] of Object.entries(ends)) {
      const story = asking("One?", "Two?");

      end(story);

      expect(story.now.context, name).toMatchObject({ pauses: [], questionEndedSeq: 5 });
      expect(
        story.now.context.pauseEnds.map((pause) => pause.end),
        name,
      ).toEqual(["withdrawn", "withdrawn"]);
      const late = story.try("tasks.answer", { pauseId: pauseId(3), answer: 1 });
      expect(late, name).toMatchObject({ failure: { code: "QUESTION_OVER", facts: { end: "withdrawn" } } });
    }
  });
});

describe("tasks.answer", () => {
  it("makes the task claimable for its last owner first, and keeps how the pause ended", () => {
    const story = stories.paused();
    story.at = t0 + 100;

    const event = story.do("tasks.answer", { answer: true }, { by: "boss", questions });

    expect(event).toMatchObject({ type: "task.answered", epoch: 1, body: { answer: true } });
    expect(story.now.context).toMatchObject({
      pauses: [],
      pauseEnds: [{ pauseId: pauseId(3), seq: 4, end: "answered" }],
      claimableAt: { at: t0 + 100, clock: "steady" },
      preferred: { agent: "worker-1", until: t0 + 5_100 },
      attempt: 1,
    });
  });

  it("of one of two questions makes the task claimable, and the other can be answered before and after the claim", () => {
    const story = asking("One?", "Two?");
    story.do("tasks.pause", { question: "Three?" });

    story.do("tasks.answer", { pauseId: pauseId(4), answer: 4 });
    const claimable = story.now.value;
    story.do("tasks.answer", { pauseId: pauseId(3), answer: 3 });
    const answeredBefore = story.now.value;
    story.do("tasks.claim", {});
    story.do("tasks.answer", { pauseId: pauseId(5), answer: 5 });

    expect([claimable, answeredBefore, story.now.value]).toEqual(["start", "start", { running: "working" }]);
    expect(story.now.context.pauseEnds.map((end) => end.pauseId)).toEqual([pauseId(4), pauseId(3), pauseId(5)]);
  });

  it("keeps the time of a retry: an answer does not go round a backoff", () => {
    const story = asking("One?");
    story.do("tasks.fail", { error: "e" });
    const { claimableAt } = story.now.context;

    story.do("tasks.answer", { answer: 1 });

    expect(story.now.context.claimableAt).toEqual(claimableAt);
    expect(claimableAt.at).toBeGreaterThan(t0);
  });

  it("is ANSWER_INVALID when it does not fit the schema, and any JSON value without one", () => {
    const story = stories.paused();

    for (const answer of ["yes", 1, null, { yes: true }]) {
      expect(codeOf(story.try("tasks.answer", { answer }, { questions }))).toBe("ANSWER_INVALID");
      expect(story.try("tasks.answer", { answer }, { questions: [{}] }).kind).toBe("accepted");
    }
  });

  it("is measured by the schema of the question that it names", () => {
    const story = stories.asking();
    story.do("tasks.pause", { question: "How many?" });
    const asked = { questions: [yesOrNo, { question: "How many?", answerSchema: { type: "number" } }] };

    expect(codeOf(story.try("tasks.answer", { pauseId: pauseId(4), answer: true }, asked))).toBe("ANSWER_INVALID");
    expect(story.try("tasks.answer", { pauseId: pauseId(3), answer: true }, asked).kind).toBe("accepted");
  });

  it("is for the approver alone when there is one", () => {
    const story = stories.running();
    story.do("tasks.pause", { question: "Deploy?", approver: "boss" });

    expect(codeOf(story.try("tasks.answer", { answer: 1 }, { by: "worker-1" }))).toBe("NOT_ADDRESSED");
    expect(story.try("tasks.answer", { answer: 1 }, { by: "boss" }).kind).toBe("accepted");
  });

  it("has nothing to answer when the pause asks nothing, or nothing was asked", () => {
    const silent = stories.running();
    silent.do("tasks.pause", {});

    expect(codeOf(silent.try("tasks.answer", { answer: 1 }))).toBe("TASK_STATE_CONFLICT");
    expect(codeOf(silent.try("tasks.answer", { pauseId: pauseId(3), answer: 1 }))).toBe("TASK_STATE_CONFLICT");
    expect(codeOf(stories.running().try("tasks.answer", { answer: 1 }))).toBe("TASK_STATE_CONFLICT");
  });
});

describe("a late answer", () => {
  it("that names its question is QUESTION_OVER, with how that ended and what is open now", () => {
    const story = stories.paused();
    story.do("tasks.answer", { answer: true });
    story.do("tasks.claim", {});
    story.do("tasks.pause", { question: "Delete everything?\nReally?" });
    const given = {
      named: { answer: true, isOfEarlierStage: false },
      questions: [{ question: "Delete everything?\nReally?" }],
    };

    const late = story.try("tasks.answer", { pauseId: pauseId(3), answer: true }, given);

    expect(late).toMatchObject({
      failure: {
        code: "QUESTION_OVER",
        facts: {
          pauseId: pauseId(3),
          end: "answered",
          seq: 4,
          isSameAnswer: true,
          open: [{ pauseId: pauseId(6), asks: true, question: "Delete everything?" }],
        },
      },
    });
  });

  it("that names none is refused when its author may not have seen the question that is open", () => {
    const story = stories.paused();
    story.do("tasks.answer", { answer: true });
    story.do("tasks.claim", {});
    story.do("tasks.pause", { question: "Delete everything?" });
    const answer = (seenSeq: number) =>
      story.decide({ name: "tasks.answer", taskId: story.now.context.id, input: answerInput(story), seenSeq });

    expect([codeOf(answer(0)), codeOf(answer(3))]).toEqual(["PAUSE_AMBIGUOUS", "PAUSE_AMBIGUOUS"]);
    expect(answer(4).kind).toBe("accepted"); // it saw the task after the first answer
  });

  it("of an earlier stage does not reach the first question of the next", () => {
    const story = stories.paused();
    story.do("tasks.answer", { answer: true });
    story.do("tasks.claim", {});
    story.do("handoff.offer", { to: "any", packet: { brief: "b", nextAction: "n" } });
    story.do("tasks.claim", {});
    story.do("tasks.pause", { question: "Delete everything?" });

    const unnamed = story.try("tasks.answer", { answer: true });
    const named = story.try(
      "tasks.answer",
      { pauseId: pauseId(3), answer: true },
      { named: { isOfEarlierStage: true } },
    );

    expect([codeOf(unnamed), codeOf(named)]).toEqual(["PAUSE_AMBIGUOUS", "QUESTION_OVER"]);
  });

  it("to a pause that never was is PAUSE_NOT_FOUND", () => {
    expect(codeOf(stories.paused().try("tasks.answer", { pauseId: pauseId(9), answer: true }))).toBe("PAUSE_NOT_FOUND");
  });

  it("that names none is QUESTION_OVER when nothing is asked any more", () => {
    const story = stories.paused();
    story.do("tasks.answer", { answer: true });

    expect(codeOf(story.try("tasks.answer", { answer: true }))).toBe("QUESTION_OVER");
  });
});

describe("an answer that names no question", () => {
  it("is PAUSE_AMBIGUOUS while several are open, and lists them", () => {
    const story = asking("One?", "Two?");

    expect(story.try("tasks.answer", { answer: 1 }, { questions: [{ question: "One?" }, {}] })).toMatchObject({
      failure: {
        code: "PAUSE_AMBIGUOUS",
        facts: { open: [{ pauseId: pauseId(3), question: "One?" }, { pauseId: pauseId(4) }] },
      },
    });
  });

  it("is not held up by a pause that asks nothing", () => {
    const story = asking("One?");
    story.do("tasks.pause", {});

    expect(story.try("tasks.answer", { answer: 1 })).toMatchObject({ event: { facts: { pauseId: pauseId(3) } } });
  });
});

describe("a pause without an answer", () => {
  it("ends by resume, with its reason", () => {
    const story = stories.paused();

    expect(story.do("tasks.resume", { reason: "Never mind" }).body).toEqual({ reason: "Never mind" });
    expect(story.now.context.pauseEnds).toMatchObject([{ pauseId: pauseId(3), seq: 4, end: "resumed" }]);
  });

  it("is not ended by a late resume of another one", () => {
    const story = stories.running();
    story.do("tasks.pause", {});
    story.do("tasks.resume", {});
    story.do("tasks.claim", {});
    story.do("tasks.pause", {});

    expect(codeOf(story.try("tasks.resume", {}))).toBe("PAUSE_AMBIGUOUS");
    expect(codeOf(story.try("tasks.resume", { pauseId: pauseId(3) }))).toBe("QUESTION_OVER");
    expect(story.try("tasks.resume", { pauseId: pauseId(6) }).kind).toBe("accepted");
  });

  it("ends by its expiry", () => {
    const story = stories.running();
    story.do("tasks.pause", { question: "Deploy?", expiresAt: t0 + 50 });
    const fire = { name: "timer.fire", taskId: story.now.context.id, kind: "pause", entry: 3 } as const;

    expect(story.decide(fire, { at: t0 + 49 }).kind).toBe("over");
    story.take(story.decide(fire, { at: t0 + 50 }));

    expect(story.now.context.pauseEnds).toMatchObject([{ pauseId: pauseId(3), seq: 4, end: "expired" }]);
    expect(story.now.value).toBe("start");
  });

  it("expires one by one, the earliest first, also while the owner goes on", () => {
    const story = stories.running();
    story.do("tasks.pause", { question: "Later?", expiresAt: t0 + 90, ends: false });
    story.do("tasks.pause", { question: "Soon?", expiresAt: t0 + 50, ends: false });
    const fire = (entry: number) =>
      story.decide({ name: "timer.fire", taskId: story.now.context.id, kind: "pause", entry }, { at: t0 + 99 });

    expect(fire(3).kind).toBe("over");
    story.take(fire(4), "runtime");
    const afterOne = story.now.value;
    story.take(fire(3), "runtime");

    expect([afterOne, story.now.value]).toEqual([{ running: "asking" }, { running: "working" }]);
    expect(story.now.context.pauseEnds.map((end) => end.pauseId)).toEqual([pauseId(4), pauseId(3)]);
  });
});

/** A run that has asked these questions and goes on. */
function asking(...asked: string[]): Story {
  const story = stories.running({ deadlineAt: t0 + 9_000 });
  for (const question of asked) story.do("tasks.pause", { question, ends: false });
  return story;
}

function answerInput(story: Story) {
  return { taskId: story.now.context.id, answer: true };
}
