import type { SnapshotFrom } from "xstate";
import type { Due } from "../../src/contracts/due.ts";
import type { EventHeader } from "../../src/contracts/events.ts";
import type { SessionStatus } from "../../src/contracts/session.ts";
import type { TaskState } from "../../src/contracts/task.ts";
import { isWork, type TaskContext, toFirstContext, waitsForCode } from "./context.ts";
import { taskMachine } from "./machine.ts";

/** Where a task stands: the state of its machine and what that remembers. JSON, and never changed in place. */
export interface TaskSnapshot {
  readonly value: SnapshotFrom<typeof taskMachine>["value"];
  readonly context: TaskContext;
}

export function toTaskSnapshot({ value, context }: SnapshotFrom<typeof taskMachine>): TaskSnapshot {
  return { value, context: context.task };
}

/** Where a task stands after its first event. It is where the machine's own start leads, without the run of its interpreter for that. */
export function toFirstSnapshot(first: EventHeader<"task.created">): TaskSnapshot {
  return { value: "start", context: toFirstContext(first) };
}

/** As the machine has it. @throws Error when the state does not exist. */
export function toMachineSnapshot({ value, context }: TaskSnapshot): SnapshotFrom<typeof taskMachine> {
  return taskMachine.resolveState({ value, context: { task: context } });
}

/**
 * The one word for where a task stands; the parts of `succeeded` that a reader knows have words of their own. A task whose owner asks and
 * goes on with other work is shown as paused: that is the word under which people look for what waits for them.
 */
export function toTaskState(snapshot: Pick<TaskSnapshot, "value">): TaskState {
  const { value } = snapshot;
  if (typeof value === "string") return value as TaskState; // the machine's top states are words of TaskState, compared by a test
  if ("running" in value) return value.running === "asking" ? "paused" : "running";
  return value.succeeded === "replayed" || value.succeeded === "promoted" ? value.succeeded : "succeeded";
}

/** Whether work on the task can still go on. */
export function isOpen(snapshot: Pick<TaskSnapshot, "value">): boolean {
  return ["start", "running", "paused", "handoff", "verifying"].includes(toTaskState(snapshot));
}

/** Whether a claim holds the task. */
export function isClaimed(snapshot: Pick<TaskSnapshot, "value">): boolean {
  return isRunning(snapshot) || snapshot.value === "verifying";
}

/** Whether its owner works on it, be a pause open or not. */
export function isRunning({ value }: Pick<TaskSnapshot, "value">): boolean {
  return typeof value === "object" && "running" in value;
}

/** The word for where a session stands, by its state as a task. */
export function toSessionStatus(state: TaskState): SessionStatus {
  if (state === "start") return "open";
  return state === "cancelled" ? "cancelled" : "closed";
}

/**
 * The state right after `event`, from the event alone; for an event that leaves the state as it is, nothing. Whether a question is open
 * while the owner goes on, an event of that work does not say: it is of a running task.
 * A repeated command is answered with it, from the journal.
 */
export function stateAfter(event: Pick<EventHeader, "type" | "facts">): TaskState | undefined {
  if ("next" in event.facts) return event.facts.next;
  return entered[event.type];
}

const entered: Partial<Record<EventHeader["type"], TaskState>> = {
  "task.created": "start",
  "task.claimed": "running",
  "task.released": "start",
  "step.begun": "running",
  "step.succeeded": "running",
  "step.failed": "running",
  "step.superseded": "running",
  "checks.passed": "succeeded",
  "checks.failed": "running",
  "task.cancelled": "cancelled",
  "deadline.passed": "failed",
  "handoff.offered": "handoff",
  "handoff.claimed": "running",
  "handoff.declined": "start",
  "handoff.withdrawn": "start",
  "handoff.expired": "start",
  "handoff.returned": "start",
  "delegation.sent": "running",
  "session.noted": "start",
  "session.closed": "succeeded",
  "replay.started": "succeeded",
  "replay.failed": "succeeded",
  "task.replayed": "replayed",
  "task.promoted": "promoted",
};

/** A timer that a state asks for. */
export interface TimerWanted {
  kind: "pause" | "handoff" | "deadline";
  dueAt: number;
  clock: Due["clock"];
  /** What it belongs to: the entry of the state, or the event that opened the pause. The timer is over when that is. */
  entry: number;
}

