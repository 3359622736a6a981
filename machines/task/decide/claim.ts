import { isDue, toMsUntil, toWallTime } from "../../../src/contracts/due.ts";
import type { Actor, Target } from "../../../src/contracts/values.ts";
import type { CommandOf, Decision, Facts } from "../commands.ts";
import { isClaimable, isClaimed, type TaskSnapshot, toTaskState } from "../state.ts";
import { toLead, toNow } from "../waits.ts";
import { accept, heldBy, refuse, refuseState } from "./refuse.ts";

type ClaimCommand = CommandOf<"tasks.claim"> | CommandOf<"handoff.claim">;

/** One claim of several wins (I1); each claim is a new epoch (I3). The losers learn who holds it and until when. */
export function decideClaim(snapshot: TaskSnapshot, command: ClaimCommand, facts: Facts): Decision {
  if (isClaimed(snapshot)) return refuseLost(snapshot, facts);
  if (snapshot.value === "handoff") return claimHandoff(snapshot, command, facts);
  const isStored = snapshot.value === "start" && snapshot.context.epoch === 0; // a packet that was put down
  if (command.name === "handoff.claim" && !(isStored && command.input.packetId === snapshot.context.packetId)) {
    return refusePacketGone(snapshot, command.name, facts);
  }
  if (!isClaimable(snapshot)) return refuseState(snapshot, command.name);
  return claimStart(snapshot, command, facts);
}

function claimStart(snapshot: TaskSnapshot, command: ClaimCommand, facts: Facts): Decision {
  const { context } = snapshot;
  const role = roleFor(context.to, command.input.roles, facts.by);
  const isPreferred = context.preferred?.agent === facts.by;
  if (role === "refused" && !isPreferred) return refuseAddressee(context.id, context.to, facts.by);
  const now = toNow(facts);
  if (!isDue(context.claimableAt, now) && !isNewcomer(snapshot, command, facts)) {
    const waitMs = toMsUntil(context.claimableAt, now);
    return refuse("TASK_STATE_CONFLICT", `${context.id} can be claimed in ${waitMs} ms.`, {
      state: toTaskState(snapshot),
      claimableAt: toWallTime(context.claimableAt, now),
    });
  }
  if (context.preferred !== null && !isPreferred && context.preferred.until > now.steady) {
    const { agent, until } = context.preferred;
    return refuse("NOT_ADDRESSED", `${context.id} is kept for ${agent} for ${until - now.steady} ms.`, {
      preferred: { agent, until: until - facts.leadMs },
    });
  }
  return accept({
    type: "task.claimed",
    epoch: context.epoch + 1,
    facts: {
      agent: facts.by,
      role: role === "refused" ? undefined : role,
      attempt: context.attempt,
      stage: context.stage,
    },
    body: {},
  });
}

/** Whether the claimant started after the latest try of a task that waits for other code. */
function isNewcomer({ value, context }: TaskSnapshot, command: ClaimCommand, { at }: Facts): boolean {
  if (value !== "paused" || command.name !== "tasks.claim" || command.input.upMs === undefined) return false;
  return context.claimedAt <= at - command.input.upMs;
}

function claimHandoff(snapshot: TaskSnapshot, command: ClaimCommand, facts: Facts): Decision {
  const { context } = snapshot;
  const offer = context.handoff;
  if (offer === null) throw new Error("a task in handoff has an offer");
  if (command.name === "handoff.claim" && command.input.packetId !== offer.packetId) {
    return refusePacketGone(snapshot, command.name, facts);
  }
  const role = roleFor(offer.to, command.input.roles, facts.by);
  if (role === "refused") return refuseAddressee(offer.packetId, offer.to, facts.by);
  return accept({
    type: "handoff.claimed",
    epoch: context.epoch + 1,
    facts: { packetId: offer.packetId, agent: facts.by, role, stage: context.stage + 1 },
    body: {},
  });
}

/** Refuse an offer, or take it back. */
export function decideRefusal(
  snapshot: TaskSnapshot,
  command: CommandOf<"handoff.decline"> | CommandOf<"handoff.withdraw">,
  facts: Facts,
): Decision {
  const { context } = snapshot;
  const offer = context.handoff;
  if (offer === null || offer.packetId !== command.input.packetId)
    return refusePacketGone(snapshot, command.name, facts);
  if (command.name === "handoff.withdraw" && offer.from.agent !== facts.by) {
    return refuse("NOT_ADDRESSED", `${offer.packetId} was offered by ${offer.from.agent}; only they withdraw it.`);
  }
  if (command.name === "handoff.decline" && roleFor(offer.to, command.input.roles, facts.by) === "refused") {
    return refuseAddressee(offer.packetId, offer.to, facts.by);
  }
  return accept({
    type: command.name === "handoff.decline" ? "handoff.declined" : "handoff.withdrawn",
    epoch: context.epoch,
    facts: { packetId: offer.packetId, ...toClaimable(offer.from.agent, facts) },
    body: { reason: command.input.reason },
  });
}

const preferenceMs = 5_000;

/** Who worked on it last goes first for a while: they know it. */
function preferenceFor(agent: string | null, at: number): { agent: string; until: number } | undefined {
  return agent === null ? undefined : { agent, until: at + preferenceMs };
}

/** Claimable at once, for its last owner first. */
export function toClaimable(agent: string | null, facts: Facts) {
  return { claimableAt: facts.at, preferred: preferenceFor(agent, facts.at), ...toLead(facts) };
}

/** The role in which `agent` may take what is for `to`: none needed, one of theirs, or refused. */
function roleFor(to: Target, roles: readonly string[], agent: string): Actor["role"] | "refused" {
  if (to === "any") return roles[0];
  if ("agent" in to) return to.agent === agent ? roles[0] : "refused";
  return roles.includes(to.role) ? to.role : "refused";
}

function refuseAddressee(what: string, to: Target, by: string): Decision {
  const whom = to === "any" ? "anyone" : "agent" in to ? `agent ${to.agent}` : `role ${to.role}`;
  return refuse("NOT_ADDRESSED", `${what} is for ${whom}; ${by} does not claim it.`, { to });
}

function refuseLost(snapshot: TaskSnapshot, facts: Facts): Decision {
  const { owner, id, epoch } = snapshot.context;
  const until = facts.leaseUntil === undefined ? "" : ` until ${facts.leaseUntil} at least`;
  return refuse("CLAIM_LOST", `${id} is taken${heldBy(owner)} at epoch ${epoch}${until}.`, {
    owner,
    epoch,
    ...(facts.leaseUntil === undefined ? {} : { leaseUntil: facts.leaseUntil }),
  });
}

/** A packet that is no longer on offer: taken, refused, withdrawn, expired, or never of this task. */
function refusePacketGone(snapshot: TaskSnapshot, name: string, facts: Facts): Decision {
  if (isClaimed(snapshot)) return refuseLost(snapshot, facts);
  return refuseState(snapshot, name);
}
