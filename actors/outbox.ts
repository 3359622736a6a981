// Outbox
//
// Sends the commands that an ended task owes its open children. Owns: when to send. A row goes with the receiver's own next event, so
// what was sent and not received is sent again after a restart (I8).

import type { Clock } from "../src/kernel/clock.ts";
import type { OutboxRow, ScopeStore } from "../src/kernel/store.ts";

export interface Outbox {
  /** Sends what is there: call it when rows may have come, and at the start. */
  send(): void;
  close(): void;
}

const rowsAtOnce = 64;
const retryMs = 1_000;

export function createOutbox(options: {
  clock: Clock;
  store: Pick<ScopeStore, "outbox">;
  deliver(row: OutboxRow): Promise<void>;
  /** The rows could not be read; what is owed stays owed. */
  onError(error: unknown): void;
}): Outbox {
  const { clock, store, deliver } = options;
  let isSending = false;
  let isAskedAgain = false;
  let isClosed = false;

  async function sendAll(): Promise<void> {
    let after = 0;
    let failed = 0;
    try {
      for (let rows = store.outbox({ after, count: rowsAtOnce }); rows.length > 0 && !isClosed; ) {
        const outcomes = await Promise.allSettled(rows.map(deliver));
        failed += outcomes.filter(({ status }) => status === "rejected").length;
        after = rows.at(-1)?.id ?? after;
        if (!isClosed) rows = store.outbox({ after, count: rowsAtOnce });
      }
    } finally {
      isSending = false;
    }
    if (isAskedAgain) send();
    else if (failed > 0 && !isClosed) clock.setTimer(retryMs, send);
  }

  function send(): void {
    isAskedAgain = isSending;
    if (isSending || isClosed) return;
    isSending = true;
    sendAll().catch(options.onError);
  }

  return {
    send,
    close() {
      isClosed = true;
    },
  };
}
