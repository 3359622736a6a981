import type { Due } from "../../src/contracts/due.ts";
import type { EventBody, EventHeader, EventType } from "../../src/contracts/events.ts";
import type { AionisError } from "../../src/contracts/failures.ts";
import type { FamilyRule } from "../../src/contracts/family.ts";
import type { AgentId, DelegationId, LessonId, PacketId, PauseId, TaskId } from "../../src/contracts/ids.ts";
import type { OperationParsed } from "../../src/contracts/operations/index.ts";
import type { Packet, Return } from "../../src/contracts/packet.ts";
import type {
  PlaybookContent,
  ReplayBreak,
  ReplayData,
  ReplayOrder,
  ReplayOutcome,
} from "../../src/contracts/playbook.ts";
import type { StepReceipt } from "../../src/contracts/step.ts";
import type { Check, Target } from "../../src/contracts/values.ts";
import type { TimerWanted } from "./state.ts";

/** The operations that are commands to one task. */
export type TaskOperation =
  | "tasks.start"
  | "tasks.claim"
  | "tasks.release"
  | "tasks.step"
  | "tasks.pause"
  | "tasks.rest"
  | "tasks.resume"
  | "tasks.answer"
  | "tasks.complete"
  | "tasks.verify"
  | "tasks.fail"
  | "tasks.cancel"
  | "tasks.delegate"
  | "handoff.store"
  | "handoff.offer"
  | "handoff.claim"
  | "handoff.decline"
  | "handoff.withdraw"
  | "handoff.return"
  | "sessions.create"
  | "sessions.event"
  | "sessions.close"
  | "replay.run.start"
  | MemoryOperation
  | PlaybookOperation;

/** Those of them that are for a playbook. `playbooks.compile` makes it, the others are for one that is there. */
export const playbookOperations = [
  "playbooks.run",
  "playbooks.promote",
  "playbooks.approve",
  "playbooks.reject",
  "playbooks.disable",
  "playbooks.repair",
  "playbooks.repairReview",
] as const;
export type PlaybookOperation = (typeof playbookOperations)[number] | "playbooks.compile";

/** Those of them that are for what the scope has learned. */
export const memoryOperations = [
  "memory.write",
  "memory.review",
  "memory.import",
  "feedback",
  "nodes.activate",
  "recall.reset",
] as const;
export type MemoryOperation = (typeof memoryOperations)[number];

type FromOutside = {
  [Name in TaskOperation]: { name: Name; taskId: TaskId; input: OperationParsed<Name> } & Resolved<Name>;
}[TaskOperation];

/** What makes a task that has to show what its family has to. */
type Ruled = "tasks.start" | "handoff.store" | "tasks.delegate";

/** What ends a pause. */
export type PauseEnding = "tasks.answer" | "tasks.resume";

/** What the runtime has found out for a command before it is decided. */
type Resolved<Name extends TaskOperation> = Name extends "memory.write"
  ? { lessonId: LessonId }
  : Name extends Ruled
    ? { rule?: FamilyRule }
    : Name extends PauseEnding
      ? /** Up to which event the caller has seen the task; 0 or absent when it is not known to have seen any. */
        { seenSeq?: number }
      : Name extends "feedback" | "nodes.activate"
        ? { credited: readonly LessonId[] }
        : Name extends "playbooks.compile"
          ? { compiled: { content: PlaybookContent; isPartial: boolean } }
          : Name extends "playbooks.run"
            ? { replay: ReplayStart }
            : Name extends "playbooks.repair"
              ? { content: PlaybookContent }
              : unknown;

/** A replay as it is to begin: what the playbook was made into. */
export interface ReplayStart {
  replayId: TaskId;
  order: ReplayOrder;
  data: ReplayData;
  brief: string;
  family?: string | undefined;
  checks: Check[];
  isolation?: FamilyRule["isolation"];
  to: Target;
}

