import { describe, expect, it } from "vitest";
import { type Command, type Decision, decide } from "../../../machines/index.ts";
import type { ReplayOutcome } from "../../../src/contracts/playbook.ts";
import { playbookContent, toReplay } from "../../support/playbooks.ts";
import { codeOf, Story, stories, taskId, toCommand } from "../../support/tasks.ts";

/** A draft: compiled, nothing shown. */
function draft(given: { isPartial?: boolean } = {}): Story {
  const story = new Story();
  const compiled = { content: playbookContent, isPartial: given.isPartial ?? false };
  const command: Command = { ...toCommand("playbooks.compile", { runs: [taskId(5)] }), compiled };
  const decision = story.decide(command);
  story.take(decision);
  for (const each of alsoOf(decision)) story.take(story.decide(each));
  return story;
}

/** What a replay came to, as its task tells the playbook. */
function end(
  story: Story,
  mode: "simulate" | "strict" | "guided",
  outcome: ReplayOutcome,
  more: { isVerified?: boolean; version?: number } = {},
): Decision {
  const order = { playbookId: taskId(), version: more.version ?? 1, mode };
  const isVerified = more.isVerified ?? outcome === "passed";
  const decision = story.decide({
    name: "replay.ended",
    taskId: taskId(),
    replayId: taskId(9),
    order,
    outcome,
    isVerified,
  });
  story.take(decision, "worker-1");
  return decision;
}

function shadow(): Story {
  const story = draft();
  end(story, "simulate", "passed");
  return story;
}

function promote(story: Story, more: { approver?: string } = {}): Decision {
  return story.try("playbooks.promote", { id: taskId(), to: "active", reason: "It works", ...more });
}

function stateOf(story: Story): unknown {
  return story.now.context.playbook?.value;
}

function alsoOf(decision: Decision): Command[] {
  return decision.kind === "accepted" ? (decision.also ?? []) : [];
}

describe("a playbook's way up", () => {
  it("goes by a dry run to shadow and by a verified strict replay to active", () => {
    const story = draft();
    expect(stateOf(story)).toBe("draft");
    expect(promote(story)).toMatchObject({
      failure: {
        code: "EVIDENCE_MISSING",
        facts: { missing: [/dry run/, /strict/].map((part) => expect.stringMatching(part)) },
      },
    });

    end(story, "simulate", "passed");
    expect(stateOf(story)).toBe("shadow");
    expect(codeOf(promote(story))).toBe("EVIDENCE_MISSING");

    end(story, "strict", "passed");
    expect(stateOf(story)).toBe("shadow");
    const promoted = promote(story);
    story.take(promoted);
    expect(stateOf(story)).toBe("active");
    expect(promoted).toMatchObject({ event: { facts: { to: "active", evidence: [3, 4] } } });
    expect(alsoOf(promoted)).toMatchObject([{ name: "replay.told", taskId: taskId(5), told: { fact: "promoted" } }]);
  });

  it("needs a replay that the runtime saw pass: said, guided or helped ones are no evidence (P1, I12)", () => {
    for (const [mode, outcome, isVerified] of [
      ["strict", "passed", false],
      ["guided", "passed", true],
      ["strict", "aborted", false],
    ] as const) {
      const story = shadow();
      end(story, mode, outcome, { isVerified });
      expect([stateOf(story), codeOf(promote(story))], `${mode} ${outcome}`).toEqual(["shadow", "EVIDENCE_MISSING"]);
    }
  });

  it("can be vouched for by an approver, who is recorded, but not without a dry run", () => {
    expect(codeOf(promote(draft(), { approver: "ada" }))).toBe("EVIDENCE_MISSING");

    const story = shadow();
    story.take(promote(story, { approver: "ada" }));
    expect([stateOf(story), story.now.context.playbook?.context.approver]).toEqual(["active", "ada"]);
  });

  it("is closed to what was compiled from a run that did not succeed, whoever vouches for it (P1)", () => {
    const story = draft({ isPartial: true });
    end(story, "simulate", "passed");
    end(story, "strict", "passed");

    expect(promote(story, { approver: "ada" })).toMatchObject({
      failure: { facts: { missing: [expect.stringMatching(/did not succeed/)] } },
    });
    story.do("playbooks.repair", { id: taskId(), patch: {}, reason: "r" });
    expect(codeOf(story.try("playbooks.repairReview", { id: taskId(), act: "approve", reason: "r" }))).toBe(
      "EVIDENCE_MISSING",
    );
  });

  it("is no way for a forged journal: the machine takes no activation without its evidence (P1)", () => {
    const story = shadow();
    const before = story.now;

    story.fold({
      type: "playbook.moved",
      epoch: 0,
      facts: { to: "active", version: 3, evidence: [] },
      body: { reason: "r" },
    });

    expect(story.now.context).toEqual(before.context);
  });
});

