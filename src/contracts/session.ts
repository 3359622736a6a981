// Sessions
//
// What agents and hosts note while they work, kept together. A session is a task of the kind `session` that nobody claims: it is open,
// takes events of whoever has something to note, and ends when it is closed or cancelled.

import { z } from "zod";
import { AgentId, EventId, TaskId } from "./ids.ts";
import { sensitive } from "./sensitive.ts";
import { Json, Line, Name, Sequence, Text, Time } from "./values.ts";

/** Where a session stands: it takes events, or it has ended. */
export const SessionStatus = z.enum(["open", "closed", "cancelled"]);
export type SessionStatus = z.infer<typeof SessionStatus>;

const common = {
  /** The id of the task that it is. */
  sessionId: TaskId,
  /** Absent when the text was erased. */
  title: Name.optional(),
  /** Who opened it. */
  agent: AgentId,
  eventsRecorded: z.int().nonnegative(),
  createdAt: Time,
  updatedAt: Time,
};

/** A session as lists show it. */
export const Session = z.discriminatedUnion("status", [
  z.strictObject({ ...common, status: z.literal("open") }),
  z.strictObject({ ...common, status: z.literal("closed"), endedAt: Time, summary: Line.optional() }),
  z.strictObject({ ...common, status: z.literal("cancelled"), endedAt: Time, reason: Line.optional() }),
]);
export type Session = z.infer<typeof Session>;

/** What somebody notes: its kind is a word of their own choice, such as `message`, `observation` or `note`. */
export const SessionNote = z.strictObject({
  kind: Name.default("note"),
  title: Line.optional(),
  text: sensitive(Text.min(1)),
  data: Json.optional(),
});

/** One event of a session. `text` is absent when it was erased. */
export const SessionEvent = z.strictObject({
  seq: Sequence,
  eventId: EventId,
  at: Time,
  /** Who noted it. */
  agent: AgentId,
  ...SessionNote.shape,
  kind: Name,
  text: Text.optional(),
});
export type SessionEvent = z.infer<typeof SessionEvent>;

/** What a session's command answers: the event that now stands in the journal, and where the session stood right after it. */
export const SessionAck = z.strictObject({
  sessionId: TaskId,
  seq: Sequence,
  eventId: EventId,
  at: Time,
  status: SessionStatus,
});
export type SessionAck = z.infer<typeof SessionAck>;
