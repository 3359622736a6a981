import { z } from "zod";
import { RetryPolicy } from "../events.ts";
import { CommandId, PacketId, Role, TaskId } from "../ids.ts";
import { limits } from "../limits.ts";
import { DelegationRecord, Packet, PacketInput, PacketStatus, ReturnInput } from "../packet.ts";
import { Ack, Assignment, Task } from "../task.ts";
import { Line, Name, Sequence, Target, TaskKind, Time, WaitMs } from "../values.ts";
import { defineOperation } from "./operation.ts";

const commandId = { commandId: CommandId.optional() };
const addressed = { ...commandId, taskId: TaskId, packetId: PacketId };

/** A packet with where it stands. A derived one was computed from the journal when it was asked for, and has no id. */
const Recovered = z.strictObject({
  packet: Packet.extend({ id: PacketId.optional() }),
  derived: z.boolean(),
  /**
   * Of a derived packet that names the last steps alone: how many of the stage come before them, and before which event. `tasks.steps` of
   * the stage lists them all.
   */
  omitted: z.strictObject({ steps: z.int().positive(), before: Sequence }).optional(),
  record: DelegationRecord.optional(),
  task: Task,
  /** When the present owner's lease ends if no heartbeat comes. */
  ownedUntil: Time.optional(),
});

export const handoffStore = defineOperation({
  name: "handoff.store",
  kind: "command",
  layer: "core",
  summary: "Put down a packet for somebody else to take later: a task that begins with a handoff.",
  input: z.strictObject({
    ...commandId,
    packet: PacketInput,
    to: Target.default("any"),
    from: z.strictObject({ role: Role }).optional(),
    kind: TaskKind.default("task"),
    family: Name.optional(),
    deadlineAt: Time.optional(),
    retry: RetryPolicy.prefault({}),
  }),
  output: z.strictObject({ ...Ack.shape, packetId: PacketId }),
  failures: [],
  idempotent: false,
});

export const handoffRecover = defineOperation({
  name: "handoff.recover",
  kind: "query",
  layer: "core",
  summary:
    "Read a packet by its anchor, its id or its task, without taking it. Of one anchor the newest packet counts.",
  input: z.union([
    z.strictObject({ anchor: Name }),
    z.strictObject({ packetId: PacketId }),
    z.strictObject({ taskId: TaskId }),
  ]),
  output: Recovered,
  failures: ["PACKET_NOT_FOUND", "TASK_NOT_FOUND"],
  idempotent: true,
});

export const handoffReturn = defineOperation({
  name: "handoff.return",
  kind: "command",
  layer: "core",
  summary:
    "Answer the packet that one works from. Completed ends the task; else it becomes claimable, its sender first.",
  input: z.strictObject({ ...commandId, taskId: TaskId, epoch: z.int().positive(), return: ReturnInput }),
  output: Ack,
  failures: [
    "TASK_NOT_FOUND",
    "TASK_STATE_CONFLICT",
    "EPOCH_STALE",
    "CHILDREN_OPEN",
    "PACKET_NOT_FOUND",
    "HANDOFF_LIMIT",
  ],
  idempotent: false,
});

const recordFilter = {
  status: PacketStatus.optional(),
  to: Target.optional(),
  pageSize: z.int().positive().max(limits.pageRows).default(50),
  cursor: PacketId.optional(),
};
const recordPage = z.strictObject({ records: z.array(DelegationRecord), cursor: PacketId.optional() });

export const handoffList = defineOperation({
  name: "handoff.list",
  kind: "query",
  layer: "core",
  summary: "List handoff packets, newest first, a page at a time.",
  input: z.strictObject(recordFilter),
  output: recordPage,
  failures: ["CURSOR_INVALID"],
  idempotent: true,
});

export const delegationFind = defineOperation({
  name: "delegation.find",
  kind: "query",
  layer: "advanced",
  summary: "List delegation records, newest first, a page at a time.",
  input: z.strictObject({ ...recordFilter, parentId: TaskId.optional() }),
  output: recordPage,
  failures: ["CURSOR_INVALID"],
  idempotent: true,
});

const rate = z.number().min(0).max(1);

