// Receipts
//
// What was shown to whom asked, so that feedback can credit that and nothing else. Owns: the table of receipts, and those that wait for
// the next commit. They do not follow from the journal: a rebuild leaves them alone. Each is kept behind a hash of its id and its text, so
// that one that was changed is not shown.

import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { sha256, toHex } from "../../src/kernel/digest.ts";
import type { ReceiptRow } from "../../src/kernel/store.ts";
import type { Prepare } from "./statement.ts";

const waitingMax = 500; // where nothing is committed for long
const pruneEvery = 100;

/** The receipts of one scope, by its number in the store. */
export function createReceipts(prepare: Prepare, scope: number) {
  const insert = prepare(
    "INSERT INTO receipts (scope, id, at, body) VALUES (?, ?, ?, ?) ON CONFLICT (scope, id) DO UPDATE SET at = excluded.at",
  );
  const byId = prepare<[number, string], ReceiptRow>("SELECT id, at, body FROM receipts WHERE scope = ? AND id = ?");
  const prune = prepare(
    `DELETE FROM receipts WHERE scope = ? AND (at < ? OR number <= (
       SELECT number FROM receipts WHERE scope = ? ORDER BY number DESC LIMIT 1 OFFSET ?))`,
  );
  const waiting = new Map<string, ReceiptRow>();
  let written = 0;

  return {
    keep(row: ReceiptRow): void {
      waiting.delete(row.id);
      waiting.set(row.id, row);
      if (waiting.size > waitingMax) for (const oldest of waiting.keys()) return void waiting.delete(oldest);
    },
    get(id: string): ReceiptRow | undefined {
      const known = waiting.get(id);
      if (known !== undefined) return known;
      const row = byId.get(scope, id);
      return row === undefined ? undefined : { ...row, body: open(row) };
    },
    isWaiting: () => waiting.size > 0,
    /** Writes those that wait, within the open transaction. They wait on until `forgetWaiting`: it may be rolled back. */
    write(): void {
      for (const { id, at, body } of waiting.values()) {
        insert.run(scope, id, at, `${toMark(id, body)}${body}`);
        written += 1;
        if (written % pruneEvery === 0) prune.run(scope, at - limits.receiptMs, scope, limits.receipts);
      }
    },
    forgetWaiting: () => waiting.clear(),
  };
}

const markChars = 16;

function toMark(id: string, body: string): string {
  return toHex(sha256(`${id}\n${body}`)).slice(0, markChars);
}

/** Whether `kept` is what was kept under `id`. */
export function isKept(id: string, kept: string): boolean {
  return toMark(id, kept.slice(markChars)) === kept.slice(0, markChars);
}

function open({ id, body }: ReceiptRow): string {
  if (isKept(id, body)) return body.slice(markChars);
  throw new AionisError(
    "JOURNAL_DAMAGED",
    `The receipt ${id} is not the one that was kept. Ask the question again; a rebuild removes what is damaged.`,
  );
}
