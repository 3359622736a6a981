import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../../src/contracts/limits.ts";
import type { StepReceipt } from "../../../src/contracts/step.ts";
import { codeOf, packet, type Story, stories, t0, taskId } from "../../support/tasks.ts";

const succeeded = { name: "build", ordinal: 0, tool: "npm", outcome: { kind: "succeeded" as const, output: 1 } };

function receipt(changes: Partial<StepReceipt> = {}): StepReceipt {
  const common = { name: "build", ordinal: 0, stage: 1, tool: "npm", agent: "worker-1" };
  return { ...common, status: "succeeded", seq: 3, at: t0, ...changes };
}

describe("tasks.step", () => {
  it("records a success and a failure with what they leave behind", () => {
    const story = stories.running();

    const good = story.do("tasks.step", { step: { ...succeeded, durationMs: 5, cost: 0.1, files: ["a.ts"] } });
    const bad = story.do("tasks.step", {
      step: { name: "test", ordinal: 1, outcome: { kind: "failed", error: "no", retryable: false } },
    });

    expect(good).toMatchObject({
      type: "step.succeeded",
      epoch: 1,
      facts: { name: "build", ordinal: 0, stage: 1, tool: "npm", durationMs: 5, cost: 0.1 },
      body: { output: 1, files: ["a.ts"] },
    });
    expect(bad).toMatchObject({
      type: "step.failed",
      facts: { name: "test", ordinal: 1, retryable: false },
      body: { error: "no" },
    });
    expect(story.now.context).toMatchObject({ steps: 2, records: 2 });
  });

  it("answers a recorded success from its event", () => {
    const decision = stories.running().try("tasks.step", { step: succeeded }, { step: receipt(), stepEpoch: 1 });

    expect(decision).toEqual({ kind: "already", seq: 3 });
  });

  it("records a step again that failed, whether or not it is begun first", () => {
    const step = receipt({ status: "failed", error: "no" });
    const story = stories.running();

    expect(story.try("tasks.step", { step: succeeded }, { step, stepEpoch: 1 }).kind).toBe("accepted");
    const begin = { name: "build", ordinal: 0, tool: "npm", begin: true as const };
    expect(story.try("tasks.step", { step: begin }, { step, stepEpoch: 1 }).kind).toBe("accepted");
  });

  const hash = "0123456789abcdef";
  const other = [
    { ...succeeded, tool: "make" },
    { ...succeeded, tool: undefined },
    { ...succeeded, inputHash: hash },
  ];

  it("is STEP_DIVERGED with another tool or input, where the record can be given back or its outcome is not known", () => {
    const records: Partial<StepReceipt>[] = [
      { status: "begun" },
      { status: "succeeded" },
      { status: "failed", retryable: false },
    ];

    for (const record of records) {
      for (const step of other) {
        const decision = stories.running().try("tasks.step", { step }, { step: receipt(record), stepEpoch: 1 });
        expect(decision).toMatchObject({
          failure: { code: "STEP_DIVERGED", facts: { seq: 3, status: record.status } },
        });
      }
    }
  });

  it("may have another tool or input where it is run again anyway", () => {
    const records: Partial<StepReceipt>[] = [
      { status: "failed", retryable: true },
      { status: "superseded", supersedes: 2, rerun: 1 },
    ];

    for (const record of records) {
      for (const step of other) {
        const decision = stories.running().try("tasks.step", { step }, { step: receipt(record), stepEpoch: 1 });
        expect(decision).toMatchObject({ event: { type: "step.succeeded" } });
      }
    }
  });

  describe("about which a question was answered", () => {
    const changed = { name: "build", ordinal: 0, tool: "npm", inputHash: hash };

    /** Code with the input `inputHash` asked about the record at 3, and the answer came. */
    function answered(answer: unknown, inputHash = hash): Story {
      const story = stories.running();
      const concerns = { of: "step" as const, seq: 3, tool: "npm", inputHash, differs: [], waitsForCode: true };
      story.do("tasks.pause", { question: "What now?", concerns });
      story.do("tasks.answer", { answer });
      story.do("tasks.claim", {});
      return story;
    }

    it("is set aside by `rerun` once, and its record is found again as set aside", () => {
      const story = answered("rerun");
      const step = { ...changed, supersedes: 3 };

      const event = story.do("tasks.step", { step }, { step: receipt(), stepEpoch: 1 });
      const aside = receipt({ status: "superseded", seq: 6, supersedes: 3, rerun: 1 });
      const again = story.try("tasks.step", { step }, { step: aside, stepEpoch: 2 });
      const report = { ...changed, outcome: { kind: "succeeded" as const, output: 2 } };
      const recorded = story.do("tasks.step", { step: report }, { step: aside, stepEpoch: 2 });

      expect(event).toMatchObject({ type: "step.superseded", facts: { supersedes: 3, rerun: 1, inputHash: hash } });
      expect(again).toEqual({ kind: "already", seq: 6 });
      expect(recorded).toMatchObject({ type: "step.succeeded", facts: { rerun: 1 } });
    });

    it.each([
      ["with another word", "keep", hash, {}],
      ["for code with another input", "rerun", "fedcba9876543210", {}],
      ["about another record", "rerun", hash, { seq: 4 }],
    ] as const)("is not set aside when that was %s", (_, answer, inputHash, record) => {
      const step = { ...changed, supersedes: 3 };

      const decision = answered(answer, inputHash).try("tasks.step", { step }, { step: receipt(record), stepEpoch: 1 });

      expect(codeOf(decision)).toBe("STEP_DIVERGED");
    });

    it("may be recorded with the input that the question showed, when it had begun", () => {
      const report = { ...changed, outcome: { kind: "succeeded" as const } };
      const begun = { step: receipt({ status: "begun" as const }), stepEpoch: 1 };

      expect(answered("done").try("tasks.step", { step: report }, begun).kind).toBe("accepted");
      expect(codeOf(answered("done", "fedcba9876543210").try("tasks.step", { step: report }, begun))).toBe(
        "STEP_DIVERGED",
      );
    });
  });

  it("begins a step once: again under the same claim it is the same event, under another its outcome is unknown", () => {
    const step = { name: "deploy", ordinal: 0, begin: true as const, input: { to: "prod" } };
    const story = stories.running();
    expect(story.do("tasks.step", { step })).toMatchObject({ type: "step.begun", body: { input: { to: "prod" } } });
    const begun = receipt({ name: "deploy", tool: undefined, status: "begun" });

    expect(story.try("tasks.step", { step }, { step: begun, stepEpoch: 1 })).toEqual({ kind: "already", seq: 3 });
    story.do("tasks.release", {});
    story.do("tasks.claim", {});
    const late = story.try("tasks.step", { step }, { step: begun, stepEpoch: 1 });

    expect(late).toMatchObject({ failure: { code: "STEP_OUTCOME_UNKNOWN", facts: { seq: 3 } } });
  });

  it("does not trust the clock to tell whose begun step it is: the same agent claimed again at the same moment", () => {
    const story = stories.running();
    const step = { name: "deploy", ordinal: 0, begin: true as const };
    story.do("tasks.step", { step });
    story.do("tasks.release", {});
    story.at = t0 - 60_000; // the wall clock went back
    story.do("tasks.claim", {}, { at: t0 });

    const begun = receipt({ name: "deploy", tool: undefined, status: "begun" });
    const again = story.try("tasks.step", { step }, { step: begun, stepEpoch: 1 });

    expect(codeOf(again)).toBe("STEP_OUTCOME_UNKNOWN");
  });

  it("lets the outcome of a begun step be recorded under another claim", () => {
    const begun = receipt({ status: "begun" });

    const decision = stories.running().try("tasks.step", { step: succeeded }, { step: begun, stepEpoch: 0 });

    expect(decision).toMatchObject({ event: { type: "step.succeeded" } });
  });
});

