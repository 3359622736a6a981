// High-water mark
//
// Remembers outside of the store's file how far each journal went. A damaged write-ahead log can make committed rows vanish with every
// check of SQLite still passing; a journal that ends before its mark shows that (I7).
//
// The mark is written some time after the commits it covers, never before them: it can be behind. It is ahead when committed events are
// missing, which after a power failure is to be expected at durability "process". A store has one before its first command is taken: it
// names the store, so that a new and empty one in its place is noticed.

import { z } from "zod";
import { AionisError } from "../src/contracts/failures.ts";
import { StoreId } from "../src/contracts/ids.ts";
import type { CancelTimer, Clock } from "../src/kernel/clock.ts";
import { toHex } from "../src/kernel/digest.ts";
import type { Logger } from "../src/kernel/logger.ts";
import type { MarkFile } from "../src/kernel/mark-file.ts";
import type { Store } from "../src/kernel/store.ts";

const Mark = z.strictObject({
  storeId: StoreId,
  heads: z.record(z.string(), z.strictObject({ seq: z.int().nonnegative(), chain: z.string() })),
});

const writeEveryMs = 1_000;

export interface HighWaterMark {
  /** Writes the first one, before any command is taken. One that cannot be written follows the first commit. */
  begin(): Promise<void>;
  /** Call it after commits; the file follows within about a second. */
  note(): void;
  /** Writes what is still to be written. Safe to call twice. */
  close(): Promise<void>;
  /** Writes nothing any more: the folder may be another store's by now. */
  drop(): void;
}

/**
 * Compares the store with its mark.
 * @returns why the store must not be written to: `JOURNAL_TRUNCATED`, or nothing when it reaches its mark or has none yet.
 */
export function checkMark(store: Store, text: string | undefined): AionisError | undefined {
  if (text === undefined) return undefined;
  const mark = readMark(text);
  if (mark === undefined) return unreadable();
  if (mark.storeId !== store.id)
    return truncated(`the high-water mark is of store ${mark.storeId}, the file is ${store.id}`);
  const known = new Set(store.scopeNames());
  for (const [name, marked] of Object.entries(mark.heads)) {
    if (marked.seq === 0) continue;
    const head = known.has(name) ? store.scope(name).head() : undefined;
    if (head === undefined || head.seq < marked.seq) {
      return truncated(`the journal of ${name} ends at ${head?.seq ?? 0}, its high-water mark is ${marked.seq}`);
    }
    const chain = store.scope(name).chainAt(marked.seq);
    if (!(chain instanceof Uint8Array) || toHex(chain) !== marked.chain) {
      return truncated(`event ${marked.seq} of ${name} is not the one that the high-water mark saw`);
    }
  }
  return undefined;
}

export function createHighWaterMark(options: {
  store: Store;
  file: MarkFile;
  clock: Clock;
  logger: Logger;
}): HighWaterMark {
  const { store, file, clock, logger } = options;
  let cancel: CancelTimer | undefined;
  let writing: Promise<void> = Promise.resolve();
  let isBehind = false;
  let isDropped = false;

  function write(): Promise<void> {
    cancel?.();
    cancel = undefined;
    if (!isBehind) return writing;
    isBehind = false;
    const heads: Record<string, { seq: number; chain: string }> = {};
    for (const [name, head] of Object.entries(store.heads())) heads[name] = { seq: head.seq, chain: toHex(head.chain) };
    const text = `${JSON.stringify({ storeId: store.id, heads })}\n`;
    writing = writing
      .then(() => file.write(text))
      .catch((error: unknown) => {
        isBehind = true;
        logger.log("warn", "the high-water mark could not be written", { error: String(error) });
      });
    return writing;
  }

  /** One that was removed while nothing was recorded is written again: the next start would not know how far the journal went. */
  async function restoreIfGone(): Promise<void> {
    const isThere = await file.read().then(
      (text) => text !== undefined,
      () => true, // what cannot be read is there, and is told at the next start
    );
    if (!isThere && Object.values(store.heads()).some(({ seq }) => seq > 0)) isBehind = true;
  }

  return {
    async begin() {
      isBehind = true;
      await write();
    },
    note() {
      if (isDropped) return;
      isBehind = true;
      cancel ??= clock.setTimer(writeEveryMs, () => void write()); // its failure is logged above
    },
    drop() {
      cancel?.();
      isDropped = true;
    },
    async close() {
      if (isDropped) return;
      await restoreIfGone();
      await write();
    },
  };
}

function readMark(text: string): z.infer<typeof Mark> | undefined {
  try {
    return Mark.parse(JSON.parse(text));
  } catch {
    return undefined; // the caller says what follows
  }
}

/** Of a mark that is damaged nothing is known, not that events are missing. */
function unreadable(): AionisError {
  return new AionisError(
    "JOURNAL_TRUNCATED",
    "The mark file does not hold a high-water mark any more, so that nothing tells whether committed events are missing. Verify the store; delete the mark file to go on with the journal as it is, or restore a backup.",
  );
}

function truncated(why: string): AionisError {
  return new AionisError(
    "JOURNAL_TRUNCATED",
    `Committed events are missing: ${why}. Restore a backup, or delete the mark file to accept the loss.`,
  );
}
