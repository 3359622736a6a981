import { describe, expect, it } from "vitest";
import type { Command } from "../../../machines/index.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { codeOf, packet, stories, taskId } from "../../support/tasks.ts";

const result = (name: string, passed = true) => ({ name, passed });

describe("tasks.complete", () => {
  it("succeeds at once without checks, and keeps the return", () => {
    const story = stories.running();

    const event = story.do("tasks.complete", { return: { summary: "Done", files: ["a.ts"] } });

    expect(event).toMatchObject({
      facts: { next: "succeeded", checks: [] },
      body: { return: { outcome: "completed", summary: "Done", files: ["a.ts"] } },
    });
    expect(story.now.value).toEqual({ succeeded: "recorded" });
  });

  it("is verified by the checks of the start and those it adds, each name once", () => {
    const story = stories.running({ checks: [{ name: "tests" }, { name: "lint", required: false }] });

    const event = story.do("tasks.complete", { checks: [{ name: "lint" }, { name: "docs", command: ["true"] }] });

    expect(event).toMatchObject({
      facts: {
        next: "verifying",
        checks: [
          { name: "tests", required: true },
          { name: "lint", required: false },
          { name: "docs", required: true },
        ],
      },
      body: { checks: [{ name: "docs", command: ["true"], required: true }] },
    });
    expect(story.now.context).toMatchObject({ completedSeq: 3, owner: { agent: "worker-1" } });
  });

  it("is refused with more checks than a task can have, because nobody could read or answer them", () => {
    const many = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index}` }));
    const story = stories.running({ checks: many("a", 20) });

    expect(codeOf(story.try("tasks.complete", { checks: many("b", limits.checks - 19) }))).toBe("INPUT_INVALID");
    expect(story.try("tasks.complete", { checks: many("b", limits.checks - 20) }).kind).toBe("accepted");
  });

  it("is CHILDREN_OPEN while what it delegated has not ended, and names it", () => {
    const story = stories.running();
    story.do("tasks.delegate", { to: "any", packet });
    const { childId, delegationId } = story.now.context.childrenOpen[0]!;

    expect(story.try("tasks.complete", {})).toMatchObject({
      failure: { code: "CHILDREN_OPEN", facts: { open: [childId] } },
    });
    const ended: Command = {
      name: "delegation.return",
      taskId: taskId(),
      childId,
      delegationId,
      return: { outcome: "failed", summary: "", checks: [], files: [], artifacts: [], evidence: [] },
    };
    story.take(story.decide(ended));

    expect(story.try("tasks.complete", {}).kind).toBe("accepted");
    expect(story.decide(ended)).toEqual({ kind: "over" });
  });
});

describe("tasks.verify", () => {
  const checks = [{ name: "tests" }, { name: "lint", required: false }];

  it("succeeds, verified, when all required checks passed, even if an optional one failed", () => {
    const story = stories.verifying({ checks });

    const event = story.do("tasks.verify", { results: [result("lint", false), result("tests")] });

    expect(event).toMatchObject({ type: "checks.passed", body: { results: [{ name: "lint" }, { name: "tests" }] } });
    expect(story.now.context.outcome).toMatchObject({ verified: true });
  });

  it("goes back to running under the same claim when a required check failed, and names it", () => {
    const story = stories.verifying({ checks });

    const event = story.do("tasks.verify", {
      results: [result("lint"), { ...result("tests", false), output: "1 failed", exitCode: 1 }],
    });

    expect(event).toMatchObject({ type: "checks.failed", facts: { failed: ["tests"] } });
    expect(story.now.value).toEqual({ running: "working" });
    expect(story.now.context).toMatchObject({ epoch: 1, verifying: [], completedSeq: null, records: 1 });
  });

  it("is CHECKS_UNKNOWN unless each check is answered once and no other is", () => {
    const wrong = [
      [result("tests")],
      [result("tests"), result("lint"), result("docs")],
      [result("tests"), result("tests")],
      [result("tests"), result("Lint")],
    ];

    for (const results of wrong) {
      expect(stories.verifying({ checks }).try("tasks.verify", { results })).toMatchObject({
        failure: { code: "CHECKS_UNKNOWN", facts: { expected: ["lint", "tests"] } },
      });
    }
  });

  it("is not possible before the task was said to be complete", () => {
    expect(codeOf(stories.running().try("tasks.verify", { results: [result("tests")] }))).toBe("TASK_STATE_CONFLICT");
  });
});
