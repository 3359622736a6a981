// Tasks for tests
//
// A story is one task as its events make it: commands are decided and what comes of them is folded, both purely, without a store.

import { initialTransition, transition } from "xstate";
import {
  type Command,
  type CommandOf,
  type Decision,
  decide,
  type Facts,
  type NewEvent,
  type TaskOperation,
  type TaskSnapshot,
  taskMachine,
  toMachineSnapshot,
  toTaskSnapshot,
} from "../../machines/index.ts";
import type { EventBody, EventHeader, EventType } from "../../src/contracts/events.ts";
import type { FailureCode } from "../../src/contracts/failures.ts";
import type { TaskId } from "../../src/contracts/ids.ts";
import type { LessonMove } from "../../src/contracts/lesson.ts";
import { type OperationInput, operations } from "../../src/contracts/operations/index.ts";
import { delegationId, eventId, lessonId, packetId, pauseId, receiptId, t0, taskId } from "./ids.ts";
import { playbookContent, toPlaybookTurn, toReplay } from "./playbooks.ts";

export { eventId, lessonId, packetId, pauseId, receiptId, t0, taskId } from "./ids.ts";

export const packet = { brief: "Review it", nextAction: "Read the diff" };

type InputOf<Name extends TaskOperation> = Omit<OperationInput<Name>, "taskId" | "sessionId" | "epoch">;

/** A command as the edge would make it: parsed, defaults filled in. */
export function toCommand<Name extends TaskOperation>(
  name: Name,
  input: InputOf<Name> & { epoch?: number; taskId?: TaskId },
): CommandOf<Name> {
  const id = input.taskId ?? taskId();
  const { epoch, taskId: _, ...rest } = input;
  const shape = (operations[name].input as unknown as { shape: Record<string, unknown> }).shape; // all inputs are objects
  const ids = name.startsWith("playbooks.") ? { id } : { taskId: id, sessionId: id, epoch };
  const own = Object.entries(ids).filter(([key]) => key in shape);
  const full = { ...rest, ...Object.fromEntries(own) };
  const prepared = {
    compiled: { content: playbookContent, isPartial: false },
    replay: toReplay(),
    content: playbookContent,
  };
  const resolved = { lessonId: lessonId(), credited: [lessonId()], ...prepared }; // what some of them are given beside their input
  return { name, taskId: id, input: operations[name].input.parse(full), ...resolved } as unknown as CommandOf<Name>; // one entry of the table
}

type FactsGiven = Partial<Facts>;

export class Story {
  snapshot: TaskSnapshot | undefined;
  readonly headers: EventHeader[] = [];
  readonly bodies: EventBody[] = [];
  at = t0;

  /** Facts as the journal of this story would give them. */
  facts(given: FactsGiven = {}): Facts {
    const n = this.headers.length + 1;
    return {
      at: this.at,
      leadMs: 0,
      by: "worker-1",
      jitter: 0.5,
      ids: { packet: packetId(n), child: taskId(1_000 + n), delegation: delegationId(n), pause: pauseId(n) },
      ...given,
    };
  }

  decide(command: Command, given?: FactsGiven): Decision {
    return decide(this.snapshot, command, this.facts(given));
  }

  /** Decides an operation under the present epoch, unless another is given. */
  try<Name extends TaskOperation>(name: Name, input: InputOf<Name> & { epoch?: number }, given?: FactsGiven): Decision {
    return this.decide(toCommand(name, { epoch: Math.max(this.epoch, 1), ...input }), given);
  }

  /** The same, and folds its event. */
  do<Name extends TaskOperation>(name: Name, input: InputOf<Name> & { epoch?: number }, given?: FactsGiven): NewEvent {
    return this.take(this.try(name, input, given), given?.by);
  }

  /** Folds the event of an accepted decision. */
  take(decision: Decision, by = "worker-1"): NewEvent {
    if (decision.kind !== "accepted") throw new Error(`not accepted: ${describe(decision)}`);
    this.fold(decision.event, by);
    return decision.event;
  }

  fold(event: NewEvent, by = "worker-1"): void {
    const header = toHeader(event, { seq: this.headers.length + 1, at: this.at, by });
    this.snapshot = foldOne(this.snapshot, header);
    this.headers.push(header);
    this.bodies.push(event.body);
  }

