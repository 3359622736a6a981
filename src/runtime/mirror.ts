// Mirror
//
// Holds the journal of a scope outward: every event, in order and each once, in a stream that anybody may follow without our SDK. It is
// never read back as truth. Owns: how far the stream is, and going on after whatever broke it off.
//
// Invariants:
//   R1. The cursor is read from the stream's own last message after each failure and each loss of the connection, never remembered over
//       one.
//   R2. A stream whose last message is not in the journal is another journal's (or a journal that went back): it is emptied and filled
//       again. So is one that was lost.
//   R3. Nobody waits for the mirror: a commit only wakes it.
//   R4. What somebody else put into the stream is stepped over, as far as there is not too much of it.
//   R5. A message of somebody else within an append can make the stream refuse one event and take the next. So the events of the last append
//       must follow each other without a gap, else the stream is filled again.

import { toJournalEvent, toJournalHeader } from "../../actors/index.ts";
import { createSubjects, type Subjects } from "../../transport/index.ts";
import type { JournalEvent } from "../contracts/events.ts";
import { isUnreadable } from "../contracts/failures.ts";
import type { PacketId, StoreId, TaskId } from "../contracts/ids.ts";
import { fromScopeName } from "../contracts/scope.ts";
import type { Target } from "../contracts/values.ts";
import type { CancelTimer, Clock } from "../kernel/clock.ts";
import { toUtcTime } from "../kernel/iso-time.ts";
import type { Logger } from "../kernel/logger.ts";
import type { ScopeStore, StoredEvent } from "../kernel/store.ts";

/** Where the mirror writes: a log that takes a message only after the one that its writer takes for the last. */
export interface MirrorStream {
  readonly messageBytesMax: number;
  /** The places of its first and last message; of an empty one the first is after the last. */
  readRange(): Promise<{ first: number; last: number }>;
  readHeaders(place: number): Promise<Readonly<Record<string, string>> | undefined>;
  append(place: number, messages: readonly MirrorMessage[]): Promise<void>;
  clear(): Promise<void>;
}

export interface MirrorMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Mirror {
  /** There may be new events. */
  wake(): void;
  /** The stream is there again, and may be another than it was. */
  lookAgain(): void;
  /** Lets the stream catch up for a moment, then stops. */
  close(): Promise<void>;
}

export interface MirrorOptions {
  store: ScopeStore;
  storeId: StoreId;
  stream: MirrorStream;
  clock: Pick<Clock, "setTimer">;
  logger: Logger;
}

const eventsPerAppend = 64;
const placesMax = 2 * eventsPerAppend;
const retryMs = 500;
const closeMs = 2_000;

