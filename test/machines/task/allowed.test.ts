import { describe, expect, it } from "vitest";
import {
  allowedFor,
  type Decision,
  decide,
  isMemory,
  isPlaybook,
  isSession,
  type TaskOperation,
  toTaskState,
} from "../../../machines/index.ts";
import {
  codeOf,
  lessonId,
  packet,
  packetId,
  pauseId,
  receiptId,
  Story,
  type StoryState,
  stories,
  storyStates,
  taskId,
  toCommand,
} from "../../support/tasks.ts";

/** What makes a task. */
type Beginning = "tasks.start" | "handoff.store" | "sessions.create" | "playbooks.compile" | "replay.run.start";

/** Each operation on a task as its best caller would ask it: the owner, the addressee, the offerer. */
const asks: {
  [Name in Exclude<TaskOperation, Beginning>]: (story: Story) => Decision;
} = {
  "tasks.claim": (s) => s.try("tasks.claim", { roles: ["review"] }, { by: "worker-2" }),
  "tasks.release": (s) => s.try("tasks.release", {}),
  "tasks.step": (s) => s.try("tasks.step", { step: { name: "s", ordinal: 0, outcome: { kind: "succeeded" } } }),
  "tasks.pause": (s) => s.try("tasks.pause", {}),
  "tasks.rest": (s) => s.try("tasks.rest", { waitsFor: [withEnd(s).pauseId] }),
  "tasks.resume": (s) => s.try("tasks.resume", { ...openPause(s) }),
  "tasks.answer": (s) => s.try("tasks.answer", { ...openPause(s), answer: true }),
  "tasks.complete": (s) => s.try("tasks.complete", {}),
  "tasks.verify": (s) => s.try("tasks.verify", { results: [{ name: "tests", passed: true }] }),
  "tasks.fail": (s) => s.try("tasks.fail", { error: "e" }),
  "tasks.cancel": (s) => s.try("tasks.cancel", {}),
  "tasks.delegate": (s) => s.try("tasks.delegate", { to: "any", packet }),
  "handoff.offer": (s) => s.try("handoff.offer", { to: "any", packet }),
  "handoff.claim": (s) => s.try("handoff.claim", { packetId: offered(s), roles: ["review"] }, { by: "worker-2" }),
  "handoff.decline": (s) => s.try("handoff.decline", { packetId: offered(s), roles: ["review"] }, { by: "worker-2" }),
  "handoff.return": (s) => withPacket(s).try("handoff.return", { return: { outcome: "blocked" } }),
  "handoff.withdraw": (s) => s.try("handoff.withdraw", { packetId: offered(s) }),
  "sessions.event": (s) => s.try("sessions.event", { text: "t" }),
  "sessions.close": (s) => s.try("sessions.close", {}),
  "memory.write": (s) => s.try("memory.write", { text: "t" }),
  "memory.import": (s) => s.try("memory.import", { source: "git:1", episodes: [] }),
  "memory.review": (s) => s.try("memory.review", { id: lessonId(), act: "retire", reason: "r" }),
  feedback: (s) => s.try("feedback", { receipt: receiptId(), outcome: "succeeded" }),
  "nodes.activate": (s) => s.try("nodes.activate", { lessons: [lessonId()] }),
  "recall.reset": (s) => s.try("recall.reset", {}),
  "playbooks.run": (s) => s.try("playbooks.run", { id: taskId(), mode: "strict" }),
  "playbooks.promote": (s) => s.try("playbooks.promote", { id: taskId(), to: "active", approver: "ada", reason: "r" }),
  "playbooks.approve": (s) => s.try("playbooks.approve", { id: taskId(), approver: "ada", reason: "r" }),
  "playbooks.reject": (s) => s.try("playbooks.reject", { id: taskId(), reason: "r" }),
  "playbooks.disable": (s) => s.try("playbooks.disable", { id: taskId(), reason: "r" }),
  "playbooks.repair": (s) => s.try("playbooks.repair", { id: taskId(), patch: {}, reason: "r" }),
  "playbooks.repairReview": (s) => s.try("playbooks.repairReview", { id: taskId(), act: "approve", reason: "r" }),
};
const names = Object.keys(asks) as (keyof typeof asks)[]; // Object.keys loses the key type

/** As if it had begun with a packet: only then is there something to return. */
function withPacket(story: Story): Story {
  const { snapshot } = story;
  if (snapshot !== undefined) {
    story.snapshot = { ...snapshot, context: { ...snapshot.context, packetId: packetId() } } as typeof snapshot;
  }
  return story;
}

function openPause(story: Story) {
  const [open] = story.snapshot?.context.pauses ?? [];
  return open === undefined ? {} : { pauseId: open.pauseId };
}

