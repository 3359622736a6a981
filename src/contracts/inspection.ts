// Inspection
//
// The messages of the Stately inspection protocol, as tools for XState read them: an actor is there, it got an event, it stands there now.
// (Protocol of @statelyai/inspect 0.7, https://github.com/statelyai/inspect.) Values in them are JSON, and hold nothing sensitive.

/** The version of the protocol, in every message. */
export const inspectionVersion = "0.7.2";

interface Inspected {
  /** Whom it is about: `task:<id>`, `agent:<id>`, or `<node>/<id>` for an actor that lives in one process. */
  readonly sessionId: string;
  /** The root of its tree: itself if it has no parent. */
  readonly rootId: string;
  /** Wall time in milliseconds, as digits: when it happened. */
  readonly createdAt: string;
  readonly id: null;
  readonly _version: typeof inspectionVersion;
}

/** Where an actor stands. */
export interface InspectedSnapshot {
  readonly status: "active" | "done" | "error" | "stopped";
  /** The state, as XState writes it; absent for actors that are no machines. */
  readonly value?: unknown;
  readonly context?: unknown;
  readonly children: Readonly<Record<string, never>>;
  readonly historyValue: Readonly<Record<string, never>>;
  readonly tags: readonly string[];
}

/** An actor is there. It comes before everything else about the actor, and again when a viewer joins. */
export interface ActorMessage extends Inspected {
  readonly type: "@xstate.actor";
  readonly name: string;
  readonly parentId?: string | undefined;
  /** The machine as JSON text; without states for actors that are no machines. */
  readonly definition: string;
  readonly snapshot: InspectedSnapshot;
}

/** An actor got an event. */
export interface EventMessage extends Inspected {
  readonly type: "@xstate.event";
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  /** Whose event it was: the `sessionId` of another actor. */
  readonly sourceId?: string | undefined;
}

/** Where an actor stands after an event. */
export interface SnapshotMessage extends Inspected {
  readonly type: "@xstate.snapshot";
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  readonly snapshot: InspectedSnapshot;
}

export type InspectionMessage = ActorMessage | EventMessage | SnapshotMessage;
