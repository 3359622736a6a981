// Worker machine
//
// The life of a worker in its process: whether it takes tasks, and how many it holds. Process-local; nothing of it is stored.

import { assign, setup } from "xstate";

type WorkerEvent =
  | { type: "runtime.reached" }
  | { type: "runtime.lost" }
  | { type: "run.began" }
  | { type: "run.ended" }
  | { type: "worker.drained" }
  | { type: "worker.stopped" };

/** `connecting` → `idle` ⇄ `busy` → `draining` → `stopped`. */
export const workerMachine = setup({
  types: { context: {} as { runs: number }, events: {} as WorkerEvent }, // types only: XState reads nothing of it
  guards: { isLast: ({ context }) => context.runs <= 1, hasRuns: ({ context }) => context.runs > 0 },
  actions: {
    addRun: assign({ runs: ({ context }) => context.runs + 1 }),
    dropRun: assign({ runs: ({ context }) => context.runs - 1 }),
  },
}).createMachine({
  id: "worker",
  version: "1",
  context: { runs: 0 },
  initial: "connecting",
  on: { "worker.stopped": ".stopped" },
  states: {
    /** No answer from the runtime yet, or not any more. What is held goes on. */
    connecting: {
      on: {
        "runtime.reached": [{ guard: "hasRuns", target: "busy" }, { target: "idle" }],
        "run.ended": { actions: "dropRun" },
        "worker.drained": "draining",
      },
    },
    idle: {
      on: {
        "run.began": { target: "busy", actions: "addRun" },
        "runtime.lost": "connecting",
        "worker.drained": "stopped",
      },
    },
    busy: {
      on: {
        "run.began": { actions: "addRun" },
        "run.ended": [{ guard: "isLast", target: "idle", actions: "dropRun" }, { actions: "dropRun" }],
        "runtime.lost": "connecting",
        "worker.drained": "draining",
      },
    },
    /** Takes nothing new; what is held may end. */
    draining: {
      always: { guard: ({ context }) => context.runs === 0, target: "stopped" },
      on: { "run.ended": { actions: "dropRun" } },
    },
    stopped: { type: "final" },
  },
});