/** As if a pause of its stage had ended: only then is there one that a run can wait for. */
function withEnd(story: Story) {
  const ended = { pauseId: pauseId(90), key: "k", seq: 2, end: "answered" as const };
  const { snapshot } = story;
  if (snapshot !== undefined)
    story.snapshot = { ...snapshot, context: { ...snapshot.context, pauseEnds: [ended] } } as typeof snapshot;
  return ended;
}

function offered(story: Story) {
  return story.snapshot?.context.handoff?.packetId ?? packetId(77);
}

describe("allowedFor", () => {
  for (const state of storyStates) {
    it(`names exactly what decide takes in ${state}`, () => {
      const taken = names.filter((name) => asks[name](stories[state]()).kind === "accepted");

      expect(new Set(taken)).toEqual(new Set(allowedFor(stories[state]().now)));
    });
  }
});

describe("a refusal by state", () => {
  const lost = ["tasks.claim", "handoff.claim", "handoff.decline", "handoff.withdraw"];

  for (const state of storyStates) {
    it(`names the state, the owner and what ${state} takes`, () => {
      for (const name of names) {
        const story = stories[state]();
        const decision = asks[name](story);
        if (decision.kind !== "refused") continue;
        const { code, facts } = decision.failure;
        const { owner } = story.now.context;
        const label = `${state} ${name}`;

        if (code === "TASK_STATE_CONFLICT") {
          const now = toTaskState(story.now);
          expect(facts, label).toEqual({
            state: now,
            allowed: allowedFor(story.now),
            ...(owner === null ? {} : { owner }),
          });
        } else if (code === "CLAIM_LOST") {
          expect(lost, label).toContain(name);
          expect(facts, label).toEqual({ owner, epoch: 1 });
        } else if (code === "PLAYBOOK_NOT_FOUND") {
          expect([name.split(".")[0], isPlaybook(story.now)], label).toEqual(["playbooks", false]);
        } else if (code === "TASK_NOT_FOUND") {
          if (name.startsWith("sessions.")) expect(isSession(story.now), label).toBe(false);
          else
            expect([allowedFor(stories.memory().now), isMemory(story.now)], label).toEqual([
              expect.arrayContaining([name]),
              false,
            ]);
        } else {
          expect(code, label).toBe("EPOCH_STALE");
          expect(story.now.value, label).toBe("start"); // nobody's epoch holds it
        }
      }
    });
  }

  it("says that it is not there, for every operation on a task that does not exist", () => {
    for (const name of names) {
      const missing = name.startsWith("playbooks.") ? "PLAYBOOK_NOT_FOUND" : "TASK_NOT_FOUND";
      expect(codeOf(asks[name](new Story())), name).toBe(missing);
    }
    for (const command of [
      { name: "lease.expire", epoch: 1 },
      { name: "timer.fire", kind: "deadline", entry: 1 },
    ] as const) {
      const { taskId } = toCommand("tasks.cancel", {});
      expect(codeOf(decide(undefined, { ...command, taskId }, new Story().facts()))).toBe("TASK_NOT_FOUND");
    }
  });
});

describe("a stranger (I4)", () => {
  const owned = [
    "tasks.release",
    "tasks.step",
    "tasks.pause",
    "tasks.rest",
    "tasks.complete",
    "tasks.verify",
    "tasks.fail",
    "tasks.delegate",
    "handoff.offer",
    "handoff.return",
  ] as const;
  const inputs = {
    "tasks.release": {},
    "tasks.step": { step: { name: "s", ordinal: 0, outcome: { kind: "succeeded" } } },
    "tasks.pause": {},
    "tasks.rest": { waitsFor: [pauseId()] },
    "tasks.complete": {},
    "tasks.verify": { results: [{ name: "tests", passed: true }] },
    "tasks.fail": { error: "e" },
    "tasks.delegate": { to: "any", packet },
    "handoff.offer": { to: "any", packet },
    "handoff.return": { return: { outcome: "blocked" } },
  } as const;

  for (const state of ["running", "verifying"] satisfies StoryState[]) {
    it(`is refused in ${state} under another epoch and by another agent, with the owner's name`, () => {
      for (const name of owned) {
        const story = stories[state]();
        const past = story.try(name, { ...inputs[name], epoch: 7 } as never);
        const other = story.try(name, inputs[name] as never, { by: "worker-2" });

        for (const decision of [past, other]) {
          expect(decision, name).toMatchObject({
            failure: { code: "EPOCH_STALE", facts: { state, epoch: 1, owner: { agent: "worker-1" } } },
          });
        }
      }
    });
  }

  it("is told who worked on a task last when nobody does", () => {
    const story = stories.running();
    story.do("tasks.release", {});

    const late = story.try("tasks.complete", { epoch: 1 });

    expect(late).toMatchObject({
      failure: { code: "EPOCH_STALE", facts: { state: "start", epoch: 1, lastAgent: "worker-1" } },
    });
  });
});
