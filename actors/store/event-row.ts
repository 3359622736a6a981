import type { EventId, TaskId } from "../../src/contracts/ids.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { StoredEvent } from "../../src/kernel/store.ts";
import { scopeStride } from "./schema.ts";

export interface ScopeKey {
  readonly number: number;
  readonly name: string;
}

/** An event with its body as the tables have it. */
export interface EventRow {
  pos: number;
  task: number;
  task_id: TaskId;
  id: EventId;
  type: string;
  epoch: number;
  at: number;
  actor: string;
  command: string | null;
  content: Uint8Array | null;
  caused_by: string | null;
  facts: string;
  body: string | null;
  payload: Uint8Array | null;
}

/** What is read of an event `e`, and the tables that it is joined with. */
export const eventColumns = `e.pos, e.task, coalesce(e.task_id, first.task_id) AS task_id, e.id, e.type, e.epoch, e.at, e.actor, e.command,
  e.content, e.caused_by, e.facts, b.body, p.bytes AS payload`;
export const joined = `JOIN events first ON first.pos = e.task LEFT JOIN bodies b ON b.pos = e.pos
  LEFT JOIN payloads p ON b.payload IS NOT NULL AND p.scope = e.scope AND p.hash = b.payload`;

const decoder = new TextDecoder();

export function toEvent(row: EventRow): StoredEvent {
  return {
    seq: row.pos % scopeStride,
    task: row.task,
    taskId: row.task_id,
    id: row.id,
    type: row.type,
    epoch: row.epoch,
    at: row.at,
    by: row.actor,
    commandId: row.command,
    content: row.content,
    causedBy: row.caused_by,
    facts: row.facts,
    body: toText(row),
  };
}

/** The body's text; null when it was erased. */
export function toText({ body, payload }: Pick<EventRow, "body" | "payload">): string | null {
  return body ?? (payload === null ? null : decoder.decode(payload));
}

/** As many events as a page holds: no more than `limits.pageBytes` after the first. */
export function takePage(rows: Iterable<EventRow>): StoredEvent[] {
  const events: StoredEvent[] = [];
  let chars = 0;
  for (const row of rows) {
    const event = toEvent(row);
    events.push(event);
    chars += event.facts.length + (event.body?.length ?? 0);
    if (chars > limits.pageBytes) break;
  }
  return events;
}
