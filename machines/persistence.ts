// Persistence machine
//
// The life of the actor that owns the store: whether it takes commands. Process-local; nothing of it is stored.

import { assign, setup } from "xstate";

type PersistenceEvent =
  | { type: "store.opened" }
  | { type: "store.suspended"; reason: string }
  | { type: "store.resumed" }
  | { type: "store.failed"; reason: string }
  | { type: "store.closed" };

/** `opening` → `ready` ⇄ `readOnly` → `failed` | `closed`. */
export const persistenceMachine = setup({
  types: { context: {} as { reason: string | null }, events: {} as PersistenceEvent }, // types only: XState reads nothing of it
  actions: {
    keepReason: assign({ reason: ({ event }) => ("reason" in event ? event.reason : null) }),
    dropReason: assign({ reason: null }),
  },
}).createMachine({
  id: "persistence",
  version: "1",
  context: { reason: null },
  initial: "opening",
  on: { "store.failed": { target: ".failed", actions: "keepReason" }, "store.closed": ".closed" },
  states: {
    opening: { on: { "store.opened": "ready", "store.suspended": { target: "readOnly", actions: "keepReason" } } },
    /** Takes commands. */
    ready: { on: { "store.suspended": { target: "readOnly", actions: "keepReason" } } },
    /** The disk is full, or the journal is behind its mark: reads go on, commands are refused. */
    readOnly: { on: { "store.resumed": { target: "ready", actions: "dropReason" } } },
    /** An I/O error: what was open may or may not be there; only a new process can tell. */
    failed: { type: "final" },
    closed: { type: "final" },
  },
});
