import "./node-version.ts";

// For people who draw the statecharts, or run one beside ours: the machines with types of our own, because XState's declarations do not
// compile under every option of a user.

import {
  lessonMachine as lesson,
  persistenceMachine as persistence,
  playbookMachine as playbook,
  runtimeMachine as runtime,
  taskMachine as task,
} from "../machines/index.ts";
import { workerMachine as worker } from "../machines/worker.ts";
import type { EventHeader } from "./contracts/events.ts";

export type { EventHeader } from "./contracts/events.ts";

/** Where a statechart stands, as XState 5 has it. */
export type StatechartSnapshot = PersistedSnapshot & { readonly value: StateValue; readonly context: object };

/** A state's name, or the names of states within states. */
export type StateValue = string | { readonly [state: string]: StateValue | undefined };

/** What is kept of any actor of XState. */
export type PersistedSnapshot =
  | { status: "active" | "stopped"; output: undefined; error: undefined }
  | { status: "done"; output: unknown; error: undefined }
  | { status: "error"; output: undefined; error: unknown };

/** A machine of XState 5, for its `createActor`, `transition` and `initialTransition`. `config` is what it was made of. */
export interface Statechart<Event extends { type: string }, Input = undefined> {
  readonly id: string;
  readonly config: object;
  transition(snapshot: StatechartSnapshot, event: Event, scope: unknown): StatechartSnapshot;
  getInitialSnapshot(scope: unknown, input: Input): StatechartSnapshot;
  restoreSnapshot(snapshot: PersistedSnapshot, scope: unknown): StatechartSnapshot;
  getPersistedSnapshot(snapshot: StatechartSnapshot, options?: unknown): PersistedSnapshot;
}

/** The life of a task; its input is the event `task.created`. */
export const taskMachine: Statechart<EventHeader, EventHeader<"task.created">> = task;
/** How a lesson comes to be trusted, and how it loses trust. */
export const lessonMachine: Statechart<{ type: string }> = lesson;
/** How a playbook is made, replayed, repaired and promoted. */
export const playbookMachine: Statechart<{ type: string }> = playbook;
/** The life of a runtime. */
export const runtimeMachine: Statechart<{ type: string }, { scope: string }> = runtime;
/** The life of the actor that commits. */
export const persistenceMachine: Statechart<{ type: string }> = persistence;
/** The life of a worker. */
export const workerMachine: Statechart<{ type: string }> = worker;
