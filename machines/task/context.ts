import type { Choice, Concern } from "../../src/contracts/concern.ts";
import type { Due } from "../../src/contracts/due.ts";
import type { EndCode } from "../../src/contracts/ending.ts";
import type { Budget, EventHeader, RetryPolicy } from "../../src/contracts/events.ts";
import type { AgentId, DelegationId, PacketId, PauseId, TaskId } from "../../src/contracts/ids.ts";
import type { ReplayOrder } from "../../src/contracts/playbook.ts";
import type { PauseEnd } from "../../src/contracts/task.ts";
import { type Actor, memoryKind, playbookKind, runKind, sessionKind, type Target } from "../../src/contracts/values.ts";
import type { PlaybookSnapshot } from "../playbook.ts";
import { toDue } from "./waits.ts";

/** A check that a completion must answer for. Its command is in the body of the event that set it. */
export interface CheckName {
  name: string;
  required: boolean;
}

/** A pause that is open. Its question is in the body of the event at `seq`. */
export interface Pause {
  pauseId: PauseId;
  key: string;
  seq: number;
  asks: boolean;
  approver: AgentId | null;
  expiresAt: Due | null;
  /** What recorded work it is about; absent of a handler's own. */
  concerns?: Concern;
  /** Of one that waits for other code: how often the task was tried again. */
  tries?: number;
}

/** A pause that is over. What an answered question was about is kept, with the answer when it is a word. */
export interface PauseEnded {
  pauseId: PauseId;
  key: string;
  seq: number;
  end: PauseEnd["end"];
  concerns?: Concern;
  choice?: Choice;
}

/**
 * What the task machine remembers: only what folding and deciding need, JSON only. Texts are in the bodies of the events whose
 * sequence is kept here. Times are wall milliseconds that an event decided, but for the ends of waits, each of which has its clock.
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
  deadlineAt: Due | null;

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
  claimableAt: Due;
  /** `until` is on the steady clock. */
  preferred: { agent: AgentId; until: number } | null;
  owner: Actor | null;
  claimedAt: number;
  /** The last owner, who is preferred after a pause or a declined handoff. */
  lastAgent: AgentId | null;

  steps: number;
  /** What was recorded when the present claim began. */
  recordsAtClaim: number;
  /** Successes that a later run need not repeat: recorded steps and delegations. */
  successes: number;
  /** Those when the present claim began; a run that adds none to them was fruitless. */
  successesAtClaim: number;
  /** Leases lost in the present stage, and how many of the latest were of claimants that never showed that they live. */
  losses: number;
  unseen: number;
  /** The claim that ran out last, as long as no other was made: its owner, heard of again, holds the task as before. */
  lapsed: {
    owner: Actor;
    attempt: number;
    state: "running" | "verifying";
    verifying: CheckName[];
    completedSeq: number | null;
  } | null;
  /** Claims given back in a row without a new success, in the present stage. */
  releases: number;
  /** The latest event with an error of the work. */
  errorSeq: number | null;
  /** Steps, delegations, pauses: what a run leaves behind. In a session and in memory, what was noted. */
  records: number;

  /** Open pauses, oldest first, one a branch of the work. They stay open over lost leases, retries and claims of the stage. */
  pauses: Pause[];
  /** How each other pause of the present stage ended, oldest first. `seq` is that of the event which ended it. */
  pauseEnds: PauseEnded[];
  /** The latest event that ended a pause, and a question, of any stage; 0 if none did. */
  pauseEndedSeq: number;
  questionEndedSeq: number;
  handoff: { packetId: PacketId; seq: number; to: Target; from: Actor; expiresAt: Due | null } | null;
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
  /** `code` says why it ended without success. */
  outcome: { seq: number; at: number; by: AgentId; verified: boolean; code: EndCode | null } | null;

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

/** Whether a question is open that other code could settle. */
export function waitsForCode({ pauses }: Pick<TaskContext, "pauses">): boolean {
  return pauses.some(({ concerns }) => concerns?.waitsForCode === true);
}

/** Whether the present claim's run has recorded a success that no earlier run of its stage had. */
export function isFruitful({ successes, successesAtClaim }: TaskContext): boolean {
  return successes > successesAtClaim;
}

/** The context right after `task.created`. */
export function toFirstContext(event: EventHeader<"task.created">): TaskContext {
  const { facts } = event;
  const { leadMs } = facts;
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
    deadlineAt:
      facts.deadlineAt === undefined
        ? null
        : toDue(facts.deadlineAt, { isLength: facts.timeoutMs !== undefined, leadMs }),
    createdSeq: event.seq,
    createdAt: event.at,
    updatedAt: event.at,
    revision: 1,
    entry: 1,
    epoch: 0,
    attempt: 1,
    stage: 1,
    claimableAt: toDue(facts.claimableAt, { isLength: facts.claimableOn !== "wall", leadMs }),
    preferred: null,
    owner: null,
    claimedAt: 0,
    lastAgent: null,
    steps: 0,
    recordsAtClaim: 0,
    successes: 0,
    successesAtClaim: 0,
    losses: 0,
    unseen: 0,
    lapsed: null,
    releases: 0,
    errorSeq: null,
    records: 0,
    pauses: [],
    pauseEnds: [],
    pauseEndedSeq: 0,
    questionEndedSeq: 0,
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
