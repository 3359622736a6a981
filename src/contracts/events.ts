// Events
//
// The facts of a task's life, as the journal keeps them. A header holds the few facts that folding needs (`facts`) and is covered by
// the hash chain for ever; a body holds the texts and data that people and workers read, and can be erased without breaking the chain
// or the fold. `facts` are decisions already made: a fold never computes a time, an epoch or a next state.

import { z } from "zod";
import { Choice, Concern, Sides } from "./concern.ts";
import { EndCode } from "./ending.ts";
import {
  AgentId,
  type CommandId,
  DelegationId,
  EventId,
  LessonId,
  PacketId,
  PauseId,
  ReceiptId,
  RecordedCommandId,
  Role,
  TaskId,
} from "./ids.ts";
import {
  Evidence,
  ImportedEpisode,
  LessonAct,
  LessonContent,
  LessonKind,
  type LessonMove,
  LessonState,
} from "./lesson.ts";
import { limits } from "./limits.ts";
import { Packet, Return } from "./packet.ts";
import { PlaybookContent, PlaybookState, ReplayBreak, ReplayMode, ReplayOrder, ReplayOutcome } from "./playbook.ts";
import { sensitive } from "./sensitive.ts";
import { SessionNote } from "./session.ts";
import { StepSubject } from "./step.ts";
import {
  Check,
  CheckResult,
  Cost,
  FilePath,
  Isolation,
  Json,
  Line,
  Name,
  Sequence,
  Target,
  Text,
  Time,
  WaitMs,
} from "./values.ts";

/** What a delegation may still give away: further delegations in the whole tree below, and further levels. */
export const Budget = z.strictObject({
  count: z.int().nonnegative().max(limits.messageValues),
  depth: z.int().nonnegative().max(limits.delegationDepth),
});
export type Budget = z.infer<typeof Budget>;

