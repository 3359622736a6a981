// Shown actors
//
// An XState actor of this process as viewers see it. Owns: its id among all processes, its definition, and how much of it may be seen.
//
// Invariants:
//   A1. A snapshot is copied at once: read later it would be another one.
//   A2. Of a machine whose `meta` says `inspection: "states"`, and of the actors under it, neither context nor what events hold is shown.

import type { AnyActorRef, InspectionEvent } from "xstate";
import {
  type ActorMessage,
  type EventMessage,
  type InspectedSnapshot,
  inspectionVersion,
  type SnapshotMessage,
} from "../contracts/inspection.ts";
import { limits } from "../contracts/limits.ts";
import { definitionOf } from "./definition.ts";
import { toPlain } from "./plain.ts";
import { cut } from "./text.ts";

/** An actor that viewers are told of. */
export interface Shown {
  readonly ref: AnyActorRef;
  /** `<node>/<XState's own id>`: XState's ids are the same in each process. */
  readonly sessionId: string;
  readonly rootId: string;
  readonly parentId: string | undefined;
  readonly isBare: boolean;
}

type ActorEvent = Extract<InspectionEvent, { type: "@xstate.event" }>;
type SnapshotEvent = Extract<InspectionEvent, { type: "@xstate.snapshot" }>;

const definitionChars = 256 * 1024;

/** How `ref` is shown, of which XState tells `node`. */
export function toShown(node: string, ref: AnyActorRef, rootId: string): Shown {
  const parent = ref._parent?.sessionId;
  return {
    ref,
    sessionId: `${node}/${ref.sessionId}`,
    rootId: `${node}/${rootId}`,
    parentId: parent === undefined ? undefined : `${node}/${parent}`,
    isBare: isBare(ref),
  };
}

export function toActorMessage(shown: Shown, at: number): ActorMessage {
  const { ref, parentId } = shown;
  const { logic } = fieldsOf(ref);
  const { id } = fieldsOf(fieldsOf(logic).config);
  const own = typeof id === "string" ? id : ref.id;
  const name = cut(ref.id === ref.sessionId ? own : ref.id, limits.nameChars);
  const { json } = definitionOf(logic, name);
  return {
    ...toCommon(shown, at),
    type: "@xstate.actor",
    name,
    ...(parentId === undefined ? {} : { parentId }),
    definition: json.length > definitionChars ? definitionOf(undefined, name).json : json,
    snapshot: toSnapshot(snapshotOf(ref), shown.isBare),
  };
}

export function toEventMessage(shown: Shown, { event, sourceRef }: ActorEvent, node: string, at: number): EventMessage {
  return {
    ...toCommon(shown, at),
    type: "@xstate.event",
    event: toEvent(event, shown.isBare),
    ...(sourceRef === undefined ? {} : { sourceId: `${node}/${sourceRef.sessionId}` }),
  };
}

export function toSnapshotMessage(shown: Shown, { event, snapshot }: SnapshotEvent, at: number): SnapshotMessage {
  return {
    ...toCommon(shown, at),
    type: "@xstate.snapshot",
    event: toEvent(event, shown.isBare),
    snapshot: toSnapshot(snapshot, shown.isBare),
  };
}

/** Where an actor stands now; nothing while it is being made, when XState's development build throws instead. */
export function snapshotOf(ref: AnyActorRef): unknown {
  try {
    return ref.getSnapshot() as unknown; // anything, by its logic
  } catch {
    return undefined;
  }
}

/** What every message about an actor begins with. */
export function toCommon({ sessionId, rootId }: Pick<Shown, "sessionId" | "rootId">, at: number) {
  return { sessionId, rootId, id: null, createdAt: String(at), _version: inspectionVersion } as const;
}

/** A1 */
function toSnapshot(snapshot: unknown, isBare: boolean): InspectedSnapshot {
  const { status, value, context, tags } = fieldsOf(snapshot);
  return {
    status: status === "done" || status === "error" || status === "stopped" ? status : "active",
    ...(value === undefined ? {} : { value: toPlain(value) }),
    ...(context === undefined ? {} : { context: isBare ? {} : toPlain(context) }),
    children: {},
    historyValue: {},
    tags: tags instanceof Set ? [...tags].slice(0, limits.listItems).map((tag) => cut(String(tag))) : [],
  };
}

function toEvent(event: unknown, isBare: boolean): EventMessage["event"] {
  const { type } = fieldsOf(event);
  const shownType = typeof type === "string" ? cut(type) : "unknown";
  const shown = isBare ? {} : toPlain(event);
  return typeof shown === "object" ? { ...shown, type: shownType } : { type: shownType };
}

/** The fields of a snapshot or an event, of which an actor's own logic may have made anything. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A2 */
function isBare(ref: AnyActorRef): boolean {
  for (let at: AnyActorRef | undefined = ref; at !== undefined; at = at._parent) {
    const meta = fieldsOf(fieldsOf(fieldsOf(at).logic).config).meta;
    if (fieldsOf(meta).inspection === "states") return true;
  }
  return false;
}
