// What tests of live inspection need: processes on one bus, and a viewer that keeps what it hears.

import { onTestFinished } from "vitest";
import type { InspectionMessage } from "../../src/contracts/inspection.ts";
import { createLiveInspection, type LiveInspectionOptions } from "../../src/inspect/live.ts";
import { createNode, type InspectionNode } from "../../src/inspect/node.ts";
import { silentLogger } from "../../src/kernel/logger.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import { createMemoryBus, type Transport, type TransportState } from "../../transport/index.ts";
import { FakeClock } from "../support/fake-clock.ts";

export interface Viewer {
  /** What it has heard, in order. */
  readonly heard: InspectionMessage[];
  /** The same of actors, as short lines: `actor light red`, `event light NEXT`, `snapshot light NEXT green`. */
  readonly lines: string[];
  /** Forgets what it has heard. */
  clear(): void;
  close(): void;
}

/** A clock, a bus, and what is on it. */
export function setup() {
  const clock = new FakeClock();
  const bus = createMemoryBus({ clock });
  const parts = { scope: "acme/billing", clock, random: createSeededRandom(7), logger: silentLogger };

  function startNode(agent: string, transport: NodeTransport = bus.connect()): InspectionNode {
    const node = createNode({ ...parts, agent });
    node.join(transport);
    onTestFinished(() => node.close());
    return node;
  }

  async function watch(transports: readonly NodeTransport[] = [bus.connect()]): Promise<Viewer> {
    const viewer = createViewer((onMessage) => createLiveInspection({ ...parts, transports, onMessage }).close);
    await clock.settle();
    return viewer;
  }

  return { clock, bus, startNode, watch };
}

type NodeTransport = LiveInspectionOptions["transports"][number];

/** Keeps what `watch` calls it with, which gives back how that is ended. */
export function createViewer(watch: (onMessage: (message: InspectionMessage) => void) => () => void): Viewer {
  const heard: InspectionMessage[] = [];
  const lines: string[] = [];
  const names = new Map<string, string>();
  const close = watch((message) => {
    heard.push(message);
    if (message.type === "@xstate.actor") names.set(message.sessionId, message.name);
    if (message.sessionId.includes("/")) lines.push(toLine(message, names.get(message.sessionId)));
  });
  onTestFinished(close);
  return {
    heard,
    lines,
    clear() {
      heard.length = 0;
      lines.length = 0;
    },
    close,
  };
}

/** A transport whose connection is lost and comes back as the test says. */
export function toFlaky(transport: Transport): { transport: NodeTransport; become(state: TransportState): void } {
  const listeners = new Set<(state: TransportState) => void>();
  return {
    transport: {
      publish: (...message) => transport.publish(...message),
      subscribe: (...subscription) => transport.subscribe(...subscription),
      onState(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    become: (state) => {
      for (const listener of listeners) listener(state);
    },
  };
}

function toLine(message: InspectionMessage, name = "nobody"): string {
  if (message.type === "@xstate.event") return `event ${name} ${message.event.type}`;
  const { value, status } = message.snapshot;
  const state = typeof value === "string" ? value : status;
  return message.type === "@xstate.actor"
    ? `actor ${name} ${state}`
    : `snapshot ${name} ${message.event.type} ${state}`;
}