describe("a playbook's way down", () => {
  it("is contested by a failed check, from wherever it stands, and what was shown before is void (P2)", () => {
    for (const story of [shadow(), active()]) {
      end(story, "strict", "failed", { isVerified: false });

      expect(stateOf(story)).toBe("contested");
      expect(codeOf(promote(story))).toBe("EVIDENCE_MISSING");
    }
  });

  it("comes back when it is shown anew", () => {
    const story = active();
    end(story, "guided", "failed");
    end(story, "strict", "passed");
    story.take(promote(story));

    expect(stateOf(story)).toBe("active");
  });

  it("is not contested by a replay that could not be run, or by a dry run", () => {
    const story = active();
    end(story, "strict", "aborted");
    end(story, "simulate", "failed");

    expect(stateOf(story)).toBe("active");
  });

  it("is ended by disable, runs no more, and comes back as a shadow", () => {
    const story = active();
    story.do("playbooks.disable", { id: taskId(), reason: "The API is gone" });

    expect(stateOf(story)).toBe("disabled");
    expect(codeOf(story.try("playbooks.run", { id: taskId(), mode: "strict" }))).toBe("PLAYBOOK_BLOCKED");
    expect(codeOf(story.try("playbooks.disable", { id: taskId(), reason: "r" }))).toBe("PLAYBOOK_STATE_CONFLICT");
    expect(codeOf(promote(story, { approver: "ada" }))).toBe("EVIDENCE_MISSING");
    story.do("playbooks.promote", { id: taskId(), to: "shadow", reason: "It is back" });
    expect(stateOf(story)).toBe("shadow");
  });

  it("can be rejected before it is active, and not after", () => {
    const story = shadow();
    story.do("playbooks.reject", { id: taskId(), reason: "Too broad" });

    expect(stateOf(story)).toBe("disabled");
    expect(codeOf(active().try("playbooks.reject", { id: taskId(), reason: "r" }))).toBe("PLAYBOOK_STATE_CONFLICT");
  });
});

describe("a repair", () => {
  function proposed(): Story {
    const story = active();
    end(story, "strict", "failed", { isVerified: false });
    story.do("playbooks.repair", { id: taskId(), patch: {}, reason: "The file has moved" });
    return story;
  }
  const review = { id: taskId(), act: "approve", reason: "Looks right" } as const;

  it("names the replay that it is for", () => {
    const story = proposed();

    expect(story.headers.findLast(({ type }) => type === "playbook.repaired")?.facts).toMatchObject({
      evidence: [story.headers.findLast(({ type }) => type === "playbook.turned")?.seq],
    });
  });

  it("changes nothing until it was reviewed, and is what the playbook does then", () => {
    const story = proposed();
    const { version } = story.now.context.playbook?.context.proposal ?? { version: 0 };
    expect([stateOf(story), story.now.context.playbook?.context.content.version]).toEqual(["contested", 1]);

    story.do("playbooks.repairReview", review);

    expect(stateOf(story)).toBe("active");
    expect(story.now.context.playbook?.context).toMatchObject({ content: { version, strict: null }, proposal: null });
  });

  it("can be asked to show itself first", () => {
    const story = proposed();
    const { version } = story.now.context.playbook?.context.proposal ?? { version: 0 };
    expect(codeOf(story.try("playbooks.repairReview", { ...review, requireReplay: true }))).toBe("EVIDENCE_MISSING");

    end(story, "simulate", "passed", { version });
    end(story, "strict", "passed", { version });
    story.do("playbooks.repairReview", { ...review, requireReplay: true });

    expect(stateOf(story)).toBe("active");
  });

  it("that is rejected is gone, and so is one that another has replaced", () => {
    const story = proposed();
    const { version } = story.now.context.playbook?.context.proposal ?? { version: 0 };
    story.do("playbooks.repair", { id: taskId(), patch: {}, reason: "Better" });

    expect(codeOf(story.try("playbooks.repairReview", { ...review, version }))).toBe("PLAYBOOK_STATE_CONFLICT");
    story.do("playbooks.repairReview", { ...review, act: "reject" });
    expect([stateOf(story), story.now.context.playbook?.context.proposal]).toEqual(["contested", null]);
    expect(codeOf(story.try("playbooks.repairReview", review))).toBe("PLAYBOOK_STATE_CONFLICT");
  });
});

