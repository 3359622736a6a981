import type { RetryPolicy } from "../../../src/contracts/events.ts";
import type { FamilyRule } from "../../../src/contracts/family.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import { limits } from "../../../src/contracts/limits.ts";
import type { Packet } from "../../../src/contracts/packet.ts";
import type { Check } from "../../../src/contracts/values.ts";
import type { CommandOf, Decision, Facts } from "../commands.ts";
import { toDeadline, toLead } from "../waits.ts";
import { accept, refuse } from "./refuse.ts";

/** Of a task that is not tried again. */
export const noRetry: RetryPolicy = { attemptsMax: 1, lossesMax: 1, backoffMs: 0, backoffMaxMs: 0 };

/** A new task of its own. */
export function decideStart(command: CommandOf<"tasks.start">, facts: Facts): Decision {
  const { input, taskId, rule } = command;
  const checks = joinChecks(input.checks, rule);
  const unfit = refuseLate(input.deadlineAt, facts) ?? refuseMany(checks);
  if (unfit !== undefined) return unfit;
  return accept({
    type: "task.created",
    epoch: 0,
    facts: {
      ...ofRoot(taskId, input),
      priority: input.priority,
      ...toClaimable(input.claimableAt, facts),
      checks: toNames(checks),
      isolation: rule?.isolation,
      budget: input.budget,
    },
    body: { brief: input.brief, data: input.data, checks, files: input.files },
  });
}

/** A task that begins with a packet which somebody put down. */
export function decideStore(command: CommandOf<"handoff.store">, facts: Facts): Decision {
  const { input, taskId, rule } = command;
  const checks = joinChecks(input.packet.checks, rule);
  const unfit = refuseLate(input.deadlineAt, facts) ?? refuseMany(checks);
  if (unfit !== undefined) return unfit;
  const packet: Packet = {
    ...input.packet,
    id: facts.ids.packet,
    taskId,
    kind: "handoff",
    from: { agent: facts.by, ...input.from },
    to: input.to,
    stage: 1,
    offeredAt: facts.at,
    deadlineAt: input.deadlineAt,
  };
  return accept({
    type: "task.created",
    epoch: 0,
    facts: {
      ...ofRoot(taskId, input),
      packetId: packet.id,
      fromRole: packet.from.role,
      priority: 2,
      claimableAt: facts.at,
      ...toLead(facts),
      checks: toNames(checks),
      isolation: rule?.isolation,
      budget: { count: 256, depth: limits.delegationDepth },
    },
    body: toPacketBody(packet, checks),
  });
}

/** A task that another delegated, in the same commit as the delegation itself (I5). */
export function decideDelegated(command: CommandOf<"delegation.start">, facts: Facts): Decision {
  const { input, parent, packet, rule } = command;
  const checks = joinChecks(packet.checks, rule);
  return accept({
    type: "task.created",
    epoch: 0,
    facts: {
      kind: input.kind,
      family: input.family,
      parentId: parent.taskId,
      rootId: parent.rootId,
      depth: parent.depth + 1,
      delegationId: parent.delegationId,
      packetId: packet.id,
      to: input.to,
      priority: 2,
      claimableAt: packet.offeredAt,
      ...toDeadline(facts, parent.deadlineAt),
      ...toLead(facts),
      retry: input.retry,
      checks: toNames(checks),
      isolation: rule?.isolation,
      budget: input.budget,
    },
    body: toPacketBody(packet, checks),
  });
}

/** What the family has to show goes before a check of the same name, which could show less. */
export function joinChecks(own: readonly Check[], rule: FamilyRule = { verify: [] }): Check[] {
  return [...own.filter(({ name }) => !rule.verify.some((check) => check.name === name)), ...rule.verify];
}

/** A packet stays as its author wrote it. */
function toPacketBody(packet: Packet, checks: Check[]) {
  return checks.length === packet.checks.length && checks.every((check, index) => check === packet.checks[index])
    ? { packet }
    : { packet, checks };
}

function toNames(checks: readonly Check[]): { name: string; required: boolean }[] {
  return checks.map(({ name, required }) => ({ name, required }));
}

/** More checks than a task may have, with those of its family. */
export function refuseMany({ length }: readonly Check[]): Decision | undefined {
  if (length <= limits.checks) return undefined;
  return refuse(
    "INPUT_INVALID",
    `It would have ${length} checks, with those of its family; ${limits.checks} are allowed.`,
  );
}

/** A task that nobody claims, tries again or delegates from, and that does not expire. */
export function toUnclaimed(kind: string, taskId: TaskId, { at, by }: Facts) {
  return {
    ...{ kind, rootId: taskId, depth: 0, to: { agent: by }, priority: 0, claimableAt: at, checks: [] },
    retry: noRetry,
    budget: { count: 0, depth: 0 },
  };
}

/** What a task of its own takes from its caller as it is. */
function ofRoot(taskId: TaskId, input: CommandOf<"tasks.start" | "handoff.store">["input"]) {
  const { kind, family, to, deadlineAt, retry } = input;
  return { kind, family, rootId: taskId, depth: 0, to, deadlineAt, retry };
}

/** A moment that is still to come is the caller's, by the wall clock. One that has passed only places the task among others. */
function toClaimable(claimableAt: number | undefined, facts: Facts) {
  if (claimableAt !== undefined && claimableAt > facts.at) return { claimableAt, claimableOn: "wall" as const };
  return { claimableAt: claimableAt ?? facts.at, ...toLead(facts) };
}

function refuseLate(deadlineAt: number | undefined, { at }: Facts): Decision | undefined {
  if (deadlineAt === undefined || deadlineAt > at) return undefined;
  return refuse("INPUT_INVALID", `deadlineAt ${deadlineAt} is not after now (${at}); give a later one.`);
}
