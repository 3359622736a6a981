// Task machine
//
// The life of a task as a statechart that folds events. Every decision is already in the event: guards read the event's `facts`,
// actions copy them. There is no invoke, no `after` and no action that does anything; time and effects are rows that follow from the
// state (see `projection.ts`).
//
// Invariants:
//   M1. An event that a state does not list is not taken: the fold treats that as a bug, never as a no-op.
//   M2. A finished task never becomes unfinished: no transition leaves succeeded, failed or cancelled.
//   M3. The epoch changes only by a claim, and each claim takes it from its event (I3).
//   M4. A session, memory and a playbook are never claimed, and nothing else takes their events.
//   M5. A pause that has ended is never open again, and each end names the pause that it ends.

import { assertEvent, assign, setup } from "xstate";
import { type EventHeader, type EventType, memoryTypes, playbookTypes } from "../../src/contracts/events.ts";
import { foldPlaybook, type PlaybookEvent, takesEvent } from "../playbook.ts";
import {
  type Change,
  closePauses,
  countTries,
  endPause,
  noCompletion,
  openPause,
  toEnd,
  toExpiresAt,
  toLapsed,
  toLoss,
  toRest,
  toStart,
} from "./changes.ts";
import {
  isFruitful,
  isMemory,
  isPlaybook,
  isSession,
  isWork,
  type TaskContext,
  toFirstContext,
  waitsForCode,
} from "./context.ts";

type Event = EventHeader;

/** The machine's context: one value, because XState copies a context key by key, which takes ten times as long from 20 keys on. */
interface Folded {
  task: TaskContext;
}

/** A pure assign for events of `type`, or of several. */
function fold<Type extends EventType>(
  type: Type | readonly Type[],
  change: (context: TaskContext, event: EventHeader<Type>) => Change,
) {
  return assign<Folded, Event, undefined, Event, never>(({ context: { task }, event }) => {
    assertEvent(event, type);
    const taken = event as unknown as EventHeader<Type>; // just asserted; the compiler cannot follow it through the generic
    return { task: { ...task, revision: task.revision + 1, updatedAt: event.at, ...change(task, taken) } };
  });
}

/** The same for an event that changes the state: timers of the state before no longer apply. */
function enter<Type extends EventType>(type: Type, change: (context: TaskContext, event: EventHeader<Type>) => Change) {
  return fold(type, (context, event) => ({ entry: context.revision + 1, ...change(context, event) }));
}

