import { z } from "zod";
import { CommandId, PacketId, Role, TaskId } from "../ids.ts";
import { limits } from "../limits.ts";
import { PacketInput } from "../packet.ts";
import { Ack, Assignment } from "../task.ts";
import { Line, Target, Time, WaitMs } from "../values.ts";
import { defineOperation } from "./operation.ts";

const commandId = { commandId: CommandId.optional() };
const addressed = { ...commandId, taskId: TaskId, packetId: PacketId };

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
