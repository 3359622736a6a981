import { describe, expect, it } from "vitest";
import { isRunning, stateAfter, type TaskSnapshot, toTaskState } from "../../../machines/index.ts";
import { type EventType, eventTypes, memoryTypes, playbookTypes } from "../../../src/contracts/events.ts";
import { examples, foldOne, type StoryState, stories, storyStates, t0, toHeader } from "../../support/tasks.ts";

const types = Object.keys(eventTypes) as EventType[]; // Object.keys loses the key type

/** State → event type → the states it leads to, one for each example of the type. What is not listed is not taken. */
const open = { "task.cancelled": ["cancelled"], "deadline.passed": ["failed"], "delegation.returned": ["same"] };
const claimed = {
  ...open,
  "task.released": ["start"],
  "lease.expired": ["start", "failed"],
  "task.failed": ["start", "failed"],
};
const pauseEnds: EventType[] = ["task.answered", "task.resumed", "pause.expired"];
const endsOfPauses = (...targets: (string | undefined)[]) =>
  Object.fromEntries(pauseEnds.map((type) => [type, targets]));
const rest: Partial<Record<EventType, string[]>> = {
  "task.paused": ["paused", "running.asking", "start"],
  "task.rested": ["paused", "start"],
};
const table: Record<StoryState, Partial<Record<EventType, (string | undefined)[]>>> = {
  start: { ...open, "task.claimed": ["running.working"] },
  running: {
    ...claimed,
    "step.begun": ["same"],
    "step.succeeded": ["same"],
    "step.failed": ["same"],
    "step.superseded": ["same"],
    "delegation.sent": ["same"],
    ...rest,
    "handoff.offered": ["handoff"],
    "handoff.returned": ["start"],
    "task.completed": ["succeeded.recorded", "verifying"],
  },
  asking: {
    ...claimed,
    "step.begun": ["same"],
    "step.succeeded": ["same"],
    "step.failed": ["same"],
    "step.superseded": ["same"],
    "delegation.sent": ["same"],
    ...rest,
    ...endsOfPauses(undefined, "running.working", "same"),
    "handoff.offered": ["handoff"],
    "handoff.returned": ["start"],
    "task.completed": ["succeeded.recorded", "verifying"],
  },
  paused: { ...open, ...endsOfPauses("start", undefined, undefined) },
  waitingForCode: { ...open, "task.claimed": ["running.asking"], ...endsOfPauses("start", undefined, undefined) },
  answered: { ...open, "task.claimed": ["running.asking"], ...endsOfPauses("same", undefined, undefined) },
  handoff: {
    ...open,
    "handoff.claimed": ["running.working"],
    "handoff.declined": ["start"],
    "handoff.withdrawn": ["start"],
    "handoff.expired": ["start"],
  },
  verifying: { ...claimed, "checks.passed": ["succeeded.recorded"], "checks.failed": ["running.working"] },
  succeeded: { "replay.started": ["succeeded.replaying"] },
  replaying: { "replay.started": ["same"], "replay.failed": ["same"], "task.replayed": ["succeeded.replayed"] },
  replayed: { "task.promoted": ["succeeded.promoted"] },
  promoted: {},
  session: { ...open, "session.noted": ["same"], "session.closed": ["succeeded.recorded"] },
  closedSession: { "replay.started": ["succeeded.replaying"] },
  memory: { ...open, ...Object.fromEntries(memoryTypes.map((type) => [type, ["same"]])) },
  playbook: {
    ...open,
    ...Object.fromEntries(playbookTypes.slice(1).map((type) => [type, ["same"]])), // it was compiled before
    "playbook.replayed": ["same", "same"],
    "playbook.turned": ["same"], // a dry run makes no shadow of one that is a shadow
  },
  failed: {},
  cancelled: {},
};

function pathOf(value: unknown): string {
  if (typeof value === "string") return value;
  return Object.entries(value as Record<string, string>)
    .flat()
    .join(".");
}

/** An event of an owner who goes on does not know of open questions. */
function wordOf(after: TaskSnapshot, type: EventType): string {
  return isRunning(after) && !rest[type] && !pauseEnds.includes(type) ? "running" : toTaskState(after);
}

const rows = storyStates.flatMap((state) => types.map((type) => ({ state, type, expected: table[state][type] })));

