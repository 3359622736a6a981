// Checker
//
// Reads journals as a stranger would and says which invariants they break. Written without the machines: it knows only what the events
// mean.

import type { EventHeader, EventType, JournalEvent } from "../../src/contracts/events.ts";
import { memoryTaskId } from "../../src/contracts/ids.ts";
import { playbookKind } from "../../src/contracts/values.ts";
import type { Durability, StoredEvent } from "../../src/kernel/store.ts";
import { checkCode } from "./code-checker.ts";
import { type Acked, type Fenced, type History, isEnding } from "./history.ts";
import type { PowerLoss } from "./node.ts";
import { checkQuestions } from "./question-checker.ts";
import type { MachineLife } from "./wait-checker.ts";

/** What the moves of a lesson say of it so far. */
interface LessonLife {
  state: string;
  /** Runs since it was last contested, with whether their checks passed. */
  runs: Map<string, boolean>;
}

/** How the tasks of a journal ended, and what was learned of them. */
interface Learned {
  ends: Map<string, "verified" | "succeeded" | "failed">;
  lessons: Map<string, LessonLife>;
  runs: Set<string>;
  /** Tasks that run playbooks, and those of them that speak for the work of their playbook. */
  replays: Set<string>;
  shown: Set<string>;
}

interface Life {
  epoch: number;
  owner: string | null;
  /** The last event that somebody outside caused. */
  told: string;
  owners: Map<number, string>;
  isEnded: boolean;
  offered: Set<string>;
  claimed: Set<string>;
  budget: { count: number; depth: number };
  deadlineAt: number | undefined;
}

/** Events that only the owner of the present claim can cause. */
const ownerEvents: ReadonlySet<EventType> = new Set([
  "task.released",
  "step.begun",
  "step.succeeded",
  "step.failed",
  "step.superseded",
  "task.paused",
  "task.rested",
  "task.completed",
  "checks.passed",
  "checks.failed",
  "task.failed",
  "handoff.offered",
  "handoff.returned",
  "delegation.sent",
] as const);

/** What goes on after a task's end. */
const learnings: ReadonlySet<EventType> = new Set([
  "replay.started",
  "replay.failed",
  "task.replayed",
  "task.promoted",
] as const);

/** After these nobody owns the task. */
const disowning: ReadonlySet<EventType> = new Set([
  "task.released",
  "lease.expired",
  "task.rested",
  "task.failed",
  "task.cancelled",
  "deadline.passed",
  "handoff.offered",
  "handoff.returned",
  "checks.passed",
] as const);

export function checkHistory({ journal, events, acknowledged, lost }: History): string[] {
  const violations: string[] = [];
  const lives = new Map<string, Life>();
  const learned: Learned = {
    ends: new Map(),
    lessons: new Map(),
    runs: new Set(),
    replays: new Set(),
    shown: new Set(),
  };
  const commands = new Set<string>();
  const briefs = new Set<string>();

  events.forEach((event, index) => {
    if (event.seq !== index + 1) violations.push(`I7: event ${index + 1} is missing`);
    if (event.commandId !== undefined) {
      if (commands.has(event.commandId)) violations.push(`I13: command ${event.commandId} took effect twice`);
      commands.add(event.commandId);
    }
    if (event.type === "task.created" && isStarted(event)) {
      const { brief = "a packet" } = JSON.parse(journal[index]?.body ?? "{}") as { brief?: string };
      if (briefs.has(brief)) violations.push(`I13: "${brief}" was started twice`);
      briefs.add(brief);
    }
    violations.push(...checkEvent(event, lives), ...checkLearning(event, learned));
  });
  violations.push(...checkQuestions(events, journal), ...checkCode(events, journal));
  for (const ack of acknowledged) {
    const why = whyLost(ack, events, lives);
    if (why !== undefined && !lost.some((event) => isOf(event, ack)))
      violations.push(`I2: ${ack.op} of ${ack.taskId} by ${ack.agent} was acknowledged, and ${why}`);
  }
  return violations.slice(0, 20);
}

/** A power failure takes nothing at durability "power", and else only the end of a journal (I2, I7). */
export function checkPowerLoss({ scope, before, after }: PowerLoss, durability: Durability): string[] {
  const taken = before.length - after.length;
  if (durability === "power" && taken !== 0) return [`I2: a power failure took ${taken} events of ${scope}`];
  const strange = after.find(({ id }, index) => id !== before[index]?.id);
  return strange === undefined ? [] : [`I7: event ${strange.seq} of ${scope} is another one after a power failure`];
}