const machine = setup({
  types: {
    context: {} as Folded, // types only: XState reads nothing of it
    events: {} as Event,
    input: {} as EventHeader<"task.created">,
  },
  guards: {
    isWork: ({ context }) => isWork({ context: context.task }),
    isSession: ({ context }) => isSession({ context: context.task }),
    isMemory: ({ context }) => isMemory({ context: context.task }),
    takesPlaybookEvent: ({ context: { task }, event }) =>
      isPlaybook({ context: task }) && takesEvent(task.playbook, event as PlaybookEvent), // asked for these types alone
    hasPauses: ({ context }) => context.task.pauses.length > 0,
    waitsForCode: ({ context }) => waitsForCode(context.task),
    goesOn: ({ event }) => "ends" in event.facts && !event.facts.ends,
    asksOn: ({ event }) => "next" in event.facts && event.facts.next === "paused",
    worksOn: ({ event }) => "next" in event.facts && event.facts.next === "running",
    waitsOn: ({ context, event }) =>
      context.task.pauses.length > 0 && "next" in event.facts && event.facts.next === "start",
    hasLapsed: ({ context }) => context.task.lapsed !== null,
    hasLapsedAsking: ({ context }) => context.task.lapsed !== null && context.task.pauses.length > 0,
    hasLapsedVerifying: ({ context }) => context.task.lapsed?.state === "verifying",
    staysOpen: ({ event }) => "next" in event.facts && event.facts.next === "start",
    mustVerify: ({ event }) => "next" in event.facts && event.facts.next === "verifying",
  },
  actions: {
    claim: enter("task.claimed", (context, event) => ({
      epoch: event.epoch,
      attempt: event.facts.attempt,
      stage: event.facts.stage,
      owner:
        event.facts.role === undefined
          ? { agent: event.facts.agent }
          : { agent: event.facts.agent, role: event.facts.role },
      claimedAt: event.at,
      preferred: null,
      lapsed: null,
      recordsAtClaim: context.records,
      successesAtClaim: context.successes,
    })),
    release: enter("task.released", (context, event) => ({
      ...toStart(context, event.facts),
      releases: isFruitful(context) ? 0 : context.releases + 1,
    })),
    lose: enter("lease.expired", (context, event) => ({
      ...toStart(context, event.facts),
      ...toLoss(context, event),
      lapsed: toLapsed(context),
    })),
    revive: enter("claim.revived", (context, event) => ({
      owner: context.lapsed?.owner ?? { agent: event.facts.agent },
      attempt: event.facts.attempt,
      losses: Math.max(context.losses - 1, 0),
      unseen: 0,
      preferred: null,
      verifying: context.lapsed?.verifying ?? [],
      completedSeq: context.lapsed?.completedSeq ?? null,
      lapsed: null,
    })),
    loseForGood: enter("lease.expired", (context, event) => ({
      ...toEnd(context, event, false),
      ...toLoss(context, event),
    })),
    beginStep: fold("step.begun", (context) => ({ records: context.records + 1 })),
    recordStep: fold("step.succeeded", (context) => ({
      steps: context.steps + 1,
      records: context.records + 1,
      successes: context.successes + 1,
    })),
    recordFailedStep: fold("step.failed", (context, event) => ({
      steps: context.steps + 1,
      records: context.records + 1,
      errorSeq: event.seq,
    })),
    supersedeStep: fold("step.superseded", (context) => ({ records: context.records + 1 })),
    ask: fold("task.paused", openPause),
    pause: enter("task.paused", (context, event) => ({
      ...openPause(context, event),
      ...toRest(context, event.facts),
    })),
    rest: enter("task.rested", (context, event) => ({
      ...countTries(closePauses(context, event, { end: "withdrawn", ids: event.facts.withdrawn })),
      ...toRest(context, event.facts),
    })),
    answer: fold("task.answered", endPause("answered")),
    resume: fold("task.resumed", endPause("resumed")),
    expirePause: fold("pause.expired", endPause("expired")),
    verify: enter("task.completed", (context, event) => ({
      ...closePauses(context, event, { end: "withdrawn" }),
      verifying: event.facts.checks,
      completedSeq: event.seq,
    })),
    complete: enter("task.completed", (context, event) => ({
      ...toEnd(context, event, false),
      completedSeq: event.seq,
    })),
    passChecks: enter("checks.passed", (context, event) => ({
      ...toEnd(context, event, true),
      completedSeq: context.completedSeq,
    })),
    failChecks: enter("checks.failed", (context, event) => ({
      ...noCompletion,
      errorSeq: event.seq,
      records: context.records + 1,
    })),
    retry: enter("task.failed", (context, event) => ({
      ...toStart(context, event.facts),
      attempt: event.facts.attempt,
      errorSeq: event.seq,
    })),
    fail: enter("task.failed", (context, event) => ({ ...toEnd(context, event, false), errorSeq: event.seq })),
    cancel: enter("task.cancelled", (context, event) => toEnd(context, event, false)),
    passDeadline: enter("deadline.passed", (context, event) => toEnd(context, event, false)),
    offer: enter("handoff.offered", (context, event) => ({
      ...closePauses(context, event, { end: "withdrawn" }),
      owner: null,
      lastAgent: context.owner?.agent ?? null,
      records: context.records + 1,
      handoffs: context.handoffs + 1,
      handoff: {
        packetId: event.facts.packetId,
        seq: event.seq,
        to: event.facts.to,
        from: context.owner ?? { agent: event.by },
        expiresAt: toExpiresAt(event.facts),
      },
    })),
    claimHandoff: enter("handoff.claimed", (context, event) => ({
      epoch: event.epoch,
      stage: event.facts.stage,
      owner:
        event.facts.role === undefined
          ? { agent: event.facts.agent }
          : { agent: event.facts.agent, role: event.facts.role },
      claimedAt: event.at,
      recordsAtClaim: context.records,
      successesAtClaim: context.successes,
      losses: 0,
      unseen: 0,
      releases: 0,
      pauseEnds: [],
      packetSeq: context.handoff?.seq ?? null,
      packetId: event.facts.packetId,
      packetFrom: context.handoff?.from ?? null,
      to: context.handoff?.to ?? context.to, // whoever goes on after this worker is of those it was offered to
      handoff: null,
    })),
    declineHandoff: enter("handoff.declined", (context, event) => toStart(context, event.facts)),
    withdrawHandoff: enter("handoff.withdrawn", (context, event) => toStart(context, event.facts)),
    expireHandoff: enter("handoff.expired", (context, event) => toStart(context, event.facts)),
    returnPacket: enter("handoff.returned", (context, event) => ({
      ...closePauses(context, event, { end: "withdrawn" }),
      ...toStart(context, event.facts),
      to: event.facts.to,
      handoffs: context.handoffs + 1,
      records: context.records + 1,
      returnedSeq: event.seq,
    })),
    delegate: fold("delegation.sent", (context, event) => ({
      records: context.records + 1,
      successes: context.successes + 1,
      childrenOpen: [...context.childrenOpen, { childId: event.facts.childId, delegationId: event.facts.delegationId }],
      budget: event.facts.budget,
    })),
    takeReturn: fold("delegation.returned", (context, event) => ({
      childrenOpen: context.childrenOpen.filter((child) => child.childId !== event.facts.childId),
    })),
    note: fold("session.noted", (context) => ({ records: context.records + 1 })),
    close: enter("session.closed", (context, event) => toEnd(context, event, false)),
    remember: fold(memoryTypes, (context) => ({ records: context.records + 1 })),
    followPlaybook: fold(playbookTypes, (context, event) => ({ playbook: foldPlaybook(context.playbook, event) })),
    startReplay: fold("replay.started", () => ({})),
    failReplay: fold("replay.failed", () => ({})),
    replay: fold("task.replayed", () => ({})),
    promote: fold("task.promoted", () => ({})),
  },
});