/** When a task that failed is tried again: exponential backoff from `backoffMs`, never over `backoffMaxMs`, with jitter. */
export const RetryPolicy = z.strictObject({
  attemptsMax: z.int().positive().max(limits.attempts).default(5),
  /** Leases that one stage may lose in all, also those of runs that recorded something new; the last one ends the task. */
  lossesMax: z.int().positive().max(limits.attempts).default(20),
  backoffMs: WaitMs.default(1_000),
  backoffMaxMs: WaitMs.default(60_000),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;

/** Claims of this agent go first until then. */
const Preference = z.strictObject({ agent: AgentId, until: Time });
/**
 * How far the steady clock was ahead of the wall clock when the event was decided; absent where they agreed. The ends of lengths that the
 * event begins are this much later on the steady clock, where they count: their moments here are those of the wall clock as it was.
 */
const lead = { leadMs: z.int().optional() };
const CheckName = z.strictObject({ name: Name, required: z.boolean() });
const claimable = { claimableAt: Time, preferred: Preference.optional(), ...lead };
const nothing = z.strictObject({});

/** The end of a pause. It makes the task claimable when the task waits for it alone; a run that is still on goes on. */
const pauseEnd = z.strictObject({
  pauseId: PauseId,
  next: z.enum(["start", "running", "paused"]),
  claimableAt: Time.optional(),
  preferred: Preference.optional(),
  ...lead,
});
/**
 * The end of a run that waits for its pauses: `start` when one of them ended meanwhile. One that stays paused is claimable too, from
 * `claimableAt` on, when it waits for other code.
 */
const rest = {
  next: z.enum(["paused", "start"]),
  /** Pauses that the run no longer asked for. */
  withdrawn: z.array(PauseId).max(limits.pausesOpen),
  claimableAt: Time.optional(),
  preferred: Preference.optional(),
  ...lead,
};
/** Beside `expiresAt`: the length of which it is the end. A moment that the caller named has none. */
const expiry = { expiresAt: Time.optional(), expiresInMs: WaitMs.optional() };
const step = {
  ...StepSubject.shape,
  stage: z.int().positive(),
  /** How often the step was set aside before, to run again. */
  rerun: z.int().positive().optional(),
};
const measures = { durationMs: WaitMs.optional(), cost: Cost.optional() };
const why = z.strictObject({ reason: Line.optional() });
/** Of an event that can end a task: the code of the reason, when it does. */
const mayEnd = { code: EndCode.optional() };
/** The texts of that reason. */
const ending = { message: Line.optional(), lastError: sensitive(Line).optional() };

const CreatedFacts = z.strictObject({
  kind: Name,
  family: Name.optional(),
  parentId: TaskId.optional(),
  rootId: TaskId,
  depth: z.int().nonnegative(),
  delegationId: DelegationId.optional(),
  packetId: PacketId.optional(),
  /** In which role the packet was put down. */
  fromRole: Role.optional(),
  to: Target,
  priority: z.int(),
  claimableAt: Time,
  /** `wall` when the caller named that moment. */
  claimableOn: z.literal("wall").optional(),
  deadlineAt: Time.optional(),
  /** The length of which `deadlineAt` is the end. A moment that a caller named has none. */
  timeoutMs: WaitMs.optional(),
  ...lead,
  retry: RetryPolicy,
  checks: z.array(CheckName).max(limits.checks),
  budget: Budget,
  /** What its checks must be kept apart by. */
  isolation: Isolation.exclude(["none"]).optional(),
  /** Of a replay: what it runs. */
  replay: ReplayOrder.optional(),
});

const entry = <Type extends string, Facts extends z.ZodType, Body extends z.ZodType>(
  type: Type,
  facts: Facts,
  body: Body,
) => ({
  type: z.literal(type),
  facts,
  body,
});

const lessonIds = z.array(LessonId).max(limits.lessonsNamed);
const use = { outcome: z.enum(["succeeded", "failed"]), lessons: lessonIds };

/** A move of a lesson, with all that its place in memory is made from. */
const lesson = <Move extends LessonMove>(move: Move) =>
  entry(
    `lesson.${move}` as const,
    z.strictObject({
      lessonId: LessonId,
      kind: LessonKind,
      from: LessonState.nullable(),
      to: LessonState,
      /** The run that moved it. */
      run: TaskId.optional(),
      evidence: z.array(Evidence).max(limits.listItems),
      /** What its rule still asks for, in sentences. */
      missing: z.array(Line).max(limits.listItems),
    }),
    z.strictObject({ content: LessonContent.optional() }),
  );

/** Where a playbook stands after the event, and the number of its changes by then. */
const version = z.int().positive();
const change = { to: PlaybookState, version };

/** What came of a replay, for its playbook. */
const replayed = <Type extends string>(type: Type) =>
  entry(
    type,
    z.strictObject({
      ...change,
      replayId: TaskId,
      mode: ReplayMode,
      outcome: ReplayOutcome,
      isVerified: z.boolean(),
      /** The version whose content was run. */
      content: version,
    }),
    z.strictObject({ break: ReplayBreak.optional() }),
  );

/** Every type of event with the schema of its facts and of its body. */
export const eventTypes = {
  "task.created": entry(
    "task.created",
    CreatedFacts,
    /** The texts of the start, or the packet that the task began with. */
    z.strictObject({
      brief: Text.optional(),
      data: Json.optional(),
      checks: z.array(Check).max(limits.checks).optional(),
      files: z.array(FilePath).max(limits.listItems).optional(),
      packet: Packet.optional(),
    }),
  ),
  "task.claimed": entry(
    "task.claimed",
    z.strictObject({ agent: AgentId, role: Role.optional(), attempt: z.int().positive(), stage: z.int().positive() }),
    nothing,
  ),
  "task.released": entry("task.released", z.strictObject(claimable), why),
  "lease.expired": entry(
    "lease.expired",
    z.strictObject({
      ...claimable,
      ...mayEnd,
      next: z.enum(["start", "failed"]),
      attempt: z.int().positive(),
      /** Whether its claimant never showed that it lives: the claim was granted after a wait, and no sign of life came. */
      unseen: z.boolean(),
    }),
    z.strictObject(ending),
  ),
  /** The owner of a claim whose lease had run out is heard of again, and no other claim has been made: it holds the task as before. */
  "claim.revived": entry(
    "claim.revived",
    z.strictObject({
      agent: AgentId,
      role: Role.optional(),
      next: z.enum(["running", "verifying"]),
      attempt: z.int().positive(),
    }),
    nothing,
  ),
  "step.begun": entry("step.begun", z.strictObject(step), z.strictObject({ input: Json.optional() })),
  "step.succeeded": entry(
    "step.succeeded",
    z.strictObject({ ...step, ...measures }),
    z.strictObject({ input: Json.optional(), output: Json.optional(), files: z.array(FilePath).max(limits.listItems) }),
  ),
  "step.failed": entry(
    "step.failed",
    z.strictObject({ ...step, ...measures, retryable: z.boolean() }),
    z.strictObject({ input: Json.optional(), error: sensitive(Line), files: z.array(FilePath).max(limits.listItems) }),
  ),
  /** What was recorded of a step counts no more: a person said that it is to run again. */
  "step.superseded": entry("step.superseded", z.strictObject({ ...step, supersedes: Sequence }), nothing),
  "task.paused": entry(
    "task.paused",
    z.strictObject({
      pauseId: PauseId,
      key: Name,
      asks: z.boolean(),
      ...expiry,
      approver: AgentId.optional(),
      /** Whether the run ended with it. One that goes on ends by `task.rested` or any other end of a run. */
      ends: z.boolean(),
      /** What recorded work it is about; absent of a handler's own. */
      concerns: Concern.optional(),
      ...rest,
    }),
    z.strictObject({
      question: Text.optional(),
      answerSchema: Json.optional(),
      note: Text.optional(),
      ...Sides.shape,
    }),
  ),
  "task.rested": entry("task.rested", z.strictObject(rest), nothing),
  "task.answered": entry(
    "task.answered",
    /** `choice` is the answer to a question about recorded work, when it is a word. */
    z.strictObject({ ...pauseEnd.shape, choice: Choice.optional() }),
    z.strictObject({ answer: Json }),
  ),
  "task.resumed": entry("task.resumed", pauseEnd, why),
  "pause.expired": entry("pause.expired", pauseEnd, nothing),
  "task.completed": entry(
    "task.completed",
    z.strictObject({ next: z.enum(["verifying", "succeeded"]), checks: z.array(CheckName).max(limits.checks) }),
    z.strictObject({ return: Return, checks: z.array(Check).max(limits.checks) }),
  ),
  "checks.passed": entry(
    "checks.passed",
    nothing,
    z.strictObject({ results: z.array(CheckResult).max(limits.checks) }),
  ),
  "checks.failed": entry(
    "checks.failed",
    z.strictObject({ failed: z.array(Name).max(limits.checks) }),
    z.strictObject({ results: z.array(CheckResult).max(limits.checks) }),
  ),
  "task.failed": entry(
    "task.failed",
    z.strictObject({
      ...claimable,
      next: z.enum(["start", "failed"]),
      ...mayEnd,
      attempt: z.int().positive(),
      retryable: z.boolean(),
    }),
    z.strictObject({ error: sensitive(Text), data: Json.optional(), ...ending }),
  ),
  "task.cancelled": entry(
    "task.cancelled",
    z.strictObject({ code: EndCode }),
    z.strictObject({ ...why.shape, ...ending }),
  ),
  "deadline.passed": entry("deadline.passed", z.strictObject({ code: EndCode }), z.strictObject(ending)),
  "handoff.offered": entry(
    "handoff.offered",
    z.strictObject({ packetId: PacketId, to: Target, ...expiry, ...lead }),
    z.strictObject({ packet: Packet }),
  ),
  "handoff.claimed": entry(
    "handoff.claimed",
    z.strictObject({ packetId: PacketId, agent: AgentId, role: Role.optional(), stage: z.int().positive() }),
    nothing,
  ),
  "handoff.declined": entry("handoff.declined", z.strictObject({ packetId: PacketId, ...claimable }), why),
  "handoff.withdrawn": entry("handoff.withdrawn", z.strictObject({ packetId: PacketId, ...claimable }), why),
  "handoff.expired": entry("handoff.expired", z.strictObject({ packetId: PacketId, ...claimable }), nothing),
  "handoff.returned": entry(
    "handoff.returned",
    z.strictObject({ packetId: PacketId, outcome: Return.shape.outcome, to: Target, ...claimable }),
    z.strictObject({ return: Return }),
  ),
  "delegation.sent": entry(
    "delegation.sent",
    z.strictObject({ delegationId: DelegationId, childId: TaskId, packetId: PacketId, to: Target, budget: Budget }),
    z.strictObject({ packet: Packet }),
  ),
  "delegation.returned": entry(
    "delegation.returned",
    z.strictObject({ delegationId: DelegationId, childId: TaskId, outcome: Return.shape.outcome }),
    z.strictObject({ return: Return }),
  ),
  "session.noted": entry("session.noted", z.strictObject({ kind: Name }), SessionNote.omit({ kind: true })),
  "session.closed": entry("session.closed", nothing, z.strictObject({ summary: Line.optional() })),
  "lesson.observed": lesson("observed"),
  "lesson.supported": lesson("supported"),
  "lesson.trusted": lesson("trusted"),
  "lesson.contested": lesson("contested"),
  "lesson.restored": lesson("restored"),
  "lesson.retired": lesson("retired"),
  "lesson.reactivated": lesson("reactivated"),
  "lesson.written": lesson("written"),
  "lesson.activated": lesson("activated"),
  "review.given": entry(
    "review.given",
    z.strictObject({ lessonId: LessonId, act: LessonAct }),
    z.strictObject({ reason: Line }),
  ),
  "feedback.given": entry(
    "feedback.given",
    z.strictObject({ receiptId: ReceiptId, ...use }),
    z.strictObject({ note: Line.optional() }),
  ),
  "nodes.activated": entry("nodes.activated", z.strictObject(use), nothing),
  "episodes.imported": entry(
    "episodes.imported",
    z.strictObject({ source: Name, cursor: Line.optional(), count: z.int().nonnegative() }),
    z.strictObject({ episodes: z.array(ImportedEpisode).max(limits.episodes) }),
  ),
  "recall.reset": entry("recall.reset", nothing, why),
  "playbook.compiled": entry(
    "playbook.compiled",
    /** `isPartial` when a source did not succeed: it is to be looked at, and can never be active. */
    z.strictObject({ ...change, isPartial: z.boolean(), sources: z.array(TaskId).max(limits.playbookSources) }),
    z.strictObject({ content: PlaybookContent }),
  ),
  "playbook.started": entry(
    "playbook.started",
    z.strictObject({ ...change, replayId: TaskId, mode: ReplayMode, content: version }),
    nothing,
  ),
  "playbook.replayed": replayed("playbook.replayed"),
  /** The same, of a replay that changed where the playbook stands. */
  "playbook.turned": replayed("playbook.turned"),
  "playbook.moved": entry(
    "playbook.moved",
    z.strictObject({ ...change, approver: AgentId.optional(), evidence: z.array(Sequence).max(limits.listItems) }),
    z.strictObject({ reason: Line }),
  ),
  "playbook.repaired": entry(
    "playbook.repaired",
    z.strictObject({ ...change, evidence: z.array(Sequence).max(limits.listItems) }),
    z.strictObject({ content: PlaybookContent, reason: Line }),
  ),
  "playbook.reviewed": entry(
    "playbook.reviewed",
    z.strictObject({
      ...change,
      act: z.enum(["approve", "reject"]),
      evidence: z.array(Sequence).max(limits.listItems),
    }),
    z.strictObject({ reason: Line }),
  ),
  "replay.started": entry("replay.started", z.strictObject({ replayId: TaskId }), nothing),
  "replay.failed": entry("replay.failed", z.strictObject({ replayId: TaskId }), why),
  "task.replayed": entry("task.replayed", z.strictObject({ replayId: TaskId }), nothing),
  "task.promoted": entry("task.promoted", z.strictObject({ evidence: z.array(Sequence).max(limits.listItems) }), why),
} as const;

export type EventType = keyof typeof eventTypes;

/** The events of what a scope has learned. They are of its one task of kind memory. */
export const memoryTypes = [
  "lesson.observed",
  "lesson.supported",
  "lesson.trusted",
  "lesson.contested",
  "lesson.restored",
  "lesson.retired",
  "lesson.reactivated",
  "lesson.written",
  "lesson.activated",
  "review.given",
  "feedback.given",
  "nodes.activated",
  "episodes.imported",
  "recall.reset",
] as const satisfies readonly EventType[];

/** The events of a playbook. Each is of a task of that kind. */
export const playbookTypes = [
  "playbook.compiled",
  "playbook.started",
  "playbook.replayed",
  "playbook.turned",
  "playbook.moved",
  "playbook.repaired",
  "playbook.reviewed",
] as const satisfies readonly EventType[];

type Header<Type extends EventType> = {
  /** The event's number in its scope's journal; 1 is the first. */
  seq: number;
  id: EventId;
  type: Type;
  taskId: TaskId;
  /** The claim under which it was recorded; 0 before the first. For a claim itself, the new epoch. */
  epoch: number;
  /** Wall time in milliseconds since 1970. */
  at: number;
  /** The agent that caused it, or `runtime`. */
  by: AgentId;
  /** The command it answers, if a caller sent one. */
  commandId?: CommandId | undefined;
  /** The event of the same commit that brought this one about. */
  causedBy?: EventId | undefined;
  facts: z.infer<(typeof eventTypes)[Type]["facts"]>;
};

/** The header of an event: what a fold reads. */
export type EventHeader<Type extends EventType = EventType> = { [T in Type]: Header<T> }[Type];

/** The body of an event: what people and workers read. */
export type EventBody<Type extends EventType = EventType> = {
  [T in Type]: z.infer<(typeof eventTypes)[T]["body"]>;
}[Type];

/** An event as readers of the journal see it. `body` is absent when it was erased. */
export const JournalEvent = z.strictObject({
  seq: Sequence,
  id: EventId,
  type: z.enum(Object.keys(eventTypes) as [EventType, ...EventType[]]), // Object.keys loses the key type; the table has at least one
  taskId: TaskId,
  epoch: z.int().nonnegative(),
  at: Time,
  by: AgentId,
  commandId: RecordedCommandId.optional(),
  causedBy: EventId.optional(),
  facts: z.record(z.string(), z.unknown()),
  body: z.record(z.string(), z.unknown()).optional(),
});
export type JournalEvent = z.infer<typeof JournalEvent>;
