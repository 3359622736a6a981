import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Command, CommandOf, TaskSnapshot } from "../../../machines/index.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { operations } from "../../../src/contracts/operations/index.ts";
import { codeOf, packet, packetId, Story, stories, t0, taskId, toHeader } from "../../support/tasks.ts";

describe("handoff.offer", () => {
  it("ends the claim and carries the packet character for character, with who, when and where from", () => {
    const story = stories.running({ deadlineAt: t0 + 9_000 });
    const brief = `  Zeile\r\n\t"äöü" 😀 \u0000 ${"x".repeat(1_000_000)}  `;

    const event = story.do("handoff.offer", {
      to: { role: "review" },
      packet: { ...packet, brief },
      expiresAt: t0 + 500,
    });

    expect(event).toMatchObject({
      facts: { packetId: packetId(3), to: { role: "review" }, expiresAt: t0 + 500 },
      body: {
        packet: {
          brief,
          id: packetId(3),
          taskId: taskId(),
          kind: "handoff",
          from: { agent: "worker-1" },
          to: { role: "review" },
          stage: 1,
          offeredAt: t0,
          expiresAt: t0 + 500,
          deadlineAt: t0 + 9_000,
        },
      },
    });
    expect(story.now.context).toMatchObject({ owner: null, handoffs: 1, handoff: { seq: 3, packetId: packetId(3) } });
  });

  it("names the packet that its offerer worked from", () => {
    const story = stories.handoff();
    const first = story.now.context.handoff?.packetId;
    story.do("tasks.claim", { roles: ["review"] }, { by: "worker-2" });

    const event = story.do("handoff.offer", { to: "any", packet }, { by: "worker-2" });

    expect(event.body).toMatchObject({ packet: { parentPacketId: first, stage: 2, from: { agent: "worker-2" } } });
  });

  it("is HANDOFF_LIMIT after 32 of them", () => {
    const story = stories.running();
    for (let count = 0; count < limits.handoffsPerTask; count += 1) {
      story.do("handoff.offer", { to: "any", packet });
      story.do("tasks.claim", {});
    }

    expect(codeOf(story.try("handoff.offer", { to: "any", packet }))).toBe("HANDOFF_LIMIT");
    expect(story.try("tasks.complete", {}).kind).toBe("accepted");
  });
});

describe("handoff.store", () => {
  it("makes a task that begins with a packet, whose first claim takes it by either verb", () => {
    const asked = () => {
      const story = new Story();
      const event = story.do("handoff.store", {
        packet: { ...packet, checks: [{ name: "lint" }] },
        to: { role: "review" },
      });
      expect(event).toMatchObject({ type: "task.created", facts: { packetId: packetId(1), to: { role: "review" } } });
      return story;
    };
    const byPacket = asked();
    const byTask = asked();

    byPacket.do("handoff.claim", { packetId: packetId(1), roles: ["review"] }, { by: "worker-2" });
    byTask.do("tasks.claim", { roles: ["review"] }, { by: "worker-2" });

    expect(byPacket.now.context).toEqual(byTask.now.context);
    expect(byTask.now.context).toMatchObject({ epoch: 1, stage: 1, packetId: packetId(1), packetSeq: 1 });
    expect(byTask.now.context.checks).toEqual([{ name: "lint", required: true }]);
    expect(codeOf(asked().try("handoff.claim", { packetId: packetId(9), roles: ["review"] }))).toBe(
      "TASK_STATE_CONFLICT",
    );
  });

  it("holds no more checks than a task can have, because nobody could fold it", () => {
    const checks = Array.from({ length: limits.checks + 1 }, (_, index) => ({ name: `c${index}` }));
    const stored = (count: number) =>
      operations["handoff.store"].input.safeParse({ packet: { ...packet, checks: checks.slice(0, count) } }).success;

    expect([stored(limits.checks), stored(limits.checks + 1)]).toEqual([true, false]);
  });
});

