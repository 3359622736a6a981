// Sessions, as readers see them

import { decodeBody, decodeHeader } from "../../actors/index.ts";
import { isSession, type TaskSnapshot, toSessionStatus, toTaskState } from "../../machines/index.ts";
import { AionisError, isUnreadable } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import type { Session, SessionEvent, SessionStatus } from "../contracts/session.ts";
import { TaskState } from "../contracts/task.ts";
import type { ScopeStore, StoredEvent, TaskNumber } from "../kernel/store.ts";
import { toChars } from "./lists.ts";
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

const eventsAtOnce = 32;

type SessionPage = OperationOutput<"sessions.events">;

/**
 * The last events of a session, or a page of them from a sequence on, in short parts.
 * @throws AionisError `JOURNAL_DAMAGED` when the first of a page is damaged; a later one ends the page. Of the last ones any fails it.
 */
export function* listSessionEvents(
  store: ScopeStore,
  task: TaskNumber,
  { tail, after = 0, pageSize = 100 }: OperationParsed<"sessions.events">,
): Generator<void, SessionPage, void> {
  if (tail !== undefined) return { events: yield* listLastEvents(store, task, tail) };
  const noted = { task, types: ["session.noted"], bytes: limits.partBytes };
  const events: SessionEvent[] = [];
  let chars = 0;
  for (let from = after; ; yield) {
    const isFull = events.length === pageSize || chars > limits.pageBytes; // whether there is one more is left to say
    const count = isFull ? 1 : Math.min(pageSize - events.length, eventsAtOnce);
    try {
      const part = store.events({ ...noted, after: from, count });
      if (part.length === 0) return { events };
      if (isFull) return { events, next: from };
      for (const stored of part) {
        events.push(toSessionEvent(stored));
        from = stored.seq;
        chars += toChars(stored);
        if (chars > limits.pageBytes) break;
      }
    } catch (error) {
      if (events.length === 0 || !isUnreadable(error)) throw error;
      return { events, next: from }; // a reader that goes on is told
    }
  }
}

function* listLastEvents(store: ScopeStore, task: TaskNumber, tail: number): Generator<void, SessionEvent[], void> {
  const noted = { task, types: ["session.noted"], bytes: limits.partBytes };
  const events: SessionEvent[] = [];
  let before: number | undefined;
  for (let chars = 0; events.length < tail && chars <= limits.pageBytes; yield) {
    const part = store.lastEvents({ ...noted, before, count: Math.min(tail - events.length, eventsAtOnce) });
    if (part.length === 0) break;
    for (const stored of part.reverse()) {
      if (chars > limits.pageBytes) break;
      events.push(toSessionEvent(stored));
      chars += toChars(stored);
      before = stored.seq;
    }
  }
  return events.reverse();
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
