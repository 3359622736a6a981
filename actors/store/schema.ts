// Schema
//
// The tables of a store and how an older file becomes a present one. Events and their bodies are the only truth; every other table
// follows from them (`clearProjections` empties it, a rebuild fills it again), but for the receipts of what was shown.
//
// A row's place is `pos` = scope number × 2^36 + sequence: one integer key that keeps a scope's journal together, puts the scope into
// every key, and lets the rows of tasks that are alive at the same time share pages. A task's own number is the `pos` of its first
// event. (With text ids as keys, and with rows without rowid for bodies, the same load took 2.5 times as long.)
//
// A task's events and steps are found by `task_events` and `steps`, its index. They are entered with the task's snapshot, at most 64 at
// once; until then `tails` lists them. Entered one by one, each would write a page of its own: 64 tasks that go on side by side wrote
// six times the bytes of their events.

import type Database from "better-sqlite3";
import type { TableByTask, TaskRow } from "../../src/kernel/store.ts";
import { toSeal } from "../sealed-row.ts";
import { recallTable } from "./recall-rows.ts";

/** "AION" */
export const applicationId = 0x41494f4e;

/** The version of the tables; a file with a higher one is refused with `STORE_NEWER`. */
export const schemaVersion = 3;

/** 2^36 events a scope, 2^17 scopes a store: together below 2^53, where JavaScript's integers end. */
export const scopeStride = 2 ** 36;
export const scopesMax = 2 ** 17;

/** The tables whose rows are of one task each and follow from its events. */
export const tablesByTask = [
  "tasks",
  "task_events",
  "tails",
  "steps",
  "timers",
  "claimable",
  "packets",
] as const satisfies readonly TableByTask[];