describe("handoff.return", () => {
  const taken = (): Story => {
    const story = stories.handoff();
    story.do("tasks.claim", { roles: ["review"] }, { by: "worker-2" });
    return story;
  };

  it("completed ends the task as its completion would", () => {
    const story = taken();

    const event = story.do("handoff.return", { return: { outcome: "completed", summary: "Fine" } }, { by: "worker-2" });

    expect(event).toMatchObject({
      type: "task.completed",
      body: { return: { outcome: "completed", summary: "Fine" } },
    });
  });

  it("of unfinished work makes the task claimable, its sender first, in the same attempt", () => {
    for (const outcome of ["blocked", "failed", "partial"] as const) {
      const story = taken();

      const event = story.do("handoff.return", { return: { outcome, summary: "No access" } }, { by: "worker-2" });

      expect(event).toMatchObject({ type: "handoff.returned", facts: { outcome, preferred: { agent: "worker-1" } } });
      expect(story.now.value).toBe("start");
      expect(story.now.context).toMatchObject({ attempt: 1, returnedSeq: 5, owner: null });
    }
  });

  it("is PACKET_NOT_FOUND for a task that was not handed over", () => {
    const decision = stories.running().try("handoff.return", { return: { outcome: "blocked" } });

    expect(codeOf(decision)).toBe("PACKET_NOT_FOUND");
  });
});

describe("tasks.delegate", () => {
  it("makes a child in the same commit, with its packet, deadline and budget (I5)", () => {
    const story = stories.running({ deadlineAt: t0 + 9_000, budget: { count: 5, depth: 2 } });

    const decision = story.try("tasks.delegate", {
      to: { role: "docs" },
      packet: { ...packet, checks: [{ name: "links" }] },
      kind: "docs",
      deadlineAt: t0 + 99_000,
      budget: { count: 2, depth: 1 },
    });

    expect(decision).toMatchObject({
      event: { type: "delegation.sent", facts: { budget: { count: 2, depth: 2 } } },
      also: [{ name: "delegation.start", parent: { taskId: taskId(), rootId: taskId(), depth: 0 } }],
    });
    const child = childOf(decision);
    expect(child.now.context).toMatchObject({
      kind: "docs",
      parentId: taskId(),
      rootId: taskId(),
      depth: 1,
      to: { role: "docs" },
      deadlineAt: { at: t0 + 9_000, clock: "wall" }, // the parent's is earlier
      budget: { count: 2, depth: 1 },
      checks: [{ name: "links", required: true }],
      packetSeq: 1,
    });
  });

  it("inherits the deadline of its parent, or has an earlier one of its own", () => {
    const cases = [
      [t0 + 10, undefined, t0 + 10],
      [undefined, t0 + 20, t0 + 20],
      [t0 + 30, t0 + 20, t0 + 20],
      [t0 + 10, t0 + 20, t0 + 10],
      [undefined, undefined, null],
    ] as const;

    for (const [parents, asked, expected] of cases) {
      const story = stories.running(parents === undefined ? {} : { deadlineAt: parents });
      const own = asked === undefined ? {} : { deadlineAt: asked };
      const child = childOf(story.try("tasks.delegate", { to: "any", packet, ...own }));
      expect(child.now.context.deadlineAt).toEqual(expected === null ? null : { at: expected, clock: "wall" });
    }
  });

  it("is DELEGATION_REFUSED over the budget of levels or of delegations, with what is left", () => {
    const cases = [
      { budget: { count: 5, depth: 0 }, asked: { count: 0, depth: 0 }, taken: false },
      { budget: { count: 0, depth: 1 }, asked: { count: 0, depth: 0 }, taken: false },
      { budget: { count: 1, depth: 1 }, asked: { count: 0, depth: 0 }, taken: true },
      { budget: { count: 1, depth: 2 }, asked: { count: 1, depth: 1 }, taken: false },
      { budget: { count: 5, depth: 2 }, asked: { count: 0, depth: 2 }, taken: false },
      { budget: { count: 5, depth: 2 }, asked: { count: 4, depth: 1 }, taken: true },
    ];

    for (const { budget, asked, taken } of cases) {
      const decision = stories.running({ budget }).try("tasks.delegate", { to: "any", packet, budget: asked });
      expect(decision.kind, JSON.stringify({ budget, asked })).toBe(taken ? "accepted" : "refused");
      if (!taken) expect(decision).toMatchObject({ failure: { code: "DELEGATION_REFUSED", facts: { budget } } });
    }
  });

  it("is DELEGATION_REFUSED while 64 children are open", () => {
    const story = stories.running();
    for (let count = 0; count < limits.childrenOpen; count += 1) story.do("tasks.delegate", { to: "any", packet });

    expect(codeOf(story.try("tasks.delegate", { to: "any", packet }))).toBe("DELEGATION_REFUSED");
  });
});

