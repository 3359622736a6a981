// Refold
//
// Folds journals from their first event: to verify that every row and every snapshot is what the journal says (I6), and to make the rows
// again. Owns: in which order what is looked at, and what is put in the place of a row that differs. Does not own: when it goes on (the
// caller takes one short part after the other; commands may come between two of them).
//
// Invariants:
//   F1. A part is short: it looks at no more than `limits.partRows` events or rows, and ends with the event with which it has read
//       `limits.partBytes`, however large a task or the store is.
//   F2. The journal is checked up to the head of the beginning; what came later was written by this very process.
//   F3. Rows of a task are compared within the part in which its fold has come to the task's last event: both are of one moment, whatever
//       was recorded in between.
//   F4. A rebuild changes nothing before the whole journal was found sound, and only rows that differ.
//   F5. What was learned is compared only when the journal is sound: of a damaged one other things are learned.

import { encodeSnapshot, type TaskSnapshot } from "../machines/index.ts";
import { AionisError, isUnreadable } from "../src/contracts/failures.ts";
import type { TaskId } from "../src/contracts/ids.ts";
import { isSameJson } from "../src/contracts/json.ts";
import { limits } from "../src/contracts/limits.ts";
import type {
  JournalCheck,
  OutboxRow,
  ScopeStore,
  StepRow,
  Store,
  StoredEvent,
  TaskNumber,
  TaskRow,
} from "../src/kernel/store.ts";
import type { Problem } from "./problem.ts";
import { compareLearned } from "./relearn.ts";
import { compareRows, differs } from "./row-differences.ts";
import { tablesByTask } from "./store/schema.ts";
import { createTaskFold, type TaskFold } from "./task-fold.ts";

export interface Verification {
  ok: boolean;
  events: number;
  tasks: number;
  /** At most `limits.listItems`, the journal's own first. */
  problems: Problem[];
}

/** How far it is: of `total` events, each of which is looked at twice. */
export interface Progress {
  done: number;
  total: number;
}

type Parts<Result> = Generator<Progress, Result, void>;

export interface RefoldOptions {
  /** Where a task stands in memory; nothing when it is not there. */
  memory?: ((id: TaskId) => TaskSnapshot | undefined) | undefined;
  /** The store whose tables are looked at, too; without it the rows of this scope alone are. */
  tables?: Pick<Store, "checkTables"> | undefined;
}

/** Checks the journal and that rows equal what it folds to, one part after the other. Reads only. */
export function verifyInParts(store: ScopeStore, options: RefoldOptions = {}): Parts<Verification> {
  return new Refold(store, { ...options, mends: false }).run();
}

/**
 * Makes every row that differs from what the journal folds to again. Each part is to be taken within a transaction.
 * @throws AionisError `JOURNAL_DAMAGED` when the journal itself is damaged, naming the event; `TASK_UNFOLDABLE`.
 */
export function rebuildInParts(store: ScopeStore, options: RebuildOptions = {}): Parts<Verification> {
  return new Refold(store, { ...options, mends: true }).run();
}

export interface RebuildOptions extends RefoldOptions {
  /** Called for a task whose rows were made again, within the part. */
  onMended?: ((id: TaskId) => void) | undefined;
}

/** All parts of `parts` at once, for stores that nobody waits for. */
function runParts<Result>(parts: Parts<Result>): Result {
  for (;;) {
    const next = parts.next();
    if (next.done === true) return next.value;
  }
}

/** Verifies a scope without a pause. */
export function verifyScope(store: ScopeStore, options: RefoldOptions = {}): Verification {
  return runParts(verifyInParts(store, options));
}

/** Rebuilds a scope without a pause, in one transaction; what was learned is removed, to be learned again from the start. */
export function rebuildScope(store: Store, scopeName: string): void {
  const scope = store.scope(scopeName);
  store.begin();
  try {
    runParts(rebuildInParts(scope, { tables: store }));
    while (scope.clearLearned(limits.pageRows));
    store.commit();
  } catch (error) {
    store.rollback();
    throw error;
  }
}

type FirstEvent = Pick<TaskRow, "task" | "id">;
type OwedRow = Omit<OutboxRow, "id">;

