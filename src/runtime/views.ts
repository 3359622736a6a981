// Views
//
// Tasks, assignments and explanations as readers see them, made from a task's state and the bodies its state refers to.

import { decodeBody } from "../../actors/index.ts";
import {
  allowedFor,
  isClaimable,
  isMemory,
  isSession,
  type TaskContext,
  type TaskSnapshot,
  toFirstLine,
  toTargetKey,
  toTaskState,
} from "../../machines/index.ts";
import { type Due, type Moment, toMsUntil, toWallTime } from "../contracts/due.ts";
import { type EndMark, type EndReason, endings, toReasonSentence } from "../contracts/ending.ts";
import type { EventHeader } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import type { Packet, Return } from "../contracts/packet.ts";
import type { Assignment, Explanation, OpenPause, PauseEnd, Task, TaskContent } from "../contracts/task.ts";
import type { ScopeStore } from "../kernel/store.ts";
import { mayHaveSteps } from "./lists.ts";

/** A task as lists show it. */
export function toTask(snapshot: TaskSnapshot, title: string | null, now: Moment): Task {
  const { context } = snapshot;
  const state = toTaskState(snapshot);
  const common = toCommon(context, title, now);
  const ended = { endedAt: context.outcome?.at ?? 0, outcomeSeq: context.outcome?.seq ?? 0 };
  switch (state) {
    case "start":
      return { ...common, state, to: context.to, claimableAt: toWallTime(context.claimableAt, now) };
    case "running":
      return { ...common, state, owner: required(context.owner), claimedAt: context.claimedAt };
    case "verifying": {
      const checks = context.verifying.map(({ name }) => name);
      return { ...common, state, owner: required(context.owner), claimedAt: context.claimedAt, checks };
    }
    case "paused": {
      const { owner } = context;
      if (owner !== null) return { ...common, state, owner, claimedAt: context.claimedAt };
      return {
        ...common,
        state,
        ...(isClaimable(snapshot) ? { claimableAt: toWallTime(context.claimableAt, now) } : {}),
      };
    }
    case "handoff": {
      const { packetId, to, from, expiresAt } = required(context.handoff);
      return { ...common, state, packetId, to, from, ...given({ expiresAt: toGiven(expiresAt, now) }) };
    }
    case "failed":
    case "cancelled":
      return { ...common, ...ended, state, outcome: { reason: toEndMark(context) } };
    default:
      return { ...common, ...ended, state, verified: context.outcome?.verified ?? false };
  }
}

/** The texts of a task, from the bodies that its state refers to, each read in a part of its own. */
export function* readContent(
  store: ScopeStore,
  snapshot: TaskSnapshot,
  now: Moment,
): Generator<void, TaskContent, void> {
  const { context } = snapshot;
  const created = readCreated(store, context);
  yield;
  const completed = readCompleted(store, context);
  yield;
  const packet = readPacket(store, context.handoff?.seq ?? context.packetSeq);
  yield;
  const pauses = readQuestions(store, context, now);
  yield;
  return {
    ...given({ brief: created?.brief, data: created?.data }),
    files: created?.files ?? [],
    checks: [...(created?.checks ?? []), ...(completed?.checks ?? [])],
    pauses,
    ...given({ packet, outcome: readOutcome(store, context, completed) }),
  };
}

/** The open pauses with their texts, as far as these fit into a page. */
function readQuestions(store: ScopeStore, { pauses }: TaskContext, now: Moment): TaskContent["pauses"] {
  let left: number = limits.pageBytes;
  return pauses.map((pause) => {
    const stored = left > 0 ? store.event(pause.seq) : undefined;
    left -= stored?.body?.length ?? 0;
    return { ...toOpenPause(pause, now), ...(left >= 0 ? given({ ...decodeBody(stored, "task.paused") }) : {}) };
  });
}

function toOpenPause({ approver, expiresAt, ...pause }: TaskContext["pauses"][number], now: Moment): OpenPause {
  return { ...pause, ...given({ approver, expiresAt: toGiven(expiresAt, now) }) };
}

function toGiven(due: Due | null, now: Moment): number | null {
  return due === null ? null : toWallTime(due, now);
}

type Claim = EventHeader<"task.claimed" | "handoff.claimed">;

/** What the winner of a claim gets, by the event that granted it. */
export function toAssignment(
  store: ScopeStore,
  claim: EventHeader,
  snapshot: TaskSnapshot,
  { leaseMs, now }: { leaseMs: number; now: Moment },
): Assignment {
  if (claim.type !== "task.claimed" && claim.type !== "handoff.claimed")
    throw new Error(`event ${claim.seq} is no claim`);
  const { context } = snapshot;
  const created = readCreated(store, context);
  return {
    taskId: claim.taskId,
    epoch: claim.epoch,
    attempt: claim.type === "task.claimed" ? claim.facts.attempt : context.attempt,
    stage: claim.facts.stage,
    kind: context.kind,
    ...given({ family: context.family, parentId: context.parentId, brief: created?.brief, data: created?.data }),
    files: created?.files ?? [],
    checks: created?.checks ?? [],
    ...given({
      packet: readPacket(store, context.packetSeq),
      deadlineAt: toGiven(context.deadlineAt, now),
      returned: readReturned(store, context),
    }),
    ...given({ isolation: context.isolation }),
    hasSteps: hasSteps(store, claim, context),
    pauses: context.pauseEnds.map((pause) => readPauseEnd(store, pause)),
    openPauses: context.pauses.map((pause) => toOpenPause(pause, now)),
    budget: context.budget,
    leaseMs,
  };
}

