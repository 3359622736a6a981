import { describe, expect, it } from "vitest";
import { initialTransition, type SnapshotFrom, transition } from "xstate";
import { persistenceMachine } from "../../machines/index.ts";

type State = SnapshotFrom<typeof persistenceMachine>;

const events: Parameters<typeof transition<typeof persistenceMachine>>[2][] = [
  { type: "store.opened" },
  { type: "store.suspended", reason: "full" },
  { type: "store.resumed" },
  { type: "store.failed", reason: "I/O" },
  { type: "store.closed" },
];

/** How to get there, and where each event of `events` leads: opened, suspended, resumed, failed, closed. */
const table = {
  opening: { path: [], to: ["ready", "readOnly", "opening", "failed", "closed"] },
  ready: { path: [0], to: ["ready", "readOnly", "ready", "failed", "closed"] },
  readOnly: { path: [0, 1], to: ["readOnly", "readOnly", "ready", "failed", "closed"] },
  failed: { path: [3], to: ["failed", "failed", "failed", "failed", "failed"] },
  closed: { path: [4], to: ["closed", "closed", "closed", "closed", "closed"] },
};

describe("persistence machine", () => {
  for (const [state, { path, to }] of Object.entries(table)) {
    for (const [index, target] of to.entries()) {
      it(`in ${state}, ${events[index]!.type} leads to ${target}`, () => {
        const before = [...path].reduce(follow, initialTransition(persistenceMachine)[0]);
        expect(before.value).toBe(state);

        expect(follow(before, index).value).toBe(target);
      });
    }
  }

  it("says why it takes no commands, until it does again", () => {
    const suspended = [0, 1].reduce(follow, initialTransition(persistenceMachine)[0]);

    expect(suspended.context.reason).toBe("full");
    expect(follow(suspended, 2).context.reason).toBeNull();
  });
});

function follow(before: State, index: number): State {
  if (before.status !== "active") return before; // an actor that has ended takes nothing
  return transition(persistenceMachine, before, events[index]!)[0];
}
