import { z } from "zod";
import { Concern, Sides } from "../concern.ts";
import { Budget, RetryPolicy } from "../events.ts";
import { AgentId, CommandId, DelegationId, PauseId, Role, TaskId } from "../ids.ts";
import { limits } from "../limits.ts";
import { PacketInput, ReturnInput } from "../packet.ts";
import { StepReceipt, StepReport, StepSubject, StepSuperseded } from "../step.ts";
import { Ack, Assignment, Explanation, Task, TaskContent, TaskState } from "../task.ts";
import {
  Check,
  CheckResult,
  FilePath,
  Json,
  Line,
  Name,
  Sequence,
  Target,
  TaskKind,
  Text,
  Time,
  WaitMs,
} from "../values.ts";
import { defineOperation } from "./operation.ts";

const commandId = { commandId: CommandId.optional() };
const owned = { ...commandId, taskId: TaskId, epoch: z.int().positive() };
const files = z.array(FilePath).max(limits.listItems).default([]);

const ownerFailures = ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT", "EPOCH_STALE"] as const;

export const tasksStart = defineOperation({
  name: "tasks.start",
  kind: "command",
  layer: "core",
  summary: "Record a new task that a worker can claim.",
  input: z.strictObject({
    ...commandId,
    brief: Text.min(1),
    kind: TaskKind.default("task"),
    family: Name.optional(),
    data: Json.optional(),
    files,
    checks: z.array(Check).max(limits.checks).default([]),
    to: Target.default("any"),
    priority: z.int().min(0).max(4).default(2),
    /** Not before this moment. */
    claimableAt: Time.optional(),
    deadlineAt: Time.optional(),
    retry: RetryPolicy.prefault({}),
    budget: Budget.default({ count: 256, depth: limits.delegationDepth }),
  }),
  output: Ack,
  failures: [],
  idempotent: false,
});

export const tasksGet = defineOperation({
  name: "tasks.get",
  kind: "query",
  layer: "core",
  summary: "Read one task with its texts.",
  input: z.strictObject({ taskId: TaskId }),
  output: z.strictObject({ task: Task, content: TaskContent }),
  failures: ["TASK_NOT_FOUND"],
  idempotent: true,
});

export const tasksWatch = defineOperation({
  name: "tasks.watch",
  kind: "query",
  layer: "core",
  summary: "Read one task as soon as it has changed, or has ended, or the wait is over.",
  input: z.strictObject({
    taskId: TaskId,
    /** Answer when the task's revision is greater. */
    afterRevision: z.int().nonnegative().default(0),
    /** Whether only the end of the task counts as a change. */
    untilEnded: z.boolean().default(false),
    waitMs: z.int().nonnegative().max(limits.callWaitMs).default(20_000),
  }),
  output: z.strictObject({ task: Task, hasEnded: z.boolean(), content: TaskContent.optional() }),
  failures: ["TASK_NOT_FOUND"],
  idempotent: true,
});

export const tasksList = defineOperation({
  name: "tasks.list",
  kind: "query",
  layer: "core",
  summary: "List tasks, newest first, a page at a time.",
  input: z.strictObject({
    states: z.array(TaskState).max(limits.listItems).optional(),
    kind: Name.optional(),
    parentId: TaskId.optional(),
    pageSize: z.int().positive().max(limits.pageRows).default(50),
    cursor: z.string().max(limits.idChars).optional(),
  }),
  output: z.strictObject({ tasks: z.array(Task), cursor: z.string().optional() }),
  failures: ["CURSOR_INVALID"],
  idempotent: true,
});

export const tasksExplain = defineOperation({
  name: "tasks.explain",
  kind: "query",
  layer: "core",
  summary: "Say why a task is not moving, and what would move it.",
  input: z.strictObject({ taskId: TaskId }),
  output: Explanation,
  failures: ["TASK_NOT_FOUND"],
  idempotent: true,
});

export const tasksSteps = defineOperation({
  name: "tasks.steps",
  kind: "query",
  layer: "core",
  summary:
    "Read a task's recorded steps in the order of the journal, with their outputs. A page with `next` is not the last, even if it is empty.",
  input: z.strictObject({
    taskId: TaskId,
    stage: z.int().positive().optional(),
    after: Sequence.optional(),
    pageSize: z.int().positive().max(limits.pageRows).default(100),
  }),
  output: z.strictObject({ steps: z.array(StepReceipt), next: Sequence.optional() }),
  failures: ["TASK_NOT_FOUND"],
  idempotent: true,
});

