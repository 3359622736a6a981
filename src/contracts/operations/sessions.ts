import { z } from "zod";
import { CommandId, TaskId } from "../ids.ts";
import { limits } from "../limits.ts";
import { Session, SessionAck, SessionEvent, SessionNote, SessionStatus } from "../session.ts";
import { Line, Name, Sequence } from "../values.ts";
import { defineOperation } from "./operation.ts";

const commandId = { commandId: CommandId.optional() };

export const sessionsCreate = defineOperation({
  name: "sessions.create",
  kind: "command",
  layer: "enhanced",
  summary: "Open a session, which keeps together what is noted during some work.",
  input: z.strictObject({ ...commandId, title: Name }),
  output: SessionAck,
  failures: [],
  idempotent: false,
});

export const sessionsEvent = defineOperation({
  name: "sessions.event",
  kind: "command",
  layer: "enhanced",
  summary: "Note something in an open session: a message, an observation, a note.",
  input: z.strictObject({ ...commandId, sessionId: TaskId, ...SessionNote.shape }),
  output: SessionAck,
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT"],
  idempotent: false,
});

export const sessionsEvents = defineOperation({
  name: "sessions.events",
  kind: "query",
  layer: "enhanced",
  summary: "Read what was noted in a session, oldest first: the last ones, or a page at a time.",
  input: z
    .strictObject({
      sessionId: TaskId,
      /** The last so many, of which the oldest are left out when they do not fit into a page. */
      tail: z.int().positive().max(limits.pageRows).optional(),
      after: Sequence.optional(),
      /** 100 if absent. */
      pageSize: z.int().positive().max(limits.pageRows).optional(),
    })
    .refine(({ tail, after, pageSize }) => tail === undefined || (after === undefined && pageSize === undefined), {
      error: "it reads from the end, after and pageSize go forward: give one or the other",
      path: ["tail"],
    }),
  output: z.strictObject({ events: z.array(SessionEvent), next: Sequence.optional() }),
  failures: ["TASK_NOT_FOUND"],
  idempotent: true,
});

export const sessionsList = defineOperation({
  name: "sessions.list",
  kind: "query",
  layer: "enhanced",
  summary: "List sessions, newest first, a page at a time.",
  input: z.strictObject({
    status: SessionStatus.optional(),
    pageSize: z.int().positive().max(limits.pageRows).default(50),
    cursor: z.string().max(limits.idChars).optional(),
  }),
  output: z.strictObject({ sessions: z.array(Session), cursor: z.string().optional() }),
  failures: ["CURSOR_INVALID"],
  idempotent: true,
});

export const sessionsClose = defineOperation({
  name: "sessions.close",
  kind: "command",
  layer: "enhanced",
  summary: "End a session. Closing twice changes nothing.",
  input: z.strictObject({ ...commandId, sessionId: TaskId, summary: Line.optional() }),
  output: SessionAck,
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT"],
  idempotent: true,
});
