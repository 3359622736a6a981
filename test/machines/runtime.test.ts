import { describe, expect, it } from "vitest";
import { initialTransition, type SnapshotFrom, transition } from "xstate";
import { runtimeMachine } from "../../machines/index.ts";

type State = SnapshotFrom<typeof runtimeMachine>;

const events: Parameters<typeof transition<typeof runtimeMachine>>[2][] = [
  { type: "runtime.started" },
  { type: "transport.served", kind: "nats" },
  { type: "runtime.closing" },
  { type: "runtime.closed" },
];

/** How to get there, and where each event of `events` leads: started, served, closing, closed. */
const table = {
  starting: { path: [], to: ["serving", "starting", "closing", "starting"] },
  serving: { path: [0], to: ["serving", "serving", "closing", "serving"] },
  closing: { path: [0, 2], to: ["closing", "closing", "closing", "closed"] },
  closed: { path: [0, 2, 3], to: ["closed", "closed", "closed", "closed"] },
};

function start(): State {
  return initialTransition(runtimeMachine, { scope: "acme/billing" })[0];
}

function follow(state: State, index: number): State {
  const event = events[index];
  return event === undefined || state.status !== "active" ? state : transition(runtimeMachine, state, event)[0];
}

describe("runtime machine", () => {
  for (const [state, { path, to }] of Object.entries(table)) {
    for (const [index, target] of to.entries()) {
      it(`in ${state}, ${events[index]?.type} leads to ${target}`, () => {
        const before = path.reduce(follow, start());
        expect(before.value).toBe(state);

        expect(follow(before, index).value).toBe(target);
      });
    }
  }

  it("says on what it serves", () => {
    expect([0, 1].reduce(follow, start()).context).toEqual({ scope: "acme/billing", serves: ["nats"] });
  });
});