describe("tasks.fail", () => {
  const retry = { attemptsMax: 3, backoffMs: 100, backoffMaxMs: 1_000 };

  it("is tried again while attempts are left, then given up", () => {
    const story = stories.running({ retry });
    const states: unknown[] = [];

    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const event = story.do("tasks.fail", { error: `try ${attempt}`, data: { attempt } });
      states.push([story.now.value, story.now.context.attempt, event.facts]);
      story.at = t0 + 10_000 * attempt;
      if (story.now.value === "start") story.do("tasks.claim", {});
    }

    expect(states).toMatchObject([
      ["start", 2, { next: "start", attempt: 2 }],
      ["start", 3, { next: "start", attempt: 3 }],
      ["failed", 3, { next: "failed", attempt: 3 }],
    ]);
  });

  it("is given up at once when it is not retryable, and from verifying too", () => {
    for (const story of [stories.running(), stories.verifying()]) {
      story.do("tasks.fail", { error: "e", retryable: false });
      expect(story.now.value).toBe("failed");
      expect(story.now.context.outcome).toMatchObject({ verified: false });
    }
  });

  it("waits between half and all of an exponential backoff with a ceiling", () => {
    const policy = fc.record({
      attemptsMax: fc.integer({ min: 2, max: limits.attempts }),
      backoffMs: fc.integer({ min: 0, max: limits.waitMs }),
      backoffMaxMs: fc.integer({ min: 0, max: limits.waitMs }),
    });
    const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

    fc.assert(
      fc.property(policy, jitter, fc.nat({ max: 60 }), (given, drawn, failures) => {
        const story = stories.start({ retry: given });
        const attempt = Math.min(failures + 1, given.attemptsMax - 1);
        story.snapshot = { ...story.now, context: { ...story.now.context, attempt } } as typeof story.snapshot & object;
        story.do("tasks.claim", {});
        const { facts } = story.do("tasks.fail", { error: "e" }, { jitter: drawn });

        const full = Math.min(given.backoffMaxMs, given.backoffMs * 2 ** Math.min(attempt - 1, 30));
        const waitMs = (facts as { claimableAt: number }).claimableAt - t0;
        expect(Number.isSafeInteger(waitMs)).toBe(true);
        expect(waitMs).toBeGreaterThanOrEqual(Math.floor(full / 2));
        expect(waitMs).toBeLessThanOrEqual(Math.ceil(full));
        expect(waitMs).toBeLessThanOrEqual(given.backoffMaxMs);
      }),
      { numRuns: 200 },
    );
  });
});

