// Packets, as readers see them
//
// Recovering a packet, the lists of records, the tree of what a task delegated. Reads only: nothing is written for a packet that is looked at.

import type { Leases, Persistence } from "../../actors/index.ts";
import { isClaimed, isWork, type TaskSnapshot, toFirstLine } from "../../machines/index.ts";
import { AionisError } from "../contracts/failures.ts";
import type { TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import type { DelegationRecord, Packet } from "../contracts/packet.ts";
import { type StepIdentity, toStepLabel } from "../contracts/step.ts";
import type { TaskContent } from "../contracts/task.ts";
import type { Actor, Target } from "../contracts/values.ts";
import type { PacketFilter, PacketRow, ScopeStore } from "../kernel/store.ts";
import { readPacket, readQuestions, toContent, toTask } from "./views.ts";

type Found = PacketRow & { taskId: TaskId };

export interface PacketParts {
  scope: string;
  store: ScopeStore;
  persistence: Persistence;
  leases: Leases;
}

/** Reads a packet by its anchor, its id or its task; for a task that never had one, makes it from the journal. */
export function recover(
  parts: PacketParts,
  input: OperationParsed<"handoff.recover">,
): OperationOutput<"handoff.recover"> {
  const row = findRow(parts.store, input);
  const taskId = row?.taskId ?? ("taskId" in input ? input.taskId : undefined);
  if (taskId === undefined) throw packetNotFound(input);
  const task = parts.store.task(taskId);
  const snapshot = task === undefined ? undefined : parts.persistence.snapshot(parts.scope, taskId);
  if (task === undefined || snapshot === undefined) throw taskNotFound(taskId);
  if (!isWork(snapshot)) throw packetNotFound(input); // nobody takes it over, so there is nothing to derive

  const stored = row === undefined ? undefined : readPacket(parts.store, row.seq);
  const ownedUntil = isClaimed(snapshot) ? parts.leases.until(parts.scope, taskId) : undefined;
  return {
    packet: stored ?? derivePacket(parts.store, snapshot, task.task),
    derived: stored === undefined,
    ...(row === undefined ? {} : { record: toRecord(row) }),
    task: toTask(snapshot, task.title),
    ...(ownedUntil === undefined ? {} : { ownedUntil }),
  };
}

/** A page of records, newest first. */
export function listRecords(
  store: ScopeStore,
  kind: PacketFilter["kind"],
  input: OperationParsed<"delegation.find"> | OperationParsed<"handoff.list">,
): OperationOutput<"delegation.find"> {
  const { status, to, pageSize, cursor } = input;
  if (cursor !== undefined && store.packet(cursor) === undefined) {
    throw new AionisError("CURSOR_INVALID", `"${cursor}" is no cursor of this list; start without one.`);
  }
  const parentId = "parentId" in input ? input.parentId : undefined;
  const target = to === undefined ? undefined : JSON.stringify(to);
  const rows = store.packets({ before: cursor, count: pageSize, kind, status, target, parentId });
  const last = rows.length === pageSize ? rows.at(-1)?.packetId : undefined;
  return { records: rows.map(toRecord), ...(last === undefined ? {} : { cursor: last }) };
}

/** What became of all packets, by what they have in common, and what stands out. */
export function aggregate(
  store: ScopeStore,
  { by, kind }: OperationParsed<"delegation.aggregate">,
): OperationOutput<"delegation.aggregate"> {
  const counted = store.countPackets({ by, kind, count: limits.pageRows });
  const groups = counted.map(({ key, timeToClaimMs, timeToReturnMs, ...counts }) => ({
    ...(key === null ? {} : { key }),
    ...counts,
    completionRate: counts.completed / counts.packets,
    blockedRate: counts.blocked / counts.packets,
    missingRate: counts.missing / counts.packets,
    ...(timeToClaimMs === null ? {} : { timeToClaimMs: Math.max(timeToClaimMs, 0) }), // the wall clock may have gone back
    ...(timeToReturnMs === null ? {} : { timeToReturnMs: Math.max(timeToReturnMs, 0) }),
  }));
  return { groups, recommendations: groups.flatMap((group) => recommend(by, group)) };
}

const packetsToJudge = 3;
const completedToReuse = 5;
const completionToReuse = 0.9;

function recommend(
  by: string,
  group: OperationOutput<"delegation.aggregate">["groups"][number],
): OperationOutput<"delegation.aggregate">["recommendations"] {
  const { key, packets, completed, blocked, missing } = group;
  const whose = key === undefined ? `packets without ${by}` : `${by} ${key}`;
  const advice: string[] = [];
  if (packets >= packetsToJudge && blocked > completed) {
    advice.push(
      `${whose}: blocked ${blocked} times and completed ${completed}; look at what blocks it before sending more.`,
    );
  }
  if (missing >= packetsToJudge) advice.push(`${whose}: ${missing} packets were claimed and have not come back.`);
  if (completed >= completedToReuse && completed >= completionToReuse * packets) {
    advice.push(
      `${whose}: completed ${completed} of ${packets}; work that repeats so well is worth keeping as a pattern.`,
    );
  }
  return advice.map((text) => ({ ...(key === undefined ? {} : { key }), advice: text }));
}

/** What a task delegated, and what that delegated in turn; at most `limits.pageRows` tasks. */
export function readTree(
  parts: PacketParts,
  { taskId }: OperationParsed<"delegation.tree">,
): OperationOutput<"delegation.tree"> {
  const nodes: OperationOutput<"delegation.tree">["nodes"] = [];
  const open: { id: TaskId; level: number }[] = [{ id: taskId, level: 0 }];
  let truncated = false;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (nodes.length >= limits.pageRows) return { nodes, truncated: true };
    const row = parts.store.task(next.id);
    const snapshot = row === undefined ? undefined : parts.persistence.snapshot(parts.scope, next.id);
    if (row === undefined || snapshot === undefined) throw taskNotFound(next.id);
    const record = parts.store.packetsOf(row.task).find(({ kind }) => kind === "delegation");
    nodes.push({
      task: toTask(snapshot, row.title),
      level: next.level,
      ...(record === undefined ? {} : { record: toRecord({ ...record, taskId: next.id }) }),
    });
    const children = parts.store.tasks({ parentId: next.id, count: limits.pageRows }); // newest first, so that the oldest is popped first
    truncated ||= children.length === limits.pageRows;
    for (const child of children) open.push({ id: child.id, level: next.level + 1 });
  }
  return { nodes, truncated };
}

