import { describe, expect, it } from "vitest";
import { claimablesOf, decide, type NewEvent, timersOf } from "../../../machines/index.ts";
import { codeOf, lessonId, receiptId, Story, stories, t0, taskId } from "../../support/tasks.ts";

const open = { name: "memory.open", taskId: taskId() } as const;

describe("the memory of a scope", () => {
  it("is made once", () => {
    const story = stories.memory();

    expect(story.headers[0]).toMatchObject({ type: "task.created", facts: { kind: "memory" }, by: "runtime" });
    expect(story.decide(open)).toEqual({ kind: "over" });
  });

  it("takes what it is told, counts it and stays as it is", () => {
    const story = stories.memory();
    story.at = t0 + 7;

    const written = story.do("memory.write", { kind: "fact", text: "Port 8080\nis taken", files: ["a.ts"] });
    const credited = story.do("feedback", { receipt: receiptId(), outcome: "failed", note: "no" });

    expect(written).toMatchObject({
      type: "lesson.written",
      facts: { lessonId: lessonId(), kind: "fact", from: null, to: "observed", evidence: [] },
      body: { content: { goal: "Port 8080", text: "Port 8080\nis taken", files: ["a.ts"], source: "agent" } },
    });
    expect(credited).toMatchObject({ facts: { outcome: "failed", lessons: [lessonId()] }, body: { note: "no" } });
    expect(story.now).toMatchObject({ value: "start", context: { records: 3, updatedAt: t0 + 7, owner: null } });
  });

  it("is nowhere to be claimed, has no timer, and cannot be ended (M4)", () => {
    const story = stories.memory();

    expect(claimablesOf(story.now)).toEqual([]);
    expect(timersOf(story.now)).toEqual([]);
    for (const name of ["tasks.claim", "tasks.cancel", "sessions.close"] as const)
      expect(story.try(name, {}), name).toMatchObject({
        failure: {
          code: "TASK_STATE_CONFLICT",
          detail: expect.stringMatching(/is the memory of its scope\. It takes memory\.write, /),
        },
      });
  });

  it("is not there before it was made, and is no other task", () => {
    const command = new Story().facts();

    expect(codeOf(decide(undefined, { ...open, name: "memory.learn", event: learned }, command))).toBe(
      "TASK_NOT_FOUND",
    );
    expect(codeOf(stories.start().decide({ ...open, name: "memory.learn", event: learned }))).toBe("TASK_NOT_FOUND");
  });
});

const learned: Extract<NewEvent, { type: "lesson.observed" }> = {
  type: "lesson.observed",
  epoch: 0,
  facts: { lessonId: lessonId(), kind: "workflow", from: null, to: "candidate", evidence: [], missing: [] },
  body: {},
};
