// Refold
//
// Folds journals from their first event: to verify that every row and every snapshot is what the journal says (I6), and to make the rows
// again. One task is in memory at a time.

import { encodeSnapshot, isOpen, type TaskSnapshot } from "../machines/index.ts";
import type { EventHeader } from "../src/contracts/events.ts";
import { AionisError, isUnreadable } from "../src/contracts/failures.ts";
import type { TaskId } from "../src/contracts/ids.ts";
import { isSameJson } from "../src/contracts/json.ts";
import { limits } from "../src/contracts/limits.ts";
import type {
  ClaimableRow,
  OutboxRow,
  PacketRow,
  ScopeStore,
  StepRow,
  Store,
  StoredEvent,
  TailEntry,
  TaskNumber,
  TaskRow,
  TaskRows,
  TimerRow,
} from "../src/kernel/store.ts";
import { decodeBody, decodeHeader } from "./events.ts";
import { type RowWriter, writeRows } from "./projections.ts";
import { createTaskActor, type TaskActor } from "./task-actor.ts";

export interface Problem {
  what: string;
  seq?: number | undefined;
  taskId?: TaskId | undefined;
}

export interface Verification {
  ok: boolean;
  events: number;
  tasks: number;
  /** At most `limits.listItems`, the journal's own first. */
  problems: Problem[];
}

/** Checks chain, bodies, and that rows equal what the journal folds to. Reads only; takes time in proportion to the journal. */
export function verifyScope(store: ScopeStore, memory?: (id: TaskId) => TaskSnapshot | undefined): Verification {
  const problems: Problem[] = store.findDamage(limits.listItems);
  const tasks = new Set<TaskNumber>();
  const owed = new Set<TaskId>();
  store.readByTask((page) => {
    for (const first of firstEvents(store)) {
      tasks.add(first.task);
      problems.push(...verifyTask(store, first, { events: eventsOf(page, first), memory, owed }));
      if (problems.length >= limits.listItems) break; // the tables that follow need all tasks
    }
  });
  if (problems.length < limits.listItems) problems.push(...findStrays(store, tasks), ...verifyOutbox(store, owed));
  const { seq } = store.head();
  return { ok: problems.length === 0, events: seq, tasks: tasks.size, problems: problems.slice(0, limits.listItems) };
}

/** Makes every row of the scope again from its journal, in one transaction of its own. */
export function rebuildScope(store: Store, scopeName: string): void {
  const scope = store.scope(scopeName);
  refuseDamage(scope);
  store.begin();
  try {
    scope.clearProjections();
    scope.readByTask((page) => {
      for (const first of firstEvents(scope)) foldTask(eventsOf(page, first), scope);
    });
    store.commit();
  } catch (error) {
    store.rollback();
    throw error;
  }
}

/** What would be made of a damaged journal is not what was there. */
function refuseDamage(scope: ScopeStore): void {
  const [damage] = scope.findDamage(1);
  if (damage === undefined) return;
  throw new AionisError("JOURNAL_DAMAGED", `${damage.what}. Nothing can be made again from it; restore a backup.`, {
    facts: { scope: scope.name, seq: damage.seq },
  });
}

type FirstEvent = Pick<TaskRow, "task" | "id">;

interface VerifyTask {
  events: Iterable<StoredEvent>;
  memory: ((id: TaskId) => TaskSnapshot | undefined) | undefined;
  /** The children that ended tasks owe a cancel, added to. */
  owed: Set<TaskId>;
}

function verifyTask(store: ScopeStore, row: FirstEvent, { events, memory, owed }: VerifyTask): Problem[] {
  const folded = createRowList();
  try {
    const after = foldTask(events, folded);
    for (const child of isOpen(after) ? [] : after.context.childrenOpen) owed.add(child.childId);
    const problems = compare(row.id, store.rowsOf(row.task), folded.rows());
    const live = memory?.(row.id);
    if (live !== undefined && !isSameJson(toJson(live), toJson(after))) {
      problems.push({ what: `${row.id} in memory is not what its journal folds to`, taskId: row.id });
    }
    return problems;
  } catch (error) {
    if (isUnreadable(error)) return [{ what: error.detail, taskId: row.id }];
    if (error instanceof SyntaxError) return [{ what: `a text of ${row.id} is not JSON any more`, taskId: row.id }];
    throw error;
  }
}

/** Rows of tasks that the journal does not know. */
function findStrays(store: ScopeStore, tasks: ReadonlySet<TaskNumber>): Problem[] {
  const strays: Problem[] = [];
  for (const { task, id } of store.tasksIn()) {
    if (!tasks.has(task)) strays.push({ what: `${id} has a row and no first event`, taskId: id });
    if (strays.length >= limits.listItems) break;
  }
  return strays;
}