describe("the end of a child", () => {
  const ends: [string, (child: Story) => ReturnType<Story["decide"]>, string, string][] = [
    ["complete", (s) => s.try("tasks.complete", { return: { summary: "Done" } }), "completed", "Done"],
    ["fail", (s) => s.try("tasks.fail", { error: "Broken", retryable: false }), "failed", "Broken"],
    ["cancel", (s) => s.try("tasks.cancel", { reason: "Enough" }), "failed", "Cancelled: Enough"],
    [
      "deadline",
      (s) =>
        s.decide({ name: "timer.fire", taskId: taskId(), kind: "deadline", entry: 1 }, { at: t0 + 100, by: "runtime" }),
      "failed",
      "Its deadline passed while worker-1 worked on it.",
    ],
    [
      "lease.expire",
      (s) => s.decide({ name: "lease.expire", taskId: taskId(), epoch: 1 }, { by: "runtime" }),
      "failed",
      "Its workers were lost in attempt 1 of 1 without a new success; the last was worker-1, whose lease ran out without a heartbeat.",
    ],
  ];

  for (const [name, end, outcome, summary] of ends) {
    it(`is told to its parent in the same commit: ${name}`, () => {
      const child = delegated({ retry: { attemptsMax: 1 }, deadlineAt: t0 + 100 });
      child.do("tasks.claim", {});

      expect(end(child)).toMatchObject({
        also: [{ name: "delegation.return", childId: child.now.context.id, return: { outcome, summary } }],
      });
    });
  }

  it("is told with the completion and the results when it was verified", () => {
    const child = delegated({}, [{ name: "links" }]);
    child.do("tasks.claim", {});
    child.do("tasks.complete", { return: { summary: "Done" } });
    const completion = { ...(child.bodies.at(-1) as { return: object }).return } as never;

    const decision = child.try("tasks.verify", { results: [{ name: "links", passed: true }] }, { completion });

    expect(decision).toMatchObject({
      also: [{ return: { outcome: "completed", summary: "Done", checks: [{ name: "links", passed: true }] } }],
    });
  });

  it("is not told while the child can go on", () => {
    const child = delegated({ retry: { attemptsMax: 2 } }, [{ name: "links" }]);
    child.do("tasks.claim", {});

    expect(child.try("tasks.complete", {})).not.toHaveProperty("also");
    expect(child.try("tasks.fail", { error: "e" })).not.toHaveProperty("also");
    expect(child.try("tasks.release", {})).not.toHaveProperty("also");
  });
});

describe("delegation budgets (I5)", () => {
  it("never add up to more than the root's, in whatever tree, and no branch is deeper", () => {
    const ask = fc.record({
      parent: fc.nat(),
      count: fc.integer({ min: 0, max: 6 }),
      depth: fc.integer({ min: 0, max: 4 }),
    });
    const root = fc.record({ count: fc.integer({ min: 0, max: 12 }), depth: fc.integer({ min: 0, max: 4 }) });

    fc.assert(
      fc.property(root, fc.array(ask, { maxLength: 40 }), (budget, asks) => {
        const tree: Story[] = [stories.running({ budget })];
        for (const { parent, ...asked } of asks) {
          const from = tree[parent % tree.length]!;
          const decision = from.try("tasks.delegate", { to: "any", packet, budget: asked });
          if (decision.kind !== "accepted") continue;
          const before = from.now.context.budget;
          from.take(decision);
          const child = childOf(decision);
          child.do("tasks.claim", {});
          tree.push(child);
          const after = from.now.context.budget;
          expect(after.count + 1 + child.now.context.budget.count).toBe(before.count);
          expect(child.now.context.budget.depth).toBeLessThan(before.depth);
        }
        expect(tree.length - 1).toBeLessThanOrEqual(budget.count);
        for (const { now } of tree) expect(now.context.depth).toBeLessThanOrEqual(budget.depth);
      }),
      { numRuns: 150 },
    );
  });
});

/** The child that an accepted delegation makes, as a story of its own. */
function childOf(decision: ReturnType<Story["decide"]>): Story {
  if (decision.kind !== "accepted") throw new Error("not accepted");
  const start = decision.also?.find((command: Command): command is CommandOf<"delegation.start"> => {
    return command.name === "delegation.start";
  });
  if (start === undefined) throw new Error("no child");
  const child = new Story();
  const created = child.decide(start);
  if (created.kind !== "accepted") throw new Error("not created");
  child.fold(created.event, "runtime");
  const header = toHeader(created.event, { seq: 1, at: t0, by: "runtime", taskId: start.taskId });
  expect(header.facts).toMatchObject({ parentId: start.parent.taskId });
  child.snapshot = { ...child.now, context: { ...child.now.context, id: start.taskId } } as TaskSnapshot;
  return child;
}

function delegated(options: object, checks: { name: string }[] = []): Story {
  return childOf(stories.running().try("tasks.delegate", { to: "any", packet: { ...packet, checks }, ...options }));
}
