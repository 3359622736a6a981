import { type Recorded, type Submission, toStepReceipt } from "../../actors/index.ts";
import {
  type MemoryOperation,
  memoryOperations,
  type PlaybookOperation,
  playbookOperations,
  stateAfter,
  type TaskOperation,
  type TaskSnapshot,
  toSessionStatus,
} from "../../machines/index.ts";
import { type AgentId, memoryTaskId, type TaskId } from "../contracts/ids.ts";
import { canonicalJson } from "../contracts/json.ts";
import type { OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import type { SessionAck } from "../contracts/session.ts";
import type { Ack, TaskState } from "../contracts/task.ts";
import { sha256 } from "../kernel/digest.ts";
import type { SteadyClock } from "../kernel/steady-clock.ts";
import type { ScopeStore } from "../kernel/store.ts";
import { diffContents } from "../playbook/index.ts";
import { toHostTaskId } from "./host-run.ts";
import { type FoundPlaybook, readContent, toPlaybook } from "./playbooks.ts";
import { required, toAssignment } from "./views.ts";

/** What a reply is made from, beside the event: the task as committed. */
export interface ReplyContext {
  store: ScopeStore;
  leaseMs: number;
  time: SteadyClock;
  snapshot(taskId: TaskId): TaskSnapshot | undefined;
}

const contentBytes = 16;

/**
 * The command that an operation's input asks for, with what was found out for it beside that. `newTaskId` is used only by the operations that
 * make a task.
 */
export function toSubmission(
  name: TaskOperation,
  input: OperationParsed<TaskOperation>,
  call: { scope: string; by: AgentId; commandId: string; newTaskId(): TaskId; resolved?: object },
): Submission {
  const { commandId: _, ...asked } = input;
  const content = { ...asked, epoch: undefined }; // under which claim it is asked is for fencing; a repeat may come under a later one
  const taskId = isMemoryOperation(name) ? memoryTaskId : toTaskId(name, asked);
  const command =
    name === "tasks.claim" && taskId === undefined
      ? { roles: "roles" in asked ? asked.roles : [], upMs: "upMs" in asked ? asked.upMs : undefined }
      : { name, taskId: taskId ?? call.newTaskId(), input, ...toResolved(name, call) };
  return {
    scope: call.scope,
    by: call.by,
    command: command as Submission["command"], // name and input come from one entry of the operations' table
    commandId: call.commandId,
    content: sha256(canonicalJson([name, content])).subarray(0, contentBytes),
  };
}

function toTaskId(name: TaskOperation, asked: object): TaskId | undefined {
  if (name === "replay.run.start" && "runId" in asked) return toHostTaskId(String(asked.runId));
  if (isPlaybookOperation(name)) return "id" in asked ? (asked.id as TaskId) : undefined; // of all but compile, which has none
  if ("taskId" in asked) return asked.taskId as TaskId | undefined; // of every operation that has the field
  return "sessionId" in asked ? (asked.sessionId as TaskId) : undefined; // as above
}

/** Whether it is a command to what the scope has learned. */
export function isMemoryOperation(name: TaskOperation): name is MemoryOperation {
  return (memoryOperations as readonly string[]).includes(name);
}

/** Whether it is a command to a playbook, or makes one. */
export function isPlaybookOperation(name: TaskOperation): name is PlaybookOperation {
  return name === "playbooks.compile" || (playbookOperations as readonly string[]).includes(name);
}

function toResolved(name: TaskOperation, { newTaskId, resolved = {} }: { newTaskId(): TaskId; resolved?: object }) {
  return name === "memory.write" ? { lessonId: `les_${newTaskId().slice("task_".length)}` } : resolved;
}

/** The output of a command, from the event that stands for it: the same for the first call and for each repeat. */
export function toOutput(
  name: TaskOperation,
  recorded: Recorded | undefined,
  context: ReplyContext,
): OperationOutput<TaskOperation> {
  if (recorded === undefined) {
    if (name === "tasks.claim") return { assignment: null };
    throw new Error(`${name} recorded nothing and was not refused`);
  }
  const { header, body } = recorded;
  switch (name) {
    case "tasks.claim":
    case "handoff.claim": {
      if (recorded.answer !== undefined) return recorded.answer as OperationOutput<"tasks.claim">; // made by `toClaimAnswer`
      const snapshot = context.snapshot(header.taskId);
      if (snapshot === undefined) throw new Error(`${header.taskId} was claimed and is not there`);
      return toClaimAnswer(header, snapshot, context);
    }
    case "tasks.step":
      return { receipt: toStepReceipt(header, body) };
    case "tasks.pause": {
      if (header.type !== "task.paused") throw new Error(`event ${header.seq} is no pause`);
      return { ...toAck(recorded), pauseId: header.facts.pauseId };
    }
    case "tasks.delegate": {
      if (header.type !== "delegation.sent") throw new Error(`event ${header.seq} is no delegation`);
      return { ...toAck(recorded), childId: header.facts.childId, delegationId: header.facts.delegationId };
    }
    case "handoff.store": {
      if (header.type !== "task.created" || header.facts.packetId === undefined)
        throw new Error(`event ${header.seq} is no packet`);
      return { ...toAck(recorded), packetId: header.facts.packetId };
    }
    case "handoff.offer": {
      if (header.type !== "handoff.offered") throw new Error(`event ${header.seq} is no offer`);
      return { ...toAck(recorded), packetId: header.facts.packetId };
    }
    case "memory.write":
      if (header.type !== "lesson.written") throw new Error(`event ${header.seq} is nothing that was written`);
      return { seq: header.seq, at: header.at, id: header.facts.lessonId };
    case "feedback":
    case "nodes.activate":
      if (header.type !== "feedback.given" && header.type !== "nodes.activated")
        throw new Error(`event ${header.seq} credits nothing`);
      return { seq: header.seq, at: header.at, credited: [...header.facts.lessons] };
    case "memory.review":
    case "memory.import":
    case "recall.reset":
      return { seq: header.seq, at: header.at };
    case "sessions.create":
    case "sessions.event":
    case "sessions.close":
      return toSessionAck(recorded);
    case "playbooks.compile": {
      const found = toFound(header.taskId, context);
      const compiled = { version: 1, seq: header.seq + 1, state: "draft" } as const; // its second event, of the same commit
      return { ...toPlaybookAck(recorded), playbook: toPlaybook(context.store, found, compiled) };
    }
    case "playbooks.run":
      if (header.type !== "playbook.started") throw new Error(`event ${header.seq} starts no replay`);
      return { ...toPlaybookAck(recorded), taskId: header.facts.replayId };
    case "playbooks.repair": {
      const { snapshot } = toFound(header.taskId, context);
      const before = readContent(context.store, snapshot.context.content.seq);
      return { ...toPlaybookAck(recorded), changes: diffContents(before, readContent(context.store, header.seq)) };
    }
    case "playbooks.promote":
    case "playbooks.approve":
    case "playbooks.reject":
    case "playbooks.disable":
    case "playbooks.repairReview":
      return toPlaybookAck(recorded);
    default:
      return toAck(recorded);
  }
}

/** What a claim is answered with. @throws AionisError `JOURNAL_DAMAGED` */
export function toClaimAnswer(
  header: Recorded["header"],
  snapshot: TaskSnapshot,
  { store, leaseMs, time }: Pick<ReplyContext, "store" | "leaseMs" | "time">,
): OperationOutput<"tasks.claim"> {
  return { assignment: toAssignment(store, header, snapshot, { leaseMs, now: time.now() }) };
}

function toAck({ header }: Recorded): Ack {
  return { taskId: header.taskId, seq: header.seq, at: header.at, epoch: header.epoch, state: toState(header) };
}

function toSessionAck({ header }: Recorded): SessionAck {
  const { taskId: sessionId, seq, id: eventId, at } = header;
  return { sessionId, seq, eventId, at, status: toSessionStatus(toState(header)) };
}

function toFound(id: TaskId, context: ReplyContext): FoundPlaybook {
  const { family, updatedAt, playbook } = required(context.snapshot(id) ?? null).context;
  return { id, family, updatedAt, snapshot: required(playbook ?? null) };
}

function toPlaybookAck({ header: { type, taskId: id, seq, at, facts } }: Recorded) {
  if (type === "task.created") return { id, seq, at, state: "draft", version: 1 } as const;
  if (!("to" in facts && "version" in facts)) throw new Error(`event ${seq} (${type}) is not of a playbook`);
  return { id, seq, at, state: facts.to, version: facts.version };
}

function toState(header: Recorded["header"]): TaskState {
  const state = stateAfter(header);
  if (state === undefined) throw new Error(`${header.type} does not say where its task stands`);
  return state;
}