/** What every unfinished task takes: it can be ended from outside, and what it delegated can return. */
const open = {
  "task.cancelled": { target: "#task.cancelled", actions: "cancel" },
  "deadline.passed": { target: "#task.failed", actions: "passDeadline" },
  "delegation.returned": { actions: "takeReturn" },
} as const;

/** The ends of pauses before a claim, which leave the task claimable. */
const pauseEnds = {
  "task.answered": { guard: "waitsOn", actions: "answer" },
  "task.resumed": { guard: "waitsOn", actions: "resume" },
  "pause.expired": { guard: "waitsOn", actions: "expirePause" },
} as const;

/** Ends the run: claimable at once when a pause that it waits for has ended, else paused. */
const resting = (action: "pause" | "rest") =>
  [
    { guard: "staysOpen", target: "#task.start", actions: action },
    { target: "#task.paused", actions: action },
  ] as const;

/** What ends a claim without its owner's success. */
const claimed = {
  ...open,
  "task.released": { target: "#task.start", actions: "release" },
  "lease.expired": [
    { guard: "staysOpen", target: "#task.start", actions: "lose" },
    { target: "#task.failed", actions: "loseForGood" },
  ],
  "task.failed": [
    { guard: "staysOpen", target: "#task.start", actions: "retry" },
    { target: "#task.failed", actions: "fail" },
  ],
} as const;

/** What memory takes, and never leaves its state for. */
const inMemory = Object.fromEntries(
  memoryTypes.map((type) => [type, { guard: "isMemory", actions: "remember" }] as const),
) as Record<(typeof memoryTypes)[number], { guard: "isMemory"; actions: "remember" }>; // has every key