export const tasksClaim = defineOperation({
  name: "tasks.claim",
  kind: "command",
  layer: "core",
  summary: "Take a task: the one that is named, or the next that is for this agent, one of its roles, or anyone.",
  input: z.strictObject({
    ...commandId,
    roles: z.array(Role).max(limits.roles).default([]),
    taskId: TaskId.optional(),
    /** How long to wait for a task when there is none now. A waiting claim is not recorded. */
    waitMs: z.int().nonnegative().max(limits.callWaitMs).default(0),
    /** For how long the claimant's program has run: a task that waits for other code and was not tried since is claimable at once. */
    upMs: WaitMs.optional(),
  }),
  output: z.strictObject({ assignment: Assignment.nullable() }),
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT", "CLAIM_LOST", "NOT_ADDRESSED"],
  idempotent: false,
});

export const tasksHeartbeat = defineOperation({
  name: "tasks.heartbeat",
  kind: "signal",
  layer: "core",
  summary: "Renew the lease of a claim. Not recorded.",
  input: z.strictObject({ taskId: TaskId, epoch: z.int().positive() }),
  output: z.strictObject({ leaseMs: WaitMs }),
  failures: ownerFailures,
  idempotent: true,
});

export const tasksRelease = defineOperation({
  name: "tasks.release",
  kind: "command",
  layer: "core",
  summary: "Give a claim back; the recorded steps stay and the next worker goes on after them.",
  input: z.strictObject({ ...owned, reason: Line.optional() }),
  output: Ack,
  failures: ownerFailures,
  idempotent: false,
});

export const tasksStep = defineOperation({
  name: "tasks.step",
  kind: "command",
  layer: "core",
  summary: "Record the end of a step, the intent to begin one that must not run twice, or that one is to run again.",
  input: z.strictObject({
    ...owned,
    step: z.union([
      StepReport,
      z.strictObject({ ...StepSubject.shape, begin: z.literal(true), input: Json.optional() }),
      StepSuperseded,
    ]),
  }),
  output: z.strictObject({ receipt: StepReceipt }),
  failures: [...ownerFailures, "STEP_DIVERGED", "STEP_OUTCOME_UNKNOWN"],
  idempotent: true,
});

export const tasksPause = defineOperation({
  name: "tasks.pause",
  kind: "command",
  layer: "core",
  summary: "Open a pause that an answer or a resume ends; the run ends with it, unless other work of it goes on.",
  input: z.strictObject({
    ...owned,
    question: Text.min(1).optional(),
    /** By what a worker that starts over finds the pause and its end, within the stage; its `pauseId` if absent. */
    key: Name.optional(),
    /** JSON Schema of the answer; any JSON value when absent. */
    answerSchema: z.record(z.string(), z.unknown()).optional(),
    approver: AgentId.optional(),
    expiresAt: Time.optional(),
    /** The same as a length of time from now; `expiresAt` goes first. */
    expiresInMs: WaitMs.optional(),
    note: Text.optional(),
    /** Whether the run ends with it. Without that the owner goes on, and the question can be answered all the same. */
    ends: z.boolean().default(true),
    /** Of a run that ends: the other pauses that it waits for, as `tasks.rest` takes them; all that are open if absent. */
    waitsFor: z.array(PauseId).max(limits.pausesOpen).optional(),
    /** What recorded work it is about, for a question that no handler asks, and both sides of what differs. */
    concerns: z.strictObject({ ...Concern.shape, ...Sides.shape }).optional(),
    /** The open pause that it takes the place of, such as one of the same key with another question. That one is over. */
    replaces: PauseId.optional(),
  }),
  output: z.strictObject({ ...Ack.shape, pauseId: PauseId }),
  failures: [...ownerFailures, "PAUSE_LIMIT", "PAUSE_AMBIGUOUS", "PAUSE_NOT_FOUND"],
  idempotent: false,
});

