// The order of keys, as SQLite has it: numbers, then texts and blobs by their bytes. A tree whose pages were exchanged gives its rows in
// another one, and then the next page would begin before the last: a walk that does not look never ends.

import { AionisError } from "../../src/contracts/failures.ts";

/** Whether the key `next` is behind `before`. */
export function isBehind(next: readonly unknown[], before: readonly unknown[]): boolean {
  for (const [index, value] of next.entries()) {
    const order = compare(value, before[index]);
    if (order !== 0) return order > 0;
  }
  return false;
}

/** The failure of a walk through `table` that does not come forward. */
export function outOfOrder(table: string): AionisError {
  return new AionisError(
    "JOURNAL_DAMAGED",
    `The rows of ${table} are out of order. Verify the store, and restore a backup.`,
  );
}

function compare(left: unknown, right: unknown): number {
  if (isNumber(left) && isNumber(right)) return left < right ? -1 : left > right ? 1 : 0;
  if (isNumber(left) || isNumber(right)) return isNumber(left) ? -1 : 1;
  return Buffer.compare(toBytes(left), toBytes(right));
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function toBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value));
}
