// Journal
//
// Appends events and reads them back in their order. Owns: the tables of events, bodies and payloads, the chain, and the hashes. Does not
// own: which of them are of one task (task-log.ts).
//
// Invariants:
//   J1. chain(n) = SHA-256(chain(n-1) + header(n)); the header holds every column of the event and the hash of its body (I7).
//   J2. body hash = SHA-256(salt + body) with a random salt, so that an erased body cannot be guessed from its hash.
//   J3. Nothing here updates or deletes an event.

import { eventTypes } from "../../src/contracts/events.ts";
import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import type { Random } from "../../src/kernel/random.ts";
import type {
  EventRecord,
  JournalCheck,
  JournalDamage,
  JournalHead,
  StoredEvent,
  TaskNumber,
} from "../../src/kernel/store.ts";
import { chainOn, genesis, hashBody, toHeaderText } from "./event-hash.ts";
import {
  charsOf,
  type EventRow,
  eventColumns,
  inOrder,
  joined,
  type ScopeKey,
  takePage,
  toEvent,
  whyBodyDiffers,
  whyHeaderDiffers,
} from "./event-row.ts";
import { scopeStride } from "./schema.ts";
import type { Prepare } from "./statement.ts";

interface Page {
  after: number;
  count: number;
  types?: readonly string[] | undefined;
  until?: number | undefined;
  bytes?: number | undefined;
}

const encoder = new TextEncoder();
const allTypes = JSON.stringify(Object.keys(eventTypes));

export type Journal = ReturnType<typeof createJournal>;