/** The statements that lead from each version to the next; index 0 makes a new file. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE scopes (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

  CREATE TABLE events (
    pos INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    task INTEGER NOT NULL,          -- pos of the task's first event
    task_id TEXT,                   -- only on the first event of a task
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    command TEXT,
    content BLOB,
    caused_by TEXT,
    facts TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    chain BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_by_command ON events (scope, command) WHERE command IS NOT NULL;

  CREATE TABLE bodies (pos INTEGER PRIMARY KEY, salt BLOB NOT NULL, body TEXT, payload BLOB) STRICT;
  CREATE TABLE payloads (scope INTEGER NOT NULL, hash BLOB NOT NULL, bytes BLOB NOT NULL, UNIQUE (scope, hash)) STRICT;

  CREATE TABLE task_events (task INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (task, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE tails (task INTEGER PRIMARY KEY, seqs TEXT NOT NULL) STRICT;

  CREATE TABLE tasks (
    task INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent_id TEXT,
    title TEXT,
    snapshot TEXT NOT NULL,
    snapshot_seq INTEGER NOT NULL,
    UNIQUE (scope, id)
  ) STRICT;
  CREATE INDEX tasks_by_state ON tasks (scope, state);
  CREATE INDEX tasks_by_kind ON tasks (scope, kind);
  CREATE INDEX tasks_by_parent ON tasks (scope, parent_id) WHERE parent_id IS NOT NULL;

  CREATE TABLE steps (
    task INTEGER NOT NULL, stage INTEGER NOT NULL, name TEXT NOT NULL, ordinal INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (task, stage, name, ordinal)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE timers (
    task INTEGER NOT NULL, kind TEXT NOT NULL, scope INTEGER NOT NULL, due_at INTEGER NOT NULL, entry INTEGER NOT NULL,
    PRIMARY KEY (task, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX timers_by_due ON timers (scope, due_at);

  CREATE TABLE claimable (
    scope INTEGER NOT NULL, target TEXT NOT NULL, priority INTEGER NOT NULL, from_at INTEGER NOT NULL, task INTEGER NOT NULL,
    PRIMARY KEY (scope, target, priority, from_at, task)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX claimable_by_task ON claimable (task);

  CREATE TABLE packets (
    scope INTEGER NOT NULL,
    packet_id TEXT NOT NULL,
    task INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    parent_id TEXT,
    delegation_id TEXT,
    family TEXT,
    anchor TEXT,
    target TEXT NOT NULL,
    sender TEXT NOT NULL,
    stage INTEGER NOT NULL,
    status TEXT NOT NULL,
    offered_at INTEGER NOT NULL,
    claimed_at INTEGER,
    claimed_by TEXT,
    ended_at INTEGER,
    outcome TEXT,
    PRIMARY KEY (scope, packet_id)
  ) STRICT;
  CREATE INDEX packets_by_task ON packets (task);
  CREATE INDEX packets_by_anchor ON packets (scope, anchor, seq) WHERE anchor IS NOT NULL;
  CREATE INDEX packets_by_status ON packets (scope, kind, status, packet_id);
  CREATE INDEX packets_by_parent ON packets (scope, parent_id, packet_id) WHERE parent_id IS NOT NULL;

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, task_id TEXT NOT NULL, command TEXT NOT NULL, caused_by TEXT NOT NULL,
    UNIQUE (scope, task_id, command)
  ) STRICT;
  `,
  `
  ${recallTable}
  CREATE TABLE readers (
    scope INTEGER NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL, part INTEGER NOT NULL, taught INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE receipts (
    number INTEGER PRIMARY KEY, scope INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (scope, id)
  ) STRICT;
  CREATE INDEX receipts_by_age ON receipts (scope, number);
  `,
  // What events of before this version wait for counts as they were written: an expiry or a deadline is on the wall clock.
  `
  CREATE TABLE next_timers (
    task INTEGER NOT NULL, kind TEXT NOT NULL, on_wall INTEGER NOT NULL, scope INTEGER NOT NULL, due_at INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (task, kind, on_wall)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO next_timers SELECT task, kind, 1, scope, due_at, entry FROM timers;
  DROP TABLE timers;
  ALTER TABLE next_timers RENAME TO timers;
  CREATE INDEX timers_by_due ON timers (scope, on_wall, due_at, task);

  CREATE TABLE next_claimable (
    scope INTEGER NOT NULL, target TEXT NOT NULL, priority INTEGER NOT NULL, on_wall INTEGER NOT NULL, from_at INTEGER NOT NULL,
    task INTEGER NOT NULL,
    PRIMARY KEY (scope, target, priority, on_wall, from_at, task)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO next_claimable SELECT scope, target, priority, 0, from_at, task FROM claimable;
  DROP TABLE claimable;
  ALTER TABLE next_claimable RENAME TO claimable;
  CREATE INDEX claimable_by_task ON claimable (task);
  CREATE INDEX claimable_on_wall ON claimable (scope) WHERE on_wall = 1;

  -- where the steady clock stood: the only rows here that a rebuild cannot make again, and leaves alone
  CREATE TABLE clocks (scope INTEGER PRIMARY KEY, seq INTEGER NOT NULL, wall INTEGER NOT NULL, steady INTEGER NOT NULL) STRICT;

  -- rows of before had no checksums: those of tasks get theirs, what was learned is learned again from the journal, and receipts are issued anew
  UPDATE tasks SET snapshot = seal(task, id, state, kind, parent_id, snapshot_seq, snapshot) || snapshot;
  DELETE FROM recall;
  DELETE FROM readers;
  DELETE FROM receipts;
  `,
];

type SealedColumns = [
  TaskRow["task"],
  TaskRow["id"],
  TaskRow["state"],
  TaskRow["kind"],
  TaskRow["parentId"],
  TaskRow["snapshotSeq"],
  TaskRow["snapshot"],
];

/** Brings a database's tables from one version to another. @throws SqliteError, and leaves a transaction to be rolled back. */
export function changeSchema(database: Database.Database, { from, to }: { from: number; to: number }): void {
  database.function("seal", { deterministic: true, varargs: true }, (...columns: unknown[]) => {
    const [task, id, state, kind, parentId, snapshotSeq, snapshot] = columns as SealedColumns; // as the statement above names them
    return toSeal({ task, id, state, kind, parentId, snapshotSeq }, snapshot);
  });
  for (const statements of migrations.slice(from, to)) database.exec(statements);
}