describe("lease.expire", () => {
  const expire = (story: Story, epoch = story.epoch) =>
    story.decide({ name: "lease.expire", taskId: taskId(), epoch }, { by: "runtime" });

  it("costs an attempt and waits when the run recorded nothing, and ends the task at the last (I10)", () => {
    const story = stories.running({ retry: { attemptsMax: 2, backoffMs: 100, backoffMaxMs: 100 } });

    expect(story.take(expire(story)).facts).toMatchObject({ next: "start", attempt: 2, claimableAt: t0 + 75 });
    story.at = t0 + 100;
    story.do("tasks.claim", {});
    expect(story.take(expire(story)).facts).toMatchObject({ next: "failed", attempt: 2 });
    expect(story.now.value).toBe("failed");
  });

  it("costs nothing and waits for nothing when the run recorded a new success", () => {
    const succeed: ((story: Story) => void)[] = [
      (s) => s.do("tasks.step", { step: succeeded }),
      (s) => s.do("tasks.delegate", { to: "any", packet }),
    ];

    for (const act of succeed) {
      const story = stories.running({ retry: { attemptsMax: 1 } });
      act(story);
      expect(story.take(expire(story)).facts).toEqual({ next: "start", attempt: 1, claimableAt: t0, unseen: false });
    }
  });

  it("costs an attempt when all that the run recorded is no success", () => {
    const failed = { kind: "failed", error: "e" } as const;
    const leave: ((story: Story) => void)[] = [
      (s) => s.do("tasks.step", { step: { name: "x", ordinal: 0, begin: true } }),
      (s) => s.do("tasks.step", { step: { name: "x", ordinal: 0, outcome: failed } }),
      (s) => {
        s.do("tasks.complete", { checks: [{ name: "c" }] });
        s.do("tasks.verify", { results: [{ name: "c", passed: false }] });
      },
    ];

    for (const act of leave) {
      const story = stories.running({ retry: { attemptsMax: 2 } });
      act(story);
      expect(story.take(expire(story)).facts).toMatchObject({ next: "start", attempt: 2 });
    }
  });

  it("ends the task at lossesMax, though each run recorded a new success (I10)", () => {
    const story = stories.running({ retry: { attemptsMax: 9, lossesMax: 3 } });

    for (const ordinal of [0, 1]) {
      story.do("tasks.step", { step: { ...succeeded, ordinal } });
      expect(story.take(expire(story)).facts).toMatchObject({ next: "start", attempt: 1 });
      story.do("tasks.claim", {});
    }
    story.do("tasks.step", { step: { ...succeeded, ordinal: 2 } });

    expect(story.take(expire(story)).facts).toMatchObject({ next: "failed", attempt: 1, code: "LOSSES_OVER" });
  });

  it("counts the losses of each stage by themselves", () => {
    const story = stories.running({ retry: { attemptsMax: 9, lossesMax: 2, backoffMs: 0, backoffMaxMs: 0 } });
    story.take(expire(story));
    story.do("tasks.claim", {});
    story.do("handoff.offer", { to: "any", packet });
    story.do("tasks.claim", {}, { by: "worker-2" });

    expect(story.take(expire(story)).facts).toMatchObject({ next: "start" });
    expect(story.now.context.losses).toBe(1);
  });

  it("costs nothing a few times when the claimant never showed that it lives, and an attempt from then on", () => {
    const story = stories.running({ retry: { attemptsMax: 2, backoffMs: 0, backoffMaxMs: 0 } });
    const attempts: unknown[] = [];

    while (story.now.value !== "failed") {
      if (story.now.value === "start") story.do("tasks.claim", {});
      const { epoch } = story;
      const lost = story.decide({ name: "lease.expire", taskId: taskId(), epoch, isShort: true }, { by: "runtime" });
      attempts.push(story.take(lost).facts);
    }

    expect(attempts).toMatchObject([
      ...[1, 1, 1, 1].map((attempt) => ({ next: "start", attempt, claimableAt: t0, unseen: true })),
      { next: "start", attempt: 2 },
      { next: "failed", attempt: 2, code: "WORKERS_LOST" },
    ]);
  });

  it("is over when the claim is, or another has come", () => {
    for (const state of ["start", "paused", "handoff", "succeeded", "failed", "cancelled"] as const) {
      expect(expire(stories[state]()).kind, state).toBe("over");
    }
    expect(expire(stories.running(), 2).kind).toBe("over");
    expect(expire(stories.running(), 0).kind).toBe("over");
  });

  it("takes a verifying task back to start", () => {
    const story = stories.verifying();

    story.take(expire(story));

    expect(story.now.value).toBe("start");
  });
});

