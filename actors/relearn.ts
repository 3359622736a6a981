// Relearn
//
// Learns a journal again beside what was learned, and compares the two: what is learned follows from the journal (W1), as other rows do.
// Owns: how far the second learning is, and what is said of rows that differ. Does not own: what an event teaches (teacher.ts).
//
// The learner goes on meanwhile. Before each page of rows the second learning comes to the same event as the first, so that a page is of one
// moment.

import { isUnreadable } from "../src/contracts/failures.ts";
import { limits } from "../src/contracts/limits.ts";
import type { LearnedCursor, LearnedTo, LearningScratch, ScopeStore, StoredEvent } from "../src/kernel/store.ts";
import type { RecallRows } from "../src/recall/index.ts";
import type { Desk } from "./persistence.ts";
import type { Problem } from "./problem.ts";
import { createTeacher, partsOf, type Teacher, teaching } from "./teacher.ts";

const pageEvents = 16;
const stride = 2_000; // events that are looked through at once for one that teaches

/**
 * Compares what was learned in `store`, whose journal was found sound, a part at a time; `note` is told of each row that differs.
 * @throws AionisError `STORE_FULL` when there is no room for temporary files, `JOURNAL_DAMAGED` for rows that cannot be read.
 */
export function* compareLearned(store: ScopeStore, note: (problem: Problem) => void): Generator<void, void, void> {
  const scratch = store.openScratch();
  try {
    yield* new Relearning(store, scratch, note).run();
  } finally {
    scratch.close();
  }
}

class Relearning {
  readonly #store: ScopeStore;
  readonly #scratch: LearningScratch;
  readonly #note: (problem: Problem) => void;
  readonly #desk: Desk;
  readonly #said = new Set<string>();
  #teacher: Teacher;
  /** As the learner's own. */
  #at: LearnedTo = { seq: 0, part: 0, taught: 0 };
  /** Events that teach, the next first, and up to where they were looked for. */
  #page: StoredEvent[] = [];
  #until = 0;

  constructor(store: ScopeStore, scratch: LearningScratch, note: (problem: Problem) => void) {
    this.#store = store;
    this.#scratch = scratch;
    this.#note = note;
    this.#teacher = createTeacher(this.#rows());
    this.#desk = { store, letGo() {}, record: () => this.#missesMove() };
  }

  *run(): Generator<void, void, void> {
    for (let cursor: LearnedCursor | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
      const goal = yield* this.#catchUp();
      if (goal === undefined) return; // it is being learned anew
      this.#checkCursor(goal);
      const page = this.#scratch.compare({ after: cursor, count: limits.partRows });
      for (const { table, key, is } of page.differing)
        this.#note({
          table: "recall",
          key: `${table}/${key}`,
          what: `the row ${key} of ${table} ${said[is]}`,
          mend: "rebuild",
        });
      cursor = page.next;
      yield;
    }
  }

  /** Comes to where the learner is, and ends within the part in which it is there. Nothing when the learner has gone back. */
  *#catchUp(): Generator<void, LearnedTo | undefined, void> {
    for (;;) {
      const goal = this.#goal();
      const { seq, part } = this.#at;
      if (seq === goal.seq && part === goal.part) return goal;
      if (seq > goal.seq || (seq === goal.seq && part > goal.part)) return undefined;
      this.#goOn(goal);
      yield;
    }
  }

  /** A cursor past the journal's end has read all of it. */
  #goal(): LearnedTo {
    const { seq: head } = this.#store.head();
    const goal = this.#store.learnedTo();
    return goal.seq > head ? { ...goal, seq: head, part: 0 } : goal;
  }

  /** One part of one event, or a look at a stretch that holds none that teaches. */
  #goOn({ seq: goal, part: goalPart }: LearnedTo): void {
    const { seq, part, taught } = this.#at;
    if (this.#page.length === 0) {
      const after = Math.max(seq, this.#until);
      this.#until = Math.min(after + stride, goalPart > 0 ? goal + 1 : goal);
      this.#page = this.#store.events({ after, count: pageEvents, types: teaching, until: this.#until });
      if (this.#page.length > 0) this.#until = this.#page.at(-1)?.seq ?? 0;
    }
    const [event] = this.#page;
    if (event === undefined || event.seq > goal + 1) {
      const reached = Math.min(this.#until, goal);
      this.#at = { seq: reached, part: reached === goal ? goalPart : 0, taught }; // a part of an event that has none is told
      return;
    }
    if (event.seq === goal + 1 && seq < goal) {
      this.#at = { seq: goal, part: 0, taught };
      return;
    }
    const parts = partsOf(event);
    const next = part + 1;
    const isTaught = this.#teach(event, part);
    const isWhole = event.seq <= goal && (next >= parts || !isTaught);
    this.#at = isWhole ? { seq: event.seq, part: 0, taught: event.seq } : { seq: event.seq - 1, part: next, taught };
    if (isWhole) this.#page.shift();
  }

  /** As the learner: an event that cannot be learned from is passed over. */
  #teach(event: StoredEvent, part: number): boolean {
    try {
      this.#teacher.teach(this.#desk, event, part);
      this.#scratch.keep();
      return true;
    } catch (error) {
      if (isUnreadable(error)) throw error;
      this.#scratch.undo();
      this.#teacher = createTeacher(this.#rows());
      return false;
    }
  }

  #rows(): RecallRows {
    return this.#scratch.rows as unknown as RecallRows; // the store keeps them by name, and knows nothing of what is in them
  }

  #checkCursor({ taught }: LearnedTo): void {
    const { seq } = this.#store.head();
    const own = this.#store.learnedTo();
    if (own.seq > seq) this.#sayOnce(`the learner has read up to event ${own.seq}, and the journal ends at ${seq}`);
    if (taught !== this.#at.taught)
      this.#sayOnce(`the last event that taught was ${this.#at.taught}, and the learner's cursor says ${taught}`);
  }

  #missesMove(): undefined {
    this.#sayOnce(
      `the learner has read event ${this.#page[0]?.seq}, and the journal lacks the move of a lesson that follows`,
    );
  }

  #sayOnce(what: string): void {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    this.#note({ table: "readers", key: "learner", what, mend: "rebuild" });
  }
}

const said = {
  changed: "is not what the journal teaches",
  missing: "is missing, and the journal teaches it",
  unexpected: "is there, and nothing in the journal teaches it",
} as const;