  get now(): TaskSnapshot {
    if (this.snapshot === undefined) throw new Error("the story has not begun");
    return this.snapshot;
  }

  get epoch(): number {
    return this.snapshot?.context.epoch ?? 0;
  }
}

export function toHeader(
  event: NewEvent,
  place: { seq: number; at: number; by: string; taskId?: TaskId },
): EventHeader {
  const { seq, at, by } = place;
  return {
    seq,
    id: eventId(seq),
    type: event.type,
    taskId: place.taskId ?? taskId(),
    epoch: event.epoch,
    at,
    by,
    facts: JSON.parse(JSON.stringify(event.facts)), // as it comes back from the store
  } as EventHeader; // type and facts come from one decision
}

export function foldOne(snapshot: TaskSnapshot | undefined, header: EventHeader): TaskSnapshot {
  if (snapshot !== undefined) return toTaskSnapshot(transition(taskMachine, toMachineSnapshot(snapshot), header)[0]);
  return toTaskSnapshot(initialTransition(taskMachine, header as EventHeader<"task.created">)[0]); // the first event of every story
}

/** What a decision says, for messages. */
function describe(decision: Decision): string {
  if (decision.kind === "refused") return decision.failure.message;
  return decision.kind === "accepted" ? decision.event.type : decision.kind;
}

/** The code with which it was refused. */
export function codeOf(decision: Decision): FailureCode | undefined {
  return decision.kind === "refused" ? decision.failure.code : undefined;
}

export type Started = InputOf<"tasks.start">;

/** Stories that end in each state. */
export const stories = {
  start: (input: Partial<Started> = {}): Story => {
    const story = new Story();
    story.do("tasks.start", { brief: "Fix the build", ...input });
    return story;
  },
  running: (input?: Partial<Started>): Story => {
    const story = stories.start(input);
    story.do("tasks.claim", {});
    return story;
  },
  paused: (input?: Partial<Started>): Story => {
    const story = stories.running(input);
    story.do("tasks.pause", { question: "Deploy?", answerSchema: { type: "boolean" } });
    return story;
  },
  /** A recorded step does not fit the code that runs; the time for the next try has come. */
  waitingForCode: (input?: Partial<Started>): Story => {
    const story = stories.running(input);
    const concerns = {
      of: "step" as const,
      name: "s",
      ordinal: 0,
      seq: 3,
      differs: ["input" as const],
      waitsForCode: true,
    };
    story.do("tasks.pause", { question: "Keep it?", answerSchema: { type: "boolean" }, concerns });
    story.at += 1_000;
    return story;
  },
  /** Its owner goes on with other work. */
  asking: (input?: Partial<Started>): Story => {
    const story = stories.running(input);
    story.do("tasks.pause", { question: "Deploy?", answerSchema: { type: "boolean" }, ends: false });
    return story;
  },
  /** Claimable after one of two answers. */
  answered: (input?: Partial<Started>): Story => {
    const story = stories.asking(input);
    story.do("tasks.pause", { question: "Tell the others?" });
    story.do("tasks.answer", { pauseId: pauseId(4), answer: true });
    story.at += 5_000; // its last owner no longer goes first
    return story;
  },
  handoff: (input?: Partial<Started>): Story => {
    const story = stories.running(input);
    story.do("handoff.offer", { to: { role: "review" }, packet });
    return story;
  },
  verifying: (input?: Partial<Started>): Story => {
    const story = stories.running({ checks: [{ name: "tests" }], ...input });
    story.do("tasks.complete", { return: { summary: "Done" } });
    return story;
  },
  succeeded: (input?: Partial<Started>): Story => {
    const story = stories.running(input);
    story.do("tasks.complete", {});
    return story;
  },
  replaying: (): Story => {
    const story = stories.succeeded();
    story.fold({ type: "replay.started", epoch: 1, facts: { replayId: taskId(9) }, body: {} });
    return story;
  },
  replayed: (): Story => {
    const story = stories.replaying();
    story.fold({ type: "task.replayed", epoch: 1, facts: { replayId: taskId(9) }, body: {} });
    return story;
  },
  promoted: (): Story => {
    const story = stories.replayed();
    story.fold({ type: "task.promoted", epoch: 1, facts: { evidence: [3] }, body: {} });
    return story;
  },
  failed: (input?: Partial<Started>): Story => {
    const story = stories.running(input);
    story.do("tasks.fail", { error: "It broke", retryable: false });
    return story;
  },
  cancelled: (input?: Partial<Started>): Story => {
    const story = stories.running(input);
    story.do("tasks.cancel", {});
    return story;
  },
  session: (): Story => {
    const story = new Story();
    story.do("sessions.create", { title: "Night shift" });
    story.do("sessions.event", { text: "It is quiet" });
    return story;
  },
  closedSession: (): Story => {
    const story = stories.session();
    story.do("sessions.close", { summary: "Nothing happened" });
    return story;
  },
  memory: (): Story => {
    const story = new Story();
    story.take(story.decide({ name: "memory.open", taskId: taskId() }), "runtime");
    story.do("memory.write", { text: "The tests need a running database" });
    return story;
  },
  /** A shadow with a repair that waits for its review. */
  playbook: (): Story => {
    const story = new Story();
    const compiled = story.try("playbooks.compile", { runs: [taskId(5)] }); // what it makes is named by the command
    story.take(compiled);
    for (const command of compiled.kind === "accepted" ? (compiled.also ?? []) : []) story.take(story.decide(command));
    story.fold(toPlaybookTurn({ mode: "simulate", outcome: "passed", to: "shadow" }), "runtime");
    story.do("playbooks.repair", { id: taskId(), patch: { title: "Another title" }, reason: "r" });
    return story;
  },
};

