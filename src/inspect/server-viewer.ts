// A viewer
//
// Sends one WebSocket what there is to see, at the pace at which it is read. Owns: what waits for it. Does not own: who may look.
//
// Invariants:
//   W1. What can be read again is not read before there is room: the feed is pulled.
//   W2. Live actors do not wait for viewers. What one has no room for is kept up to a bound, then the oldest event goes, and it is told how
//       many went; of each actor it is told all the same that it is there, and where it stands.
//   W3. With the socket everything that was opened for it ends.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { AionisError, failures, isFailure } from "../contracts/failures.ts";
import {
  type ActorMessage,
  type EventMessage,
  type InspectionMessage,
  inspectionVersion,
  type SnapshotMessage,
} from "../contracts/inspection.ts";
import { limits } from "../contracts/limits.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";

/** What there is to see. */
export interface InspectionSource {
  /** What the journal says, from the start of what is to be shown. Pulled as fast as it is read; ends with `signal`, or when that is all. */
  openFeed(signal: AbortSignal): AsyncIterable<InspectionMessage>;
  /** Actors of processes: `tell` is called until `signal` fires. None if absent. */
  watchLive?(tell: (message: InspectionMessage) => void, signal: AbortSignal): Promise<void>;
}

export interface ViewerOptions {
  readonly socket: WebSocket;
  /** What the WebSocket writes to. */
  readonly stream: Pick<Duplex, "cork" | "uncork" | "writableCorked">;
  readonly source: InspectionSource;
  readonly clock: Pick<Clock, "now" | "defer">;
  readonly logger: Logger;
}

/** How a WebSocket is closed, for those who would connect again. */
export const closeCodes = { ended: 1000, goingAway: 1001, failed: 1011, refused: 4000 } as const;
const reasonBytes = 120;

/** Shows a viewer everything until its socket closes. Does not fail. */
export async function showTo({ socket, stream, source, clock, logger }: ViewerOptions): Promise<void> {
  const ending = new AbortController();
  const { signal } = ending;
  socket.on("error", () => socket.terminate()); // what a viewer sends is not read; a frame that is none ends it
  const live = new LiveQueue(clock);
  signal.addEventListener("abort", () => live.end());
  socket.once("close", () => ending.abort()); // W3

  async function send(message: InspectionMessage): Promise<void> {
    if (socket.readyState !== socket.OPEN) return ending.abort();
    const text = JSON.stringify(message);
    gather();
    if (socket.bufferedAmount < limits.viewerBufferBytes) return socket.send(text);
    await new Promise<void>((resolve) => socket.send(text, () => resolve())); // also called when the socket is gone
  }
  /** What is sent before the next turn of the event loop is written at once: frame by frame it would take half of all that a viewer costs. */
  function gather(): void {
    if (stream.writableCorked > 0) return;
    stream.cork();
    clock.defer(() => stream.uncork());
  }
  async function showFeed(): Promise<void> {
    for await (const message of source.openFeed(signal)) {
      await send(message); // W1
      if (signal.aborted) return;
    }
    if (source.watchLive === undefined) socket.close(closeCodes.ended, "This is all that was recorded.");
  }
  async function showLive(): Promise<void> {
    while (!signal.aborted) {
      await live.filled();
      for (const message of live.takeAll()) await send(message);
    }
  }

  try {
    const watching = source.watchLive?.((message) => live.add(message), signal);
    watching?.catch((error: unknown) => {
      if (signal.aborted) return;
      logger.log("warn", "live actors cannot be shown", { error: String(error) }); // tasks are shown all the same
    });
    await Promise.all([showFeed(), ...(watching === undefined ? [] : [showLive()])]);
  } catch (error) {
    if (signal.aborted || socket.readyState !== socket.OPEN) return;
    logger.log("warn", "a viewer of the inspection was sent away", { error: String(error) });
    socket.close(...toClose(error));
  }
}

/** Trying again does not help who asked for what is not there, or may not see it. */
function toClose(error: unknown): [code: number, reason: string] {
  const status = isFailure(error) ? failures[error.code].status : 500;
  const isFinal = status === 400 || status === 403 || status === 404;
  const text = error instanceof AionisError ? error.detail : "The inspection failed.";
  const reason = Buffer.from(text)
    .subarray(0, reasonBytes)
    .toString("utf8")
    .replace(/\ufffd+$/, "");
  return [isFinal ? closeCodes.refused : closeCodes.failed, reason];
}

/** W2 */
class LiveQueue {
  #messages: InspectionMessage[] = [];
  /** Where actors stood when something about them was dropped. */
  readonly #standing = new Map<string, ActorMessage | SnapshotMessage>();
  #isEnded = false;
  #dropped = 0;
  #droppedEver = 0;
  #tell: () => void = () => {};
  readonly #clock: Pick<Clock, "now">;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Whoever waits for messages waits no more. */
  end(): void {
    this.#isEnded = true;
    this.#tell();
  }

  add(message: InspectionMessage): void {
    this.#messages.push(message);
    const oldest = this.#messages.length > limits.viewerMessages ? this.#messages.shift() : undefined;
    if (oldest !== undefined) this.#drop(oldest);
    this.#tell();
  }

  #drop(message: InspectionMessage): void {
    const { sessionId } = message;
    if (message.type === "@xstate.event") {
      this.#dropped += 1;
      return;
    }
    const known = this.#standing.get(sessionId);
    const isMoved = known?.type === "@xstate.actor" && message.type === "@xstate.snapshot";
    this.#standing.set(sessionId, isMoved ? { ...known, snapshot: message.snapshot } : message);
  }

  async filled(): Promise<void> {
    if (this.#messages.length > 0 || this.#isEnded) return;
    await new Promise<void>((resolve) => {
      this.#tell = resolve;
    });
  }

  takeAll(): InspectionMessage[] {
    const taken = [...this.#sayDropped(), ...this.#standing.values(), ...this.#messages];
    this.#messages = [];
    this.#standing.clear();
    return taken;
  }

  #sayDropped(): InspectionMessage[] {
    if (this.#dropped === 0) return [];
    this.#droppedEver += this.#dropped;
    const messages = toDropped({ dropped: this.#dropped, droppedEver: this.#droppedEver, at: this.#clock.now() });
    this.#dropped = 0;
    return messages;
  }
}

/** What was dropped, told as an actor of its own would tell it, so that every tool shows it. */
function toDropped({
  dropped,
  droppedEver,
  at,
}: {
  dropped: number;
  droppedEver: number;
  at: number;
}): [ActorMessage, EventMessage] {
  const sessionId = "inspection/viewer";
  const common = {
    sessionId,
    rootId: sessionId,
    createdAt: String(at),
    id: null,
    _version: inspectionVersion,
  } as const;
  const snapshot = { status: "active", context: { droppedEver }, children: {}, historyValue: {}, tags: [] } as const;
  return [
    { ...common, type: "@xstate.actor", name: "inspection", definition: '{"id":"inspection"}', snapshot },
    { ...common, type: "@xstate.event", event: { type: "messages.dropped", dropped } },
  ];
}