/** Prepares the journal's statements on an open database. */
export function createJournal(prepare: Prepare, random: Random) {
  const insertEvent = prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const insertBody = prepare("INSERT INTO bodies VALUES (?, ?, ?, ?)");
  const insertPayload = prepare("INSERT INTO payloads VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const lastEvent = prepare<[number, number], { pos: number; chain: Uint8Array }>(
    "SELECT pos, chain FROM events WHERE pos > ? AND pos < ? ORDER BY pos DESC LIMIT 1",
  );
  const byPosition = prepare<[number], EventRow>(`SELECT ${eventColumns} FROM events e ${joined} WHERE e.pos = ?`);
  const chainOf = prepare<[number], { chain: Uint8Array }>("SELECT chain FROM events WHERE pos = ?");
  const byCommand = prepare<[number, string], { pos: number }>(
    "SELECT pos FROM events WHERE scope = ? AND command = ?",
  );
  const page = prepare<[number, number, number], EventRow>(
    `SELECT ${eventColumns} FROM events e ${joined} WHERE e.pos > ? AND e.pos < ? ORDER BY e.pos LIMIT ?`,
  );
  const pageOfTypes = prepare<[number, number, string, string, number], EventRow>(
    `SELECT ${eventColumns} FROM events e ${joined} WHERE e.pos > ? AND e.pos < ?
       AND (e.type IN (SELECT value FROM json_each(?)) OR e.type NOT IN (SELECT value FROM json_each(?))) ORDER BY e.pos LIMIT ?`,
  );
  const whole = prepare<[number, number, number], EventRow & { listed: number }>(
    `SELECT ${eventColumns}, EXISTS (SELECT 1 FROM task_events x WHERE x.task = e.task AND x.seq = e.pos % ${scopeStride})
       OR EXISTS (SELECT 1 FROM tails t, json_each(CASE WHEN json_valid(t.seqs) THEN t.seqs ELSE '[]' END) j
         WHERE t.task = e.task AND j.value = e.pos % ${scopeStride}) AS listed
     FROM events e ${joined} WHERE e.pos > ? AND e.pos < ? ORDER BY e.pos LIMIT ?`,
  );

  const start = (scope: ScopeKey): number => scope.number * scopeStride;
  const end = (scope: ScopeKey): number => (scope.number + 1) * scopeStride;

  function append(
    scope: ScopeKey,
    head: JournalHead,
    event: EventRecord,
    body: string,
  ): JournalHead & { task: TaskNumber } {
    const pos = start(scope) + event.seq;
    const task = event.task ?? pos;
    const salt = random.bytes(16);
    const bodyHash = hashBody(salt, body);
    const chain = chainOn(head.chain, toHeaderText(scope.name, event, bodyHash));
    insertEvent.run(
      pos,
      scope.number,
      task,
      event.task === undefined ? event.taskId : null,
      event.id,
      event.type,
      event.epoch,
      event.at,
      event.by,
      event.commandId,
      event.content,
      event.causedBy,
      event.facts,
      bodyHash,
      chain,
    );
    if (isInline(body)) {
      insertBody.run(pos, salt, body, null);
    } else {
      const bytes = encoder.encode(body);
      const hash = sha256(bytes);
      insertPayload.run(scope.number, hash, bytes);
      insertBody.run(pos, salt, null, hash);
    }
    return { seq: event.seq, chain, task };
  }

  function select(scope: ScopeKey, { after, count, types, until }: Page): Iterable<EventRow> {
    const from = start(scope) + after;
    const before = until === undefined ? end(scope) : start(scope) + until + 1;
    if (types === undefined) return inOrder(page.iterate(from, before, count), from);
    return inOrder(pageOfTypes.iterate(from, before, JSON.stringify(types), allTypes, count), from); // one of no type is damaged, and is told
  }

  return {
    append,
    read: (scope: ScopeKey, options: Page): StoredEvent[] => takePage(scope, select(scope, options), options),

    head(scope: ScopeKey): JournalHead {
      const last = lastEvent.get(start(scope), end(scope));
      if (last === undefined) return { seq: 0, chain: genesis };
      const seq = last.pos % scopeStride;
      if (last.chain instanceof Uint8Array) return { seq, chain: last.chain }; // a page of another table has what it has
      throw new AionisError(
        "JOURNAL_DAMAGED",
        `The last event (${seq}) of ${scope.name} cannot be read; restore a backup.`,
        {
          facts: { scope: scope.name, seq },
        },
      );
    },

    chainAt: (scope: ScopeKey, seq: number) => chainOf.get(start(scope) + seq)?.chain,

    event(scope: ScopeKey, seq: number): StoredEvent | undefined {
      const found = byPosition.get(start(scope) + seq);
      return found === undefined ? undefined : toEvent(scope, found);
    },

    /** The event to which a row refers, unchecked. @throws AionisError `JOURNAL_DAMAGED` */
    rowAt: (scope: ScopeKey, seq: number): EventRow =>
      byPosition.get(start(scope) + seq) ?? missingEvent(scope.name, seq),

    eventByCommand(scope: ScopeKey, commandId: string): StoredEvent | undefined {
      const found = byCommand.get(scope.number, commandId);
      const row = found === undefined ? undefined : byPosition.get(found.pos);
      return row === undefined ? undefined : toEvent(scope, row);
    },

    /**
     * J1, J2 over a page of the scope's events, up to the sequence `until`, and whether its task's index or tail lists each of them. A page
     * ends when it has read `limits.partBytes`. The chain goes on from what is stored, so that one break is told once.
     */
    check(scope: ScopeKey, { after, until, count }: { after: number; until: number; count: number }): JournalCheck {
      const damage: JournalDamage[] = [];
      const unlisted: { task: TaskNumber; seq: number }[] = [];
      let chain = after === 0 ? genesis : (chainOf.get(start(scope) + after)?.chain ?? genesis);
      let last = after;
      let chars = 0;
      const rows = whole.iterate(start(scope) + after, start(scope) + until + 1, count);
      for (const row of inOrder(rows, start(scope) + after)) {
        const seq = row.pos % scopeStride;
        if (seq !== last + 1) damage.push(missing(last + 1, seq - 1));
        const headerDiffers = whyHeaderDiffers(scope, row, chain);
        const bodyDiffers = whyBodyDiffers(row);
        if (headerDiffers !== undefined) damage.push(toDamage("events", row, headerDiffers));
        if (bodyDiffers !== undefined) damage.push(toDamage("bodies", row, bodyDiffers));
        if (row.listed === 0) unlisted.push({ task: row.task, seq });
        chain = row.chain;
        last = seq;
        chars += charsOf(row);
        if (chars > limits.partBytes) break;
      }
      if (last === after && last < until) damage.push(missing(last + 1, until));
      return { damage, unlisted, next: last === after ? until : last };
    },
  };
}

/** Whether a body stands in its row, and not among the payloads, which each scope has once. */
function isInline(body: string): boolean {
  if (body.length > limits.payloadInlineBytes) return false;
  return 3 * body.length <= limits.payloadInlineBytes || Buffer.byteLength(body) <= limits.payloadInlineBytes;
}

function toDamage(table: "events" | "bodies", row: EventRow, why: string): JournalDamage {
  const seq = row.pos % scopeStride;
  return { table, seq, what: `event ${seq} (${row.type}): ${why}` };
}

function missingEvent(scope: string, seq: number): never {
  throw new AionisError(
    "JOURNAL_DAMAGED",
    `Event ${seq} of ${scope} is missing although a row refers to it. Verify the store, and restore a backup.`,
    { facts: { scope, seq } },
  );
}

function missing(first: number, last: number): JournalDamage {
  return { table: "events", seq: first, what: `events ${first} to ${last} are missing` };
}