/** What the runtime asks of a task by itself. */
type FromInside =
  | { name: "lease.expire"; taskId: TaskId; epoch: number; isShort?: boolean }
  | { name: "claim.revive"; taskId: TaskId; epoch: number }
  | { name: "parent.ended"; taskId: TaskId }
  | { name: "timer.fire"; taskId: TaskId; kind: TimerWanted["kind"]; entry: number }
  | {
      name: "delegation.start";
      taskId: TaskId;
      parent: ChildOf;
      input: OperationParsed<"tasks.delegate">;
      packet: Packet;
      rule?: FamilyRule | undefined;
    }
  | { name: "memory.open"; taskId: TaskId }
  | { name: "playbook.compiled"; taskId: TaskId; compiled: { content: PlaybookContent; isPartial: boolean } }
  | { name: "replay.begin"; taskId: TaskId; replay: ReplayStart }
  | ({ name: "replay.ended"; taskId: TaskId } & ReplayEnd)
  | { name: "replay.told"; taskId: TaskId; told: ReplayTold }
  | { name: "memory.learn"; taskId: TaskId; event: Extract<NewEvent, { type: `lesson.${string}` }> }
  | { name: "delegation.return"; taskId: TaskId; childId: TaskId; delegationId: DelegationId; return: Return };

/** How a replay ended, for its playbook. */
export interface ReplayEnd {
  replayId: TaskId;
  order: ReplayOrder;
  outcome: ReplayOutcome;
  isVerified: boolean;
  break?: ReplayBreak | undefined;
}

/** What a task that a playbook was compiled from is told. */
export type ReplayTold =
  | { fact: "started" | "failed" | "replayed"; replayId: TaskId; why?: string }
  | { fact: "promoted"; evidence: number[]; why: string };

/** What a child takes from the task that delegated it. */
export interface ChildOf {
  taskId: TaskId;
  rootId: TaskId;
  depth: number;
  delegationId: DelegationId;
  deadlineAt: Due | null;
}

/** A request to one task, with its ids already given. */
export type Command = FromOutside | FromInside;

export type CommandOf<Name extends Command["name"]> = Extract<Command, { name: Name }>;

/** Ids for what a decision may make: the same however often one is read. */
export interface DecisionIds {
  readonly packet: PacketId;
  readonly child: TaskId;
  readonly delegation: DelegationId;
  readonly pause: PauseId;
}

/** Everything that deciding needs beside the task itself, read or drawn before: deciding is a pure function. */
export interface Facts {
  /** Wall time of the turn. */
  at: number;
  /** How far the steady clock is ahead of it. */
  leadMs: number;
  by: AgentId;
  /** A number in [0, 1) for the jitter of backoff. */
  jitter: number;
  ids: DecisionIds;
  /** The latest record of the step that the command names. */
  step?: StepReceipt | undefined;
  /** The claim under which it was recorded. */
  stepEpoch?: number | undefined;
  /** The texts of the open pauses, in their order. */
  questions?: readonly { question?: string | undefined; answerSchema?: unknown }[] | undefined;
  /** Of a named pause that is over: the answer that it got, and whether it is of an earlier stage. */
  named?: { answer?: unknown; isOfEarlierStage: boolean } | undefined;
  /** What a verifying task said when it completed. */
  completion?: Return | undefined;
  /** The last error that the task's work recorded, for the reason of an end. */
  lastError?: string | undefined;
  /** When the present lease ends if no heartbeat comes. */
  leaseUntil?: number | undefined;
}

/** An event as `decide` makes it; the journal adds sequence, id and hashes. */
export type NewEvent = {
  [Type in EventType]: { type: Type; epoch: number; facts: EventHeader<Type>["facts"]; body: EventBody<Type> };
}[EventType];

export type Decision =
  /** Nothing is recorded; the caller gets the failure. */
  | { kind: "refused"; failure: AionisError }
  /** It was done before: answered from the event at `seq`. */
  | { kind: "already"; seq: number }
  /** It no longer applies, and nobody waits for an answer. */
  | { kind: "over" }
  /** One event, and what other tasks must do in the same commit. */
  | { kind: "accepted"; event: NewEvent; also?: Command[] };