export type StoryState = keyof typeof stories;
export const storyStates = Object.keys(stories) as StoryState[]; // Object.keys loses the key type

const claimable = { claimableAt: t0 };
const step = { name: "s", ordinal: 0, stage: 1 };
const pause = { pauseId: pauseId(3), key: "k", asks: true, withdrawn: [] };
const pauseEnds = [
  { pauseId: pauseId(3), next: "start" as const, ...claimable },
  { pauseId: pauseId(3), next: "running" as const },
  { pauseId: pauseId(3), next: "paused" as const },
];

/** One concrete event of each type; with two outcomes, both. */
export const examples: Record<EventType, NewEvent[]> = {
  "task.created": [
    {
      type: "task.created",
      epoch: 0,
      facts: {
        kind: "task",
        rootId: taskId(),
        depth: 0,
        to: "any",
        priority: 2,
        claimableAt: t0,
        retry: { attemptsMax: 2, lossesMax: 20, backoffMs: 10, backoffMaxMs: 20 },
        checks: [],
        budget: { count: 2, depth: 1 },
      },
      body: { brief: "b", checks: [], files: [] },
    },
    {
      type: "task.created",
      epoch: 0,
      facts: {
        kind: "session",
        rootId: taskId(),
        depth: 0,
        to: { agent: "worker-1" },
        priority: 0,
        claimableAt: t0,
        retry: { attemptsMax: 1, lossesMax: 1, backoffMs: 0, backoffMaxMs: 0 },
        checks: [],
        budget: { count: 0, depth: 0 },
      },
      body: { brief: "b" },
    },
  ],
  "task.claimed": [{ type: "task.claimed", epoch: 2, facts: { agent: "w2", attempt: 1, stage: 1 }, body: {} }],
  "task.released": [{ type: "task.released", epoch: 1, facts: claimable, body: {} }],
  "lease.expired": [
    { type: "lease.expired", epoch: 1, facts: { ...claimable, next: "start", attempt: 2, unseen: false }, body: {} },
    {
      type: "lease.expired",
      epoch: 1,
      facts: { ...claimable, next: "failed", attempt: 2, unseen: false, code: "WORKERS_LOST" },
      body: {},
    },
  ],
  "step.begun": [{ type: "step.begun", epoch: 1, facts: step, body: {} }],
  "step.succeeded": [{ type: "step.succeeded", epoch: 1, facts: step, body: { files: [] } }],
  "step.failed": [
    { type: "step.failed", epoch: 1, facts: { ...step, retryable: true }, body: { error: "e", files: [] } },
  ],
  "step.superseded": [{ type: "step.superseded", epoch: 1, facts: { ...step, supersedes: 3, rerun: 1 }, body: {} }],
  "task.paused": [
    { type: "task.paused", epoch: 1, facts: { ...pause, ends: true, next: "paused" }, body: {} },
    { type: "task.paused", epoch: 1, facts: { ...pause, ends: false, next: "paused" }, body: {} },
    { type: "task.paused", epoch: 1, facts: { ...pause, ends: true, next: "start", ...claimable }, body: {} },
  ],
  "task.rested": [
    { type: "task.rested", epoch: 1, facts: { next: "paused", withdrawn: [] }, body: {} },
    { type: "task.rested", epoch: 1, facts: { next: "start", withdrawn: [pauseId(3)], ...claimable }, body: {} },
  ],
  "task.answered": pauseEnds.map((facts) => ({ type: "task.answered", epoch: 1, facts, body: { answer: 1 } })),
  "task.resumed": pauseEnds.map((facts) => ({ type: "task.resumed", epoch: 1, facts, body: {} })),
  "pause.expired": pauseEnds.map((facts) => ({ type: "pause.expired", epoch: 1, facts, body: {} })),
  "task.completed": [
    {
      type: "task.completed",
      epoch: 1,
      facts: { next: "succeeded", checks: [] },
      body: { return: toReturn(), checks: [] },
    },
    {
      type: "task.completed",
      epoch: 1,
      facts: { next: "verifying", checks: [{ name: "c", required: true }] },
      body: { return: toReturn(), checks: [] },
    },
  ],
  "checks.passed": [{ type: "checks.passed", epoch: 1, facts: {}, body: { results: [] } }],
  "checks.failed": [{ type: "checks.failed", epoch: 1, facts: { failed: ["c"] }, body: { results: [] } }],
  "claim.revived": [
    { type: "claim.revived", epoch: 1, facts: { agent: "w1", next: "running", attempt: 1 }, body: {} },
    { type: "claim.revived", epoch: 1, facts: { agent: "w1", next: "verifying", attempt: 1 }, body: {} },
  ],
  "task.failed": [
    {
      type: "task.failed",
      epoch: 1,
      facts: { ...claimable, next: "start", attempt: 2, retryable: true },
      body: { error: "e" },
    },
    {
      type: "task.failed",
      epoch: 1,
      facts: { ...claimable, next: "failed", attempt: 2, retryable: true, code: "ATTEMPTS_OVER" },
      body: { error: "e" },
    },
  ],
  "task.cancelled": [{ type: "task.cancelled", epoch: 1, facts: { code: "CANCELLED" }, body: {} }],
  "deadline.passed": [{ type: "deadline.passed", epoch: 1, facts: { code: "DEADLINE_PASSED" }, body: {} }],
  "handoff.offered": [
    { type: "handoff.offered", epoch: 1, facts: { packetId: packetId(), to: "any" }, body: { packet: toPacket() } },
  ],
  "handoff.claimed": [
    { type: "handoff.claimed", epoch: 2, facts: { packetId: packetId(), agent: "w2", stage: 2 }, body: {} },
  ],
  "handoff.declined": [{ type: "handoff.declined", epoch: 1, facts: { packetId: packetId(), ...claimable }, body: {} }],
  "handoff.withdrawn": [
    { type: "handoff.withdrawn", epoch: 1, facts: { packetId: packetId(), ...claimable }, body: {} },
  ],
  "handoff.expired": [{ type: "handoff.expired", epoch: 1, facts: { packetId: packetId(), ...claimable }, body: {} }],
  "handoff.returned": [
    {
      type: "handoff.returned",
      epoch: 1,
      facts: { packetId: packetId(), outcome: "blocked", to: "any", ...claimable },
      body: { return: toReturn() },
    },
  ],
  "delegation.sent": [
    {
      type: "delegation.sent",
      epoch: 1,
      facts: {
        delegationId: delegationId(),
        childId: taskId(2),
        packetId: packetId(),
        to: "any",
        budget: { count: 1, depth: 1 },
      },
      body: { packet: toPacket() },
    },
  ],
  "delegation.returned": [
    {
      type: "delegation.returned",
      epoch: 1,
      facts: { delegationId: delegationId(), childId: taskId(2), outcome: "completed" },
      body: { return: toReturn() },
    },
  ],
  "session.noted": [{ type: "session.noted", epoch: 0, facts: { kind: "note" }, body: { text: "t" } }],
  "session.closed": [{ type: "session.closed", epoch: 0, facts: {}, body: {} }],
  "lesson.observed": [toMove("observed")],
  "lesson.supported": [toMove("supported")],
  "lesson.trusted": [toMove("trusted")],
  "lesson.contested": [toMove("contested")],
  "lesson.restored": [toMove("restored")],
  "lesson.retired": [toMove("retired")],
  "lesson.reactivated": [toMove("reactivated")],
  "lesson.written": [toMove("written")],
  "lesson.activated": [toMove("activated")],
  "review.given": [
    { type: "review.given", epoch: 0, facts: { lessonId: lessonId(), act: "retire" }, body: { reason: "r" } },
  ],
  "feedback.given": [
    {
      type: "feedback.given",
      epoch: 0,
      facts: { receiptId: receiptId(), outcome: "succeeded", lessons: [lessonId()] },
      body: {},
    },
  ],
  "nodes.activated": [
    { type: "nodes.activated", epoch: 0, facts: { outcome: "failed", lessons: [lessonId()] }, body: {} },
  ],
  "episodes.imported": [
    { type: "episodes.imported", epoch: 0, facts: { source: "git:1", count: 0 }, body: { episodes: [] } },
  ],
  "recall.reset": [{ type: "recall.reset", epoch: 0, facts: {}, body: {} }],
  "playbook.compiled": [
    {
      type: "playbook.compiled",
      epoch: 0,
      facts: { to: "draft", version: 1, isPartial: false, sources: [taskId(5)] },
      body: { content: playbookContent },
    },
  ],
  "playbook.started": [
    {
      type: "playbook.started",
      epoch: 0,
      facts: { to: "shadow", version: 2, replayId: taskId(9), mode: "strict", content: 1 },
      body: {},
    },
  ],
  "playbook.replayed": [
    { ...toPlaybookTurn({ to: "shadow", outcome: "passed" }), type: "playbook.replayed" },
    { ...toPlaybookTurn({ to: "shadow", outcome: "aborted", isVerified: false }), type: "playbook.replayed" },
  ],
  "playbook.turned": [toPlaybookTurn({}), toPlaybookTurn({ mode: "simulate", outcome: "passed", to: "shadow" })],
  "playbook.moved": [
    { type: "playbook.moved", epoch: 0, facts: { to: "disabled", version: 3, evidence: [] }, body: { reason: "r" } },
  ],
  "playbook.repaired": [
    {
      type: "playbook.repaired",
      epoch: 0,
      facts: { to: "shadow", version: 3, evidence: [] },
      body: { content: playbookContent, reason: "r" },
    },
  ],
  "playbook.reviewed": [
    {
      type: "playbook.reviewed",
      epoch: 0,
      facts: { act: "reject", to: "shadow", version: 4, evidence: [] },
      body: { reason: "r" },
    },
  ],
  "replay.started": [{ type: "replay.started", epoch: 1, facts: { replayId: taskId(9) }, body: {} }],
  "replay.failed": [{ type: "replay.failed", epoch: 1, facts: { replayId: taskId(9) }, body: {} }],
  "task.replayed": [{ type: "task.replayed", epoch: 1, facts: { replayId: taskId(9) }, body: {} }],
  "task.promoted": [{ type: "task.promoted", epoch: 1, facts: { evidence: [1] }, body: {} }],
};

function toMove<Move extends LessonMove>(move: Move): Extract<NewEvent, { type: `lesson.${Move}` }> {
  const facts = { lessonId: lessonId(), kind: "workflow", from: null, to: "candidate", evidence: [], missing: [] };
  return { type: `lesson.${move}`, epoch: 0, facts, body: {} } as unknown as Extract<
    NewEvent,
    { type: `lesson.${Move}` }
  >; // one shape for all moves
}

function toReturn() {
  return { outcome: "completed" as const, summary: "", checks: [], files: [], artifacts: [], evidence: [] };
}

function toPacket() {
  const parsed = operations["handoff.offer"].input.shape.packet.parse(packet);
  return {
    ...parsed,
    id: packetId(),
    taskId: taskId(),
    kind: "handoff" as const,
    from: { agent: "worker-1" },
    to: "any" as const,
    stage: 1,
    offeredAt: t0,
  };
}
