// Events and their rows
//
// Encoding and decoding between events as the machines see them and records as the store keeps them. Owns: upcasting, which turns the
// facts of an older shape into the present one before they are parsed.

import { z } from "zod";
import {
  type EventBody,
  type EventHeader,
  type EventType,
  eventTypes,
  type JournalEvent,
} from "../src/contracts/events.ts";
import { AionisError } from "../src/contracts/failures.ts";
import type { StoredEvent } from "../src/kernel/store.ts";

/** Turns facts that an older version wrote into the present shape; gives present ones back as they are. */
export type Upcast = (facts: Record<string, unknown>) => Record<string, unknown>;

/** By type of event. Empty while no shape has changed; `decodeHeader` takes another table so that tests show it works. */
const upcasts: Partial<Record<EventType, Upcast>> = {};

/** @throws AionisError `TASK_UNFOLDABLE` when the stored facts are none that this version knows. */
export function decodeHeader(stored: StoredEvent, table: Partial<Record<EventType, Upcast>> = upcasts): EventHeader {
  if (!Object.hasOwn(eventTypes, stored.type)) throw unreadable(stored, "its type is not known to this version");
  const type = stored.type as EventType; // just looked up
  const raw = parseFacts(stored);
  const parsed = eventTypes[type].facts.safeParse(table[type]?.(raw) ?? raw);
  if (!parsed.success) throw unreadable(stored, z.prettifyError(parsed.error).slice(0, 300));
  return toHeader(stored, parsed.data);
}

function parseFacts(stored: StoredEvent): Record<string, unknown> {
  try {
    return JSON.parse(stored.facts) as Record<string, unknown>; // facts are always written as an object
  } catch {
    throw unreadable(stored, "its facts are not JSON"); // the text was changed after it was written
  }
}

/** The event as readers of the journal see it: facts and body as they were written. @throws AionisError `JOURNAL_DAMAGED` */
export function toJournalEvent(stored: StoredEvent): JournalEvent {
  return {
    ...toJournalHeader(stored),
    ...(stored.body === null ? {} : { body: JSON.parse(stored.body) as Record<string, unknown> }), // bodies are written as objects
  };
}

/** The same without its body. */
export function toJournalHeader(stored: StoredEvent): JournalEvent {
  return toHeader(stored, JSON.parse(stored.facts));
}

/** The body of an event, or nothing when it was erased. */
export function decodeBody<Type extends EventType>(
  stored: StoredEvent | undefined,
  type: Type,
): EventBody<Type> | undefined {
  if (stored === undefined || stored.type !== type || stored.body === null) return undefined;
  return JSON.parse(stored.body) as EventBody<Type>; // written from a value of this type, and its hash is in the chain
}

/** The same for whatever type the event has. */
export function decodeAnyBody(stored: StoredEvent): EventBody | undefined {
  return decodeBody(stored, stored.type as EventType); // decodeBody compares it with itself
}

function toHeader(stored: StoredEvent, facts: unknown): EventHeader {
  return {
    seq: stored.seq,
    id: stored.id,
    type: stored.type,
    taskId: stored.taskId,
    epoch: stored.epoch,
    at: stored.at,
    by: stored.by,
    ...(stored.commandId === null ? {} : { commandId: stored.commandId }),
    ...(stored.causedBy === null ? {} : { causedBy: stored.causedBy }),
    facts,
  } as EventHeader; // type and facts belong together: parsed above, or as they were written
}

function unreadable(stored: StoredEvent, why: string): AionisError {
  return new AionisError(
    "TASK_UNFOLDABLE",
    `Event ${stored.seq} (${stored.type}) of ${stored.taskId} cannot be read: ${why}.`,
    {
      facts: { seq: stored.seq, type: stored.type },
    },
  );
}
