// Sessions, as readers see them

import { decodeBody, decodeHeader } from "../../actors/index.ts";
import { isSession, type TaskSnapshot, toSessionStatus, toTaskState } from "../../machines/index.ts";
import { AionisError, isUnreadable } from "../contracts/failures.ts";
import type { OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import type { Session, SessionEvent, SessionStatus } from "../contracts/session.ts";
import { TaskState } from "../contracts/task.ts";
import type { ScopeStore, StoredEvent, TaskNumber } from "../kernel/store.ts";
import { takeReadable } from "./readable.ts";
import { given, required } from "./views.ts";

/** The states of those sessions that stand at `status`; of all when absent. */
export function toStates(status: SessionStatus | undefined): TaskState[] | undefined {
  return status === undefined ? undefined : TaskState.options.filter((state) => toSessionStatus(state) === status);
}

/** A session as lists show it. */
export function toSession(store: ScopeStore, snapshot: TaskSnapshot, title: string | null): Session {
  const { context } = snapshot;
  const status = toSessionStatus(toTaskState(snapshot));
  const common = {
    sessionId: context.id,
    ...given({ title }),
    agent: required(store.event(context.createdSeq) ?? null).by,
    eventsRecorded: context.records,
    createdAt: context.createdAt,
    updatedAt: context.updatedAt,
  };
  if (status === "open") return { ...common, status };
  const { seq, at: endedAt } = required(context.outcome);
  const last = store.event(seq);
  if (status === "cancelled")
    return { ...common, status, endedAt, ...given({ reason: decodeBody(last, "task.cancelled")?.reason }) };
  return { ...common, status, endedAt, ...given({ summary: decodeBody(last, "session.closed")?.summary }) };
}

/** The last events of a session, or a page of them from a sequence on. */
export function readSessionEvents(
  store: ScopeStore,
  task: TaskNumber,
  { tail, after = 0, pageSize = 100 }: OperationParsed<"sessions.events">,
): OperationOutput<"sessions.events"> {
  const noted = { task, types: ["session.noted"] };
  if (tail !== undefined) return { events: store.lastEvents({ ...noted, count: tail }).map(toSessionEvent) };
  const stored = store.events({ ...noted, after, count: pageSize });
  const events = takeReadable(stored, toSessionEvent);
  const last = events.at(-1)?.seq;
  const hasMore = last !== undefined && (events.length < stored.length || hasNotesAfter(last));
  return { events, ...(hasMore ? { next: last } : {}) };

  function hasNotesAfter(seq: number): boolean {
    try {
      return store.events({ ...noted, after: seq, count: 1 }).length > 0;
    } catch (error) {
      if (isUnreadable(error)) return true; // whoever reads on is told
      throw error;
    }
  }
}

/** @throws AionisError `TASK_NOT_FOUND` when the task is no session. */
export function mustBeSession(snapshot: TaskSnapshot): void {
  if (isSession(snapshot)) return;
  const { id, kind } = snapshot.context;
  throw new AionisError("TASK_NOT_FOUND", `There is no session ${id}: it is a task of kind ${kind}.`);
}

function toSessionEvent(stored: StoredEvent): SessionEvent {
  const { type, facts, seq, id: eventId, at, by: agent } = decodeHeader(stored);
  if (type !== "session.noted") throw new Error(`event ${seq} (${type}) is not of a session`);
  return { seq, eventId, at, agent, kind: facts.kind, ...decodeBody(stored, type) };
}
