import { z } from "zod";
import { Choice, Concern, Sides } from "./concern.ts";
import { EndMark, EndReason } from "./ending.ts";
import { Budget } from "./events.ts";
import { AgentId, DelegationId, PacketId, PauseId, TaskId } from "./ids.ts";
import { limits } from "./limits.ts";
import { Packet, Return } from "./packet.ts";
import { Actor, Check, FilePath, Isolation, Json, Line, Name, Sequence, Target, Text, Time, WaitMs } from "./values.ts";

/** The words for where a task stands. `replayed` and `promoted` are parts of having succeeded. */
export const TaskState = z.enum([
  "start",
  "running",
  "paused",
  "handoff",
  "verifying",
  "succeeded",
  "failed",
  "cancelled",
  "replayed",
  "promoted",
]);
export type TaskState = z.infer<typeof TaskState>;

/** A pause that is open: it waits for an answer if it asks, else for a resume. */
export const OpenPause = z.strictObject({
  pauseId: PauseId,
  /** By what a worker that starts over finds it. */
  key: Name,
  asks: z.boolean(),
  /** The agent whose answer or resume alone counts; any if absent. */
  approver: AgentId.optional(),
  expiresAt: Time.optional(),
  /** The event that opened it. */
  seq: Sequence,
  /** What recorded work it is about; absent of a handler's own question. */
  concerns: Concern.optional(),
  /** Of one that waits for other code: how often the task was tried again. */
  tries: z.int().nonnegative().optional(),
});
export type OpenPause = z.infer<typeof OpenPause>;

const common = {
  id: TaskId,
  kind: Name,
  family: Name.optional(),
  /** The first line of the brief; absent when the text was erased. */
  title: z.string().max(limits.nameChars).optional(),
  parentId: TaskId.optional(),
  rootId: TaskId,
  delegationId: DelegationId.optional(),
  priority: z.int(),
  /** Grows with each claim; a worker's commands carry it. */
  epoch: z.int().nonnegative(),
  /** One try; grows when a run failed, or was lost without a new success. */
  attempt: z.int().positive(),
  /** Leases lost in the present stage; `retry.lossesMax` of them end the task. */
  losses: z.int().nonnegative(),
  /** Grows with each accepted handoff; steps are counted within it. */
  stage: z.int().positive(),
  /** How many events the task has. */
  revision: z.int().positive(),
  stepsRecorded: z.int().nonnegative(),
  handoffs: z.int().nonnegative(),
  childrenOpen: z.array(TaskId).max(limits.childrenOpen),
  /** Open pauses, oldest first. Each is answered by itself, in whatever state the task is shown. */
  pauses: z.array(OpenPause).max(limits.pausesOpen),
  deadlineAt: Time.optional(),
  createdAt: Time,
  updatedAt: Time,
};
const ended = { endedAt: Time, outcomeSeq: Sequence };
/** Its texts are in `TaskContent.outcome.reason`. */
const unsuccessful = z.strictObject({ reason: EndMark });

/** A task as every reader sees it. Each state carries its own fields and no others. */
export const Task = z.discriminatedUnion("state", [
  /** Waiting for a claim. In: created, retried, lost, answered, declined. Out: a claim. If the process dies: still claimable. */
  z.strictObject({ ...common, state: z.literal("start"), to: Target, claimableAt: Time }),
  /** Somebody works on it. In: a claim. Out: its owner, or the end of its lease. If the process dies: recorded steps stay. */
  z.strictObject({ ...common, state: z.literal("running"), owner: Actor, claimedAt: Time }),
  /**
   * A pause is open: a question waits for its answer, or the task for a resume. In: its owner. Out: answer, resume, expiry, cancel. While
   * other branches of the work go on it has an owner, and its lease.
   */
  z.strictObject({
    ...common,
    state: z.literal("paused"),
    owner: Actor.optional(),
    claimedAt: Time.optional(),
    /** Of a task that waits for other code: from when on it can be claimed, to try whether that is there. */
    claimableAt: Time.optional(),
  }),
  /** Offered with a packet. In: its owner. Out: one claim, decline, withdrawal, expiry. If the process dies: announced again. */
  z.strictObject({
    ...common,
    state: z.literal("handoff"),
    packetId: PacketId,
    to: Target,
    from: Actor,
    expiresAt: Time.optional(),
  }),
  /** Said to be complete; its checks run. In: its owner. Out: the results. If the process dies: back to `start`. */
  z.strictObject({ ...common, state: z.literal("verifying"), owner: Actor, claimedAt: Time, checks: z.array(Name) }),
  /** Done. Only learning goes on. */
  z.strictObject({ ...common, ...ended, state: z.literal("succeeded"), verified: z.boolean() }),
  z.strictObject({ ...common, ...ended, state: z.literal("replayed"), verified: z.boolean() }),
  z.strictObject({ ...common, ...ended, state: z.literal("promoted"), verified: z.boolean() }),
  /** Given up: not retryable, out of attempts, lost too often, or past its deadline. */
  z.strictObject({ ...common, ...ended, state: z.literal("failed"), outcome: unsuccessful }),
  z.strictObject({ ...common, ...ended, state: z.literal("cancelled"), outcome: unsuccessful }),
]);
export type Task = z.infer<typeof Task>;

