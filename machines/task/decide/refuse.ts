import { AionisError, type FailureCode } from "../../../src/contracts/failures.ts";
import type { TaskState } from "../../../src/contracts/task.ts";
import type { Actor } from "../../../src/contracts/values.ts";
import { type Decision, memoryOperations, type NewEvent, playbookOperations, type TaskOperation } from "../commands.ts";
import { isMemory, isPlaybook, isSession } from "../context.ts";
import {
  isClaimable,
  isClaimed,
  isOpen,
  isRunning,
  type TaskSnapshot,
  toSessionStatus,
  toTaskState,
} from "../state.ts";

const allowedIn: Readonly<Record<TaskState, readonly TaskOperation[]>> = {
  start: ["tasks.claim", "tasks.cancel"], // and what ends an open pause
  running: [
    "tasks.step",
    "tasks.pause",
    "tasks.rest",
    "tasks.complete",
    "tasks.fail",
    "tasks.release",
    "tasks.delegate",
    "handoff.offer",
    "handoff.return",
    "tasks.cancel",
  ],
  paused: ["tasks.cancel"],
  handoff: ["handoff.claim", "tasks.claim", "handoff.decline", "handoff.withdraw", "tasks.cancel"],
  verifying: ["tasks.verify", "tasks.fail", "tasks.release", "tasks.cancel"],
  succeeded: [],
  replayed: [],
  promoted: [],
  failed: [],
  cancelled: [],
};

const allowedInSession: readonly TaskOperation[] = ["sessions.event", "sessions.close", "tasks.cancel"];

/** Where there is not enough evidence a promotion is refused for that, and not for where the playbook stands. */
function allowedForPlaybook({ context: { playbook } }: TaskSnapshot): readonly TaskOperation[] {
  const [state, isProposed] = [playbook?.value, playbook?.context.proposal != null];
  const refused: TaskOperation[] = isProposed ? [] : ["playbooks.repairReview"];
  if (state === "active") refused.push("playbooks.promote", "playbooks.approve", "playbooks.reject");
  if (state === "disabled") refused.push("playbooks.run", "playbooks.disable", "playbooks.reject", "playbooks.approve");
  return playbookOperations.filter((name) => !refused.includes(name));
}

/** The operations that a task takes where it stands. Refusals and `tasks.explain` name them; a test holds it against `decide`. */
export function allowedFor(snapshot: TaskSnapshot): readonly TaskOperation[] {
  if (isMemory(snapshot)) return memoryOperations;
  if (isPlaybook(snapshot)) return allowedForPlaybook(snapshot);
  if (isSession(snapshot) && isOpen(snapshot)) return allowedInSession;
  const state = isRunning(snapshot) ? "running" : toTaskState(snapshot);
  const allowed = state === "paused" && isClaimable(snapshot) ? allowedIn.start : allowedIn[state];
  return snapshot.context.pauses.length === 0 ? allowed : [...allowed, ...allowedWhileAsking(snapshot)];
}

function allowedWhileAsking({ context }: TaskSnapshot): readonly TaskOperation[] {
  return context.pauses.some(({ asks }) => asks) ? ["tasks.answer", "tasks.resume"] : ["tasks.resume"];
}

export function accept(event: NewEvent): Decision {
  return { kind: "accepted", event };
}

export function refuse(code: FailureCode, detail: string, facts: Record<string, unknown> = {}): Decision {
  return { kind: "refused", failure: new AionisError(code, detail, { facts }) };
}

/** Refuses what the state does not take, and says what it is, who holds it and what it would take. */
export function refuseState(snapshot: TaskSnapshot, name: string): Decision {
  const state = toTaskState(snapshot);
  const { owner, id } = snapshot.context;
  const allowed = allowedFor(snapshot);
  const next = allowed.length === 0 ? "It takes no further commands." : `It takes ${allowed.join(", ")}.`;
  const now = `${describe(snapshot)}${heldBy(owner)}`;
  return refuse("TASK_STATE_CONFLICT", `${name} is not possible: ${id} is ${now}. ${next}`, {
    state,
    allowed,
    ...(owner === null ? {} : { owner }),
  });
}

/**
 * Refuses a command of somebody who is not, or no longer, the owner (I4): whatever the clock says, only the epoch of the present
 * claim counts.
 */
export function refuseStranger(snapshot: TaskSnapshot, asked: { epoch: number; by: string }): Decision | undefined {
  const { epoch, owner, id, lastAgent } = snapshot.context;
  const spent =
    snapshot.value === "start" || asked.epoch !== epoch || (isClaimed(snapshot) && owner?.agent !== asked.by);
  if (!spent) return undefined;
  const state = toTaskState(snapshot);
  const now = owner === null ? `it is ${state} at epoch ${epoch}` : `epoch ${epoch} belongs to ${owner.agent}`;
  return refuse(
    "EPOCH_STALE",
    `Epoch ${asked.epoch} of ${asked.by} no longer holds ${id}: ${now}. Stop, and claim it anew.`,
    {
      state,
      epoch,
      ...(owner === null ? {} : { owner }),
      ...(lastAgent === null ? {} : { lastAgent }),
    },
  );
}

export function heldBy(owner: Actor | null): string {
  return owner === null ? "" : `, held by ${owner.agent}`;
}

/** A session and memory are named as what they are: the state alone looks like that of a task which can be claimed. */
function describe(snapshot: TaskSnapshot): string {
  const state = toTaskState(snapshot);
  if (isMemory(snapshot)) return "the memory of its scope";
  if (isPlaybook(snapshot)) return "a playbook";
  return isSession(snapshot) ? `a session and ${toSessionStatus(state)}` : state;
}
