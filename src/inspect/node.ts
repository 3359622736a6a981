// Node
//
// Shows the XState actors of one process to viewers, while there are any. Owns: which actors are remembered, what waits to be sent, and in
// what order. Does not own: how an actor is shown (`shown.ts`), who watches (`viewers.ts`), the transports.
//
// Invariants:
//   N1. It never throws at an actor: XState would throw the same out of `send()`.
//   N2. While nobody watches, nothing is made and nothing is sent; actors are remembered, no more.
//   N3. Who comes to watch is told every actor as it stands then, and an actor is told before what happens to it.
//   N4. What waits is bounded: the oldest is dropped, the next batch begins by saying how much, and whoever lost something and is still there is told again.
//   N5. At most `limits.inspectedActors` are remembered. Those that have ended are let go, then those that were there first; these are told
//       as new when something happens to them.

import type { AnyActorRef, InspectionEvent } from "xstate";
import { encode } from "../../transport/index.ts";
import type { ActorMessage, EventMessage, InspectionMessage } from "../contracts/inspection.ts";
import { limits } from "../contracts/limits.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Random } from "../kernel/random.ts";
import { toPlain } from "./plain.ts";
import {
  type Shown,
  snapshotOf,
  toActorMessage,
  toCommon,
  toEventMessage,
  toShown,
  toSnapshotMessage,
} from "./shown.ts";
import { createViewers, type NodeTransport } from "./viewers.ts";
import { batchChars, batchMessages, toNode } from "./wire.ts";

/** An event of XState's option `inspect`. The rest of it is XState's own; its declarations do not compile under every option of a user. */
export interface ActorEvent {
  readonly type: string;
  readonly rootId: string;
  readonly actorRef: object;
}

export interface NodeOptions {
  /** `tenant/project` */
  readonly scope: string;
  /** Who this process is; permissions to show actors are bound to it. */
  readonly agent: string;
  readonly clock: Pick<Clock, "now" | "setTimer" | "defer">;
  readonly random: Pick<Random, "u32">;
  readonly logger: Logger;
}

export interface InspectionNode {
  /** Sees the events of XState's `inspect` option, of any number of actors. Never throws. */
  inspect(event: ActorEvent): void;
  /** Shows the actors there too, from the first actor on. The caller drains the transport, after `close`. */
  join(transport: NodeTransport): void;
  stats(): NodeStats;
  /** Sends what waits, says that it ends, and shows nothing more. Safe to call twice. */
  close(): void;
}

export interface NodeStats {
  readonly actors: number;
  /** Messages made, and those of them that were sent. */
  readonly made: number;
  readonly sent: number;
  readonly dropped: number;
  /** Messages that could not be made. */
  readonly failed: number;
}

interface Waiting {
  readonly text: string;
  /** Whom it is about; nobody if it is about the node itself. */
  readonly actor: Actor | undefined;
}

interface Actor {
  readonly shown: Shown;
  isTold: boolean;
}

const introductionsPerBatch = 10;