/** What a playbook takes; where it stands is a part of its context, folded by a machine of its own. */
const inPlaybook = Object.fromEntries(
  playbookTypes.map((type) => [type, { guard: "takesPlaybookEvent", actions: "followPlaybook" }] as const),
) as Record<(typeof playbookTypes)[number], { guard: "takesPlaybookEvent"; actions: "followPlaybook" }>; // has every key

/** The task machine. Its version is raised when an old journal would fold to another state. */
export const taskMachine = machine.createMachine({
  id: "task",
  version: "5",
  context: ({ input }) => ({ task: toFirstContext(input) }),
  initial: "start",
  states: {
    start: {
      on: {
        ...open,
        ...pauseEnds,
        "task.claimed": [
          { guard: "hasPauses", target: "#task.running.asking", actions: "claim" },
          { guard: "isWork", target: "running", actions: "claim" }, // M4
        ],
        "claim.revived": [
          { guard: "hasLapsedVerifying", target: "verifying", actions: "revive" },
          { guard: "hasLapsedAsking", target: "#task.running.asking", actions: "revive" },
          { guard: "hasLapsed", target: "running", actions: "revive" },
        ],
        "session.noted": { guard: "isSession", actions: "note" },
        "session.closed": { guard: "isSession", target: "succeeded", actions: "close" },
        ...inMemory,
        ...inPlaybook,
      },
    },
    running: {
      on: {
        ...claimed,
        "step.begun": { actions: "beginStep" },
        "step.succeeded": { actions: "recordStep" },
        "step.failed": { actions: "recordFailedStep" },
        "step.superseded": { actions: "supersedeStep" },
        "delegation.sent": { actions: "delegate" },
        "task.paused": [{ guard: "goesOn", target: ".asking", actions: "ask" }, ...resting("pause")],
        "task.rested": [...resting("rest")],
        "handoff.offered": { target: "handoff", actions: "offer" },
        "handoff.returned": { target: "start", actions: "returnPacket" },
        "task.completed": [
          { guard: "mustVerify", target: "verifying", actions: "verify" },
          { target: "succeeded", actions: "complete" },
        ],
      },
      initial: "working",
      states: {
        working: {},
        asking: {
          on: {
            "task.answered": [
              { guard: "worksOn", target: "working", actions: "answer" },
              { guard: "asksOn", actions: "answer" },
            ],
            "task.resumed": [
              { guard: "worksOn", target: "working", actions: "resume" },
              { guard: "asksOn", actions: "resume" },
            ],
            "pause.expired": [
              { guard: "worksOn", target: "working", actions: "expirePause" },
              { guard: "asksOn", actions: "expirePause" },
            ],
          },
        },
      },
    },
    paused: {
      on: {
        ...open,
        "task.claimed": { guard: "waitsForCode", target: "#task.running.asking", actions: "claim" },
        "task.answered": { guard: "staysOpen", target: "start", actions: "answer" },
        "task.resumed": { guard: "staysOpen", target: "start", actions: "resume" },
        "pause.expired": { guard: "staysOpen", target: "start", actions: "expirePause" },
      },
    },
    handoff: {
      on: {
        ...open,
        "handoff.claimed": { target: "running", actions: "claimHandoff" },
        "handoff.declined": { target: "start", actions: "declineHandoff" },
        "handoff.withdrawn": { target: "start", actions: "withdrawHandoff" },
        "handoff.expired": { target: "start", actions: "expireHandoff" },
      },
    },
    verifying: {
      on: {
        ...claimed,
        "checks.passed": { target: "succeeded", actions: "passChecks" },
        "checks.failed": { target: "running", actions: "failChecks" },
      },
    },
    succeeded: {
      initial: "recorded",
      states: {
        recorded: { on: { "replay.started": { target: "replaying", actions: "startReplay" } } },
        replaying: {
          on: {
            "replay.started": { actions: "startReplay" },
            "replay.failed": { actions: "failReplay" },
            "task.replayed": { target: "replayed", actions: "replay" },
          },
        },
        replayed: { on: { "task.promoted": { target: "promoted", actions: "promote" } } },
        promoted: {},
      },
    },
    failed: { type: "final" },
    cancelled: { type: "final" },
  },
});