/** Starts a mirror, which fills the stream with what it lacks. */
export function createMirror({ store, storeId, stream, clock, logger }: MirrorOptions): Mirror {
  const subjects = createSubjects(fromScopeName(store.name));
  let cursor: { place: number; seq: number } | undefined;
  let running: Promise<void> | undefined;
  let isBroken = false;
  let isStale = true;
  let isClosed = false;
  let cancelRetry: CancelTimer | undefined; // while it is set, commits wake nothing: a stream that is gone is asked at its own pace

  function wake(): void {
    if (isClosed || running !== undefined || cancelRetry !== undefined) return;
    running = fill().finally(() => {
      running = undefined;
      const isBehind = isStale || (cursor !== undefined && cursor.seq < store.head().seq); // since it came to its end
      if (!isBroken && isBehind) wake();
    });
  }

  function retry(): void {
    cancelRetry?.();
    cancelRetry = undefined;
    wake();
  }

  async function fill(): Promise<void> {
    try {
      while (!isClosed) {
        if (isStale) cursor = undefined;
        isStale = false;
        cursor ??= await findCursor();
        const page = store.events({ after: cursor.seq, count: eventsPerAppend });
        const last = page.at(-1);
        if (last === undefined) break;
        await stream.append(cursor.place, page.map(toMessage));
        cursor = { place: cursor.place + page.length, seq: last.seq };
      }
      if (isBroken) logger.log("info", "the mirror goes on", { scope: store.name });
      isBroken = false;
    } catch (error) {
      isStale = true; // R1
      if (isClosed) return;
      if (!isBroken)
        logger.log("warn", "the mirror is broken off; it tries again", { scope: store.name, error: String(error) });
      isBroken = true;
      cancelRetry = clock.setTimer(retryMs, retry);
    }
  }

  /** One whose body is damaged goes without it and holds up none of those behind it; `events.read` says what it lacks. */
  function readEvent(stored: StoredEvent): JournalEvent & { bodyLeftOut?: true } {
    try {
      return toJournalEvent(stored);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      logger.log("error", "an event is mirrored without its body", { scope: store.name, error: String(error) });
      return { ...toJournalHeader(stored), bodyLeftOut: true };
    }
  }

  /** R2 */
  async function findCursor(): Promise<{ place: number; seq: number }> {
    const { first, last } = await stream.readRange();
    const seq = await findEnd(first, last);
    if (seq !== undefined) return { place: last, seq };
    if (last < first) return { place: last, seq: 0 };
    logger.log("warn", "the mirror is of another journal or has a gap; it is emptied and filled again", {
      scope: store.name,
    });
    await stream.clear();
    return { place: (await stream.readRange()).last, seq: 0 };
  }

  /** The last event that the stream holds with those before it, as far as one append reaches; nothing when it holds another journal. */
  async function findEnd(first: number, last: number): Promise<number | undefined> {
    const found: number[] = [];
    for (let place = last; place >= first && place > last - placesMax && found.length < eventsPerAppend; place -= 1) {
      const headers = await stream.readHeaders(place);
      if (headers?.[storeHeader] === undefined) continue; // R4
      const seq = Number(headers[sequenceHeader]);
      const isNext = found.length === 0 || seq === (found.at(-1) ?? 0) - 1; // R5
      if (!isNext || headers[storeHeader] !== storeId || store.event(seq)?.id !== headers["ce-id"]) return undefined;
      found.push(seq);
    }
    const isWhole = found.length === eventsPerAppend || found.at(-1) === 1; // or the gap may be right before them
    return isWhole ? found[0] : undefined;
  }

  function toMessage(stored: StoredEvent): MirrorMessage {
    const event = readEvent(stored);
    return {
      subject: toSubject(subjects, event, store),
      payload: toPayload(event, stream.messageBytesMax - headerBytesMax),
      headers: toHeaders(event, store.name, storeId),
    };
  }

  wake();
  return {
    wake,
    lookAgain() {
      isStale = true;
      retry();
    },
    async close() {
      if (!isBroken)
        await Promise.race([running, new Promise<void>((resolve) => void clock.setTimer(closeMs, resolve))]);
      isClosed = true;
      cancelRetry?.();
    },
  };
}

const sequenceHeader = "aionis-seq";
const storeHeader = "aionis-store";
const headerBytesMax = 8 * 1024;

/** The event in JSON. One that is larger than the server takes goes without its body, which `events.read` has. */
function toPayload(event: JournalEvent, bytesMax: number): Uint8Array {
  const whole = Buffer.from(JSON.stringify(event));
  if (whole.byteLength <= bytesMax) return whole;
  const { body: _, ...header } = event;
  return Buffer.from(JSON.stringify({ ...header, bodyLeftOut: true }));
}

/** The attributes of CloudEvents, binary mode of its NATS binding, and what the mirror needs to go on. */
function toHeaders(event: JournalEvent, scope: string, storeId: StoreId): Readonly<Record<string, string>> {
  return {
    "ce-specversion": "1.0",
    "ce-id": event.id,
    "ce-type": `aionis.${event.type}`,
    "ce-source": `aionis:${encodeURIComponent(scope)}`,
    "ce-subject": event.taskId,
    "ce-time": toUtcTime(event.at),
    "content-type": "application/json",
    [sequenceHeader]: String(event.seq),
    [storeHeader]: storeId,
  };
}

/** Where followers find the event: by whom a packet is for, else by its task. */
function toSubject(subjects: Subjects, { type, taskId, facts }: JournalEvent, store: ScopeStore): string {
  const [family = "", ...rest] = type.split(".");
  const fact = rest.join(".");
  switch (family) {
    case "handoff":
      return subjects.handoff(toPacketTarget(store, facts.packetId as PacketId), fact); // every event of a handoff names its packet
    case "delegation":
      return subjects.delegation(toPartTarget(store, facts.childId as TaskId), fact === "sent" ? "packet" : "return"); // and these their child
    case "lesson":
      return subjects.lesson(String(facts.kind), fact); // every move of a lesson says its kind
    case "task":
      return subjects.task(taskId, fact);
    default:
      return subjects.task(taskId, type);
  }
}

function toPacketTarget(store: ScopeStore, packetId: PacketId): Target {
  const packet = store.packet(packetId);
  return packet === undefined ? "any" : (JSON.parse(packet.target) as Target); // written from a Target
}

function toPartTarget(store: ScopeStore, childId: TaskId): Target {
  const child = store.task(childId);
  const packet =
    child === undefined ? undefined : store.packetsOf(child.task).find(({ kind }) => kind === "delegation");
  return packet === undefined ? "any" : (JSON.parse(packet.target) as Target); // written from a Target
}
