// Event rows
//
// An event with its body as the tables have them, and as readers get them: checked. A header is compared with the chain when it is read, a
// body with its hash when it is looked at, so that a damaged body stands only in the way of what needs it.

import { AionisError } from "../../src/contracts/failures.ts";
import type { EventId, TaskId } from "../../src/contracts/ids.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { StoredEvent } from "../../src/kernel/store.ts";
import { chainOn, genesis, hashBody, isSameHash, toHeaderText } from "./event-hash.ts";
import { outOfOrder } from "./in-order.ts";
import { scopeStride } from "./schema.ts";

export interface ScopeKey {
  readonly number: number;
  readonly name: string;
}

/** An event with its body as the tables have it. */
export interface EventRow {
  pos: number;
  task: number;
  /** Null when the task's first event is missing. */
  task_id: TaskId | null;
  id: EventId;
  type: string;
  epoch: number;
  at: number;
  actor: string;
  command: string | null;
  content: Uint8Array | null;
  caused_by: string | null;
  facts: string;
  /** Whether the columns that only place the event say what its position and its header say. */
  placed: number;
  body_hash: Uint8Array;
  chain: Uint8Array;
  /** The chain of the event before; null when there is none. */
  chain_before: Uint8Array | null;
  salt: Uint8Array | null;
  body: string | null;
  payload: Uint8Array | null;
}

/** What is read of an event `e`, and the tables that it is joined with. A row of ours that lacks another is read, and found damaged. */
export const eventColumns = `e.pos, e.task, coalesce(e.task_id, first.task_id) AS task_id, e.id, e.type, e.epoch, e.at, e.actor, e.command,
  e.content, e.caused_by, e.facts, e.scope = e.pos / ${scopeStride} AND (e.task = e.pos) = (e.type = 'task.created') AS placed,
  e.body_hash, e.chain, before.chain AS chain_before, b.salt, b.body, p.bytes AS payload`;
export const joined = `LEFT JOIN events first ON first.pos = e.task LEFT JOIN events before ON before.pos = e.pos - 1
  LEFT JOIN bodies b ON b.pos = e.pos LEFT JOIN payloads p ON b.payload IS NOT NULL AND p.scope = e.scope AND p.hash = b.payload`;

const decoder = new TextDecoder();

/** The event with its header as it was written. @throws AionisError `JOURNAL_DAMAGED` when it is not, naming the event. */
export function toEvent(scope: ScopeKey, row: EventRow): StoredEvent {
  const event = new ReadEvent(scope, row);
  const before = event.seq === 1 ? genesis : row.chain_before;
  const why =
    before === null
      ? "its header cannot be checked, because the event before it is missing"
      : whyHeaderDiffers(scope, row, before);
  if (why !== undefined) throw damaged(scope, row, why);
  return event;
}

/** Why the header is not the one that was written behind `before`; nothing when it is. */
export function whyHeaderDiffers(scope: ScopeKey, row: EventRow, before: unknown): string | undefined {
  if (!(before instanceof Uint8Array)) return "the event before it has no chain";
  if (row.task_id === null) return "its task's first event is missing";
  if (row.placed !== 1) return "it is placed in another scope or task";
  if (!(row.body_hash instanceof Uint8Array)) return "its header has no hash of its body";
  const chain = chainOn(before, toHeaderText(scope.name, new ReadEvent(scope, row), row.body_hash));
  return isSameHash(chain, row.chain) ? undefined : "its header does not match the chain";
}

/** Why the body is not the one that was written; nothing when it is. */
export function whyBodyDiffers({ salt, body, payload, body_hash }: EventRow): string | undefined {
  const bytes = body ?? payload;
  if (!(salt instanceof Uint8Array) || bytes === null) return "its body is gone, and nothing says that it was erased";
  if (typeof bytes !== "string" && !(bytes instanceof Uint8Array)) return "its body is no text";
  return isSameHash(hashBody(salt, bytes), body_hash) ? undefined : "its body does not match its hash";
}

/** How a page is bounded. */
export interface PageOptions {
  /** Of texts after the first event; `limits.pageBytes` if absent, of a whole `limits.runBytes`. */
  bytes?: number | undefined;
  /** Whether a damaged event fails it, because no other page follows. */
  isWhole?: boolean | undefined;
}

/** As many events as a page holds: no more than `bytes` after the first. A damaged one ends a page, or is met as its first. */
export function takePage(
  scope: ScopeKey,
  rows: Iterable<EventRow>,
  { isWhole = false, bytes = isWhole ? limits.runBytes : limits.pageBytes }: PageOptions = {},
): StoredEvent[] {
  const events: StoredEvent[] = [];
  let chars = 0;
  for (const row of rows) {
    const event = isWhole || events.length === 0 ? toEvent(scope, row) : readNext(scope, row);
    if (event === undefined) break;
    events.push(event);
    chars += charsOf(row);
    if (chars > bytes) break;
  }
  return events;
}

/** What an event counts in a page. */
export function charsOf({ facts, body, payload }: EventRow): number {
  return lengthOf(facts) + lengthOf(body ?? payload);
}

/** Of a page of another table a column is whatever that has. */
function lengthOf(value: unknown): number {
  return typeof value === "string" || value instanceof Uint8Array ? value.length : 0;
}

/** The rows behind `after`, as long as they come in order: those of a damaged page may lead back. */
export function* inOrder<Row extends EventRow>(rows: Iterable<Row>, after: number): Iterable<Row> {
  let last = after;
  for (const row of rows) {
    if (!(row.pos > last)) throw outOfOrder("events");
    last = row.pos;
    yield row;
  }
}

function readNext(scope: ScopeKey, row: EventRow): StoredEvent | undefined {
  try {
    return toEvent(scope, row);
  } catch {
    return undefined; // the next page begins with it, and says so
  }
}

function damaged(scope: ScopeKey, row: EventRow, why: string): AionisError {
  const seq = row.pos % scopeStride;
  return new AionisError(
    "JOURNAL_DAMAGED",
    `Event ${seq} (${row.type}) of ${scope.name} is damaged: ${why}. Verify the store, and restore a backup.`,
    { facts: { scope: scope.name, seq, type: row.type } },
  );
}

/** An event whose body is compared with its hash when it is first asked for. */
class ReadEvent implements StoredEvent {
  readonly seq: number;
  readonly task: number;
  readonly taskId: TaskId;
  readonly id: EventId;
  readonly type: string;
  readonly epoch: number;
  readonly at: number;
  readonly by: string;
  readonly commandId: string | null;
  readonly content: Uint8Array | null;
  readonly causedBy: string | null;
  readonly facts: string;
  readonly #scope: ScopeKey;
  readonly #row: EventRow;
  #body: string | undefined;

  constructor(scope: ScopeKey, row: EventRow) {
    this.seq = row.pos % scopeStride;
    this.task = row.task;
    this.taskId = row.task_id as TaskId; // when it is null, the event is refused before anybody sees it
    this.id = row.id;
    this.type = row.type;
    this.epoch = row.epoch;
    this.at = row.at;
    this.by = row.actor;
    this.commandId = row.command;
    this.content = row.content;
    this.causedBy = row.caused_by;
    this.facts = row.facts;
    this.#scope = scope;
    this.#row = row;
  }

  get body(): string {
    this.#body ??= this.#read();
    return this.#body;
  }

  #read(): string {
    const why = whyBodyDiffers(this.#row);
    if (why !== undefined) throw damaged(this.#scope, this.#row, why);
    return this.#row.body ?? decoder.decode(this.#row.payload ?? undefined);
  }
}