/** Collects the rows of one task instead of writing them. */
function createRowList(): RowWriter & { rows(): TaskRows } {
  let row: TaskRow | undefined;
  const indexed: number[] = [];
  let tail: readonly TailEntry[] = [];
  const steps = new Map<string, StepRow>();
  const timers = new Map<string, TimerRow>();
  const claimables = new Map<string, ClaimableRow>();
  const packets = new Map<string, PacketRow>();
  const toKey = (place: ClaimableRow): string => JSON.stringify([place.target, place.priority, place.from]);
  return {
    putTask(next) {
      row = { ...next, title: row === undefined ? next.title : row.title };
    },
    putTail(_task, next) {
      tail = next;
    },
    enterTail(task, entries) {
      tail = [];
      for (const { seq, step } of entries) {
        indexed.push(seq);
        if (step !== undefined)
          steps.set(JSON.stringify([step.stage, step.name, step.ordinal]), { task, ...step, seq });
      }
    },
    putTimer: (timer) => void timers.set(timer.kind, timer),
    deleteTimer: (_task, kind) => void timers.delete(kind),
    putClaimable: (place) => void claimables.set(toKey(place), place),
    deleteClaimable: (place) => void claimables.delete(toKey(place)),
    putPacket: (packet) => void packets.set(packet.packetId, packet),
    packetsOf: () => [...packets.values()],
    putOutbox() {}, // compared for the whole scope
    deleteOutbox() {},
    rows: () => ({
      row,
      indexed,
      tail: tail.map(({ seq }) => seq),
      steps: [...steps.values()],
      timers: [...timers.values()],
      claimables: [...claimables.values()],
      packets: [...packets.values()],
    }),
  };
}

function toJson(snapshot: TaskSnapshot): unknown {
  return JSON.parse(encodeSnapshot(snapshot));
}

function compare(taskId: TaskId, kept: TaskRows, folded: TaskRows): Problem[] {
  const tables = ["row", "indexed", "tail", "steps", "timers", "claimables", "packets"] as const;
  return tables
    .filter((table) => !isSameJson(inOrder(kept[table]), inOrder(folded[table])))
    .map((table) => ({
      what: `the ${table} of ${taskId} are ${excerpt(kept[table])}; its journal folds to ${excerpt(folded[table])}`,
      taskId,
    }));
}

/** Rows of a table have no order of their own. */
function inOrder(rows: TaskRow | undefined | readonly (object | number)[]): unknown {
  if (!isList(rows)) return rows;
  return rows.map((row) => (typeof row === "number" ? `${row}` : JSON.stringify(Object.entries(row).sort()))).sort();
}

function isList(rows: unknown): rows is readonly (object | number)[] {
  return Array.isArray(rows);
}

function excerpt(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 600) ?? "absent";
}

/** An ended task owes its open children a cancel, and nothing else is owed. */
function verifyOutbox(store: ScopeStore, owed: ReadonlySet<TaskId>): Problem[] {
  const rows: OutboxRow[] = [];
  for (let page = store.outbox({ after: 0, count: limits.pageRows }); page.length > 0; ) {
    rows.push(...page);
    page = store.outbox({ after: page.at(-1)?.id ?? 0, count: limits.pageRows });
  }
  const addressed = new Set(rows.map(({ taskId }) => taskId));
  const extra = [...addressed]
    .filter((id) => !owed.has(id))
    .map((id) => `the outbox owes ${id} what no ended task asks for`);
  const missing = [...owed]
    .filter((id) => !addressed.has(id) && isOpenRow(store.task(id)))
    .map((id) => `the outbox lost what it owes ${id}`);
  return [...extra, ...missing].map((what) => ({ what }));
}

function isOpenRow(row: TaskRow | undefined): boolean {
  return row !== undefined && ["start", "running", "paused", "handoff", "verifying"].includes(row.state);
}

function* firstEvents(store: ScopeStore): Iterable<FirstEvent> {
  let after = 0;
  for (;;) {
    const page = readFirsts(store, after);
    for (const { task, taskId } of page.events) yield { task, id: taskId };
    if (page.next === undefined) return;
    after = page.next;
  }
}

/** A first event that is damaged is named by the check of the journal; the tasks behind it are looked at all the same. */
function readFirsts(store: ScopeStore, after: number): { events: StoredEvent[]; next: number | undefined } {
  try {
    const events = store.events({ after, count: limits.pageRows, types: ["task.created"] });
    return { events, next: events.at(-1)?.seq };
  } catch (error) {
    const { seq } = isUnreadable(error) ? error.facts : {};
    if (typeof seq === "number") return { events: [], next: seq };
    throw error;
  }
}

/** Folds one task from all its events and writes its rows to `rows` as a live turn would have. */
function foldTask(events: Iterable<StoredEvent>, rows: RowWriter): TaskSnapshot {
  let actor: TaskActor | undefined;
  let tail: readonly TailEntry[] = [];
  for (const stored of events) {
    const header = decodeHeader(stored);
    const before = actor?.snapshot();
    actor = foldOne(actor, header);
    tail = writeRows(rows, {
      task: stored.task,
      header,
      before,
      after: actor.snapshot(),
      body: decodeBody(stored, "task.created") ?? decodeBody(stored, "handoff.offered"),
      tail,
    });
  }
  if (actor === undefined) throw unfoldable("a task has no events");
  const after = actor.snapshot();
  actor.stop();
  return after;
}

function foldOne(actor: TaskActor | undefined, header: EventHeader): TaskActor {
  if (actor !== undefined) {
    actor.fold(header);
    return actor;
  }
  if (header.type !== "task.created")
    throw unfoldable(`event ${header.seq} (${header.type}) of ${header.taskId} is no first event`);
  return createTaskActor({ first: header });
}

function unfoldable(what: string): AionisError {
  return new AionisError("TASK_UNFOLDABLE", `The journal is not whole: ${what}.`);
}

type ReadPage = (task: TaskNumber, after: number) => StoredEvent[];

function* eventsOf(read: ReadPage, { task }: FirstEvent): Iterable<StoredEvent> {
  let after = 0;
  for (;;) {
    const page = read(task, after);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}
