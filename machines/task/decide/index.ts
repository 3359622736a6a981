// Decide
//
// Turns a command into a refusal or one event in which every decision is made. Pure: the same snapshot, command and facts give the
// same decision. Owns: what is allowed, and every value that an event carries. Does not own: folding (`machine.ts`), reading facts,
// writing.

import { isDue } from "../../../src/contracts/due.ts";
import type { Command, Decision, Facts } from "../commands.ts";
import { isMemory, isPlaybook, isSession } from "../context.ts";
import { type TaskSnapshot, timersOf } from "../state.ts";
import { toNow } from "../waits.ts";
import { decideClaim, decideRefusal, toClaimable } from "./claim.ts";
import { decideDelegated, decideStart, decideStore } from "./create.ts";
import {
  decideCancel,
  decideDeadline,
  decideFail,
  decideLeaseExpired,
  decideParentEnded,
  decideRelease,
  decideRevive,
} from "./end.ts";
import { decideDelegate, decideOffer, decidePacketReturn, decideReturn } from "./give.ts";
import { decideInMemory, decideMemory, refuseNoMemory } from "./memory.ts";
import { decideAnswer, decidePause, decideRest, decideResume, toPauseEnd } from "./pause.ts";
import { decideCompile, decideInPlaybook, isPlaybookOperation, refuseNoPlaybook } from "./playbook.ts";
import { accept, refuse, refuseState } from "./refuse.ts";
import { decideBegin, decideHostRun, decideTold } from "./replay.ts";
import { decideComplete, decideStep, decideVerify } from "./run.ts";
import { decideInSession, decideSession, refuseNoSession } from "./session.ts";

export { allowedFor } from "./refuse.ts";

/** Decides `command` for a task that stands at `snapshot`; `undefined` when there is no such task yet. */
export function decide(snapshot: TaskSnapshot | undefined, command: Command, facts: Facts): Decision {
  if (command.name === "tasks.start") return decideStart(command, facts);
  if (command.name === "handoff.store") return decideStore(command, facts);
  if (command.name === "delegation.start") return decideDelegated(command, facts);
  if (command.name === "sessions.create") return decideSession(command, facts);
  if (command.name === "memory.open") return decideMemory(snapshot, command, facts);
  if (command.name === "playbooks.compile") return decideCompile(command, facts);
  if (command.name === "replay.begin") return decideBegin(command, facts);
  if (command.name === "replay.run.start") return decideHostRun(command, facts);
  if (snapshot === undefined) {
    if (isPlaybookOperation(command.name))
      return refuse(
        "PLAYBOOK_NOT_FOUND",
        `There is no playbook ${command.taskId}; playbooks.list shows those there are.`,
      );
    return refuse(
      "TASK_NOT_FOUND",
      `There is no task ${command.taskId} in this scope; list tasks to see those there are.`,
    );
  }
  if (isSession(snapshot)) return decideInSession(snapshot, command, facts);
  if (isMemory(snapshot)) return decideInMemory(snapshot, command);
  if (isPlaybook(snapshot)) return decideInPlaybook(snapshot, command);
  switch (command.name) {
    case "tasks.claim":
    case "handoff.claim":
      return decideClaim(snapshot, command, facts);
    case "handoff.decline":
    case "handoff.withdraw":
      return decideRefusal(snapshot, command, facts);
    case "tasks.step":
      return decideStep(snapshot, command, facts);
    case "tasks.release":
      return decideRelease(snapshot, command, facts);
    case "tasks.pause":
      return decidePause(snapshot, command, facts);
    case "tasks.rest":
      return decideRest(snapshot, command, facts);
    case "tasks.answer":
      return decideAnswer(snapshot, command, facts);
    case "tasks.resume":
      return decideResume(snapshot, command, facts);
    case "tasks.complete":
      return decideComplete(snapshot, command, facts);
    case "tasks.verify":
      return decideVerify(snapshot, command, facts);
    case "tasks.fail":
      return decideFail(snapshot, command, facts);
    case "tasks.cancel":
      return decideCancel(snapshot, command, facts);
    case "claim.revive":
      return decideRevive(snapshot, command, facts);
    case "parent.ended":
      return decideParentEnded(snapshot, facts);
    case "tasks.delegate":
      return decideDelegate(snapshot, command, facts);
    case "handoff.offer":
      return decideOffer(snapshot, command, facts);
    case "handoff.return":
      return decidePacketReturn(snapshot, command, facts);
    case "sessions.event":
    case "sessions.close":
      return refuseNoSession(snapshot);
    case "memory.write":
    case "memory.import":
    case "memory.review":
    case "memory.learn":
    case "feedback":
    case "nodes.activate":
    case "recall.reset":
      return refuseNoMemory(snapshot);
    case "playbooks.run":
    case "playbooks.promote":
    case "playbooks.approve":
    case "playbooks.reject":
    case "playbooks.disable":
    case "playbooks.repair":
    case "playbooks.repairReview":
    case "playbook.compiled":
    case "replay.ended":
      return refuseNoPlaybook(snapshot);
    case "replay.told":
      return decideTold(snapshot, command);
    case "delegation.return":
      return decideReturn(snapshot, command);
    case "lease.expire":
      return decideLeaseExpired(snapshot, command, facts);
    case "timer.fire":
      return decideTimer(snapshot, command.kind, command.entry, facts);
    default:
      return refuseState(snapshot, (command satisfies never as Command).name); // unreachable while the cases are complete
  }
}

/** A timer acts only while the task is still in the entry that asked for it. */
function decideTimer(snapshot: TaskSnapshot, kind: string, entry: number, facts: Facts): Decision {
  const wanted = timersOf(snapshot).find((timer) => timer.kind === kind && timer.entry === entry);
  if (wanted === undefined || !isDue({ at: wanted.dueAt, clock: wanted.clock }, toNow(facts))) return { kind: "over" };
  const { context } = snapshot;
  const { epoch } = context;
  if (wanted.kind === "pause") {
    const pause = context.pauses.find(({ seq }) => seq === entry);
    if (pause === undefined) return { kind: "over" }; // unreachable: the timer was made from it
    return accept({ type: "pause.expired", epoch, facts: toPauseEnd(snapshot, pause, facts), body: {} });
  }
  if (wanted.kind === "handoff" && context.handoff !== null) {
    const { packetId } = context.handoff;
    return accept({
      type: "handoff.expired",
      epoch,
      facts: { packetId, ...toClaimable(context.lastAgent, facts) },
      body: {},
    });
  }
  return decideDeadline(snapshot, facts);
}
