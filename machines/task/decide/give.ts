import { type Due, toMsUntil } from "../../../src/contracts/due.ts";
import { limits } from "../../../src/contracts/limits.ts";
import type { Packet } from "../../../src/contracts/packet.ts";
import type { Command, CommandOf, Decision, Facts } from "../commands.ts";
import type { TaskContext } from "../context.ts";
import { isOpen, type TaskSnapshot } from "../state.ts";
import { toDeadline, toDue, toExpiry, toLead, toNow } from "../waits.ts";
import { toClaimable } from "./claim.ts";
import { joinChecks, refuseMany } from "./create.ts";
import { accept, refuse } from "./refuse.ts";
import { decideComplete, mustRun } from "./run.ts";

/** Offers the task itself: the offerer's claim ends with the offer. */
export function decideOffer(snapshot: TaskSnapshot, command: CommandOf<"handoff.offer">, facts: Facts): Decision {
  const refusal = mustRun(snapshot, command, facts);
  if (refusal !== undefined) return refusal;
  const { context } = snapshot;
  const { to } = command.input;
  const expiry = toExpiry(facts, command.input);
  if (context.handoffs >= limits.handoffsPerTask) return refuseLimit(context);
  const packet: Packet = {
    ...command.input.packet,
    ...origin(context, facts),
    id: facts.ids.packet,
    kind: "handoff",
    to,
    expiresAt: expiry.expiresAt,
    deadlineAt: toDeadline(facts, context.deadlineAt).deadlineAt,
  };
  return accept({
    type: "handoff.offered",
    epoch: context.epoch,
    facts: { packetId: packet.id, to, ...expiry, ...toLead(facts) },
    body: { packet },
  });
}

/** Answers the packet that the owner works from: with the work done, or with what is known so far and the work still to do. */
export function decidePacketReturn(
  snapshot: TaskSnapshot,
  command: CommandOf<"handoff.return">,
  facts: Facts,
): Decision {
  const refusal = mustRun(snapshot, command, facts);
  if (refusal !== undefined) return refusal;
  const { context } = snapshot;
  const { taskId, epoch } = command.input;
  const { outcome, ...result } = command.input.return;
  if (context.packetId === null) {
    return refuse(
      "PACKET_NOT_FOUND",
      `${context.id} was not handed over: it has no packet to return; complete or fail it.`,
    );
  }
  if (outcome === "completed") {
    return decideComplete(
      snapshot,
      { name: "tasks.complete", taskId, input: { taskId, epoch, return: result, checks: [] } },
      facts,
    );
  }
  if (context.handoffs >= limits.handoffsPerTask) return refuseLimit(context);
  const sender = context.packetFrom;
  return accept({
    type: "handoff.returned",
    epoch: context.epoch,
    facts: {
      packetId: context.packetId,
      outcome,
      to: toSender(sender) ?? context.to,
      ...toClaimable(sender?.agent ?? null, facts),
    },
    body: { return: command.input.return },
  });
}

/** Gives a part away as a child task, within what the parent may give (I5). */
export function decideDelegate(snapshot: TaskSnapshot, command: CommandOf<"tasks.delegate">, facts: Facts): Decision {
  const refusal = mustRun(snapshot, command, facts);
  if (refusal !== undefined) return refusal;
  const { context } = snapshot;
  const { input } = command;
  const why = whyOverBudget(context, input.budget);
  if (why !== undefined)
    return refuse("DELEGATION_REFUSED", `${context.id} cannot delegate: ${why}.`, { budget: context.budget });

  const due = earliest(context.deadlineAt, toOwnDeadline(input, facts), facts);
  const { deadlineAt } = toDeadline(facts, due);
  if (deadlineAt !== undefined && deadlineAt <= facts.at) {
    return refuse("INPUT_INVALID", `The deadline ${deadlineAt} is not after now (${facts.at}); give a later one.`);
  }
  const packet: Packet = {
    ...input.packet,
    ...origin(context, facts),
    id: facts.ids.packet,
    kind: "delegation",
    to: input.to,
    delegationId: facts.ids.delegation,
    deadlineAt,
  };
  const parent = {
    taskId: context.id,
    rootId: context.rootId,
    depth: context.depth,
    delegationId: facts.ids.delegation,
    deadlineAt: due,
  };
  const { rule } = command;
  const many = refuseMany(joinChecks(packet.checks, rule));
  if (many !== undefined) return many;
  const child: Command = { name: "delegation.start", taskId: facts.ids.child, parent, input, packet, rule };
  return {
    kind: "accepted",
    event: {
      type: "delegation.sent",
      epoch: context.epoch,
      facts: {
        delegationId: facts.ids.delegation,
        childId: facts.ids.child,
        packetId: packet.id,
        to: input.to,
        budget: { count: context.budget.count - 1 - input.budget.count, depth: context.budget.depth },
      },
      body: { packet },
    },
    also: [child],
  };
}

/** A child's end. A parent that has itself ended no longer waits for it. */
export function decideReturn(snapshot: TaskSnapshot, command: CommandOf<"delegation.return">): Decision {
  const { childId, delegationId } = command;
  const isAwaited = snapshot.context.childrenOpen.some((child) => child.childId === childId);
  if (!isOpen(snapshot) || !isAwaited) return { kind: "over" };
  return accept({
    type: "delegation.returned",
    epoch: snapshot.context.epoch,
    facts: { delegationId, childId, outcome: command.return.outcome },
    body: { return: command.return },
  });
}

function refuseLimit({ id, handoffs }: TaskContext): Decision {
  return refuse("HANDOFF_LIMIT", `${id} changed hands ${handoffs} times; complete, fail or pause it.`);
}

/** Those who can go on with what came back: the sender's role, or the sender alone. */
function toSender(sender: TaskContext["packetFrom"]): TaskContext["to"] | undefined {
  if (sender === null) return undefined;
  return sender.role === undefined ? { agent: sender.agent } : { role: sender.role };
}

function whyOverBudget(context: TaskContext, asked: { count: number; depth: number }): string | undefined {
  const { budget } = context;
  if (context.childrenOpen.length >= limits.childrenOpen)
    return `${context.childrenOpen.length} delegated tasks are open`;
  if (budget.depth < 1) return "its budget allows no level below it";
  if (asked.depth > budget.depth - 1)
    return `${asked.depth} further levels are asked for, ${budget.depth - 1} are left`;
  if (asked.count + 1 > budget.count) return `${asked.count + 1} delegations are asked for, ${budget.count} are left`;
  return undefined;
}

function origin(context: TaskContext, facts: Facts) {
  return {
    taskId: context.id,
    parentPacketId: context.packetId ?? undefined,
    from: context.owner ?? { agent: facts.by },
    stage: context.stage,
    offeredAt: facts.at,
  };
}

function toOwnDeadline({ deadlineAt, timeoutMs }: CommandOf<"tasks.delegate">["input"], facts: Facts): Due | null {
  if (deadlineAt !== undefined) return toDue(deadlineAt, { isLength: false });
  return timeoutMs === undefined ? null : toDue(facts.at + timeoutMs, { isLength: true, leadMs: facts.leadMs });
}

function earliest(first: Due | null, second: Due | null, facts: Facts): Due | null {
  if (first === null || second === null) return first ?? second;
  const now = toNow(facts);
  return toMsUntil(second, now) < toMsUntil(first, now) ? second : first;
}