describe("a replay", () => {
  it("begins in the commit that was asked for it, and its sources know", () => {
    const story = shadow();
    const decision = story.try("playbooks.run", { id: taskId(), mode: "strict" });

    expect(decision).toMatchObject({
      event: { type: "playbook.started", facts: { replayId: taskId(9), mode: "strict" } },
    });
    expect(alsoOf(decision).map(({ name, taskId: id }) => [name, id])).toEqual([
      ["replay.begin", taskId(9)],
      ["replay.told", taskId(5)],
    ]);
  });

  it("is refused where no dry run has passed, and where its steps were changed meanwhile", () => {
    const other = decide(
      shadow().now,
      { ...toCommand("playbooks.run", { id: taskId(), mode: "strict" }), replay: toReplay({ version: 7 }) },
      new Story().facts(),
    );

    expect(codeOf(draft().try("playbooks.run", { id: taskId(), mode: "guided" }))).toBe("PLAYBOOK_BLOCKED");
    expect(codeOf(other)).toBe("PLAYBOOK_BLOCKED");
  });

  for (const [said, outcome] of [
    ["passed", "passed"],
    ["assisted", "failed"],
    [undefined, "failed"],
  ] as const) {
    it(`that was completed and says ${said} tells its playbook that it ${outcome}`, () => {
      const story = replay();
      const decision = story.try("tasks.complete", { return: said === undefined ? {} : { data: { replay: said } } });

      expect(alsoOf(decision)).toMatchObject([{ name: "replay.ended", taskId: taskId(), outcome, isVerified: false }]);
    });
  }

  for (const [said, outcome] of [
    ["failed", "failed"],
    ["aborted", "aborted"],
    [undefined, "aborted"],
  ] as const) {
    it(`that failed and says ${said} tells its playbook that it ${outcome}`, () => {
      const data = said === undefined ? {} : { data: { replay: said, break: { step: "write", why: "No such file" } } };
      const decision = replay().try("tasks.fail", { error: "e", retryable: false, ...data });

      expect(alsoOf(decision)).toMatchObject([
        { outcome, ...(said === undefined ? {} : { break: { step: "write", why: "No such file" } }) },
      ]);
    });
  }

  it("that is tried again, or cancelled, says nothing against its playbook", () => {
    expect(alsoOf(replay().try("tasks.fail", { error: "e" }))).toEqual([]);
    expect(alsoOf(replay().try("tasks.cancel", {}))).toMatchObject([{ outcome: "aborted" }]);
  });

  it("tells the tasks it was learned from how far they have come, once", () => {
    const source = stories.succeeded();
    const told = (told: Extract<Command, { name: "replay.told" }>["told"]): Decision => {
      const decision = source.decide({ name: "replay.told", taskId: taskId(), told });
      if (decision.kind === "accepted") source.take(decision);
      return decision;
    };

    expect(told({ fact: "replayed", replayId: taskId(9) }).kind).toBe("over"); // it has not begun
    told({ fact: "started", replayId: taskId(9) });
    told({ fact: "failed", replayId: taskId(9), why: "w" });
    told({ fact: "started", replayId: taskId(9) });
    told({ fact: "replayed", replayId: taskId(9) });
    expect(source.now.value).toEqual({ succeeded: "replayed" });
    expect(told({ fact: "replayed", replayId: taskId(9) }).kind).toBe("over");
    told({ fact: "promoted", evidence: [3], why: "w" });
    expect(source.now.value).toEqual({ succeeded: "promoted" });
    expect(told({ fact: "started", replayId: taskId(9) }).kind).toBe("over");
  });
});

function active(): Story {
  const story = shadow();
  end(story, "strict", "passed");
  story.take(promote(story));
  return story;
}

/** A replay task that a worker holds. */
function replay(): Story {
  const story = new Story();
  story.take(story.decide({ name: "replay.begin", taskId: taskId(), replay: toReplay() }));
  story.do("tasks.claim", { roles: ["tool.file.write"] });
  return story;
}
