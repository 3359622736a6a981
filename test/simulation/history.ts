// What every part of the checker reads.

import type { EventHeader } from "../../src/contracts/events.ts";
import type { PlaybookStep } from "../../src/contracts/playbook.ts";
import type { StoredEvent } from "../../src/kernel/store.ts";

/** Something that a program was told is recorded. */
export interface Acked {
  op: string;
  taskId: string;
  epoch: number;
  agent: string;
  /** Absent for claims, which are known by their epoch. */
  seq?: number;
  commandId?: string;
}

/** An owner of a claim that was refused because another holds the task, or nobody does any more. */
export interface Fenced {
  taskId: string;
  epoch: number;
  agent: string;
  /** When it heard of that, in virtual time. */
  at: number;
}

/** A scope's journal, as it is stored and decoded, with what its programs were told. */
export interface History {
  journal: readonly Pick<StoredEvent, "body">[];
  events: readonly EventHeader[];
  acknowledged: readonly Acked[];
  /** What power failures took, as far as they may. */
  lost: readonly EventHeader[];
}

/** Whether the task has ended with `event`: only learning goes on. */
export function isEnding(event: EventHeader): boolean {
  if (["task.cancelled", "deadline.passed", "checks.passed"].includes(event.type)) return true;
  return "next" in event.facts && (event.facts.next === "failed" || event.facts.next === "succeeded");
}

/** A task that runs a playbook. */
export interface Replay {
  id: string;
  order: { playbookId: string; version: number; mode: string };
  steps: readonly PlaybookStep[];
  /** What its worker said of it when it was complete. */
  said: string | undefined;
  end: { event: EventHeader; outcome: "passed" | "failed" | "aborted"; isVerified: boolean } | undefined;
  /** How often its playbook was told. */
  told: number;
}

/** The own field of something that the journal holds. */
export function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