class Refold {
  readonly #store: ScopeStore;
  readonly #options: RebuildOptions & { mends: boolean };
  readonly #problems: Problem[] = [];
  /** The children that ended tasks owe a cancel. */
  readonly #owed = new Map<TaskId, OwedRow>();
  readonly #head: number;
  #done = 0;
  #tasks = 0;

  constructor(store: ScopeStore, options: RebuildOptions & { mends: boolean }) {
    this.#store = store;
    this.#options = options;
    this.#head = store.head().seq;
  }

  *run(): Parts<Verification> {
    yield* this.#checkJournal();
    const isSound = this.#problems.every(({ mend }) => mend !== "backup");
    yield* this.#checkTables();
    if (this.#options.mends) yield* this.#mendIndexes();
    yield* this.#told(this.#checkTasks());
    if (!this.#isFull()) yield* this.#told(this.#checkStrays());
    if (!this.#isFull()) yield* this.#told(this.#checkOutbox());
    if (isSound && !this.#options.mends && !this.#isFull()) yield* this.#told(this.#compareLearned()); // F5; a rebuild learns anew
    const problems = this.#problems.slice(0, limits.listItems);
    return { ok: problems.length === 0, events: this.#head, tasks: this.#tasks, problems };
  }

  /** What cannot be read ends the look at its kind of rows; the tables that it is in were named by then. */
  *#told(parts: Parts<void>): Parts<void> {
    try {
      yield* parts;
    } catch (error) {
      if (this.#options.mends || !isUnreadable(error)) throw error;
      this.#note([{ what: error.detail, mend: "backup" }]);
    }
  }

  #isFull(): boolean {
    return !this.#options.mends && this.#problems.length >= limits.listItems;
  }

  #progress(events: number): Progress {
    this.#done += events;
    return { done: this.#done, total: 2 * this.#head };
  }

  /** F2, F4 */
  *#checkJournal(): Parts<void> {
    for (let after = 0; after < this.#head; ) {
      const { damage, unlisted, next } = this.#readEvents(after);
      const [first] = damage;
      if (this.#options.mends && first !== undefined) throw refusal(this.#store, first);
      this.#problems.push(...damage.map((each) => ({ ...each, key: String(each.seq), mend: "backup" as const })));
      if (!this.#options.mends) this.#problems.push(...unlisted.map(toUnlisted));
      yield this.#progress(next - after);
      after = next;
      if (this.#isFull()) return;
    }
  }

  /** Of a page of the file that cannot be read each event is looked at by itself. */
  #readEvents(after: number): JournalCheck {
    const range = { after, until: this.#head };
    try {
      return this.#store.checkEvents({ ...range, count: limits.partRows });
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    try {
      return this.#store.checkEvents({ ...range, count: 1 });
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const seq = after + 1;
      return { damage: [{ table: "events", seq, what: `event ${seq} cannot be read` }], unlisted: [], next: seq };
    }
  }

  *#checkTables(): Parts<void> {
    const { tables: store, mends } = this.#options;
    for (const found of store?.checkTables({ mends }) ?? []) {
      this.#note(found);
      yield this.#progress(0);
      if (this.#isFull()) return;
    }
  }

  *#compareLearned(): Parts<void> {
    for (const _ of compareLearned(this.#store, (problem) => this.#note([problem]))) {
      yield this.#progress(0);
      if (this.#isFull()) return;
    }
  }

  *#mendIndexes(): Parts<void> {
    const store = this.#store;
    const page = { count: limits.partRows };
    for (let after: TaskNumber | undefined = 0; after !== undefined; yield this.#progress(0))
      after = store.mendTails({ ...page, after });
    for (let after: { task: TaskNumber; seq: number } | undefined = { task: 0, seq: 0 }; after !== undefined; ) {
      after = store.mendIndex({ ...page, after });
      yield this.#progress(0);
    }
    for (let after = 0; after < this.#head; yield this.#progress(0)) {
      const { unlisted, next } = store.checkEvents({ after, until: this.#head, ...page });
      for (const entry of unlisted) store.enterEvent(entry);
      after = next;
    }
  }

  /** Each task by its first event. */
  *#checkTasks(): Parts<void> {
    for (let after = 0; after < this.#head; yield this.#progress(0)) {
      const page = readFirsts(this.#store, { after, until: Math.min(after + limits.partSequences, this.#head) });
      for (const { task, taskId: id } of page.events) {
        this.#tasks += 1;
        yield* this.#checkTask({ task, id });
        if (this.#isFull()) return;
      }
      after = page.next;
    }
  }

  *#checkTask(first: FirstEvent): Parts<void> {
    const fold = createTaskFold();
    try {
      yield* this.#foldOn(fold, first);
      this.#compareRows(first, fold); // F3
      yield* this.#compareSteps(first, fold);
    } catch (error) {
      if (this.#options.mends || !isUnreadable(error)) throw error;
      this.#problems.push({
        what: `${first.id} cannot be folded: ${error.detail}`.slice(0, limits.lineChars),
        table: "events",
        key: first.id,
        taskId: first.id,
        mend: "backup",
      });
    } finally {
      fold.close();
    }
  }

  /** Folds until there is nothing that the fold does not have. */
  *#foldOn(fold: TaskFold, { task }: FirstEvent): Parts<void> {
    for (;;) {
      const page = this.#store.events({ after: fold.lastSeq(), count: limits.partRows, bytes: limits.partBytes, task });
      if (page.length === 0) return;
      for (const stored of page) fold.add(stored);
      yield this.#progress(page.length);
    }
  }

  /** The same within one part: of what was recorded since the last one there is little. */
  #catchUp(fold: TaskFold, first: FirstEvent): void {
    for (const parts = this.#foldOn(fold, first); parts.next().done !== true; );
  }

  #compareRows({ task, id }: FirstEvent, fold: TaskFold): void {
    const after = fold.snapshot();
    for (const row of fold.owed()) this.#owed.set(row.taskId, row);
    const kept = this.#store.rowsOf(task);
    const folded = fold.rows();
    const problems = compareRows(id, kept, folded);
    const live = this.#options.memory?.(id);
    const isMemorys = live !== undefined && !isSameJson(toJson(live), toJson(after));
    if (isMemorys)
      problems.push({ what: `${id} in memory is not what its journal folds to`, taskId: id, mend: "restart" });
    this.#note(problems);
    if (!this.#options.mends || problems.length === 0) return;
    this.#store.replaceRows(task, folded);
    this.#options.onMended?.(id);
  }

  /** Each page of rows, and each page of what the fold has, beside the other at one moment. */
  *#compareSteps(first: FirstEvent, fold: TaskFold): Parts<void> {
    const { task, id } = first;
    for (let after: StepRow | undefined; ; ) {
      this.#catchUp(fold, first);
      const page = this.#store.stepRowsOf({ task, after, count: limits.partRows });
      for (const row of page) {
        const folded = fold.step(row);
        if (folded?.seq === row.seq) continue;
        this.#note([differs(id, "steps", row, folded)]);
        if (!this.#options.mends) continue;
        if (folded === undefined) this.#store.deleteStep(row);
        else this.#store.putStep({ ...folded, task });
      }
      after = page.at(-1);
      if (after === undefined) break;
      yield this.#progress(0);
    }
    let seen = 0;
    for (const folded of fold.steps()) {
      this.#catchUp(fold, first);
      const now = fold.step(folded);
      if (now !== undefined && this.#store.step({ ...folded, task }) !== now.seq) {
        this.#note([differs(id, "steps", undefined, now)]);
        if (this.#options.mends) this.#store.putStep({ ...now, task });
      }
      seen += 1;
      if (seen % limits.partRows === 0) yield this.#progress(0);
    }
  }

  #note(problems: readonly Problem[]): void {
    if (this.#problems.length < limits.listItems) this.#problems.push(...problems);
  }

  /** Rows of tasks that the journal does not know. */
  *#checkStrays(): Parts<void> {
    for (const table of tablesByTask) {
      let looked = 0;
      for (
        let task = this.#store.nextTaskIn(table, 0);
        task !== undefined;
        task = this.#store.nextTaskIn(table, task)
      ) {
        if (!this.#store.hasBegun(task)) {
          const what = `${table} has rows of a task (${task}) that has no first event`;
          this.#note([{ what, table, key: String(task), mend: "rebuild" }]);
          if (this.#options.mends) this.#store.clearTask(task);
        }
        looked += 1;
        if (looked % limits.partRows === 0) yield this.#progress(0);
        if (this.#isFull()) return;
      }
    }
  }

  /** An ended task owes its open children a cancel, and nothing else is owed. Each row is compared at one moment. */
  *#checkOutbox(): Parts<void> {
    for (let after = 0; ; ) {
      const page = this.#store.outbox({ after, count: limits.partRows });
      for (const row of page) this.#checkOwed(row);
      const last = page.at(-1)?.id ?? 0;
      if (last <= after) break; // of a damaged page, too
      after = last;
      yield this.#progress(0);
    }
    let looked = 0;
    for (const [id, owed] of this.#owed) {
      looked += 1;
      if (looked % limits.partRows === 0) yield this.#progress(0);
      if (this.#store.isOwed(id) || !isOpenRow(this.#store.task(id))) continue;
      this.#note([{ what: `the outbox lost what it owes ${id}`, table: "outbox", key: id, mend: "rebuild" }]);
      if (this.#options.mends) this.#store.putOutbox(owed);
    }
    yield this.#progress(0);
  }

  /** A row that is removed and was owed otherwise is made again behind the others. */
  #checkOwed(row: OutboxRow): void {
    const { taskId: id } = row;
    const owed = this.#owed.get(id);
    const isRight = owed === undefined ? this.#isOwedNow(id) : isSameOwed(row, owed);
    const isOpen = isOpenRow(this.#store.task(id));
    if (isRight && isOpen) return;
    const asked = owed === undefined ? "what no ended task asks for" : "another thing than its parent's end asks for";
    const what = isOpen ? asked : "something, and it is no open task";
    this.#note([{ what: `the outbox owes ${id} ${what}`, table: "outbox", key: id, mend: "rebuild" }]);
    if (this.#options.mends) this.#store.deleteOutbox(id);
  }

  /** Of a task that ended while others were looked at. */
  #isOwedNow(id: TaskId): boolean {
    const parent = this.#parentOf(id);
    return parent !== undefined && !isOpenRow(parent) && parent.snapshot.includes(id);
  }

  #parentOf(id: TaskId): TaskRow | undefined {
    const parentId = this.#store.task(id)?.parentId ?? undefined;
    return parentId === undefined ? undefined : this.#store.task(parentId);
  }
}

function refusal(store: ScopeStore, { seq, what }: { seq: number; what: string }): AionisError {
  return new AionisError("JOURNAL_DAMAGED", `${what}. Nothing can be made again from it; restore a backup.`, {
    facts: { scope: store.name, seq },
  });
}

function toUnlisted({ task, seq }: { task: TaskNumber; seq: number }): Problem {
  return {
    what: `event ${seq} is neither in the index nor in the tail of its task`,
    table: "task_events",
    key: `${task}/${seq}`,
    seq,
    mend: "rebuild",
  };
}

function toJson(snapshot: TaskSnapshot): unknown {
  return JSON.parse(encodeSnapshot(snapshot));
}

function isSameOwed(left: OwedRow, right: OwedRow): boolean {
  return left.command === right.command && left.causedBy === right.causedBy;
}

function isOpenRow(row: TaskRow | undefined): boolean {
  return row !== undefined && ["start", "running", "paused", "handoff", "verifying"].includes(row.state);
}

/**
 * The first events between two sequences, and behind which one to go on. One that is damaged is named by the check of the journal; the
 * tasks behind it are looked at all the same.
 */
function readFirsts(
  store: ScopeStore,
  range: { after: number; until: number },
): { events: StoredEvent[]; next: number } {
  try {
    const page = { count: limits.partRows, types: ["task.created"], bytes: limits.partBytes };
    const events = store.events({ ...range, ...page });
    return { events, next: events.at(-1)?.seq ?? range.until };
  } catch (error) {
    const { seq } = isUnreadable(error) ? error.facts : {};
    if (typeof seq === "number") return { events: [], next: seq };
    throw error;
  }
}