/** What became of the packets that have one role, family or agent in common. */
const PacketGroup = z.strictObject({
  /** Absent for packets to anyone, of no family, or not claimed yet. */
  key: Name.optional(),
  packets: z.int().nonnegative(),
  completed: z.int().nonnegative(),
  blocked: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  partial: z.int().nonnegative(),
  /** Declined, withdrawn or expired. */
  refused: z.int().nonnegative(),
  /** Claimed, and nothing has come back yet. */
  missing: z.int().nonnegative(),
  completionRate: rate,
  blockedRate: rate,
  missingRate: rate,
  /** Means; absent when there is none to take a mean of. */
  timeToClaimMs: z.number().nonnegative().optional(),
  timeToReturnMs: z.number().nonnegative().optional(),
});

export const delegationAggregate = defineOperation({
  name: "delegation.aggregate",
  kind: "query",
  layer: "advanced",
  summary: "Count what became of all packets, by role, family or agent, and say what stands out.",
  input: z.strictObject({
    by: z.enum(["role", "family", "agent"]).default("role"),
    kind: z.enum(["handoff", "delegation"]).optional(),
  }),
  output: z.strictObject({
    groups: z.array(PacketGroup),
    recommendations: z.array(z.strictObject({ key: Name.optional(), advice: Line })),
  }),
  failures: [],
  idempotent: true,
});

/** One task of a delegation tree. Its children are those of the list that name it as `parentId`. */
const TreeNode = z.strictObject({ task: Task, level: z.int().nonnegative(), record: DelegationRecord.optional() });

export const delegationTree = defineOperation({
  name: "delegation.tree",
  kind: "query",
  layer: "advanced",
  summary: "Read what a task delegated, and what that delegated in turn: parents before children, a page at a time.",
  input: z.strictObject({
    taskId: TaskId,
    pageSize: z.int().positive().max(limits.pageRows).default(limits.pageRows),
    /** The last task of the page before. */
    cursor: TaskId.optional(),
  }),
  output: z.strictObject({ nodes: z.array(TreeNode), cursor: TaskId.optional() }),
  failures: ["TASK_NOT_FOUND", "CURSOR_INVALID"],
  idempotent: true,
});

export const handoffOffer = defineOperation({
  name: "handoff.offer",
  kind: "command",
  layer: "core",
  summary: "Offer a running task with a packet. The offerer's claim ends; one claim takes it.",
  input: z.strictObject({
    ...commandId,
    taskId: TaskId,
    epoch: z.int().positive(),
    to: Target,
    packet: PacketInput,
    expiresAt: Time.optional(),
    /** The same as a length of time from now; `expiresAt` goes first. */
    expiresInMs: WaitMs.optional(),
  }),
  output: z.strictObject({ ...Ack.shape, packetId: PacketId }),
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT", "EPOCH_STALE", "HANDOFF_LIMIT"],
  idempotent: false,
});

export const handoffClaim = defineOperation({
  name: "handoff.claim",
  kind: "command",
  layer: "core",
  summary: "Take an offered packet. Of two claims one wins; the other is told who did.",
  input: z.strictObject({ ...addressed, roles: z.array(Role).max(limits.roles).default([]) }),
  output: z.strictObject({ assignment: Assignment }),
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT", "CLAIM_LOST", "NOT_ADDRESSED"],
  idempotent: false,
});

export const handoffDecline = defineOperation({
  name: "handoff.decline",
  kind: "command",
  layer: "core",
  summary: "Refuse an offered packet; the task becomes claimable again, its offerer first.",
  input: z.strictObject({ ...addressed, roles: z.array(Role).max(limits.roles).default([]), reason: Line.optional() }),
  output: Ack,
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT", "CLAIM_LOST", "NOT_ADDRESSED"],
  idempotent: false,
});

export const handoffWithdraw = defineOperation({
  name: "handoff.withdraw",
  kind: "command",
  layer: "core",
  summary: "Take an offer back before anyone claimed it.",
  input: z.strictObject({ ...addressed, reason: Line.optional() }),
  output: Ack,
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT", "CLAIM_LOST", "NOT_ADDRESSED"],
  idempotent: false,
});
