// What ends a claim, or a task, without the success of its owner.
//
// Invariants:
//   E1. Every end says why: its event holds the code, and its body the sentence and the last error.
//   E2. A task whose runs are lost comes to an end (I10): a run without a new success costs an attempt, and each stage has a bound on lost
//       leases in all.
//   E3. A claim that is given back again and again without a new success is offered later each time.

import type { EndCode } from "../../../src/contracts/ending.ts";
import { ReplayReport } from "../../../src/contracts/playbook.ts";
import type { CommandOf, Decision, Facts } from "../commands.ts";
import { isFruitful, type TaskContext } from "../context.ts";
import { isClaimed, type TaskSnapshot } from "../state.ts";
import { toLead } from "../waits.ts";
import { accept, refuseState } from "./refuse.ts";
import { toEnding, toReturn, withReturn } from "./return.ts";
import { mustHold } from "./run.ts";

const releasesFree = 3; // a rollout gives claims back a few times
const unseenFree = 4; // claims of workers that died while they waited, which can be granted for 10 s after that
const pacedMs = { from: 100, to: 1_000 }; // the least backoff of what costs no attempt, where the policy's own is shorter

/** Gives the claim back. */
export function decideRelease(snapshot: TaskSnapshot, command: CommandOf<"tasks.release">, facts: Facts): Decision {
  const refusal = mustHold(snapshot, command, facts);
  if (refusal !== undefined) return refusal;
  const { context } = snapshot;
  const again = isFruitful(context) ? 0 : context.releases + 1;
  const waitMs = again > releasesFree ? toBackoff(toPaced(context), again - releasesFree, facts) : 0; // E3
  return accept({
    type: "task.released",
    epoch: context.epoch,
    facts: { claimableAt: facts.at + waitMs, ...toLead(facts) },
    body: { reason: command.input.reason },
  });
}

/** Tried again while attempts are left, after a backoff; else given up. */
export function decideFail(snapshot: TaskSnapshot, command: CommandOf<"tasks.fail">, facts: Facts): Decision {
  const refusal = mustHold(snapshot, command, facts);
  if (refusal !== undefined) return refusal;
  const { context } = snapshot;
  const { error, retryable, data } = command.input;
  const { attempt, retry, epoch } = context;
  if (retryable && attempt < retry.attemptsMax) {
    const claimable = { claimableAt: facts.at + toBackoff(retry, attempt, facts), ...toLead(facts) };
    const again = { next: "start", retryable, attempt: attempt + 1, ...claimable } as const;
    return accept({ type: "task.failed", epoch, facts: again, body: { error, data } });
  }
  const code = toFailedCode(context, command.input);
  const { texts, reason } = toEnding(code, toFailedText(context, code, facts.by), { ...facts, lastError: error });
  const decision = accept({
    type: "task.failed",
    epoch,
    facts: { next: "failed", retryable, code, attempt, claimableAt: facts.at, ...toLead(facts) },
    body: { error, data, ...texts },
  });
  return withReturn(snapshot, decision, { ...toReturn("failed", error), data, reason });
}

/** Failures of a worker that are reasons of their own. */
const ownCodes: Readonly<Record<string, EndCode>> = {
  CHECKS_FAILED: "CHECKS_FAILED",
  HANDOFF_LIMIT: "HANDOFF_LIMIT",
  PAUSE_LIMIT: "PAUSE_LIMIT",
};

function toFailedCode({ replay }: TaskContext, { retryable, code, data }: CommandOf<"tasks.fail">["input"]): EndCode {
  const own = code !== undefined && Object.hasOwn(ownCodes, code) ? ownCodes[code] : undefined;
  if (own !== undefined) return own;
  if (replay !== undefined && ReplayReport.safeParse(data).data?.replay === "failed") return "REPLAY_FAILED";
  return retryable ? "ATTEMPTS_OVER" : "NOT_RETRYABLE";
}

function toFailedText({ attempt, retry, handoffs, stage }: TaskContext, code: EndCode, by: string): string {
  switch (code) {
    case "ATTEMPTS_OVER":
      return `Attempt ${attempt} of ${retry.attemptsMax} failed, by ${by}.`;
    case "CHECKS_FAILED":
      return `A required check failed for ${by} in attempt ${attempt} of ${retry.attemptsMax}.`;
    case "HANDOFF_LIMIT":
      return `It changed hands ${handoffs} times, and ${by} could not hand it over once more.`;
    case "PAUSE_LIMIT":
      return `It was paused too often in stage ${stage}, and ${by} could not pause it once more.`;
    case "REPLAY_FAILED":
      return `The replay stopped at a step, as ${by} reported.`;
    default:
      return `It failed in attempt ${attempt} of ${retry.attemptsMax}, and ${by} said that another attempt cannot help.`;
  }
}

