import { emptyRows } from "./empty-rows.ts";
import type { RecallRows, RecallTables } from "./rows.ts";

/** Rows in memory, with their whole state as bytes. */
export interface MemoryRows extends RecallRows {
  /** Equal states give equal bytes: tables and keys are in order. */
  dump(): string;
}

const tables = Object.keys(emptyRows) as (keyof RecallTables)[];

/** Empty rows, or those that `dump` gave. */
export function createMemoryRows(dumped?: string): MemoryRows {
  const maps = new Map<keyof RecallTables, Map<string | number, unknown>>(tables.map((table) => [table, new Map()]));
  if (dumped !== undefined) {
    for (const [table, entries] of JSON.parse(dumped) as [keyof RecallTables, [string | number, unknown][]][]) {
      maps.set(table, new Map(entries));
    }
  }
  return {
    get: (table, key) => maps.get(table)?.get(key) as never, // put under the table's own type
    put(table, key, row) {
      maps.get(table)?.set(key, row);
    },
    dump: () =>
      JSON.stringify(
        [...maps].map(([table, map]) => [table, [...map].sort(([left], [right]) => (left < right ? -1 : 1))]),
      ),
  };
}
