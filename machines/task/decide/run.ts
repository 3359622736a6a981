import { limits } from "../../../src/contracts/limits.ts";
import type { Return } from "../../../src/contracts/packet.ts";
import {
  differencesOf,
  type StepReceipt,
  type StepSubject,
  toAbout,
  toStepLabel,
} from "../../../src/contracts/step.ts";
import type { Check, CheckResult } from "../../../src/contracts/values.ts";
import type { CommandOf, Decision, Facts } from "../commands.ts";
import { isClaimed, isRunning, type TaskSnapshot } from "../state.ts";
import { accept, refuse, refuseState, refuseStranger } from "./refuse.ts";
import { toReturn, withReturn } from "./return.ts";

/** A recorded success is never recorded again: the same step is answered from its event. */
export function decideStep(snapshot: TaskSnapshot, command: CommandOf<"tasks.step">, facts: Facts): Decision {
  const refusal = mustRun(snapshot, command, facts);
  if (refusal !== undefined) return refusal;
  const { step } = command.input;
  const known = facts.step;
  if ("supersedes" in step) return supersedeStep(snapshot, step, known);
  if (known !== undefined && isDiverged(known, step) && !mayDiffer(snapshot, known, step))
    return refuseDiverged(snapshot, known, step);
  if (known?.status === "succeeded") return { kind: "already", seq: known.seq };
  return "begin" in step ? beginStep(snapshot, step, known, facts) : recordStep(snapshot, step, known);
}

/**
 * Whether a step may come with another tool or input than it was recorded with: when the record holds nothing that could be given back,
 * or when its outcome is not known and a person has seen both.
 */
function mayDiffer(snapshot: TaskSnapshot, known: StepReceipt, step: StepSubject): boolean {
  if (known.status === "superseded") return true;
  if (known.status === "failed") return known.retryable !== false;
  return known.status === "begun" && findAnswer(snapshot, known.seq, step) !== undefined;
}

/** The latest answer to a question about the record at `seq`, asked by code that came with this tool and input. */
function findAnswer({ context }: TaskSnapshot, seq: number, { tool, inputHash }: StepSubject) {
  return context.pauseEnds.findLast(
    ({ end, concerns }) =>
      end === "answered" && concerns?.seq === seq && concerns.tool === tool && concerns.inputHash === inputHash,
  );
}

/** A record is set aside once, by the word of a person. */
function supersedeStep(
  snapshot: TaskSnapshot,
  { supersedes, ...step }: StepSubject & { supersedes: number },
  known: StepReceipt | undefined,
): Decision {
  const { epoch, stage, id } = snapshot.context;
  if (known?.supersedes === supersedes) return { kind: "already", seq: known.seq };
  if (known?.seq !== supersedes || findAnswer(snapshot, supersedes, step)?.choice !== "rerun") {
    const what = `Step ${toStepLabel(step)} of ${id} cannot be set aside at ${supersedes}`;
    return refuse("STEP_DIVERGED", `${what}: no question about that record was answered with "rerun".`, {
      ...(known === undefined ? {} : { seq: known.seq, status: known.status }),
    });
  }
  const rerun = (known.rerun ?? 0) + 1;
  return accept({ type: "step.superseded", epoch, facts: { ...toSubject(step), stage, supersedes, rerun }, body: {} });
}

function beginStep(
  snapshot: TaskSnapshot,
  step: StepSubject & { input?: unknown },
  known: StepReceipt | undefined,
  facts: Facts,
): Decision {
  const { epoch, stage } = snapshot.context;
  if (known?.status === "begun") {
    const isOwn = facts.stepEpoch === epoch; // not by its time: the wall clock may have gone back since
    if (isOwn) return { kind: "already", seq: known.seq };
    return refuse(
      "STEP_OUTCOME_UNKNOWN",
      `Step ${toStepLabel(step)} began at ${known.at} by ${known.agent} and never ended.`,
      { seq: known.seq, about: toAbout(step) },
    );
  }
  const subject = { ...toSubject(step), stage, ...toRerun(known) };
  return accept({ type: "step.begun", epoch, facts: subject, body: { input: step.input } });
}

type StepReportInput = Extract<CommandOf<"tasks.step">["input"]["step"], { outcome: unknown }>;

function recordStep(snapshot: TaskSnapshot, step: StepReportInput, known: StepReceipt | undefined): Decision {
  const { epoch, stage } = snapshot.context;
  const common = { ...toSubject(step), stage, durationMs: step.durationMs, cost: step.cost, ...toRerun(known) };
  if (step.outcome.kind === "failed") {
    return accept({
      type: "step.failed",
      epoch,
      facts: { ...common, retryable: step.outcome.retryable },
      body: { input: step.input, error: step.outcome.error, files: step.files },
    });
  }
  return accept({
    type: "step.succeeded",
    epoch,
    facts: common,
    body: { input: step.input, output: step.outcome.output, files: step.files },
  });
}

/** What a step keeps of having been set aside. */
function toRerun(known: StepReceipt | undefined): { rerun?: number } {
  return known?.rerun === undefined ? {} : { rerun: known.rerun };
}