describe("claim.revive", () => {
  const revive = (story: Story, asked: { epoch?: number; by?: string } = {}) =>
    story.decide(
      { name: "claim.revive", taskId: taskId(), epoch: asked.epoch ?? story.epoch },
      { by: asked.by ?? "worker-1" },
    );
  const lapse = (story: Story): Story => {
    story.take(story.decide({ name: "lease.expire", taskId: taskId(), epoch: story.epoch }, { by: "runtime" }));
    return story;
  };

  it("gives the owner the claim back under the same epoch, and takes the loss back (I3, I4)", () => {
    const story = lapse(stories.running({ retry: { attemptsMax: 2 } }));

    const event = story.take(revive(story));

    expect(event).toMatchObject({ type: "claim.revived", epoch: 1, facts: { agent: "worker-1", next: "running" } });
    expect(story.now.value).toEqual({ running: "working" });
    expect(story.now.context).toMatchObject({ attempt: 1, losses: 0, owner: { agent: "worker-1" }, epoch: 1 });
    expect(story.do("tasks.step", { step: succeeded }).type).toBe("step.succeeded");
  });

  it("goes on with the checks of a claim that was verifying", () => {
    const story = stories.verifying();
    const before = story.now.context;

    story.take(revive(lapse(story)));

    expect(story.now.value).toBe("verifying");
    expect(story.now.context).toMatchObject({ verifying: before.verifying, completedSeq: before.completedSeq });
  });

  it("is over when another claim was made, the task has ended, or the agent or the epoch is another", () => {
    const taken = lapse(stories.running({ retry: { backoffMs: 0, backoffMaxMs: 0 } }));
    taken.do("tasks.claim", {}, { by: "worker-2" });
    const ended = lapse(stories.running({ retry: { attemptsMax: 1 } }));
    const released = stories.running();
    released.do("tasks.release", {});

    expect(revive(taken, { epoch: 1 }).kind).toBe("over");
    expect(revive(ended).kind).toBe("over");
    expect(revive(released).kind).toBe("over");
    expect(revive(lapse(stories.running()), { by: "worker-2" }).kind).toBe("over");
    expect(revive(lapse(stories.running()), { epoch: 2 }).kind).toBe("over");
  });
});

describe("tasks.release", () => {
  it("makes the task claimable at once, in the same attempt", () => {
    for (const story of [stories.running(), stories.verifying()]) {
      story.at = t0 + 5;
      expect(story.do("tasks.release", { reason: "Draining" }).body).toEqual({ reason: "Draining" });
      expect(story.now.context).toMatchObject({
        claimableAt: { at: t0 + 5, clock: "steady" },
        attempt: 1,
        lastAgent: "worker-1",
        owner: null,
      });
    }
  });

  it("offers the task later each time when it is given back again and again without a new success (I10)", () => {
    const story = stories.running({ retry: { backoffMs: 100, backoffMaxMs: 300 } });
    const waits: number[] = [];

    for (let round = 0; round < 6; round += 1) {
      story.do("tasks.release", {});
      waits.push(story.now.context.claimableAt.at - story.at);
      story.at = story.now.context.claimableAt.at;
      story.do("tasks.claim", {});
    }
    story.do("tasks.step", { step: succeeded });
    story.do("tasks.release", {});
    waits.push(story.now.context.claimableAt.at - story.at);

    expect(waits).toEqual([0, 0, 0, 75, 150, 300, 0]);
  });
});

describe("tasks.cancel", () => {
  it("ends an unfinished task, and answers a second time from the first", () => {
    const story = stories.running();
    const event = story.do("tasks.cancel", { reason: "Not needed" }, { by: "boss" });

    expect(event).toMatchObject({ type: "task.cancelled", body: { reason: "Not needed" } });
    expect(story.try("tasks.cancel", {}, { by: "other" })).toEqual({ kind: "already", seq: 3 });
  });

  it("does not undo another end", () => {
    for (const state of ["succeeded", "replaying", "replayed", "promoted", "failed"] as const) {
      expect(codeOf(stories[state]().try("tasks.cancel", {})), state).toBe("TASK_STATE_CONFLICT");
    }
  });
});
