// Lesson moves
//
// The moves of lessons as events of the journal. Each is recorded under an id made from the sequence of the event that brought it about, so
// that it is found again from there (W3).

import type { NewEvent } from "../machines/index.ts";
import type { EventBody, EventHeader } from "../src/contracts/events.ts";
import { isUnreadable } from "../src/contracts/failures.ts";
import { memoryTaskId, ownCommands } from "../src/contracts/ids.ts";
import type { ScopeStore, StoredEvent } from "../src/kernel/store.ts";
import type { LessonChange } from "../src/learning/index.ts";
import { decodeBody, decodeHeader } from "./events.ts";
import type { Desk } from "./persistence.ts";

/** The types of events that move a lesson. */
type LessonType = `lesson.${LessonChange["change"]}`;
type LessonEvent = Extract<NewEvent, { type: LessonType }>;

/** A move with the event that holds it. */
export interface RecordedMove {
  event: EventHeader<LessonType>;
  move: LessonChange;
}

/** The task that holds memory cannot be read: it says nothing of the event that was to be learned from. */
export class MemoryUnreadable extends Error {}

/**
 * Records what `cause` brought about; makes the task that holds memory if there is none yet.
 * @throws MemoryUnreadable
 */
export function recordMoves(desk: Desk, cause: StoredEvent, moves: readonly LessonChange[]): void {
  try {
    recordAll(desk, cause, moves);
  } catch (error) {
    throw isUnreadable(error) ? new MemoryUnreadable(error.message, { cause: error }) : error;
  }
}

function recordAll(desk: Desk, cause: StoredEvent, moves: readonly LessonChange[]): void {
  const taskId = memoryTaskId;
  if (moves.length > 0 && desk.store.task(taskId) === undefined) desk.record({ name: "memory.open", taskId }, {});
  for (const [index, move] of moves.entries()) {
    const by = { commandId: toCommandId(cause.seq, index), causedBy: cause.id };
    desk.record({ name: "memory.learn", taskId, event: toLessonEvent(move) }, by);
  }
}

/** The moves that the event `seq` brought about. */
export function findMoves(store: ScopeStore, seq: number): RecordedMove[] {
  const moves: RecordedMove[] = [];
  for (;;) {
    const stored = store.eventByCommand(toCommandId(seq, moves.length));
    if (stored === undefined) return moves;
    const event = decodeHeader(stored) as EventHeader<LessonType>; // under these ids there are only moves
    moves.push({ event, move: toMove(event, decodeBody(stored, event.type)) });
  }
}

/** The move that an event holds. One whose body was erased moves its lesson, which learns nothing new from it. */
export function toMove(
  { type, facts }: EventHeader<LessonType>,
  body: EventBody<LessonType> | undefined,
): LessonChange {
  const change = type.slice("lesson.".length) as LessonChange["change"]; // what the type is made of
  const { content } = body ?? {};
  return { ...facts, change, ...(content === undefined ? {} : { content }) } as LessonChange; // the schema of the facts is made from it
}

function toLessonEvent({ change, content, ...facts }: LessonChange): LessonEvent {
  return { type: `lesson.${change}`, epoch: 0, facts, body: content === undefined ? {} : { content } } as LessonEvent; // one shape for all moves
}

function toCommandId(seq: number, index: number): string {
  return `${ownCommands}learn:${seq}:${index}`;
}
