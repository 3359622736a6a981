// Task actor
//
// One live XState actor that holds where a task stands and folds its events. It is a root of its own, never a child: spawning under one
// parent costs more with each child.
//
// Invariants:
//   A1. An event that the machine does not take is a failure (`TASK_UNFOLDABLE`), never a no-op. XState drops such events in silence and
//       hands back the very same snapshot object: comparing notices that and a throwing assign in one place, at the price of a send.
//   A2. After a fold that failed the actor stands where it stood before.

import { type Actor, createActor } from "xstate";
import {
  type TaskSnapshot,
  taskMachine,
  toFirstSnapshot,
  toMachineSnapshot,
  toTaskSnapshot,
} from "../machines/index.ts";
import type { EventHeader } from "../src/contracts/events.ts";
import { AionisError } from "../src/contracts/failures.ts";

type Origin = { first: EventHeader<"task.created"> } | { snapshot: TaskSnapshot };

export interface TaskActor {
  snapshot(): TaskSnapshot;
  /** @throws AionisError `TASK_UNFOLDABLE`; the actor then stands where it stood before. */
  fold(event: EventHeader): void;
  /** Goes back to a snapshot that this actor had. */
  restore(snapshot: TaskSnapshot): void;
  stop(): void;
}

/** A task's actor from its first event, or from a snapshot. */
export function createTaskActor(origin: Origin): TaskActor {
  let actor = start(origin);
  let seen = toTaskSnapshot(actor.getSnapshot());

  const restore = (snapshot: TaskSnapshot): void => {
    actor.stop();
    actor = start({ snapshot });
    seen = snapshot;
  };

  return {
    snapshot: () => seen,
    fold(event) {
      const before = actor.getSnapshot();
      if (before.status === "active") actor.send(event);
      const after = actor.getSnapshot();
      if (after !== before && after.status !== "error") {
        seen = toTaskSnapshot(after);
        return;
      }
      const cause = after.status === "error" ? after.error : undefined;
      if (after !== before) restore(seen); // A2
      throw new AionisError(
        "TASK_UNFOLDABLE",
        `${event.taskId} does not take ${event.type} (event ${event.seq}) in ${JSON.stringify(before.value)}; verify the store.`,
        { cause, facts: { seq: event.seq, type: event.type } },
      );
    },
    restore,
    stop: () => void actor.stop(),
  };
}

/** The snapshot of an encoded state. @throws AionisError `TASK_UNFOLDABLE` when the state is none of this machine's. */
export function toSnapshot(state: { value: unknown; context: unknown }): TaskSnapshot {
  try {
    const snapshot = state as TaskSnapshot; // written by `encodeSnapshot` of the same machine version
    toMachineSnapshot(snapshot);
    return snapshot;
  } catch (cause) {
    throw new AionisError(
      "TASK_UNFOLDABLE",
      `A snapshot holds the state ${JSON.stringify(state.value)}, which does not exist.`,
      { cause },
    );
  }
}

function start(origin: Origin): Actor<typeof taskMachine> {
  const snapshot = toMachineSnapshot("first" in origin ? toFirstSnapshot(origin.first) : origin.snapshot);
  const actor = createActor(taskMachine, { input: undefined as never, snapshot }); // a snapshot needs no input
  actor.subscribe({ error() {} }); // seen in `fold` through the snapshot's status; without an observer XState would end the process
  actor.start();
  return actor;
}
