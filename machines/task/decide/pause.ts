import { toAnswerSchema, whyAnswerMisfits } from "../../../src/contracts/answers.ts";
import { isFailure } from "../../../src/contracts/failures.ts";
import { isSameJson } from "../../../src/contracts/json.ts";
import { limits } from "../../../src/contracts/limits.ts";
import type { CommandOf, Decision, Facts } from "../commands.ts";
import type { TaskSnapshot } from "../state.ts";
import { preferenceFor } from "./claim.ts";
import { accept, refuse, refuseState } from "./refuse.ts";
import { mustRun, toMoment } from "./run.ts";

/** Ends the run; lease and slot are given back. */
export function decidePause(snapshot: TaskSnapshot, command: CommandOf<"tasks.pause">, facts: Facts): Decision {
  const refusal = mustRun(snapshot, command, facts);
  if (refusal !== undefined) return refusal;
  const { context } = snapshot;
  const { question, answerSchema, about, approver, note } = command.input;
  const expiresAt = toMoment(facts.at, command.input.expiresAt, command.input.expiresInMs);
  if (context.pauseEnds.length >= limits.pausesPerStage) {
    return refuse(
      "PAUSE_LIMIT",
      `${context.id} was paused ${context.pauseEnds.length} times in stage ${context.stage}.`,
    );
  }
  const unusable = whyUnusable(command.input);
  if (unusable !== undefined) return unusable;
  return accept({
    type: "task.paused",
    epoch: context.epoch,
    facts: { asks: question !== undefined, about, expiresAt, approver },
    body: { question, answerSchema, note },
  });
}

/** A question that nobody could answer is refused when it is asked. */
function whyUnusable(input: CommandOf<"tasks.pause">["input"]): Decision | undefined {
  if (input.answerSchema === undefined) return undefined;
  if (input.question === undefined)
    return refuse("INPUT_INVALID", "answerSchema is given without a question; give both or neither.");
  try {
    toAnswerSchema(input.answerSchema);
    return undefined;
  } catch (failure) {
    if (!isFailure(failure, "INPUT_INVALID")) throw failure;
    return { kind: "refused", failure };
  }
}

/** The same answer twice is one answer; another answer to an answered question is a conflict. */
export function decideAnswer(snapshot: TaskSnapshot, command: CommandOf<"tasks.answer">, facts: Facts): Decision {
  const { context } = snapshot;
  const { answer } = command.input;
  if (context.pause === null) {
    if (facts.answered === undefined) return refuseState(snapshot, command.name);
    if (isSameJson(facts.answered.answer, answer)) return { kind: "already", seq: facts.answered.seq };
    return refuse("ANSWER_CONFLICT", `The last question of ${context.id} was answered otherwise.`, {
      seq: facts.answered.seq,
    });
  }
  if (!context.pause.asks)
    return refuse("TASK_STATE_CONFLICT", `${context.id} is paused without a question; use tasks.resume.`);
  if (context.pause.approver !== null && context.pause.approver !== facts.by) {
    return refuse("NOT_ADDRESSED", `${context.pause.approver} is to answer ${context.id}, not ${facts.by}.`);
  }
  const schema = facts.question?.answerSchema;
  const size = (JSON.stringify(answer) ?? "").length;
  if (size > limits.answerBytes) {
    return refuse(
      "ANSWER_INVALID",
      `The answer for ${context.id} has ${size} characters; at most ${limits.answerBytes} are kept.`,
    );
  }
  const misfit = schema === undefined ? undefined : whyAnswerMisfits(schema, answer);
  if (misfit !== undefined) return refuse("ANSWER_INVALID", `The answer for ${context.id} does not fit: ${misfit}.`);
  return accept({ type: "task.answered", epoch: context.epoch, facts: toClaimable(snapshot, facts), body: { answer } });
}

export function decideResume(snapshot: TaskSnapshot, command: CommandOf<"tasks.resume">, facts: Facts): Decision {
  if (snapshot.value !== "paused") return refuseState(snapshot, command.name);
  const { epoch, pause, id } = snapshot.context;
  if (pause?.approver != null && pause.approver !== facts.by) {
    return refuse("NOT_ADDRESSED", `${pause.approver} is to answer or resume ${id}, not ${facts.by}.`);
  }
  return accept({
    type: "task.resumed",
    epoch,
    facts: toClaimable(snapshot, facts),
    body: { reason: command.input.reason },
  });
}

/** Claimable at once, for the last owner first. */
export function toClaimable(snapshot: TaskSnapshot, facts: Facts) {
  return { claimableAt: facts.at, preferred: preferenceFor(snapshot.context.lastAgent, facts.at) };
}