/** The timers that follow from where a task stands, at most one a kind and clock. */
export function timersOf(snapshot: Pick<TaskSnapshot, "value" | "context">): TimerWanted[] {
  const { context } = snapshot;
  const timers: TimerWanted[] = [];
  if (context.pauses.length > 0) timers.push(...firstToExpire(context));
  if (snapshot.value === "handoff" && context.handoff?.expiresAt != null) {
    timers.push(toTimer("handoff", context.handoff.expiresAt, context.entry));
  }
  if (context.deadlineAt !== null && isOpen(snapshot)) timers.push(toTimer("deadline", context.deadlineAt, 1));
  return timers;
}

function toTimer(kind: TimerWanted["kind"], { at, clock }: Due, entry: number): TimerWanted {
  return { kind, dueAt: at, clock, entry };
}

/** Of the open pauses that which expires first on each clock: the others wait for its end. */
function firstToExpire({ pauses }: TaskContext): TimerWanted[] {
  const firsts = new Map<Due["clock"], TimerWanted>();
  for (const { expiresAt, seq } of pauses) {
    if (expiresAt === null || expiresAt.at >= (firsts.get(expiresAt.clock)?.dueAt ?? Number.POSITIVE_INFINITY))
      continue;
    firsts.set(expiresAt.clock, toTimer("pause", expiresAt, seq));
  }
  return [...firsts.values()];
}

/** A place where workers look for something to claim. */
export interface Claimable {
  /** `any`, `role:<role>` or `agent:<agent>`, or the same as `toNewcomerKey` has it. */
  target: string;
  from: number;
  clock: Due["clock"];
}

/** Whether anything but its time keeps it from being claimed: it waits for a claim, or for other code, which a claim finds out. */
export function isClaimable({ value, context }: Pick<TaskSnapshot, "value" | "context">): boolean {
  return value === "start" || (value === "paused" && waitsForCode(context));
}

/** Where and from when a task can be claimed: once, or twice while an agent is preferred; a session or memory nowhere. */
export function claimablesOf(snapshot: Pick<TaskSnapshot, "value" | "context">): Claimable[] {
  const { context } = snapshot;
  if (snapshot.value === "handoff" && context.handoff !== null) {
    return [{ target: toTargetKey(context.handoff.to), from: 0, clock: "steady" }];
  }
  if (!isClaimable(snapshot) || !isWork(snapshot)) return [];
  const target = toTargetKey(context.to);
  const { at: from, clock } = context.claimableAt;
  if (snapshot.value === "paused") {
    return [
      { target, from, clock },
      { target: toNewcomerKey(target), from: context.claimedAt, clock: "wall" },
    ];
  }
  if (context.preferred === null) return [{ target, from, clock }];
  const preferred = `agent:${context.preferred.agent}`;
  if (preferred === target) return [{ target, from, clock }];
  return [
    { target: preferred, from, clock },
    { target, from: Math.max(from, context.preferred.until), clock }, // the steady clock: what a caller placed in time prefers no agent
  ];
}

export function toTargetKey(to: TaskContext["to"]): string {
  if (to === "any") return "any";
  return "agent" in to ? `agent:${to.agent}` : `role:${to.role}`;
}

/**
 * Where workers look that have just started. A task that waits for other code stands there from its latest try on: one that started after
 * that may have the code, and need not wait until it is tried again anyway.
 */
export function toNewcomerKey(target: string): string {
  return `${newcomer}${target}`;
}

export function isNewcomerKey(target: string): boolean {
  return target.startsWith(newcomer);
}

const newcomer = "new:";

/** The target that `toTargetKey` made `key` of. */
export function fromTargetKey(key: string): TaskContext["to"] {
  if (key === "any") return "any";
  const id = key.slice(key.indexOf(":") + 1);
  return key.startsWith("agent:") ? { agent: id } : { role: id };
}

/** The places where an agent with these roles looks for something to claim. */
export function toClaimTargets(agent: string, roles: readonly string[]): string[] {
  return ["any", toTargetKey({ agent }), ...roles.map((role) => toTargetKey({ role }))];
}