function toOutcome(expected: (string | undefined)[] | undefined): string {
  const targets = expected?.filter((target) => target !== undefined) ?? [];
  return targets.length === 0 ? "is not taken (M1)" : `leads to ${targets.join(" or ")}`;
}

describe("task machine", () => {
  for (const { state, type, expected } of rows) {
    it(`in ${state}, ${type} ${toOutcome(expected)}`, () => {
      const before = stories[state]().now;

      for (const [index, example] of examples[type].entries()) {
        const header = toHeader(example, { seq: 20, at: t0 + 1, by: "worker-1" });
        const after = foldOne(before, header);

        const wanted = expected?.[index];
        if (wanted === undefined) {
          expect(after.value).toEqual(before.value);
          expect(after.context).toEqual(before.context);
        } else {
          expect(pathOf(after.value)).toBe(wanted === "same" ? pathOf(before.value) : wanted);
          expect(after.context).toMatchObject({ revision: before.context.revision + 1, updatedAt: t0 + 1 });
          const said = stateAfter(header);
          if (said === undefined) expect(toTaskState(before)).toBe(toTaskState(after));
          else expect(said).toBe(wordOf(after, type));
        }
      }
    });
  }

  it("enters a new entry with each state, so that timers of the one before are over", () => {
    for (const [state, changes] of Object.entries(table)) {
      const before = stories[state as StoryState]().now;
      for (const [type, targets] of Object.entries(changes)) {
        for (const [index, target] of targets.entries()) {
          const header = toHeader(examples[type as EventType][index]!, { seq: 20, at: t0, by: "worker-1" });
          const after = foldOne(before, header);
          if (target === undefined) continue;
          const isWithin = isRunning(before) && target.startsWith("running");
          const isAnew = state === "answered" && pauseEnds.includes(type as EventType); // the example says from when it can be claimed
          const isEntered =
            (target !== "same" || isAnew) && !isWithin && !target.match(/\.(replaying|replayed|promoted)$/);
          expect(after.context.entry, `${state} ${type}`).toBe(
            isEntered ? before.context.revision + 1 : before.context.entry,
          );
        }
      }
    }
  });

  it("changes the epoch only by a claim, which brings it (M3, I3)", () => {
    for (const [state, changes] of Object.entries(table)) {
      const before = stories[state as StoryState]().now;
      for (const type of Object.keys(changes) as EventType[]) {
        const after = foldOne(before, toHeader(examples[type][0]!, { seq: 20, at: t0, by: "w" }));
        const isClaim = type === "task.claimed" || type === "handoff.claimed";
        expect(after.context.epoch, `${state} ${type}`).toBe(isClaim ? 2 : before.context.epoch);
      }
    }
  });

  it("has no owner outside of a claim, and none but a claim's agent within", () => {
    for (const state of storyStates) {
      const { owner } = stories[state]().now.context;
      const isOwned = ["running", "asking", "verifying"].includes(state);
      expect(owner, state).toEqual(isOwned ? { agent: "worker-1" } : null);
    }
  });

  it("forgets a completion that did not stand", () => {
    for (const type of ["task.released", "lease.expired", "task.failed", "task.cancelled", "checks.failed"] as const) {
      const story = stories.verifying();

      story.fold(examples[type].at(-1)!);

      expect(story.now.context, type).toMatchObject({ verifying: [], completedSeq: null });
    }
  });

  it("keeps the completion that stood, checked or not", () => {
    const verified = stories.verifying();
    verified.fold(examples["checks.passed"][0]!);
    const recorded = stories.succeeded();

    expect(verified.now.context).toMatchObject({ completedSeq: 3, outcome: { seq: 4, verified: true }, verifying: [] });
    expect(recorded.now.context).toMatchObject({ completedSeq: 3, outcome: { seq: 3, verified: false } });
  });

  it("speaks of every top state by a word of the contract", () => {
    const others: Partial<Record<StoryState, string>> = {
      asking: "paused",
      waitingForCode: "paused",
      answered: "start",
      replaying: "succeeded",
      session: "start",
      closedSession: "succeeded",
      memory: "start",
      playbook: "start",
    };

    expect(storyStates.map((state) => toTaskState(stories[state]().now))).toEqual(
      storyStates.map((state) => others[state] ?? state),
    );
  });
});
