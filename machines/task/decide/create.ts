import type { TaskId } from "../../../src/contracts/ids.ts";
import { limits } from "../../../src/contracts/limits.ts";
import type { Packet } from "../../../src/contracts/packet.ts";
import type { CommandOf, Decision, Facts } from "../commands.ts";
import { accept, refuse } from "./refuse.ts";

/** A new task of its own. */
export function decideStart(command: CommandOf<"tasks.start">, facts: Facts): Decision {
  const { input, taskId } = command;
  const late = refuseLate(input.deadlineAt, facts);
  if (late !== undefined) return late;
  return accept({
    type: "task.created",
    epoch: 0,
    facts: {
      ...ofRoot(taskId, input),
      priority: input.priority,
      claimableAt: input.claimableAt ?? facts.at,
      checks: input.checks.map(({ name, required }) => ({ name, required })),
      budget: input.budget,
    },
    body: { brief: input.brief, data: input.data, checks: input.checks, files: input.files },
  });
}

/** A task that begins with a packet which somebody put down. */
export function decideStore(command: CommandOf<"handoff.store">, facts: Facts): Decision {
  const { input, taskId } = command;
  const late = refuseLate(input.deadlineAt, facts);
  if (late !== undefined) return late;
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
      checks: packet.checks.map(({ name, required }) => ({ name, required })),
      budget: { count: 256, depth: limits.delegationDepth },
    },
    body: { packet },
  });
}

/** A task that another delegated, in the same commit as the delegation itself (I5). */
export function decideDelegated(command: CommandOf<"delegation.start">): Decision {
  const { input, parent, packet } = command;
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
      deadlineAt: packet.deadlineAt,
      retry: input.retry,
      checks: packet.checks.map(({ name, required }) => ({ name, required })),
      budget: input.budget,
    },
    body: { packet },
  });
}

/** A task that nobody claims, tries again or delegates from, and that does not expire. */
export function toUnclaimed(kind: string, taskId: TaskId, { at, by }: Facts) {
  return {
    ...{ kind, rootId: taskId, depth: 0, to: { agent: by }, priority: 0, claimableAt: at, checks: [] },
    retry: { attemptsMax: 1, backoffMs: 0, backoffMaxMs: 0 },
    budget: { count: 0, depth: 0 },
  };
}

/** What a task of its own takes from its caller as it is. */
function ofRoot(taskId: TaskId, input: CommandOf<"tasks.start" | "handoff.store">["input"]) {
  const { kind, family, to, deadlineAt, retry } = input;
  return { kind, family, rootId: taskId, depth: 0, to, deadlineAt, retry };
}

function refuseLate(deadlineAt: number | undefined, { at }: Facts): Decision | undefined {
  if (deadlineAt === undefined || deadlineAt > at) return undefined;
  return refuse("INPUT_INVALID", `deadlineAt ${deadlineAt} is not after now (${at}); give a later one.`);
}