/** The texts and data of one task, which lists leave out. */
export const TaskContent = z.strictObject({
  brief: Text.optional(),
  data: Json.optional(),
  files: z.array(FilePath).max(limits.listItems),
  checks: z.array(Check).max(limits.checks),
  /**
   * The open pauses with their texts, oldest first. A question that was erased is absent, and so are those that come after
   * `limits.pageBytes` of texts: the event at `seq` has them.
   */
  pauses: z
    .array(
      OpenPause.extend({
        question: Text.optional(),
        answerSchema: Json.optional(),
        note: Text.optional(),
        ...Sides.shape,
      }),
    )
    .max(limits.pausesOpen),
  /** The packet of an open handoff, or the one the present owner took. */
  packet: Packet.optional(),
  /** Of a task that ended: what it gave back, or with what it failed and as `reason` why it ended (see `EndReason`). */
  outcome: Json.optional(),
});
export type TaskContent = z.infer<typeof TaskContent>;

/**
 * How a pause ended; withdrawn when the work went on, or ended, without it. `answer` is there when it was answered and the text was not
 * erased.
 */
export const PauseEnd = z.strictObject({
  pauseId: PauseId,
  key: Name,
  /** The event that ended it. */
  seq: Sequence,
  end: z.enum(["answered", "resumed", "expired", "withdrawn"]),
  answer: Json.optional(),
  /** Of an answered question about recorded work: what it was about, and the answer when it is one of the words to choose from. */
  concerns: Concern.optional(),
  choice: Choice.optional(),
});
export type PauseEnd = z.infer<typeof PauseEnd>;

/** What a worker gets with a claim. */
export const Assignment = z.strictObject({
  taskId: TaskId,
  epoch: z.int().positive(),
  attempt: z.int().positive(),
  stage: z.int().positive(),
  kind: Name,
  family: Name.optional(),
  parentId: TaskId.optional(),
  brief: Text.optional(),
  data: Json.optional(),
  files: z.array(FilePath).max(limits.listItems),
  checks: z.array(Check).max(limits.checks),
  packet: Packet.optional(),
  /** What its checks must be kept apart by; one that runs otherwise has failed. */
  isolation: Isolation.exclude(["none"]).optional(),
  /** Whether steps of this stage are recorded already: `tasks.steps` reads them. */
  hasSteps: z.boolean(),
  /** What the last worker gave back when it returned the packet unfinished. */
  returned: Return.optional(),
  /** How each pause of the present stage ended, oldest first, so that a handler that starts over gets the same answers. */
  pauses: z.array(PauseEnd).max(limits.pausesPerStage),
  /** Those that are still open: a handler that comes to one again does not ask again. */
  openPauses: z.array(OpenPause).max(limits.pausesOpen),
  budget: Budget,
  deadlineAt: Time.optional(),
  /** How long the lease lasts without a heartbeat. */
  leaseMs: WaitMs,
});
export type Assignment = z.infer<typeof Assignment>;

/** What a command answers: the event that now stands in the journal. A repeat of the command answers the same. */
export const Ack = z.strictObject({
  taskId: TaskId,
  seq: Sequence,
  at: Time,
  epoch: z.int().nonnegative(),
  /** The task's state right after that event. What an owner does meanwhile is answered with `running`, be a question open or not. */
  state: TaskState,
});
export type Ack = z.infer<typeof Ack>;

/** Why a task does not move, and what would move it. */
export const Explanation = z.strictObject({
  taskId: TaskId,
  state: TaskState,
  because: Line,
  /** Of a task that ended without success. */
  outcome: z.strictObject({ reason: EndReason }).optional(),
  /** Operations that the task takes now. */
  allowed: z.array(Name).max(limits.listItems),
  moves: z.array(Line).max(limits.listItems),
});
export type Explanation = z.infer<typeof Explanation>;