/** The claim ran out (E2). A claimant that never showed that it lives did not try: that costs no attempt, a few times. */
export function decideLeaseExpired(snapshot: TaskSnapshot, command: CommandOf<"lease.expire">, facts: Facts): Decision {
  const { context } = snapshot;
  if (!isClaimed(snapshot) || context.epoch !== command.epoch) return { kind: "over" };
  const { attempt, epoch, retry } = context;
  const unseen = command.isShort === true;
  const isFree = isFruitful(context) || (unseen && context.unseen < unseenFree);
  const isLast = context.losses + 1 >= retry.lossesMax;
  const common = { unseen, attempt, ...toLead(facts) };
  if (!isLast && isFree) {
    const again = { ...common, next: "start", claimableAt: facts.at } as const;
    return accept({ type: "lease.expired", epoch, facts: again, body: {} });
  }
  if (!isLast && attempt < retry.attemptsMax) {
    const claimableAt = facts.at + toBackoff(retry, attempt, facts);
    const again = { ...common, next: "start", attempt: attempt + 1, claimableAt } as const;
    return accept({ type: "lease.expired", epoch, facts: again, body: {} });
  }
  const code = isLast && (isFree || attempt < retry.attemptsMax) ? "LOSSES_OVER" : "WORKERS_LOST";
  const { texts, reason } = toEnding(code, toLostText(context, code), facts);
  const end = { ...common, next: "failed", code, claimableAt: facts.at } as const;
  const decision = accept({ type: "lease.expired", epoch, facts: end, body: texts });
  return withReturn(snapshot, decision, { ...toReturn("failed", texts.message), reason });
}

function toLostText({ attempt, retry, losses, owner, stage }: TaskContext, code: EndCode): string {
  const last = `; the last was ${owner?.agent ?? "unknown"}, whose lease ran out without a heartbeat`;
  if (code === "LOSSES_OVER")
    return `Its workers were lost ${losses + 1} times in stage ${stage}, and ${retry.lossesMax} is the most${last}.`;
  return `Its workers were lost in attempt ${attempt} of ${retry.attemptsMax} without a new success${last}.`;
}

/**
 * A claim that ran out is its owner's again as long as no other was made: the owner was held up, and has lost nothing that anybody
 * else's claim contradicts. The epoch stays, because it is stale only when there is a higher one (I3, I4). The loss is taken back.
 */
export function decideRevive(snapshot: TaskSnapshot, command: CommandOf<"claim.revive">, facts: Facts): Decision {
  const { epoch, lapsed } = snapshot.context;
  if (!canRevive(snapshot, { epoch: command.epoch, by: facts.by }) || lapsed === null) return { kind: "over" };
  const { owner, state, attempt } = lapsed;
  return accept({ type: "claim.revived", epoch, facts: { ...owner, next: state, attempt }, body: {} });
}

/** Whether the claim of `by` under `epoch` ran out, and no other was made since. */
export function canRevive({ value, context }: TaskSnapshot, { epoch, by }: { epoch: number; by: string }): boolean {
  return value === "start" && context.lapsed?.owner.agent === by && context.epoch === epoch;
}

/** Ends an unfinished task. What it delegated is cancelled after it, through the outbox. */
export function decideCancel(snapshot: TaskSnapshot, command: CommandOf<"tasks.cancel">, facts: Facts): Decision {
  const { context } = snapshot;
  if (snapshot.value === "cancelled" && context.outcome !== null) return { kind: "already", seq: context.outcome.seq };
  if (context.outcome !== null) return refuseState(snapshot, command.name);
  const { reason } = command.input;
  const said = reason === undefined ? "" : `: ${reason}`;
  return cancel(snapshot, toEnding("CANCELLED", `${facts.by} cancelled it${said || "."}`, facts), {
    reason,
    summary: reason === undefined ? "Cancelled." : `Cancelled: ${reason}`,
  });
}

/** The task that delegated it has ended: nothing waits for what it would give back. */
export function decideParentEnded(snapshot: TaskSnapshot, facts: Facts): Decision {
  const { outcome, parentId } = snapshot.context;
  if (outcome !== null) return { kind: "over" };
  const text = `The task that delegated it, ${parentId}, has ended.`;
  return cancel(snapshot, toEnding("PARENT_ENDED", text, facts), { reason: text, summary: text });
}

function cancel(
  snapshot: TaskSnapshot,
  { code, texts, reason }: ReturnType<typeof toEnding>,
  said: { reason: string | undefined; summary: string },
): Decision {
  const { epoch } = snapshot.context;
  const body = { reason: said.reason, ...texts };
  const decision = accept({ type: "task.cancelled", epoch, facts: { code }, body });
  return withReturn(snapshot, decision, { ...toReturn("failed", said.summary), reason });
}

/** The moment by which the task had to be done has passed. */
export function decideDeadline(snapshot: TaskSnapshot, facts: Facts): Decision {
  const { epoch, owner } = snapshot.context;
  const state = owner === null ? `it was in ${snapshot.value}` : `${owner.agent} worked on it`;
  const { code, texts, reason } = toEnding("DEADLINE_PASSED", `Its deadline passed while ${state}.`, facts);
  const decision = accept({ type: "deadline.passed", epoch, facts: { code }, body: texts });
  return withReturn(snapshot, decision, { ...toReturn("failed", texts.message), reason });
}

type Pace = Pick<TaskContext["retry"], "backoffMs" | "backoffMaxMs">;

function toPaced({ retry: { backoffMs, backoffMaxMs } }: TaskContext): Pace {
  return { backoffMs: Math.max(backoffMs, pacedMs.from), backoffMaxMs: Math.max(backoffMaxMs, pacedMs.to) };
}

/** How long to wait after the `tries`-th try: twice as long each time, of which up to a half is drawn. */
function toBackoff({ backoffMs, backoffMaxMs }: Pace, tries: number, { jitter }: Facts): number {
  const full = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(tries - 1, 30));
  return Math.round(full / 2 + (full / 2) * jitter);
}