function toSubject(step: StepSubject): StepSubject {
  const { name, ordinal, key, tool, inputHash, beside } = step;
  return { name, ordinal, key, tool, inputHash, beside };
}

function isDiverged(known: StepReceipt, step: StepSubject): boolean {
  return differencesOf(known, step).length > 0;
}

function refuseDiverged(snapshot: TaskSnapshot, known: StepReceipt, step: StepSubject): Decision {
  return refuse(
    "STEP_DIVERGED",
    `Step ${toStepLabel(step)} of ${snapshot.context.id} was recorded with another ${differencesOf(known, step).join(" and ")}.`,
    { seq: known.seq, status: known.status },
  );
}

/** Without checks the work is done; with checks it must first stand up to them. */
export function decideComplete(snapshot: TaskSnapshot, command: CommandOf<"tasks.complete">, facts: Facts): Decision {
  const refusal = mustRun(snapshot, command, facts);
  if (refusal !== undefined) return refusal;
  const { context } = snapshot;
  if (context.childrenOpen.length > 0) {
    const open = context.childrenOpen.map((child) => child.childId);
    return refuse("CHILDREN_OPEN", `${context.id} waits for ${open.join(", ")}; await or cancel them first.`, { open });
  }
  const added = command.input.checks.filter((check) => !context.checks.some(({ name }) => name === check.name));
  const checks = [...context.checks, ...added.map(({ name, required }) => ({ name, required }))];
  if (checks.length > limits.checks) {
    return refuse("INPUT_INVALID", `${context.id} would have ${checks.length} checks; ${limits.checks} are allowed.`);
  }
  const result: Return = { ...command.input.return, outcome: "completed" };
  const next = checks.length > 0 ? "verifying" : "succeeded";
  const decision = accept({
    type: "task.completed",
    epoch: context.epoch,
    facts: { next, checks },
    body: { return: result, checks: added satisfies Check[] },
  });
  return next === "succeeded" ? withReturn(snapshot, decision, result) : decision;
}

/** All required checks passed, or the work goes on. The results must answer for each check, and for no other. */
export function decideVerify(snapshot: TaskSnapshot, command: CommandOf<"tasks.verify">, facts: Facts): Decision {
  const refusal = mustHold(snapshot, command, facts);
  if (refusal !== undefined) return refusal;
  if (snapshot.value !== "verifying") return refuseState(snapshot, command.name);
  const { context } = snapshot;
  const { results } = command.input;
  const expected = context.verifying.map(({ name }) => name).sort();
  const given = results.map(({ name }) => name).sort();
  if (expected.length !== given.length || expected.some((name, index) => name !== given[index])) {
    return refuse(
      "CHECKS_UNKNOWN",
      `The results are for ${given.join(", ")}; ${context.id} has ${expected.join(", ")}.`,
      { expected },
    );
  }
  const { isolation } = context;
  const isGood = ({ passed, isolation: ran }: CheckResult): boolean =>
    passed && (isolation === undefined || ran === isolation);
  const failed = context.verifying
    .filter(({ name, required }) => required && results.some((result) => result.name === name && !isGood(result)))
    .map(({ name }) => name);
  if (failed.length > 0) {
    const decision = accept({ type: "checks.failed", epoch: context.epoch, facts: { failed }, body: { results } });
    return context.replay?.mode === "strict" ? withStrictEnd(snapshot, decision, failed) : decision;
  }
  const decision = accept({ type: "checks.passed", epoch: context.epoch, facts: {}, body: { results } });
  const result = { ...(facts.completion ?? toReturn("completed", "")), checks: results };
  return withReturn(snapshot, decision, result, "verified");
}

/** A strict replay ends in the commit of its failed check: whoever took it up after a death would run the check again, and it might pass. */
function withStrictEnd({ context }: TaskSnapshot, decision: Decision, failed: readonly string[]): Decision {
  if (decision.kind !== "accepted") return decision;
  const error = `The replay is not done: ${failed.join(", ")} failed.`.slice(0, limits.lineChars).toWellFormed();
  const data = { replay: "failed", break: { step: "checks", why: error } };
  const input = { taskId: context.id, epoch: context.epoch, error, retryable: false, code: "CHECKS_FAILED", data };
  return { ...decision, also: [{ name: "tasks.fail", taskId: context.id, input }] };
}

type Owned = CommandOf<
  | "tasks.step"
  | "tasks.release"
  | "tasks.pause"
  | "tasks.rest"
  | "tasks.complete"
  | "tasks.verify"
  | "tasks.fail"
  | "tasks.delegate"
  | "handoff.offer"
  | "handoff.return"
>;

/** The caller owns the present claim. */
export function mustHold(snapshot: TaskSnapshot, command: Owned, facts: Facts): Decision | undefined {
  const stranger = refuseStranger(snapshot, { epoch: command.input.epoch, by: facts.by });
  return stranger ?? (isClaimed(snapshot) ? undefined : refuseState(snapshot, command.name));
}

/** The caller owns the present claim and the work is going on. */
export function mustRun(snapshot: TaskSnapshot, command: Owned, facts: Facts): Decision | undefined {
  return mustHold(snapshot, command, facts) ?? (isRunning(snapshot) ? undefined : refuseState(snapshot, command.name));
}
