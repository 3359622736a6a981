// Checker
//
// Reads a journal as a stranger would and says which invariants it breaks. Written without the machines: it knows only what the events
// mean.

import type { EventHeader, EventType } from "../../src/contracts/events.ts";

/** Something that a program was told is recorded. */
export interface Acked {
  op: string;
  taskId: string;
  epoch: number;
  agent: string;
  /** Absent for claims, which are known by their epoch. */
  seq?: number;
  commandId?: string;
}

interface Life {
  epoch: number;
  owner: string | null;
  owners: Map<number, string>;
  isEnded: boolean;
  offered: Set<string>;
  claimed: Set<string>;
  steps: Set<string>;
  budget: { count: number; depth: number };
  deadlineAt: number | undefined;
}

/** Events that only the owner of the present claim can cause. */
const ownerEvents: ReadonlySet<EventType> = new Set([
  "task.released",
  "step.begun",
  "step.succeeded",
  "step.failed",
  "task.paused",
  "task.completed",
  "checks.passed",
  "checks.failed",
  "task.failed",
  "handoff.offered",
  "handoff.returned",
  "delegation.sent",
] as const);

/** After these nobody owns the task. */
const disowning: ReadonlySet<EventType> = new Set([
  "task.released",
  "lease.expired",
  "task.paused",
  "task.failed",
  "task.cancelled",
  "deadline.passed",
  "handoff.offered",
  "handoff.returned",
  "checks.passed",
] as const);

export function checkHistory(
  events: readonly EventHeader[],
  acknowledged: readonly Acked[],
  bodyOf: (seq: number) => string | undefined,
): string[] {
  const violations: string[] = [];
  const lives = new Map<string, Life>();
  const commands = new Set<string>();
  const briefs = new Set<string>();

  events.forEach((event, index) => {
    if (event.seq !== index + 1) violations.push(`I7: event ${index + 1} is missing`);
    if (event.commandId !== undefined) {
      if (commands.has(event.commandId)) violations.push(`I13: command ${event.commandId} took effect twice`);
      commands.add(event.commandId);
    }
    if (event.type === "task.created" && event.facts.parentId === undefined) {
      const { brief } = JSON.parse(bodyOf(event.seq) ?? "{}") as { brief: string };
      if (briefs.has(brief)) violations.push(`I13: "${brief}" was started twice`);
      briefs.add(brief);
    }
    violations.push(...checkEvent(event, lives));
  });
  for (const ack of acknowledged) {
    const why = whyLost(ack, events, lives);
    if (why !== undefined)
      violations.push(`I2: ${ack.op} of ${ack.taskId} by ${ack.agent} was acknowledged, and ${why}`);
  }
  return violations.slice(0, 20);
}

function checkEvent(event: EventHeader, lives: Map<string, Life>): string[] {
  if (event.type === "task.created") return checkCreated(event, lives);
  const life = lives.get(event.taskId);
  const at = `event ${event.seq} (${event.type}) of ${event.taskId}`;
  if (life === undefined) return [`${at} comes before its task`];
  const found: string[] = [];
  if (life.isEnded && !event.type.startsWith("replay.")) found.push(`${at} comes after its task's end`);
  if (event.type === "task.claimed" || event.type === "handoff.claimed") found.push(...checkClaim(event, life, at));
  else if (ownerEvents.has(event.type) && (event.epoch !== life.epoch || event.by !== life.owner)) {
    found.push(`I4: ${at} is by ${event.by} at epoch ${event.epoch}; ${life.owner} owns it at epoch ${life.epoch}`);
  }
  found.push(...checkOnce(event, life, at));
  if (event.type === "delegation.sent") {
    if (event.facts.budget.count < 0) found.push(`I5: ${at} overdraws its budget`);
    if (event.facts.budget.count >= life.budget.count) found.push(`I5: ${at} costs nothing of its budget`);
    life.budget = event.facts.budget;
  }
  if (disowning.has(event.type)) life.owner = null;
  life.isEnded = isEnding(event);
  return found;
}

function checkCreated(event: EventHeader<"task.created">, lives: Map<string, Life>): string[] {
  const { parentId, depth, budget, deadlineAt } = event.facts;
  const parent = parentId === undefined ? undefined : lives.get(parentId);
  const found: string[] = [];
  if (lives.has(event.taskId)) found.push(`${event.taskId} was created twice`);
  if (parentId !== undefined) {
    if (parent === undefined) found.push(`I5: ${event.taskId} has a parent that does not exist`);
    else if (budget.depth >= parent.budget.depth || depth === 0)
      found.push(`I5: ${event.taskId} may go deeper than its parent`);
    else if ((deadlineAt ?? Infinity) > (parent.deadlineAt ?? Infinity))
      found.push(`I5: ${event.taskId} may outlast its parent`);
  }
  lives.set(event.taskId, {
    epoch: 0,
    owner: null,
    owners: new Map(),
    isEnded: false,
    offered: new Set(),
    claimed: new Set(),
    steps: new Set(),
    budget,
    deadlineAt,
  });
  return found;
}

function checkClaim(event: EventHeader<"task.claimed" | "handoff.claimed">, life: Life, at: string): string[] {
  const found: string[] = [];
  if (life.owner !== null) found.push(`I3: ${at} takes it from ${life.owner}`);
  if (event.epoch <= life.epoch) found.push(`I3: ${at} has epoch ${event.epoch} after ${life.epoch}`);
  const before = life.owners.get(event.epoch);
  if (before !== undefined) found.push(`I3: ${at} gives epoch ${event.epoch} to ${event.facts.agent} after ${before}`);
  life.epoch = event.epoch;
  life.owner = event.facts.agent;
  life.owners.set(event.epoch, event.facts.agent);
  return found;
}

/** What may happen once: an offer, its claim, a step's success. */
function checkOnce(event: EventHeader, life: Life, at: string): string[] {
  if (event.type === "handoff.offered")
    return once(life.offered, event.facts.packetId, `I1: ${at} offers its packet twice`);
  if (event.type === "handoff.claimed") {
    if (!life.offered.has(event.facts.packetId)) return [`I1: ${at} takes what was not offered`];
    return once(life.claimed, event.facts.packetId, `I1: ${at} takes its packet twice`);
  }
  if (event.type !== "step.succeeded") return [];
  const { stage, name, ordinal } = event.facts;
  return once(life.steps, `${stage}/${name}/${ordinal}`, `${at} records step ${name} twice`);
}

function once(seen: Set<string>, key: string, violation: string): string[] {
  if (seen.has(key)) return [violation];
  seen.add(key);
  return [];
}

function isEnding(event: EventHeader): boolean {
  if (["task.cancelled", "deadline.passed", "checks.passed"].includes(event.type)) return true;
  return "next" in event.facts && (event.facts.next === "failed" || event.facts.next === "succeeded");
}

function whyLost(ack: Acked, events: readonly EventHeader[], lives: ReadonlyMap<string, Life>): string | undefined {
  const life = lives.get(ack.taskId);
  if (life === undefined) return "its task is not in the journal";
  if (ack.seq === undefined) {
    const owner = life.owners.get(ack.epoch);
    return owner === ack.agent ? undefined : `epoch ${ack.epoch} belongs to ${owner}`;
  }
  const event = events[ack.seq - 1];
  if (event === undefined) return `event ${ack.seq} is not in the journal`;
  if (event.taskId !== ack.taskId) return `event ${ack.seq} is of ${event.taskId}`;
  if (ack.commandId !== undefined && event.commandId !== ack.commandId)
    return `event ${ack.seq} answers another command`;
  return undefined;
}
