import { sessionKind } from "../../../src/contracts/values.ts";
import type { Command, CommandOf, Decision, Facts } from "../commands.ts";
import { isOpen, type TaskSnapshot } from "../state.ts";
import { toUnclaimed } from "./create.ts";
import { decideCancel } from "./end.ts";
import { accept, refuse, refuseState } from "./refuse.ts";

/** A new session. */
export function decideSession({ taskId, input }: CommandOf<"sessions.create">, facts: Facts): Decision {
  const created = toUnclaimed(sessionKind, taskId, facts);
  return accept({ type: "task.created", epoch: 0, facts: created, body: { brief: input.title } });
}

/** Decides a command for a session, which takes its own and a cancel; what is meant for other tasks is refused. */
export function decideInSession(snapshot: TaskSnapshot, command: Command, facts: Facts): Decision {
  switch (command.name) {
    case "sessions.event":
      return decideNote(snapshot, command);
    case "sessions.close":
      return decideClose(snapshot, command);
    case "tasks.cancel":
      return decideCancel(snapshot, command, facts);
    default:
      return refuseState(snapshot, command.name);
  }
}

/** A session's command for another task: there is no such session. */
export function refuseNoSession({ context }: TaskSnapshot): Decision {
  return refuse("TASK_NOT_FOUND", `There is no session ${context.id}: it is a task of kind ${context.kind}.`);
}

function decideNote(snapshot: TaskSnapshot, command: CommandOf<"sessions.event">): Decision {
  if (!isOpen(snapshot)) return refuseState(snapshot, command.name);
  const { kind, title, text, data } = command.input;
  return accept({ type: "session.noted", epoch: 0, facts: { kind }, body: { title, text, data } });
}

/** The summary of the first close stays. */
function decideClose(snapshot: TaskSnapshot, command: CommandOf<"sessions.close">): Decision {
  const { outcome } = snapshot.context;
  if (outcome !== null && snapshot.value !== "cancelled") return { kind: "already", seq: outcome.seq };
  if (!isOpen(snapshot)) return refuseState(snapshot, command.name);
  const { summary } = command.input;
  return accept({ type: "session.closed", epoch: 0, facts: {}, body: { summary } });
}
