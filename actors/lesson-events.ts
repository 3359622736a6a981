import type { NewEvent } from "../machines/index.ts";
import type { EventBody, EventHeader } from "../src/contracts/events.ts";
import type { LessonChange } from "../src/learning/index.ts";

/** The types of events that move a lesson. */
export type LessonType = `lesson.${LessonChange["change"]}`;
type LessonEvent = Extract<NewEvent, { type: LessonType }>;

/** A move of a lesson as the journal holds it. */
export function toLessonEvent({ change, content, ...facts }: LessonChange): LessonEvent {
  return { type: `lesson.${change}`, epoch: 0, facts, body: content === undefined ? {} : { content } } as LessonEvent; // one shape for all moves
}

/** The move that an event holds. One whose body was erased moves its lesson, which learns nothing new from it. */
export function toChange(
  { type, facts }: EventHeader<LessonType>,
  body: EventBody<LessonType> | undefined,
): LessonChange {
  const change = type.slice("lesson.".length) as LessonChange["change"]; // what the type is made of
  const { content } = body ?? {};
  return { ...facts, change, ...(content === undefined ? {} : { content }) } as LessonChange; // the schema of the facts is made from it
}
