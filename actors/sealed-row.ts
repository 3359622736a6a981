// Sealed rows
//
// A task's row holds where the task stands, and is read without its journal. A checksum before its snapshot, over what the row says of the
// task, tells a row that was changed from one that was written. (It is no protection against a forger, who could change both: the journal's
// chain is.) Its title is not covered: it is written once, and the rest with each state.

import { AionisError } from "../src/contracts/failures.ts";
import { toChecksum } from "../src/kernel/digest.ts";
import type { TaskRow } from "../src/kernel/store.ts";

const sealChars = 8;

/** The row with its snapshot sealed. */
export function sealRow(row: TaskRow): TaskRow {
  return { ...row, snapshot: toSeal(row, row.snapshot) + row.snapshot };
}

/** The snapshot of a sealed row, as it was. @throws AionisError `JOURNAL_DAMAGED` when the row is not the one that was written. */
export function openRow(row: TaskRow): string {
  const text: unknown = row.snapshot; // of a page of another table it is whatever that has
  const snapshot = typeof text === "string" ? text.slice(sealChars) : "";
  if (typeof text === "string" && toSeal(row, snapshot) === row.snapshot.slice(0, sealChars)) return snapshot;
  throw new AionisError(
    "JOURNAL_DAMAGED",
    `The row of ${row.id} is not the one that was written. A rebuild makes it again from the journal.`,
    { facts: { taskId: row.id } },
  );
}

/** The checksum before a snapshot, over it and the columns beside it. */
export function toSeal(
  { task, id, state, kind, parentId, snapshotSeq }: Omit<TaskRow, "title" | "snapshot">,
  snapshot: string,
): string {
  const number = toChecksum(`${task}/${id}/${state}/${kind}/${parentId}/${snapshotSeq}/${snapshot}`);
  return number.toString(16).padStart(sealChars, "0");
}