function findRow(store: ScopeStore, input: OperationParsed<"handoff.recover">): Found | undefined {
  if ("anchor" in input) return store.packetByAnchor(input.anchor);
  if ("packetId" in input) return store.packet(input.packetId);
  const row = store.task(input.taskId);
  const newest = row === undefined ? undefined : store.packetsOf(row.task).at(-1);
  return newest === undefined ? undefined : { ...newest, taskId: input.taskId };
}

/** What the next worker must know of a task that nobody wrote a packet for: its brief, and the steps that are recorded. */
function derivePacket(store: ScopeStore, snapshot: TaskSnapshot, task: number): Omit<Packet, "id"> {
  const { context } = snapshot;
  const content = toContent(store, snapshot);
  const steps = store.lastStepsOf({ task, stage: context.stage, count: limits.listItems });
  const facts = steps.map(({ type, facts: text, at }) => {
    return `${type} ${toStepLabel(JSON.parse(text) as StepIdentity)} at ${at}`; // the facts of a step's event
  });
  const last = facts.at(-1);
  return {
    taskId: context.id,
    kind: "handoff",
    from: context.owner ?? { agent: context.lastAgent ?? "runtime" },
    to: context.to,
    stage: context.stage,
    offeredAt: context.updatedAt,
    brief: content.brief ?? "The brief was erased.",
    nextAction: last === undefined ? "Begin: nothing is recorded yet." : `Go on after ${last}.`,
    files: content.files,
    checks: content.checks,
    constraints: { change: [], remove: [], keep: [] },
    facts,
    rejected: [],
    blockers: readQuestions(store, context).map(toBlocker),
    services: [],
    artifacts: [],
    evidence: [],
    lessons: [],
    ...(content.data === undefined ? {} : { data: content.data }),
    ...(context.deadlineAt === null ? {} : { deadlineAt: context.deadlineAt }),
  };
}

/** An open pause is what holds the work up. */
function toBlocker({ pauseId, asks, question }: TaskContent["pauses"][number]): string {
  return asks
    ? `${pauseId} waits for an answer: ${toFirstLine(question) ?? "its question was erased"}`
    : `${pauseId} waits for a resume`;
}

function toRecord(row: Found): DelegationRecord {
  const optional = {
    parentId: row.parentId,
    delegationId: row.delegationId,
    family: row.family,
    anchor: row.anchor,
    claimedAt: row.claimedAt,
    claimedBy: row.claimedBy,
    endedAt: row.endedAt,
    outcome: row.outcome,
  };
  return {
    packetId: row.packetId,
    kind: row.kind,
    taskId: row.taskId,
    from: JSON.parse(row.from) as Actor,
    to: JSON.parse(row.target) as Target,
    stage: row.stage,
    status: row.status,
    offeredAt: row.offeredAt,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  } as DelegationRecord; // a row was written from a packet of this shape
}

function packetNotFound(input: object): AionisError {
  const asked = JSON.stringify(input).slice(0, 200);
  return new AionisError(
    "PACKET_NOT_FOUND",
    `There is no packet for ${asked} in this scope; handoff.list shows those there are.`,
  );
}

function taskNotFound(taskId: TaskId): AionisError {
  return new AionisError(
    "TASK_NOT_FOUND",
    `There is no task ${taskId} in this scope; list tasks to see those there are.`,
  );
}
