// Runtime machine
//
// The life of a runtime: whether it takes transports to serve on. Process-local; nothing of it is stored.

import { assign, setup } from "xstate";

type RuntimeEvent =
  | { type: "runtime.started" }
  | { type: "transport.served"; kind: string }
  | { type: "runtime.closing" }
  | { type: "runtime.closed" };

/** `starting` → `serving` → `closing` → `closed`. */
export const runtimeMachine = setup({
  types: {
    context: {} as { scope: string; serves: readonly string[] },
    events: {} as RuntimeEvent,
    input: {} as { scope: string },
  }, // types only: XState reads nothing of it
  actions: {
    addTransport: assign({
      serves: ({ context, event }) => ("kind" in event ? [...context.serves, event.kind] : context.serves),
    }),
  },
}).createMachine({
  id: "runtime",
  version: "1",
  context: ({ input }) => ({ scope: input.scope, serves: [] }),
  initial: "starting",
  on: { "runtime.closing": ".closing" },
  states: {
    /** Takes up what was under way when the last runtime ended. */
    starting: { on: { "runtime.started": "serving" } },
    serving: { on: { "transport.served": { actions: "addTransport" } } },
    /** Calls in flight may finish. A store that has failed leads here too. */
    closing: { on: { "runtime.closed": "closed" } },
    closed: { type: "final" },
  },
});
