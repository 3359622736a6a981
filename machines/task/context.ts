import type { Budget, EventHeader, RetryPolicy } from "../../src/contracts/events.ts";
import type { AgentId, DelegationId, PacketId, TaskId } from "../../src/contracts/ids.ts";
import type { ReplayOrder } from "../../src/contracts/playbook.ts";
import type { PauseEnd } from "../../src/contracts/task.ts";
import { type Actor, memoryKind, playbookKind, runKind, sessionKind, type Target } from "../../src/contracts/values.ts";
import type { PlaybookSnapshot } from "../playbook.ts";

/** A check that a completion must answer for. Its command is in the body of the event that set it. */
export interface CheckName {
  name: string;
  required: boolean;
}

/**
 * What the task machine remembers: only what folding and deciding need, JSON only. Texts are in the bodies of the events whose
 * sequence is kept here. Times are wall milliseconds that an event decided.
 */
export interface TaskContext {
  id: TaskId;
  kind: string;
  family: string | null;
  parentId: TaskId | null;
  rootId: TaskId;
  delegationId: DelegationId | null;
  depth: number;
  to: Target;
  priority: number;
  retry: RetryPolicy;
  checks: CheckName[];
  /** What its checks must be kept apart by. */
  isolation?: "bubblewrap";
  budget: Budget;
  deadlineAt: number | null;

  createdSeq: number;
  createdAt: number;
  updatedAt: number;
  /** Events folded so far. */
  revision: number;
  /** The revision at which the present state was entered; timers belong to it. */
  entry: number;

  epoch: number;
  attempt: number;
  stage: number;
  claimableAt: number;
  preferred: { agent: AgentId; until: number } | null;
  owner: Actor | null;
  claimedAt: number;
  /** The last owner, who is preferred after a pause or a declined handoff. */
  lastAgent: AgentId | null;

  steps: number;
  /** What was recorded when the present claim began; a run that adds nothing to it was fruitless. */
  recordsAtClaim: number;
  /** Steps, delegations, pauses: what a run leaves behind. In a session and in memory, what was noted. */
  records: number;

  pause: {
    seq: number;
    asks: boolean;
    about: string | null;
    approver: AgentId | null;
    expiresAt: number | null;
  } | null;
  /** How each pause of the present stage ended, oldest first. */
  pauseEnds: { seq: number; end: PauseEnd["end"]; about: string | null }[];
  handoff: { packetId: PacketId; seq: number; to: Target; from: Actor; expiresAt: number | null } | null;
  handoffs: number;
  /** The event whose body holds the packet that the present owner works from. */
  packetSeq: number | null;
  packetId: PacketId | null;
  /** Who sent that packet. */
  packetFrom: Actor | null;
  /** The event whose body holds what was last returned unfinished. */
  returnedSeq: number | null;
  childrenOpen: { childId: TaskId; delegationId: DelegationId }[];
  /** The checks that a completion waits for. */
  verifying: CheckName[];
  completedSeq: number | null;
  outcome: { seq: number; at: number; verified: boolean } | null;

  /** Of a replay alone: what it runs. */
  replay?: ReplayOrder;
  /** Of a playbook alone, from its second event on. */
  playbook?: PlaybookSnapshot;
}

/** Whether the task is a session: it takes events, and nobody claims it. */
export function isSession({ context }: { context: Pick<TaskContext, "kind"> }): boolean {
  return context.kind === sessionKind;
}

/** Whether the task holds what its scope has learned: it takes events of memory, nobody claims it, and it never ends. */
export function isMemory({ context }: { context: Pick<TaskContext, "kind"> }): boolean {
  return context.kind === memoryKind;
}

/** Whether the task is a playbook: it takes events of its own, nobody claims it, and it never ends. */
export function isPlaybook({ context }: { context: Pick<TaskContext, "kind"> }): boolean {
  return context.kind === playbookKind;
}

/** Whether a host reports the task by itself: it is the host's from the start, without a lease. */
export function isHostRun({ context }: { context: Pick<TaskContext, "kind"> }): boolean {
  return context.kind === runKind;
}

/** Whether somebody can work on the task. */
export function isWork(snapshot: { context: Pick<TaskContext, "kind"> }): boolean {
  return !isSession(snapshot) && !isMemory(snapshot) && !isPlaybook(snapshot);
}

/** The context right after `task.created`. */
export function toFirstContext(event: EventHeader<"task.created">): TaskContext {
  const { facts } = event;
  return {
    id: event.taskId,
    kind: facts.kind,
    family: facts.family ?? null,
    parentId: facts.parentId ?? null,
    rootId: facts.rootId,
    delegationId: facts.delegationId ?? null,
    depth: facts.depth,
    to: facts.to,
    priority: facts.priority,
    retry: facts.retry,
    checks: facts.checks,
    ...(facts.isolation === undefined ? {} : { isolation: facts.isolation }),
    budget: facts.budget,
    deadlineAt: facts.deadlineAt ?? null,
    createdSeq: event.seq,
    createdAt: event.at,
    updatedAt: event.at,
    revision: 1,
    entry: 1,
    epoch: 0,
    attempt: 1,
    stage: 1,
    claimableAt: facts.claimableAt,
    preferred: null,
    owner: null,
    claimedAt: 0,
    lastAgent: null,
    steps: 0,
    recordsAtClaim: 0,
    records: 0,
    pause: null,
    pauseEnds: [],
    handoff: null,
    handoffs: 0,
    packetSeq: facts.packetId === undefined ? null : event.seq,
    packetId: facts.packetId ?? null,
    packetFrom: facts.packetId === undefined || facts.parentId !== undefined ? null : toFirstSender(event),
    returnedSeq: null,
    childrenOpen: [],
    verifying: [],
    completedSeq: null,
    outcome: null,
    ...(facts.replay === undefined ? {} : { replay: facts.replay }),
  };
}

function toFirstSender({ by, facts }: EventHeader<"task.created">): Actor {
  return facts.fromRole === undefined ? { agent: by } : { agent: by, role: facts.fromRole };
}