export const tasksRest = defineOperation({
  name: "tasks.rest",
  kind: "command",
  layer: "core",
  summary: "End a run that only waits for its pauses. One that ended meanwhile makes the task claimable at once.",
  input: z.strictObject({
    ...owned,
    /** The pauses that the run waits for, open or ended. One that is open and not named is over: it was not asked for again. */
    waitsFor: z.array(PauseId).min(1).max(limits.pausesOpen),
  }),
  output: Ack,
  failures: [...ownerFailures, "PAUSE_NOT_FOUND"],
  idempotent: false,
});

/** Which pause is meant. Without an id it must be the only one that was open since the caller last saw the task. */
const pauseId = { pauseId: PauseId.optional() };
const pauseFailures = ["QUESTION_OVER", "PAUSE_AMBIGUOUS", "PAUSE_NOT_FOUND", "NOT_ADDRESSED"] as const;

export const tasksResume = defineOperation({
  name: "tasks.resume",
  kind: "command",
  layer: "core",
  summary: "End a pause without an answer, so that the work goes on.",
  input: z.strictObject({ ...commandId, taskId: TaskId, ...pauseId, reason: Line.optional() }),
  output: Ack,
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT", ...pauseFailures],
  idempotent: false,
});

export const tasksAnswer = defineOperation({
  name: "tasks.answer",
  kind: "command",
  layer: "core",
  summary: "Answer a question of a task. An answer to a question that is over is refused.",
  input: z.strictObject({ ...commandId, taskId: TaskId, ...pauseId, answer: Json }),
  output: Ack,
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT", "ANSWER_INVALID", ...pauseFailures],
  idempotent: false,
});

export const tasksComplete = defineOperation({
  name: "tasks.complete",
  kind: "command",
  layer: "core",
  summary: "Say that the work is done. With checks it is verified first.",
  input: z.strictObject({
    ...owned,
    return: ReturnInput.omit({ outcome: true }).prefault({}),
    /** More checks, beside those that the task was started with. */
    checks: z.array(Check).max(limits.checks).default([]),
  }),
  output: Ack,
  failures: [...ownerFailures, "CHILDREN_OPEN"],
  idempotent: false,
});

export const tasksVerify = defineOperation({
  name: "tasks.verify",
  kind: "command",
  layer: "core",
  summary: "Record the results of a completed task's checks.",
  input: z.strictObject({ ...owned, results: z.array(CheckResult).min(1).max(limits.checks) }),
  output: Ack,
  failures: [...ownerFailures, "CHECKS_UNKNOWN"],
  idempotent: false,
});

export const tasksFail = defineOperation({
  name: "tasks.fail",
  kind: "command",
  layer: "core",
  summary: "Say that this try failed. It is tried again while attempts are left, unless it is not retryable.",
  input: z.strictObject({
    ...owned,
    error: Text.min(1),
    retryable: z.boolean().default(true),
    /** The failure code of the error, if it has one; it decides the code of the reason when the task ends. */
    code: Name.optional(),
    data: Json.optional(),
  }),
  output: Ack,
  failures: ownerFailures,
  idempotent: false,
});

export const tasksCancel = defineOperation({
  name: "tasks.cancel",
  kind: "command",
  layer: "core",
  summary: "End a task and, after it, what it delegated. Cancelling twice changes nothing.",
  input: z.strictObject({ ...commandId, taskId: TaskId, reason: Line.optional() }),
  output: Ack,
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT"],
  idempotent: true,
});

export const tasksDelegate = defineOperation({
  name: "tasks.delegate",
  kind: "command",
  layer: "core",
  summary: "Give a part of a running task to somebody else and go on.",
  input: z.strictObject({
    ...owned,
    to: Target,
    packet: PacketInput,
    kind: TaskKind.default("task"),
    family: Name.optional(),
    deadlineAt: Time.optional(),
    /** The deadline as a length of time from now; `deadlineAt` goes first. A child never outlasts its parent. */
    timeoutMs: WaitMs.optional(),
    retry: RetryPolicy.prefault({}),
    budget: Budget.default({ count: 0, depth: 0 }),
  }),
  output: z.strictObject({ ...Ack.shape, childId: TaskId, delegationId: DelegationId }),
  failures: [...ownerFailures, "DELEGATION_REFUSED"],
  idempotent: false,
});
