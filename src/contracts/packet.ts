import { z } from "zod";
import { EndReason } from "./ending.ts";
import { AgentId, DelegationId, PacketId, TaskId } from "./ids.ts";
import { limits } from "./limits.ts";
import { sensitive } from "./sensitive.ts";
import { Actor, Check, CheckResult, Cost, FilePath, Json, Line, Name, Target, Text, Time, WaitMs } from "./values.ts";

const list = <Item extends z.ZodType>(item: Item) => z.array(item).max(limits.listItems).default([]);

/** A path that was tried and given up, so that the next worker does not try it again. */
const RejectedPath = z.strictObject({ path: Line, why: Line });

const packetContent = {
  /** What the work is about and where it stands. */
  brief: Text.min(1),
  /** What to do first. */
  nextAction: Text.optional(),
  files: list(FilePath),
  checks: z.array(Check).max(limits.checks).default([]), // they become the checks of the task that begins with it
  constraints: z
    .strictObject({ change: list(Line), remove: list(Line), keep: list(Line) })
    .default({ change: [], remove: [], keep: [] }),
  facts: list(Line),
  rejected: list(RejectedPath),
  blockers: list(Line),
  /** Servers and the like that are running for this work. */
  services: sensitive(list(Line)),
  /** Things made by the work: paths, URLs, ids. */
  artifacts: sensitive(list(Line)),
  /** What supports the brief: outputs, references to events. */
  evidence: sensitive(list(Line)),
  /** Lessons that were shown and mattered. */
  lessons: list(Name),
  /** A name by which the packet can be recovered later. */
  anchor: Name.optional(),
  /** Anything else, as JSON. */
  data: Json.optional(),
};

/**
 * What the next worker must know, as its author writes it. It must say what to do: one of `nextAction` or `files` is required.
 * The runtime adds who, when and where from.
 */
export const PacketInput = z
  .strictObject(packetContent)
  .refine((packet) => packet.nextAction !== undefined || packet.files.length > 0, {
    error: "a packet needs a nextAction or files, so that the next worker does not have to guess",
  });
export type PacketInput = z.infer<typeof PacketInput>;

/** One schema for pause, handoff, delegation and review. Stored as its author wrote it, character for character. */
export const Packet = z.strictObject({
  ...packetContent,
  id: PacketId,
  taskId: TaskId,
  kind: z.enum(["pause", "handoff", "delegation", "review"]),
  parentPacketId: PacketId.optional(),
  delegationId: DelegationId.optional(),
  from: Actor,
  to: Target,
  stage: z.int().positive(),
  offeredAt: Time,
  expiresAt: Time.optional(),
  deadlineAt: Time.optional(),
});
export type Packet = z.infer<typeof Packet>;

const returned = {
  outcome: z.enum(["completed", "blocked", "failed", "partial"]),
  /** Of a part that failed, its error. */
  summary: sensitive(Text).default(""),
  checks: z.array(CheckResult).max(limits.checks).default([]),
  files: list(FilePath),
  artifacts: sensitive(list(Line)),
  evidence: sensitive(list(Line)),
  data: Json.optional(),
  durationMs: WaitMs.optional(),
  cost: Cost.optional(),
};

/** What a worker gives back for a packet. */
export const ReturnInput = z.strictObject(returned);

/** What came back for a packet. */
export const Return = z.strictObject({
  ...returned,
  /** Why the task of a part ended, when it ended without success. The runtime adds it. */
  reason: EndReason.optional(),
});
export type Return = z.infer<typeof Return>;

/** Where a packet stands: on offer, taken, answered by the end of the work, or off the table. */
export const PacketStatus = z.enum(["offered", "claimed", "returned", "declined", "withdrawn", "expired"]);
export type PacketStatus = z.infer<typeof PacketStatus>;

/** A packet with what became of it and when: the stored pair of packet and return, without their texts. */
export const DelegationRecord = z.strictObject({
  packetId: PacketId,
  kind: Packet.shape.kind,
  /** The task that carries it: for a delegation the child. */
  taskId: TaskId,
  parentId: TaskId.optional(),
  delegationId: DelegationId.optional(),
  family: Name.optional(),
  anchor: Name.optional(),
  from: Actor,
  to: Target,
  stage: z.int().positive(),
  status: PacketStatus,
  offeredAt: Time,
  claimedAt: Time.optional(),
  claimedBy: AgentId.optional(),
  endedAt: Time.optional(),
  /** What came of the work; there when `status` is `returned`. */
  outcome: Return.shape.outcome.optional(),
});
export type DelegationRecord = z.infer<typeof DelegationRecord>;
