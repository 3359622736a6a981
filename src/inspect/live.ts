// Live inspection
//
// A viewer's side of the actors that live in processes: workers, persistence, runtimes, actors of users. Owns: saying that somebody
// watches, and taking what the nodes tell. Does not own: remembering it; who comes later watches by itself, and is told everything.
//
// Invariants:
//   V1. A message that is not what it should be is dropped, and does not end the inspection.
//   V2. An actor is told before what happens to it: what comes too early, or after its actor was lost on the way, is dropped.
//   V3. A node speaks for its own actors only: their ids begin with the node, whose agent is the one of its subject.

import { z } from "zod";
import { createSubjects, decode, encode, type Message, type Transport } from "../../transport/index.ts";
import type { InspectionMessage } from "../contracts/inspection.ts";
import { limits } from "../contracts/limits.ts";
import { fromScopeName } from "../contracts/scope.ts";
import type { CancelTimer, Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Random } from "../kernel/random.ts";
import { Batch, helloEveryMs, toNode } from "./wire.ts";

export interface LiveInspectionOptions {
  /** Where nodes may be, all that are looked at as one; who reaches several is heard once. The caller drains them, after `close`. */
  readonly transports: readonly Pick<Transport, "publish" | "subscribe" | "onState">[];
  /** `tenant/project` */
  readonly scope: string;
  readonly clock: Pick<Clock, "setTimer">;
  readonly random: Pick<Random, "bytes">;
  readonly logger: Logger;
  /** Called with each message, a node's in order. An actor is told (`@xstate.actor`) before what happens to it, and may be told again. */
  onMessage(message: InspectionMessage): void;
}

export interface LiveInspection {
  /** The nodes fall silent some seconds later. Safe to call twice. */
  close(): void;
}

/** Watches the live actors of a scope until it is closed. */
export function createLiveInspection(options: LiveInspectionOptions): LiveInspection {
  const { transports, clock, logger } = options;
  const subjects = createSubjects(fromScopeName(options.scope));
  let viewer = "";
  let cancelTimer: CancelTimer = () => {};
  const known = new Set<string>();
  const ends = transports.flatMap((transport) => [
    transport.subscribe(subjects.inspectNodePattern, (message) => {
      for (const told of read(message)) if (isKnown(told)) options.onMessage(told);
    }),
    transport.onState((state) => {
      if (state === "connected") begin(); // what was told in between is lost
    }),
  ]);
  begin();

  /** Under a name that no node knows: each tells all its actors as they stand now. */
  function begin(): void {
    viewer = Buffer.from(options.random.bytes(12)).toString("base64url");
    sayHello();
  }

  function sayHello(): void {
    cancelTimer();
    cancelTimer = clock.setTimer(helloEveryMs, sayHello);
    for (const transport of transports) {
      try {
        transport.publish(subjects.inspectViewer, encode({ viewer }));
      } catch (error) {
        logger.log("warn", "nodes could not be asked for their actors", { error: String(error) }); // again in a moment
      }
    }
  }

  function read({ subject, payload }: Message): InspectionMessage[] {
    try {
      const batch = Batch.parse(decode(payload));
      if (subjects.inspectNode(batch.agent) !== subject) throw new Error(`${batch.agent} does not speak here`); // V3
      return batch.messages.map((text) => toMessage(text, toNode(batch)));
    } catch (error) {
      logger.log("debug", "what a node tells of its actors was dropped", { subject, error: String(error) }); // V1
      return [];
    }
  }

  /** V2 */
  function isKnown({ type, sessionId }: InspectionMessage): boolean {
    if (type !== "@xstate.actor") return known.has(sessionId);
    known.add(sessionId);
    if (known.size > limits.viewedActors) for (const first of known) return known.delete(first);
    return true;
  }

  return {
    close() {
      cancelTimer();
      for (const end of ends.splice(0)) end();
    },
  };
}

const Snapshot = z.looseObject({ status: z.enum(["active", "done", "error", "stopped"]) });
const Event = z.looseObject({ type: z.string() });
const common = { sessionId: z.string(), rootId: z.string(), createdAt: z.string().regex(/^\d{1,16}$/) };
const Told = z.discriminatedUnion("type", [
  z.looseObject({
    ...common,
    type: z.literal("@xstate.actor"),
    name: z.string(),
    parentId: z.string().optional(),
    definition: z.string(),
    snapshot: Snapshot,
  }),
  z.looseObject({
    ...common,
    type: z.literal("@xstate.event"),
    event: Event,
    sourceId: z.string().optional(),
  }),
  z.looseObject({ ...common, type: z.literal("@xstate.snapshot"), event: Event, snapshot: Snapshot }),
]);

function toIds(told: z.infer<typeof Told>): string[] {
  const other =
    told.type === "@xstate.actor" ? told.parentId : told.type === "@xstate.event" ? told.sourceId : undefined;
  return [told.sessionId, told.rootId, ...(other === undefined ? [] : [other])];
}

function toMessage(text: string, node: string): InspectionMessage {
  const told = Told.parse(decode(Buffer.from(text, "utf8"), "json"));
  for (const id of toIds(told))
    if (id !== node && !id.startsWith(`${node}/`)) throw new Error(`${id} is not of ${node}`); // V3
  return told as unknown as InspectionMessage; // every field that a reader branches on was looked at
}