interface Present {
  now: Moment;
  leaseUntil: number | undefined;
}

/** Why a task is not moving, and what would move it; of one that has ended, why. */
export function toExplanation(store: ScopeStore, snapshot: TaskSnapshot, present: Present): Explanation {
  const { context } = snapshot;
  const state = toTaskState(snapshot);
  const allowed = [...allowedFor(snapshot)];
  const reason = readReason(store, context);
  if (reason !== undefined) {
    return { taskId: context.id, state, because: toReasonSentence(reason), outcome: { reason }, allowed, moves: [] };
  }
  const { now } = present;
  const { because, moves } = explain(state, snapshot, present);
  const pauses = readQuestions(store, context, now).map(explainPause);
  const due = allowed.length > 0 ? context.deadlineAt : null;
  const deadline = due === null ? [] : [`its deadline in ${toMsUntil(due, now)} ms`];
  return { taskId: context.id, state, because, allowed, moves: [...moves, ...pauses, ...deadline] };
}

function explain(
  state: Task["state"],
  snapshot: TaskSnapshot,
  { now, leaseUntil }: Present,
): { because: string; moves: string[] } {
  const { context } = snapshot;
  switch (state) {
    case "start":
      if (isMemory({ context })) return { because: "It holds what the scope has learned, and never ends.", moves: [] };
      return isSession({ context }) ? explainSession(context) : explainStart(context, now);
    case "running":
    case "verifying":
    case "paused": {
      if (context.owner === null) return explainUnowned(snapshot, now); // nobody goes on with other work
      const { agent } = context.owner;
      const lease =
        leaseUntil === undefined ? "" : `; without a heartbeat its lease ends in ${leaseUntil - now.wall} ms`;
      const what = state === "verifying" ? `runs ${context.verifying.length} checks` : "works on it";
      const waits = state === "paused" ? ` ${explainPaused(context)}` : "";
      return { because: `${agent} ${what}${lease}.${waits}`, moves: [agent, "the end of its lease"] };
    }
    case "handoff": {
      const to = toTargetKey(context.handoff?.to ?? "any");
      const moves = [`a claim by ${to}`, "handoff.decline", "handoff.withdraw"];
      return { because: `It is offered to ${to} and nobody has claimed it.`, moves };
    }
    default:
      return { because: "It has ended; nothing more happens to it.", moves: [] };
  }
}

/** A task that waits for other code is tried again by itself. */
function explainUnowned(snapshot: TaskSnapshot, now: Moment): { because: string; moves: string[] } {
  const { context } = snapshot;
  const because = explainPaused(context);
  if (!isClaimable(snapshot)) return { because, moves: [] };
  const target = toTargetKey(context.to);
  const when = `in ${Math.max(toMsUntil(context.claimableAt, now), 0)} ms`;
  return {
    because: `${because} It also waits for code that fits what is recorded, and is tried again ${when}.`,
    moves: [`a claim by ${target} with code that fits, ${when}`],
  };
}

function explainPaused({ pauses }: TaskContext): string {
  const asking = pauses.filter(({ asks }) => asks);
  const [only] = asking;
  if (only === undefined) return "It was paused without a question.";
  if (asking.length > 1) return `It waits for answers to ${asking.length} questions.`;
  return `It waits for an answer by ${only.approver ?? "anyone"}.`;
}

/** What ends one pause: its id has to be named with it. */
function explainPause({ pauseId, asks, approver, question }: TaskContent["pauses"][number]): string {
  if (!asks) return `tasks.resume of ${pauseId}`;
  const line = toFirstLine(question);
  const what = line === undefined ? "" : ` ("${line}")`;
  return `tasks.answer or tasks.resume of ${pauseId}${what}${approver === undefined ? "" : ` by ${approver}`}`;
}

function explainSession({ records }: TaskContext): { because: string; moves: string[] } {
  return {
    because: `It is an open session of ${records} events, which nobody claims.`,
    moves: ["sessions.close", "tasks.cancel"],
  };
}

function explainStart(context: TaskContext, now: Moment): { because: string; moves: string[] } {
  const target = toTargetKey(context.to);
  const waitMs = toMsUntil(context.claimableAt, now);
  if (waitMs > 0) {
    return {
      because: `It can be claimed in ${waitMs} ms (attempt ${context.attempt}).`,
      moves: [`a claim by ${target} after that`],
    };
  }
  const { preferred } = context;
  const kept =
    preferred === null || preferred.until <= now.steady
      ? ""
      : `, kept for ${preferred.agent} for ${preferred.until - now.steady} ms`;
  return { because: `It waits for a claim by ${target}${kept}.`, moves: [`a claim by ${target}`] };
}

