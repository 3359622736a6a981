// Looks
//
// Which agent has seen which task with an open pause, and how far the journal went then. Owns: that memory, bounded and in this process
// only. Does not own: what follows from it. An answer that names no pause is decided with it; what is forgotten counts as never seen,
// which refuses more and never less.

import type { TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationName, OperationOutput } from "../contracts/operations/index.ts";
import type { Task } from "../contracts/task.ts";

/** A task that was shown with a pause, as it stood at `seq`. */
interface Look {
  taskId: TaskId;
  seq: number;
}

export interface Looks {
  note(agent: string, looks: Iterable<Look>): void;
  /** Up to which event `agent` has seen the task; 0 when that is not known. */
  of(agent: string, taskId: TaskId): number;
}

export function createLooks(looksMax: number = limits.looks): Looks {
  const seqs = new Map<string, number>(); // in the order of looking

  return {
    note(agent, looks) {
      for (const { taskId, seq } of looks) {
        const key = toKey(agent, taskId);
        const latest = Math.max(seqs.get(key) ?? 0, seq);
        seqs.delete(key);
        seqs.set(key, latest);
        const [oldest] = seqs.keys();
        if (seqs.size > looksMax && oldest !== undefined) seqs.delete(oldest);
      }
    },
    of: (agent, taskId) => seqs.get(toKey(agent, taskId)) ?? 0,
  };
}

/**
 * What the answer of a query shows of open pauses: tasks as they stood at the head, and events of pauses, which say how things stood where
 * their page ends. Items of a list stood at any time since the head was at `before`.
 */
export function readLooks(
  name: OperationName,
  output: unknown,
  { before, after: head }: { before: number; after: number },
): Look[] {
  switch (name) {
    case "tasks.get":
    case "tasks.watch":
    case "handoff.recover":
      return toLooks([(output as OperationOutput<typeof name>).task], head);
    case "tasks.list":
      return toLooks((output as OperationOutput<typeof name>).tasks, before);
    case "delegation.tree":
      return toLooks(
        (output as OperationOutput<typeof name>).nodes.map(({ task }) => task),
        before,
      );
    case "tasks.explain": {
      const { taskId, allowed } = output as OperationOutput<typeof name>;
      return allowed.includes("tasks.resume") ? [{ taskId, seq: head }] : []; // what every open pause takes
    }
    case "events.read": {
      const { events, next } = output as OperationOutput<typeof name>;
      const asked = events.filter(({ type }) => type === "task.paused");
      return asked.map(({ taskId }) => ({ taskId, seq: next - 1 }));
    }
    default:
      return [];
  }
}

function toLooks(tasks: readonly Task[], seq: number): Look[] {
  return tasks.filter(({ pauses }) => pauses.length > 0).map(({ id }) => ({ taskId: id, seq }));
}

function toKey(agent: string, taskId: TaskId): string {
  return `${taskId}${agent}`; // a task id has a fixed length
}
