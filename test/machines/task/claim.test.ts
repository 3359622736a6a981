import { describe, expect, it } from "vitest";
import { codeOf, packet, packetId, stories, t0 } from "../../support/tasks.ts";

describe("tasks.claim", () => {
  it("grants the next epoch with the attempt and the stage", () => {
    const story = stories.start();

    const event = story.do("tasks.claim", { roles: ["fix", "review"] });

    expect(event).toMatchObject({
      type: "task.claimed",
      epoch: 1,
      facts: { agent: "worker-1", role: "fix", attempt: 1, stage: 1 },
    });
    expect(story.now.context).toMatchObject({ epoch: 1, owner: { agent: "worker-1", role: "fix" }, claimedAt: t0 });
  });

  it("takes what is for anyone, for its agent, or for one of its roles, and nothing else", () => {
    const cases = [
      { to: "any", roles: [], taken: true },
      { to: { agent: "worker-1" }, roles: [], taken: true },
      { to: { agent: "worker-2" }, roles: ["worker-2"], taken: false },
      { to: { role: "fix" }, roles: ["docs", "fix"], taken: true, role: "fix" },
      { to: { role: "fix" }, roles: ["docs"], taken: false },
      { to: { role: "fix" }, roles: [], taken: false },
      { to: { role: "worker-1" }, roles: [], taken: false },
    ] as const;

    for (const { to, roles, taken, ...rest } of cases) {
      const decision = stories.start({ to }).try("tasks.claim", { roles: [...roles] });
      expect(decision.kind, JSON.stringify(to)).toBe(taken ? "accepted" : "refused");
      if (decision.kind === "refused") expect(decision.failure).toMatchObject({ code: "NOT_ADDRESSED", facts: { to } });
      if ("role" in rest) expect(decision).toMatchObject({ event: { facts: { role: rest.role } } });
    }
  });

  it("is refused before claimableAt and taken from that moment on", () => {
    const story = stories.start({ claimableAt: t0 + 10 });

    expect(story.try("tasks.claim", {}, { at: t0 + 9 })).toMatchObject({
      failure: { code: "TASK_STATE_CONFLICT", facts: { state: "start", claimableAt: t0 + 10 } },
    });
    expect(story.try("tasks.claim", {}, { at: t0 + 10 }).kind).toBe("accepted");
  });

  it("tells a loser who holds the task, and until when at least", () => {
    const story = stories.running();

    const decision = story.try("tasks.claim", {}, { by: "worker-2", leaseUntil: t0 + 10_000 });

    expect(decision).toMatchObject({
      failure: {
        code: "CLAIM_LOST",
        facts: { owner: { agent: "worker-1" }, epoch: 1, leaseUntil: t0 + 10_000 },
      },
    });
  });

  it("keeps a task for its last agent for 5 s after an answer, and then for anyone", () => {
    const story = stories.paused();
    story.do("tasks.answer", { answer: true });

    expect(story.try("tasks.claim", {}, { by: "worker-2", at: t0 + 4_999 })).toMatchObject({
      failure: { code: "NOT_ADDRESSED", facts: { preferred: { agent: "worker-1", until: t0 + 5_000 } } },
    });
    expect(story.try("tasks.claim", {}, { by: "worker-2", at: t0 + 5_000 }).kind).toBe("accepted");
    expect(story.try("tasks.claim", {}, { by: "worker-1" }).kind).toBe("accepted");
  });

  it("lets the preferred agent take what is for a role that it does not name", () => {
    const story = stories.start({ to: { role: "fix" } });
    story.do("tasks.claim", { roles: ["fix"] });
    story.do("tasks.pause", {});
    story.do("tasks.resume", {});

    const event = story.do("tasks.claim", {});

    expect(event.facts).toMatchObject({ agent: "worker-1", role: undefined });
    expect(story.now.context).toMatchObject({ owner: { agent: "worker-1" }, preferred: null, epoch: 2 });
  });

  it("does not prefer the agent whose run was lost or given back", () => {
    const released = stories.running();
    released.do("tasks.release", {});
    const lost = stories.running();
    lost.take(lost.decide({ name: "lease.expire", taskId: lost.now.context.id, epoch: 1 }));

    expect(released.now.context.preferred).toBeNull();
    expect(lost.now.context.preferred).toBeNull();
  });
});

