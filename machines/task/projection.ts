// Projection
//
// The rows that follow from an event and the states before and after it. Pure, and the only source of those rows: a live turn, a rebuild
// and a verification use the same function, so that a timer or a claimable place can neither be forgotten nor be made twice.

import { type EventHeader, memoryTypes } from "../../src/contracts/events.ts";
import type { PacketId, TaskId } from "../../src/contracts/ids.ts";
import type { Return } from "../../src/contracts/packet.ts";
import { toStepPlace } from "../../src/contracts/step.ts";
import { taskMachine } from "./machine.ts";
import { type Claimable, claimablesOf, isOpen, type TaskSnapshot, type TimerWanted, timersOf } from "./state.ts";

/** What one event changes in the rows. */
export interface RowChanges {
  /** Whether the task's row must be written; a step of a run and what a session or memory is told leave it as it is. */
  task: boolean;
  step?: StepPlace;
  timers: { put: TimerWanted[]; delete: Pick<TimerWanted, "kind" | "clock">[] };
  claimables: { put: Claimable[]; delete: Claimable[] };
  /** What becomes of the task's packets. */
  packet?: PacketChange;
  /** Children that must end because this task did. */
  cancel: TaskId[];
  /** Whether this task has ended and nothing needs to be asked of it any more. */
  ended: boolean;
}

/** Where a step of a task stands in the index, apart from its others. */
export interface StepPlace {
  readonly stage: number;
  readonly name: string;
  readonly ordinal: number;
}

/** A packet is put on the table, taken, taken off, or answered by the end of the work. */
export type PacketChange =
  | { kind: "offered"; packetId: PacketId }
  | { kind: "claimed"; packetId: PacketId; by: string }
  | { kind: "off"; packetId: PacketId; status: "declined" | "withdrawn" | "expired" }
  | { kind: "returned"; packetId?: PacketId; outcome: Return["outcome"] };

/** `before` is absent for the first event of a task. */
export function toRowChanges(event: EventHeader, before: TaskSnapshot | undefined, after: TaskSnapshot): RowChanges {
  const step = stepOf(event);
  if (step !== undefined) return { ...unchanged, step };
  if (noting.has(event.type)) return unchanged;
  const hasEnded = !isOpen(after) && (before === undefined || isOpen(before));
  const packet = toPacketChange(event, before, hasEnded);
  return {
    task: true,
    ...(packet === undefined ? {} : { packet }),
    timers: diff(before === undefined ? [] : timersOf(before), timersOf(after), isSameTimer, ({ kind, clock }) => ({
      kind,
      clock,
    })),
    claimables: diff(
      before === undefined ? [] : claimablesOf(before),
      claimablesOf(after),
      isSameClaimable,
      (place) => place,
    ),
    cancel: hasEnded ? after.context.childrenOpen.map((child) => child.childId) : [],
    ended: hasEnded,
  };
}

/** The step that an event is about, if it is about one. */
export function stepOf(event: EventHeader): StepPlace | undefined {
  switch (event.type) {
    case "step.begun":
    case "step.succeeded":
    case "step.failed":
    case "step.superseded":
      return { stage: event.facts.stage, ...toStepPlace(event.facts) };
    default:
      return undefined;
  }
}

function toPacketChange(
  event: EventHeader,
  before: TaskSnapshot | undefined,
  hasEnded: boolean,
): PacketChange | undefined {
  switch (event.type) {
    case "task.created":
      return event.facts.packetId === undefined ? undefined : { kind: "offered", packetId: event.facts.packetId };
    case "handoff.offered":
      return { kind: "offered", packetId: event.facts.packetId };
    case "handoff.claimed":
      return { kind: "claimed", packetId: event.facts.packetId, by: event.facts.agent };
    case "task.claimed": {
      const packetId = before?.context.packetId ?? null; // a task that began with a packet is taken by its first claim
      return packetId === null ? undefined : { kind: "claimed", packetId, by: event.facts.agent };
    }
    case "handoff.declined":
      return { kind: "off", packetId: event.facts.packetId, status: "declined" };
    case "handoff.withdrawn":
      return { kind: "off", packetId: event.facts.packetId, status: "withdrawn" };
    case "handoff.expired":
      return { kind: "off", packetId: event.facts.packetId, status: "expired" };
    case "handoff.returned":
      return { kind: "returned", packetId: event.facts.packetId, outcome: event.facts.outcome };
    default: {
      const outcome = toTaskOutcome(event);
      return hasEnded ? { kind: "returned", outcome } : undefined;
    }
  }
}

function toTaskOutcome(event: EventHeader): Return["outcome"] {
  return event.type === "task.completed" || event.type === "checks.passed" ? "completed" : "failed";
}

/** The encoded state of a task, with what is needed to know whether it may be used. */
export function encodeSnapshot(snapshot: TaskSnapshot): string {
  return JSON.stringify({
    machine: taskMachine.id,
    version: taskMachine.version,
    value: snapshot.value,
    context: snapshot.context,
  });
}

/** The title of a task: the first line of its brief, as far as a list shows it. */
export function toTitle(brief: string): string {
  const [line = ""] = brief.slice(0, titleChars * 2).split("\n", 1);
  const title = line.length > titleChars ? `${line.slice(0, titleChars - 1).replace(halfPair, "")}…` : line;
  return title.toWellFormed(); // a row's text is UTF-8, which half of a surrogate pair would not come back from
}

/** What is added to a task that stays as it is. */
const noting: ReadonlySet<EventHeader["type"]> = new Set(["session.noted", ...memoryTypes]);

const titleChars = 200;
const halfPair = /[\ud800-\udbff]$/; // left where the cut went through a pair

const unchanged: RowChanges = {
  task: false,
  timers: { put: [], delete: [] },
  claimables: { put: [], delete: [] },
  cancel: [],
  ended: false,
};

function diff<Item, Key>(
  before: Item[],
  after: Item[],
  isSame: (left: Item, right: Item) => boolean,
  toKey: (item: Item) => Key,
) {
  return {
    put: after.filter((item) => !before.some((old) => isSame(old, item))),
    delete: before.filter((old) => !after.some((item) => isSame(old, item))).map(toKey),
  };
}

function isSameTimer(left: TimerWanted, right: TimerWanted): boolean {
  return (
    left.kind === right.kind && left.clock === right.clock && left.dueAt === right.dueAt && left.entry === right.entry
  );
}

function isSameClaimable(left: Claimable, right: Claimable): boolean {
  return left.target === right.target && left.from === right.from && left.clock === right.clock;
}
