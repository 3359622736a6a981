import { limits } from "../../../src/contracts/limits.ts";
import { memoryKind } from "../../../src/contracts/values.ts";
import type { Command, CommandOf, Decision, Facts, NewEvent } from "../commands.ts";
import type { TaskSnapshot } from "../state.ts";
import { toUnclaimed } from "./create.ts";
import { accept, refuse, refuseState } from "./refuse.ts";

/** The one task that holds what a scope has learned: it is made when it is first needed, and never ends. */
export function decideMemory(
  snapshot: TaskSnapshot | undefined,
  { taskId }: CommandOf<"memory.open">,
  facts: Facts,
): Decision {
  if (snapshot !== undefined) return { kind: "over" };
  const created = toUnclaimed(memoryKind, taskId, facts);
  return accept({ type: "task.created", epoch: 0, facts: created, body: { brief: "What this scope has learned" } });
}

/** Decides a command for memory: what it is told becomes an event as it is; what is meant for other tasks is refused. */
export function decideInMemory(snapshot: TaskSnapshot, command: Command): Decision {
  switch (command.name) {
    case "memory.write":
      return accept(toWritten(command));
    case "memory.review": {
      const { id, act, reason } = command.input;
      return accept({ type: "review.given", epoch: 0, facts: { lessonId: id, act }, body: { reason } });
    }
    case "memory.import": {
      const { source, cursor, episodes } = command.input;
      const facts = { source, cursor, count: episodes.length };
      return accept({ type: "episodes.imported", epoch: 0, facts, body: { episodes } });
    }
    case "feedback": {
      const { receipt, outcome, note } = command.input;
      const facts = { receiptId: receipt, outcome, lessons: [...command.credited] };
      return accept({ type: "feedback.given", epoch: 0, facts, body: { note } });
    }
    case "nodes.activate": {
      const facts = { outcome: command.input.outcome, lessons: [...command.credited] };
      return accept({ type: "nodes.activated", epoch: 0, facts, body: {} });
    }
    case "recall.reset":
      return accept({ type: "recall.reset", epoch: 0, facts: {}, body: { reason: command.input.reason } });
    case "memory.learn":
      return accept(command.event);
    default:
      return refuseState(snapshot, command.name);
  }
}

/** A command of memory for another task. The runtime itself names memory, so that this is a bug of a caller that speaks for it. */
export function refuseNoMemory({ context }: TaskSnapshot): Decision {
  return refuse(
    "TASK_NOT_FOUND",
    `${context.id} is a task of kind ${context.kind}; it holds nothing that was learned.`,
  );
}

/** What is written down counts as said by its writer: it is known, and proves nothing. */
function toWritten({ lessonId, input }: CommandOf<"memory.write">): NewEvent {
  const { commandId: _, kind, title, ...said } = input;
  const firstLine = said.text.split("\n", 1)[0]?.trim() ?? "";
  const shown = title ?? (firstLine === "" ? kind : firstLine.slice(0, limits.nameChars).toWellFormed());
  const content = { ...said, goal: shown, steps: [], checks: [], errors: [] };
  return {
    type: "lesson.written",
    epoch: 0,
    facts: { lessonId, kind, from: null, to: "observed", evidence: [], missing: [] },
    body: { content },
  };
}
