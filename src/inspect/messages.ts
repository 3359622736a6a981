// Messages
//
// What one event of the journal is in the Stately inspection protocol. A task is an actor; so is each agent, whose events it gets, so that a
// sequence diagram shows who handed what to whom. Pure.

import { isOpen, type TaskSnapshot, taskMachine } from "../../machines/index.ts";
import {
  type ActorMessage,
  type EventMessage,
  type InspectedSnapshot,
  inspectionVersion,
  type SnapshotMessage,
} from "../contracts/inspection.ts";
import { definitionOf } from "./definition.ts";
import { showContext, showEvent } from "./redact.ts";
import { cut } from "./text.ts";

/** A task as an actor: what of it stays the same. */
export interface InspectedTask {
  readonly taskId: string;
  /** The root of the tree that is shown. */
  readonly rootId: string;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly createdAt: number;
}

/** Where a task stands; `unfoldable` when the machine did not take one of its events. */
export type Standing = TaskSnapshot | "unfoldable";

/** One event of a task with what it did. */
export interface InspectedEvent {
  readonly type: string;
  readonly seq: number;
  readonly at: number;
  readonly by: string;
}

/** Who causes what the runtime does by itself. */
export const runtimeAgent = "runtime";

/** The `sessionId` of a task. */
export function toTaskSession(taskId: string): string {
  return `task:${taskId}`;
}

/** The `sessionId` of an agent. */
export function toAgentSession(agent: string): string {
  return `agent:${agent}`;
}

/** A task is there. */
export function toTaskActor(task: InspectedTask, standing: Standing): ActorMessage {
  return {
    type: "@xstate.actor",
    name: task.name,
    ...(task.parentId === undefined ? {} : { parentId: toTaskSession(task.parentId) }),
    definition: definitionOf(taskMachine, "task").json,
    snapshot: toSnapshot(standing),
    ...toCommon(toTaskSession(task.taskId), toTaskSession(task.rootId), task.createdAt),
  };
}

/** An agent is there, since the first of its events that is shown. */
export function toAgentActor(agent: string, at: number): ActorMessage {
  const sessionId = toAgentSession(agent);
  return {
    type: "@xstate.actor",
    name: cut(agent, nameChars),
    definition: definitionOf(undefined, agent).json,
    snapshot: stateless,
    ...toCommon(sessionId, sessionId, at),
  };
}

/** A task got an event, and stands there now. */
export function toEventMessages(
  task: InspectedTask,
  event: InspectedEvent,
  standing: Standing,
): [EventMessage, SnapshotMessage] {
  const shown = showEvent(event);
  const common = toCommon(toTaskSession(task.taskId), toTaskSession(task.rootId), event.at);
  return [
    { type: "@xstate.event", event: shown, sourceId: toAgentSession(event.by), ...common },
    {
      type: "@xstate.snapshot",
      event: { type: shown.type, seq: event.seq }, // the whole is in the message before
      snapshot: toSnapshot(standing),
      ...common,
    },
  ];
}

/** The runtime says that only the most recent `shown` of the tasks are shown; the others appear with their next event. */
export function toCutNotice(shown: number, at: number): EventMessage {
  const sessionId = toAgentSession(runtimeAgent);
  const event = { type: "inspection.cut", shown };
  return { type: "@xstate.event", event, sourceId: sessionId, ...toCommon(sessionId, sessionId, at) };
}

/** The name of a task: its title, or what can be said without one. */
export function toTaskName(title: string | undefined, kind: string, taskId: string): string {
  const name = title === undefined || title.trim() === "" ? `${kind} ${taskId.slice(-6)}` : title;
  return cut(name, nameChars);
}

const nameChars = 80;
const nothing = { children: {}, historyValue: {}, tags: [] } as const;
const stateless: InspectedSnapshot = { status: "active", ...nothing };

function toSnapshot(standing: Standing): InspectedSnapshot {
  if (standing === "unfoldable") return { status: "error", ...nothing };
  return {
    status: isOpen(standing) ? "active" : "done",
    value: standing.value,
    context: showContext(standing.context),
    ...nothing,
  };
}

function toCommon(sessionId: string, rootId: string, at: number) {
  return { sessionId, rootId, createdAt: String(at), id: null, _version: inspectionVersion } as const;
}