/** A node of its own name. */
export function createNode(options: NodeOptions): InspectionNode {
  const { agent, clock, logger, random } = options;
  const instance = random.u32().toString(36).padStart(6, "0").slice(-6);
  const node = toNode({ agent, instance });
  const viewers = createViewers({ ...options, onJoin });
  const actors = new Map<AnyActorRef, Actor>();
  const toTell = new Set<Actor>();
  const joining: NodeTransport[] = [];
  const stats = { made: 0, sent: 0, dropped: 0, failed: 0 };
  let waiting: Waiting[] = [];
  let waitingChars = 0;
  let droppedUnsaid = 0;
  let isBatchDue = false;
  let isClosed = false;

  function inspect(given: ActorEvent): void {
    const event = given as InspectionEvent; // as XState makes them
    try {
      if (isClosed) return;
      if (event.type === "@xstate.actor")
        remember(event.actorRef as AnyActorRef, event.rootId); // its type is a part of what it is
      else if (viewers.areThere()) follow(event); // N2
    } catch (error) {
      fail(error); // N1
    }
  }

  function remember(ref: AnyActorRef, rootId: string): Actor {
    const actor = { shown: toShown(node, ref, rootId), isTold: false };
    if (actors.size >= limits.inspectedActors) letGo();
    actors.set(ref, actor);
    for (const transport of joining.splice(0)) viewers.hearOn(transport);
    return actor;
  }

  /** N5 */
  function letGo(): void {
    for (const [ref, actor] of actors) if (hasEnded(ref)) forget(ref, actor);
    if (actors.size < limits.inspectedActors) return;
    for (const [ref, actor] of actors) return forget(ref, actor);
  }

  function forget(ref: AnyActorRef, actor: Actor): void {
    actors.delete(ref);
    toTell.delete(actor);
  }

  function follow(event: InspectionEvent): void {
    if (event.type !== "@xstate.event" && event.type !== "@xstate.snapshot") return;
    const ref = event.actorRef as AnyActorRef; // its type is a part of what it is
    const known = actors.get(ref);
    if (known === undefined && hasEnded(ref)) return; // an event for an actor that has stopped
    const actor = known ?? remember(ref, event.rootId);
    const at = clock.now();
    if (!actor.isTold) tell(actor); // N3
    if (event.type === "@xstate.event") return push(toEventMessage(actor.shown, event, node, at), actor);
    push(toSnapshotMessage(actor.shown, event, at), actor);
    if (event.snapshot.status !== "active") forget(ref, actor);
  }

  /** N3. An actor that is only being made has no snapshot yet; its first event tells it. */
  function tell(actor: Actor): void {
    toTell.delete(actor);
    if (snapshotOf(actor.shown.ref) === undefined) return;
    actor.isTold = true;
    push(toActorMessage(actor.shown, clock.now()), actor);
  }

  function onJoin(): void {
    push(toOwnMessage("active"));
    for (const [ref, actor] of actors) {
      actor.isTold = false;
      if (hasEnded(ref)) forget(ref, actor);
      else toTell.add(actor);
    }
  }

  function push(message: InspectionMessage, actor?: Actor): void {
    const text = JSON.stringify(message);
    stats.made += 1;
    waiting.push({ text, actor });
    waitingChars += text.length;
    while (waiting.length > limits.inspectionMessages || waitingChars > limits.inspectionChars) drop();
    scheduleBatch();
  }

  /** N4 */
  function drop(): void {
    const oldest = take();
    if (oldest === undefined) return;
    stats.dropped += 1;
    droppedUnsaid += 1;
    if (oldest.actor !== undefined && actors.has(oldest.actor.shown.ref)) toTell.add(oldest.actor);
  }

  function take(): Waiting | undefined {
    const oldest = waiting.shift();
    waitingChars -= oldest?.text.length ?? 0;
    return oldest;
  }

  function scheduleBatch(): void {
    if (isBatchDue || isClosed) return;
    isBatchDue = true;
    clock.defer(() => {
      isBatchDue = false;
      if (isClosed) return;
      if (!viewers.areThere()) return forgetWaiting();
      if (waiting.length < limits.inspectionMessages / 2) introduce(); // it is not to drop what waits
      sendBatch();
      if (waiting.length > 0 || toTell.size > 0) scheduleBatch();
    });
  }

  /** An actor that cannot be shown may have many events: the first says it for all, and not at the actor (N1): loggers can throw. */
  function fail(error: unknown): void {
    stats.failed += 1;
    if (stats.failed > 1) return;
    clock.defer(() => logger.log("warn", "an actor cannot be shown", { error: toPlain(error) }));
  }

  function forgetWaiting(): void {
    waiting = [];
    waitingChars = 0;
    droppedUnsaid = 0;
    toTell.clear();
  }

  function introduce(): void {
    for (const actor of [...toTell].slice(0, introductionsPerBatch)) {
      try {
        tell(actor);
      } catch (error) {
        forget(actor.shown.ref, actor);
        fail(error);
      }
    }
  }

  function sendBatch(): void {
    const messages: string[] = [];
    if (droppedUnsaid > 0) messages.push(JSON.stringify(toDroppedMessage(droppedUnsaid)));
    droppedUnsaid = 0;
    for (let chars = 0; waiting.length > 0 && messages.length < batchMessages && chars < batchChars; ) {
      const { text = "" } = take() ?? {};
      chars += text.length;
      messages.push(text);
    }
    viewers.tell(encode({ agent, instance, messages }));
    stats.sent += messages.length;
  }

  function toOwnMessage(status: "active" | "stopped"): ActorMessage {
    return {
      ...toCommon({ sessionId: node, rootId: node }, clock.now()),
      type: "@xstate.actor",
      name: node,
      definition: JSON.stringify({ id: node }),
      snapshot: { status, context: { agent, dropped: stats.dropped }, children: {}, historyValue: {}, tags: [] },
    };
  }

  function toDroppedMessage(count: number): EventMessage {
    return {
      ...toCommon({ sessionId: node, rootId: node }, clock.now()),
      type: "@xstate.event",
      event: { type: "inspection.dropped", count },
    };
  }

  return {
    inspect,
    join(transport) {
      if (actors.size > 0) viewers.hearOn(transport);
      else joining.push(transport);
    },
    stats: () => ({ ...stats, actors: actors.size }),
    close() {
      if (isClosed) return;
      if (viewers.areThere()) push(toOwnMessage("stopped"));
      isClosed = true;
      while (viewers.areThere() && waiting.length > 0) sendBatch();
      viewers.close();
      actors.clear();
      forgetWaiting();
    },
  };
}

function hasEnded(ref: AnyActorRef): boolean {
  const snapshot = snapshotOf(ref);
  return typeof snapshot === "object" && snapshot !== null && "status" in snapshot && snapshot.status !== "active";
}