function toCommon(context: TaskContext, title: string | null, now: Moment) {
  const { family, parentId, delegationId } = context;
  const deadlineAt = toGiven(context.deadlineAt, now);
  return {
    id: context.id,
    kind: context.kind,
    ...given({ family, title, parentId, delegationId, deadlineAt }),
    rootId: context.rootId,
    priority: context.priority,
    epoch: context.epoch,
    attempt: context.attempt,
    losses: context.losses,
    stage: context.stage,
    revision: context.revision,
    stepsRecorded: context.steps,
    handoffs: context.handoffs,
    childrenOpen: context.childrenOpen.map(({ childId }) => childId),
    pauses: context.pauses.map((pause) => toOpenPause(pause, now)),
    createdAt: context.createdAt,
    updatedAt: context.updatedAt,
  };
}

/** What the task began with: the packet that was put down or sent, else the texts of its start. Nothing when they were erased. */
function readCreated(
  store: ScopeStore,
  context: TaskContext,
): (Pick<Packet, "data" | "files" | "checks"> & { brief?: string }) | undefined {
  const body = decodeBody(store.event(context.createdSeq), "task.created");
  if (body === undefined) return undefined;
  const { packet, checks } = body;
  if (packet !== undefined) return { ...packet, ...given({ checks }) };
  return { ...given({ brief: body.brief }), data: body.data, files: body.files ?? [], checks: checks ?? [] };
}

function readCompleted(store: ScopeStore, { completedSeq }: TaskContext) {
  return completedSeq === null ? undefined : decodeBody(store.event(completedSeq), "task.completed");
}

/** Whether the claim's stage holds steps. An accepted handoff begins a stage; a repeat of its claim may be answered after its first steps. */
function hasSteps(
  store: ScopeStore,
  { type, taskId, facts }: Claim,
  { records, recordsAtClaim }: TaskContext,
): boolean {
  const isFresh = type === "handoff.claimed" && records === recordsAtClaim;
  if (records === 0 || isFresh) return false;
  const row = store.task(taskId);
  return row !== undefined && mayHaveSteps(store, { task: row.task, stage: facts.stage });
}

function readReturned(store: ScopeStore, context: TaskContext): Return | undefined {
  return context.returnedSeq === null
    ? undefined
    : decodeBody(store.event(context.returnedSeq), "handoff.returned")?.return;
}

export function readPacket(store: ScopeStore, seq: number | null): Packet | undefined {
  const stored = seq === null ? undefined : store.event(seq);
  return decodeBody(stored, "handoff.offered")?.packet ?? decodeBody(stored, "task.created")?.packet;
}

function readPauseEnd(store: ScopeStore, pause: TaskContext["pauseEnds"][number]): PauseEnd {
  const answer = pause.end === "answered" ? decodeBody(store.event(pause.seq), "task.answered")?.answer : undefined;
  return { ...pause, ...(answer === undefined ? {} : { answer }) };
}

/** What the task's last event says of how it ended: its return, or its error and why it ended. */
function readOutcome(store: ScopeStore, context: TaskContext, completed: ReturnType<typeof readCompleted>): unknown {
  if (context.outcome === null) return undefined;
  if (completed !== undefined) return completed.return;
  const reason = readReason(store, context);
  const stored = store.event(context.outcome.seq);
  if (reason === undefined) return stored?.body == null ? undefined : JSON.parse(stored.body);
  const failed = decodeBody(stored, "task.failed");
  return { ...given({ error: failed?.error, data: failed?.data }), reason };
}

function toEndMark({ outcome }: TaskContext): EndMark {
  const { code, by, at } = required(outcome);
  return { code: required(code), by, at };
}

/** Why the task ended without success; its texts may have been erased. */
function readReason(store: ScopeStore, context: TaskContext): EndReason | undefined {
  if (context.outcome === null || context.outcome.code === null) return undefined;
  const mark = toEndMark(context);
  const stored = store.event(context.outcome.seq);
  const types = ["lease.expired", "task.failed", "task.cancelled", "deadline.passed"] as const;
  const body = types.map((type) => decodeBody(stored, type)).find((found) => found !== undefined);
  return { ...mark, message: body?.message ?? endings[mark.code], ...given({ lastError: body?.lastError }) };
}

type Given<Values> = { [Key in keyof Values]?: Exclude<Values[Key], null | undefined> };

/** Leaves out what is null or undefined: readers see a field, or no field. */
export function given<Values extends Record<string, unknown>>(values: Values): Given<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null)) as Given<Values>; // fromEntries forgets the keys
}

/** What a state holds because its machine sets it on entry. */
export function required<Value>(value: Value | null): Value {
  if (value === null) throw new Error("the state holds what its machine sets on entry");
  return value;
}
