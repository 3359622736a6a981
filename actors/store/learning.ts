// Learning's part of a scope
//
// The rows of what was learned, how far the journal has been learned from, and the receipts of what was shown. Owns: keeping the three in
// step with the store's transactions.

import type Database from "better-sqlite3";
import type { LearnedTo, LearningRows } from "../../src/kernel/store.ts";
import { openLearningScratch } from "./learning-scratch.ts";
import { createRecallRows } from "./recall-rows.ts";
import { createReceipts } from "./receipts.ts";
import { createPrepare } from "./statement.ts";

export type Learning = ReturnType<typeof createLearning>;

const reader = "learner";

/** Learning's part of the scope with this number. */
export function createLearning(database: Database.Database, scope: number) {
  const prepare = createPrepare(database);
  const recall = createRecallRows(database, scope);
  const receipts = createReceipts(prepare, scope);
  const readPosition = prepare<[number, string], LearnedTo>(
    "SELECT seq, part, taught FROM readers WHERE scope = ? AND name = ?",
  );
  const putPosition = prepare(
    `INSERT INTO readers VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope, name)
     DO UPDATE SET seq = excluded.seq, part = excluded.part, taught = excluded.taught`,
  );
  const clearRows = prepare<[number, number, number]>(
    "DELETE FROM recall WHERE scope = ? AND (kind, key) IN (SELECT kind, key FROM recall WHERE scope = ? LIMIT ?)",
  );
  const clearPosition = prepare("DELETE FROM readers WHERE scope = ?");
  let isTouched = false;
  let position: LearnedTo | undefined;

  const rows: LearningRows = {
    get: (table, key) => recall.get(table as "words", key), // the codec knows the tables by name
    put(table, key, row) {
      isTouched = true;
      recall.put(table as "words", key, row as never); // as above
    },
  };

  return {
    rows,
    learnedTo(): LearnedTo {
      position ??= readPosition.get(scope, reader) ?? { seq: 0, part: 0, taught: 0 };
      return position;
    },
    putLearnedTo(to: LearnedTo): void {
      isTouched = true;
      position = to;
      putPosition.run(scope, reader, to.seq, to.part, to.taught);
    },
    keepReceipt: receipts.keep,
    receipt: receipts.get,
    hasReceipts: receipts.isWaiting,
    openScratch: () => openLearningScratch(database, scope),
    clear(count: number): boolean {
      isTouched = true;
      position = undefined;
      recall.forget();
      clearPosition.run(scope);
      return clearRows.run(scope, scope, count).changes > 0;
    },

    /** Before a commit. */
    write(): void {
      if (isTouched) recall.flush();
      if (receipts.isWaiting()) receipts.write();
    },
    /** After it. */
    keep(): void {
      isTouched = false;
      receipts.forgetWaiting();
    },
    /** After a rollback: what is in memory may be of it. */
    forget(): void {
      if (!isTouched) return;
      isTouched = false;
      position = undefined;
      recall.forget();
    },
  };
}