/** A subscription shows every event once and in order. */
export function checkFollowed(events: readonly EventHeader[], followed: readonly JournalEvent[]): string[] {
  const wrong = followed.findIndex(({ seq, id }, index) => seq !== index + 1 || id !== events[index]?.id);
  if (wrong < 0) return [];
  return [`the subscription's event ${wrong + 1} is ${followed[wrong]?.id} at ${followed[wrong]?.seq}`];
}

/** What one scope holds, and every id that its programs were told. */
export interface ScopeTrail {
  scope: string;
  journal: readonly StoredEvent[];
  heard: ReadonlySet<string>;
}

/** Names are the same in every scope and ids are not: one of another scope's anywhere in this one has crossed over (I11). */
export function checkScopes(trails: readonly ScopeTrail[]): string[] {
  const idsOf = new Map(trails.map(({ scope, journal }) => [scope, toIds(journal)]));
  return trails.flatMap(({ scope, heard }) => {
    const others = [...idsOf].filter(([name]) => name !== scope);
    return others.flatMap(([other, foreign]) => {
      const told = [...heard].filter((id) => foreign.has(id)).slice(0, 3);
      const held = [...(idsOf.get(scope) ?? [])].filter((id) => foreign.has(id)).slice(0, 3);
      return [
        ...told.map((id) => `I11: ${scope} was told of ${id}, which is of ${other}`),
        ...held.map((id) => `I11: the journal of ${scope} holds ${id}, which is of ${other}`),
      ];
    });
  });
}

/** Every id of a task, an event, a command, a packet, a delegation or a lesson that stands anywhere in `value`; memory's is the same in all scopes. */
export function toIds(value: unknown): Set<string> {
  const ids = new Set(JSON.stringify(value).match(/(?:task|evt|cmd|pkt|dlg|les|pause)_[0-9a-z]{20}/g));
  ids.delete(memoryTaskId);
  return ids;
}

function checkEvent(event: EventHeader, lives: Map<string, Life>): string[] {
  if (event.type === "task.created") return checkCreated(event, lives);
  const life = lives.get(event.taskId);
  const at = `event ${event.seq} (${event.type}) of ${event.taskId}`;
  if (life === undefined) return [`${at} comes before its task`];
  const found: string[] = [];
  if (life.isEnded && !learnings.has(event.type)) found.push(`${at} comes after its task's end`);
  if (event.type === "task.claimed" || event.type === "handoff.claimed") found.push(...checkClaim(event, life, at));
  else if (event.type === "claim.revived") found.push(...checkRevived(event, life, at));
  else if (ownerEvents.has(event.type) && !isOwners(event, life)) {
    found.push(`I4: ${at} is by ${event.by} at epoch ${event.epoch}; ${life.owner} owns it at epoch ${life.epoch}`);
  }
  found.push(...checkOnce(event, life, at));
  if (event.type === "delegation.sent") {
    if (event.facts.budget.count < 0) found.push(`I5: ${at} overdraws its budget`);
    if (event.facts.budget.count >= life.budget.count) found.push(`I5: ${at} costs nothing of its budget`);
    life.budget = event.facts.budget;
  }
  if (event.type === "lease.expired" || isLeft(event)) life.owner = null;
  life.isEnded ||= isEnding(event);
  if (event.by !== "runtime") life.told = event.id;
  return found;
}

/** Some of what its owner says brings about more, which the runtime records in the same commit: a host reports a run at once. */
function isOwners(event: EventHeader, { epoch, owner, told }: Life): boolean {
  return event.epoch === epoch && (event.by === owner || (event.by === "runtime" && event.causedBy === told));
}

/** Somebody started it, with a text of its own: no child, no playbook and no replay of one. */
function isStarted({ facts }: EventHeader<"task.created">): boolean {
  return facts.parentId === undefined && facts.kind !== playbookKind && facts.replay === undefined;
}