describe("a handoff's claim", () => {
  it("takes the packet in a new epoch and a new stage, by either verb (I1)", () => {
    const byPacket = stories.handoff();
    const byTask = stories.handoff();

    byPacket.do("handoff.claim", { packetId: offered(byPacket), roles: ["review"] }, { by: "worker-2" });
    byTask.do("tasks.claim", { roles: ["review"] }, { by: "worker-2" });

    for (const { now } of [byPacket, byTask]) {
      expect(now.value).toEqual({ running: "working" });
      expect(now.context).toMatchObject({
        epoch: 2,
        stage: 2,
        owner: { agent: "worker-2", role: "review" },
        packetId: offered(stories.handoff()),
        packetSeq: 3,
        handoff: null,
        handoffs: 1,
      });
    }
  });

  it("is CLAIM_LOST for the second one, with the winner's name", () => {
    const story = stories.handoff();
    const id = offered(story);
    story.do("handoff.claim", { packetId: id, roles: ["review"] }, { by: "worker-2" });

    const second = story.try("handoff.claim", { packetId: id, roles: ["review"] }, { by: "worker-3" });

    expect(second).toMatchObject({
      failure: { code: "CLAIM_LOST", facts: { owner: { agent: "worker-2" }, epoch: 2 } },
    });
  });

  it("is NOT_ADDRESSED for those it is not for, the offerer among them", () => {
    const story = stories.handoff();
    const id = offered(story);

    expect(codeOf(story.try("handoff.claim", { packetId: id }))).toBe("NOT_ADDRESSED");
    expect(codeOf(story.try("tasks.claim", { roles: ["docs"] }))).toBe("NOT_ADDRESSED");
    expect(codeOf(story.try("handoff.decline", { packetId: id, roles: ["docs"] }))).toBe("NOT_ADDRESSED");
    expect(codeOf(story.try("handoff.withdraw", { packetId: id }, { by: "worker-2" }))).toBe("NOT_ADDRESSED");
  });

  it("is refused for a packet that is not the one on offer", () => {
    const story = stories.handoff();

    for (const name of ["handoff.claim", "handoff.decline", "handoff.withdraw"] as const) {
      const decision = story.try(name, { packetId: packetId(99) });
      expect(decision, name).toMatchObject({ failure: { code: "TASK_STATE_CONFLICT", facts: { state: "handoff" } } });
    }
  });

  it("starts with no pauses, because they belong to the stage before", () => {
    const story = stories.paused();
    story.do("tasks.answer", { answer: true });
    story.do("tasks.claim", {});
    story.do("handoff.offer", { to: "any", packet });

    story.do("tasks.claim", {}, { by: "worker-2" });

    expect(story.now.context.pauseEnds).toEqual([]);
  });
});

describe("a handoff that nobody took", () => {
  it("prefers the offerer after a refusal and after a withdrawal, with the epoch as it was", () => {
    for (const name of ["handoff.decline", "handoff.withdraw"] as const) {
      const story = stories.handoff();
      const input = { packetId: offered(story), reason: "No time" };

      const event =
        name === "handoff.decline"
          ? story.do(name, { ...input, roles: ["review"] }, { by: "worker-2" })
          : story.do(name, input);

      expect(event.body, name).toEqual({ reason: "No time" });
      expect(story.now.context, name).toMatchObject({
        epoch: 1,
        stage: 1,
        handoff: null,
        claimableAt: { at: t0, clock: "steady" },
        preferred: { agent: "worker-1", until: t0 + 5_000 },
      });
    }
  });
});

function offered(story: ReturnType<typeof stories.handoff>) {
  return story.now.context.handoff!.packetId;
}
