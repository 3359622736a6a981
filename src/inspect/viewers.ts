// Viewers
//
// Whom a node shows its actors to. Owns: who was heard where, and for how long that counts. Does not own: what they are shown.
//
// Invariants:
//   W1. A viewer counts until it was not heard for `helloLastsMs`, or until the connection that it was heard on is lost.
//   W2. A viewer that is heard on several transports is told on one, so that it hears nothing twice.

import { createSubjects, decode, type Message, type Transport } from "../../transport/index.ts";
import { limits } from "../contracts/limits.ts";
import { fromScopeName } from "../contracts/scope.ts";
import type { CancelTimer, Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import { Hello, helloLastsMs } from "./wire.ts";

/** What a node needs of a transport. */
export type NodeTransport = Pick<Transport, "publish" | "subscribe" | "onState">;

export interface Viewers {
  /** Hears viewers there until it is closed, which leaves the transport open. */
  hearOn(transport: NodeTransport): void;
  areThere(): boolean;
  /** Sends to all of them; what cannot be sent is lost. */
  tell(payload: Uint8Array): void;
  /** Forgets them all and hears no more. */
  close(): void;
}

export interface ViewersOptions {
  /** `tenant/project` */
  readonly scope: string;
  /** Who tells. */
  readonly agent: string;
  readonly clock: Pick<Clock, "setTimer">;
  readonly logger: Logger;
  /** Somebody is there who was not. */
  onJoin(): void;
}

interface Viewer {
  readonly transport: NodeTransport;
  readonly cancelEnd: CancelTimer;
}

export function createViewers({ scope, agent, clock, logger, onJoin }: ViewersOptions): Viewers {
  const subjects = createSubjects(fromScopeName(scope));
  const viewers = new Map<string, Viewer>(); // in the order in which they were heard last
  const ends: (() => void)[] = [];

  function hear(transport: NodeTransport, { payload }: Message): void {
    const { viewer } = Hello.parse(decode(payload)); // what is no hello is reported by the transport
    const known = viewers.get(viewer);
    forget(viewer);
    viewers.set(viewer, {
      transport: known?.transport ?? transport, // W2
      cancelEnd: clock.setTimer(helloLastsMs, () => forget(viewer)),
    });
    if (known !== undefined) return;
    if (viewers.size > limits.inspectionViewers) forget([...viewers.keys()][0] ?? viewer);
    onJoin();
  }

  function forget(viewer: string): void {
    viewers.get(viewer)?.cancelEnd();
    viewers.delete(viewer);
  }

  function forgetOn(transport: NodeTransport): void {
    for (const [name, viewer] of viewers) if (viewer.transport === transport) forget(name);
  }

  return {
    hearOn(transport) {
      const endHearing = transport.subscribe(subjects.inspectViewer, (message) => hear(transport, message));
      const endState = transport.onState(() => forgetOn(transport)); // W1: what it was told in between is lost
      ends.push(endHearing, endState);
    },
    areThere: () => viewers.size > 0,
    tell(payload) {
      for (const transport of new Set([...viewers.values()].map((viewer) => viewer.transport))) {
        try {
          transport.publish(subjects.inspectNode(agent), payload);
        } catch (error) {
          logger.log("warn", "live actors could not be shown", { error: String(error) });
          forgetOn(transport);
        }
      }
    },
    close() {
      for (const end of ends.splice(0)) end();
      for (const name of viewers.keys()) forget(name);
    },
  };
}