/** A lesson moves from where it stood, by a run that ended as it says, each run once; trust is earned (I12). */
function checkLearning(event: EventHeader, learned: Learned): string[] {
  followRuns(event, learned);
  if (!("lessonId" in event.facts && "to" in event.facts)) return [];
  const { ends, lessons, runs, replays, shown } = learned;
  const { lessonId, from, to, run = "" } = event.facts;
  const at = `event ${event.seq} (${event.type}) of ${lessonId}`;
  const life = lessons.get(lessonId) ?? { state: "", runs: new Map<string, boolean>() };
  const end = ends.get(run);
  const found: string[] = [];
  if ((from ?? "") !== life.state) found.push(`I12: ${at} goes from ${from}; it was ${life.state || "not there"}`);
  if (end === undefined) found.push(`I12: ${at} is of ${run}, which has not ended`);
  if (replays.has(run) && !shown.has(run)) found.push(`I12: ${at} is of ${run}, a replay that shows nothing`);
  const counted = replays.has(run) ? `${run} ${lessonId}` : run; // a replay is one more run of all that its playbook came from
  if (runs.has(counted)) found.push(`I12: ${at} counts ${run} twice`);
  runs.add(counted);
  const isSuccess = end === "verified" || end === "succeeded";
  if (isSuccess) life.runs.set(run, end === "verified");
  else life.runs.clear();
  const isEarned = life.runs.size >= 2 && [...life.runs.values()].includes(true);
  if (to === "trusted" && life.state !== "trusted" && !isEarned) found.push(`I12: ${at} has not earned it`);
  lessons.set(lessonId, { ...life, state: to });
  return found;
}

function followRuns(event: EventHeader, { ends, replays, shown }: Learned): void {
  const { type, taskId, facts } = event;
  if (type === "task.created" && facts.replay !== undefined) replays.add(taskId);
  if (type === "playbook.replayed" || type === "playbook.turned") {
    if (facts.mode === "strict" && facts.outcome === "passed" && facts.isVerified) shown.add(facts.replayId);
  }
  if (!isEnding(event) || type === "task.cancelled") return;
  const failed = type === "deadline.passed" || ("next" in facts && facts.next === "failed");
  ends.set(taskId, failed ? "failed" : type === "checks.passed" ? "verified" : "succeeded");
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
    told: event.id,
    owners: new Map(),
    isEnded: false,
    offered: new Set(),
    claimed: new Set(),
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

/** A claim that ran out is held again by whoever held it, under the same epoch, and only while it is the latest one. */
function checkRevived(event: EventHeader<"claim.revived">, life: Life, at: string): string[] {
  const found: string[] = [];
  if (life.owner !== null) found.push(`I3: ${at} takes it from ${life.owner}`);
  if (event.epoch !== life.epoch) found.push(`I4: ${at} has epoch ${event.epoch}; the latest is ${life.epoch}`);
  if (life.owners.get(event.epoch) !== event.facts.agent) found.push(`I3: ${at} gives epoch ${event.epoch} to another`);
  life.owner = event.facts.agent;
  return found;
}

/** An owner is refused as late only when its claim ended otherwise than by time: another was made, or its work was taken from it or done. */
export function checkFenced(
  fenced: readonly Fenced[],
  { events, lost, recordedAt }: Pick<History, "events" | "lost"> & Pick<MachineLife, "recordedAt">,
): string[] {
  return fenced.flatMap(({ taskId, epoch, agent, at }) => {
    const isOfClaim = (event: EventHeader): boolean => event.taskId === taskId && event.epoch >= epoch;
    if (lost.some(isOfClaim)) return []; // perhaps the claim itself
    const since = events.filter((event) => isOfClaim(event) && (recordedAt.get(event.id) ?? 0) <= at);
    const isOver = since.some((event) => event.epoch > epoch || isEnding(event) || isLeft(event));
    return isOver ? [] : [`I4: ${agent} was refused at epoch ${epoch} of ${taskId}, and no other claim was made`];
  });
}

/** Whether nobody owns the task after it for another reason than that its lease ran out. */
function isLeft(event: EventHeader): boolean {
  if (event.type === "lease.expired") return false;
  return disowning.has(event.type) || (event.type === "task.paused" && event.facts.ends);
}

/** What may happen once: an offer, its claim. */
function checkOnce(event: EventHeader, life: Life, at: string): string[] {
  if (event.type === "handoff.offered")
    return once(life.offered, event.facts.packetId, `I1: ${at} offers its packet twice`);
  if (event.type === "handoff.claimed") {
    if (!life.offered.has(event.facts.packetId)) return [`I1: ${at} takes what was not offered`];
    return once(life.claimed, event.facts.packetId, `I1: ${at} takes its packet twice`);
  }
  return [];
}

function once(seen: Set<string>, key: string, violation: string): string[] {
  if (seen.has(key)) return [violation];
  seen.add(key);
  return [];
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

/** Whether `event` is what was acknowledged. */
function isOf(event: EventHeader, ack: Acked): boolean {
  if (event.taskId !== ack.taskId) return false;
  if (ack.seq !== undefined) return event.seq === ack.seq;
  return event.type.endsWith(".claimed") && event.epoch === ack.epoch && event.by === ack.agent;
}
