import type { PlaybookState } from "../../../src/contracts/playbook.ts";
import { playbookKind } from "../../../src/contracts/values.ts";
import type { PlaybookContext, PlaybookSnapshot, ShownContent } from "../../playbook.ts";
import {
  type Command,
  type CommandOf,
  type Decision,
  type Facts,
  playbookOperations,
  type ReplayEnd,
  type ReplayTold,
} from "../commands.ts";
import type { TaskSnapshot } from "../state.ts";
import { toUnclaimed } from "./create.ts";
import { accept, refuse, refuseState } from "./refuse.ts";

/** A new playbook: its task, and what was compiled, in one commit. */
export function decideCompile({ taskId, compiled }: CommandOf<"playbooks.compile">, facts: Facts): Decision {
  const { content } = compiled;
  return {
    kind: "accepted",
    event: {
      type: "task.created",
      epoch: 0,
      facts: { ...toUnclaimed(playbookKind, taskId, facts), family: content.family },
      body: { brief: content.title },
    },
    also: [{ name: "playbook.compiled", taskId, compiled }],
  };
}

/** Decides a command for a playbook; what is meant for other tasks is refused. */
export function decideInPlaybook(snapshot: TaskSnapshot, command: Command): Decision {
  if (command.name === "playbook.compiled") return decideCompiled(command);
  const { playbook } = snapshot.context;
  if (playbook === undefined) return refuseState(snapshot, command.name);
  switch (command.name) {
    case "playbooks.run":
      return decideRun(playbook, command);
    case "replay.ended":
      return decideReplayed(playbook, command);
    case "playbooks.promote":
      return decidePromote(playbook, command);
    case "playbooks.approve": {
      const { reason } = command.input;
      return decideActive(playbook, { reason, approver: command.input.approver });
    }
    case "playbooks.reject":
    case "playbooks.disable":
      return decideDisable(playbook, command);
    case "playbooks.repair":
      return decideRepair(playbook, command);
    case "playbooks.repairReview":
      return decideReview(playbook, command);
    default:
      return refuseState(snapshot, command.name);
  }
}

/** A playbook's command for another task: there is no such playbook. */
export function refuseNoPlaybook({ context }: TaskSnapshot): Decision {
  return refuse("PLAYBOOK_NOT_FOUND", `There is no playbook ${context.id}: it is a task of kind ${context.kind}.`);
}

/** Whether these are commands for a playbook that is there. */
export function isPlaybookOperation(name: Command["name"]): name is (typeof playbookOperations)[number] {
  return (playbookOperations as readonly string[]).includes(name);
}

function decideCompiled({ compiled: { content, isPartial } }: CommandOf<"playbook.compiled">): Decision {
  return accept({
    type: "playbook.compiled",
    epoch: 0,
    facts: { to: "draft", version: 1, isPartial, sources: content.sources },
    body: { content },
  });
}

/** What was prepared is run only as it was prepared for: a playbook that was moved meanwhile has to be looked at again. */
function decideRun(
  { value, context }: PlaybookSnapshot,
  { taskId, replay, input }: CommandOf<"playbooks.run">,
): Decision {
  const { order } = replay;
  const shown = contentOf(context, order.version);
  const blocked = shown === undefined ? ["its steps were changed meanwhile"] : blockersOf(value, shown, order.mode);
  if (shown === undefined || blocked.length > 0) {
    return refuse("PLAYBOOK_BLOCKED", `${taskId} cannot be run ${input.mode}: ${blocked.join("; ")}.`, {
      state: value,
      blockers: blocked,
    });
  }
  const { replayId } = replay;
  const decision = accept({
    type: "playbook.started",
    epoch: 0,
    facts: { to: value, version: context.version, replayId, mode: order.mode, content: order.version },
    body: {},
  });
  const begin: Command = { name: "replay.begin", taskId: replayId, replay };
  if (order.mode === "simulate") return withAlso(decision, [begin]);
  return withAlso(decision, [begin, ...toTold(context, { fact: "started", replayId })]);
}

/** What a replay showed, and what those tasks learn of it from which the playbook was compiled. */
function decideReplayed({ value, context }: PlaybookSnapshot, end: CommandOf<"replay.ended"> & ReplayEnd): Decision {
  const { replayId, order, outcome, isVerified } = end;
  const to = stateAfterReplay(value, context, end);
  const decision = accept({
    type: to === value ? "playbook.replayed" : "playbook.turned",
    epoch: 0,
    facts: {
      ...{ to, version: to === value ? context.version : context.version + 1 },
      ...{ replayId, mode: order.mode, outcome, isVerified, content: order.version },
    },
    body: end.break === undefined ? {} : { break: end.break },
  });
  if (order.mode === "simulate") return decision;
  const fact = outcome === "passed" && isVerified ? "replayed" : "failed";
  const why = end.break === undefined ? {} : { why: end.break.why };
  return withAlso(decision, toTold(context, { fact, replayId, ...why }));
}

/** A dry run that passes makes a draft a shadow; a check that fails contests what is run, whatever it was. */
function stateAfterReplay(value: PlaybookState, { content }: PlaybookContext, end: ReplayEnd): PlaybookState {
  const { order, outcome } = end;
  if (order.version !== content.version || value === "disabled") return value; // of a proposal, or over
  if (order.mode === "simulate") return outcome === "passed" && value === "draft" ? "shadow" : value;
  return outcome === "failed" ? "contested" : value;
}

function decidePromote(playbook: PlaybookSnapshot, { taskId, input }: CommandOf<"playbooks.promote">): Decision {
  const { value, context } = playbook;
  const { to, reason, approver } = input;
  if (to === value) return refuse("PLAYBOOK_STATE_CONFLICT", `${taskId} is ${value} already.`, { state: value });
  if (to === "active") return decideActive(playbook, { reason, approver });
  if (value === "disabled" && context.content.dryRun !== null) {
    const evidence = [context.content.dryRun];
    return accept({
      type: "playbook.moved",
      epoch: 0,
      facts: { to, version: context.version + 1, evidence },
      body: { reason },
    });
  }
  if (value === "active" || value === "contested")
    return refuse(
      "PLAYBOOK_STATE_CONFLICT",
      `${taskId} is ${value}; only a draft or a disabled one becomes a shadow.`,
      {
        state: value,
      },
    );
  return refuseEvidence(to, listMissing(playbook, to));
}

function decideActive(
  playbook: PlaybookSnapshot,
  { reason, approver }: { reason: string; approver?: string | undefined },
): Decision {
  const { value, context } = playbook;
  if (value === "active") return refuse("PLAYBOOK_STATE_CONFLICT", "It is active already.", { state: value });
  const missing = listMissing(playbook, "active", approver !== undefined);
  if (missing.length > 0) return refuseEvidence("active", missing);
  const evidence = [context.content.dryRun, context.content.strict].filter((seq) => seq !== null);
  const decision = accept({
    type: "playbook.moved",
    epoch: 0,
    facts: { to: "active", version: context.version + 1, approver, evidence },
    body: { reason },
  });
  return withAlso(decision, toTold(context, { fact: "promoted", evidence, why: reason }));
}

function decideDisable(
  { value, context }: PlaybookSnapshot,
  { name, taskId, input }: CommandOf<"playbooks.reject" | "playbooks.disable">,
): Decision {
  if (value === "disabled")
    return refuse("PLAYBOOK_STATE_CONFLICT", `${taskId} is disabled already.`, { state: value });
  if (name === "playbooks.reject" && value === "active")
    return refuse("PLAYBOOK_STATE_CONFLICT", `${taskId} is active; playbooks.disable ends that.`, { state: value });
  return accept({
    type: "playbook.moved",
    epoch: 0,
    facts: { to: "disabled", version: context.version + 1, evidence: [] },
    body: { reason: input.reason },
  });
}

function decideRepair(
  { value, context }: PlaybookSnapshot,
  { input, content }: CommandOf<"playbooks.repair">,
): Decision {
  return accept({
    type: "playbook.repaired",
    epoch: 0,
    facts: { to: value, version: context.version + 1, evidence: context.broken === null ? [] : [context.broken] },
    body: { content, reason: input.reason },
  });
}

function decideReview(
  { value, context }: PlaybookSnapshot,
  { taskId, input }: CommandOf<"playbooks.repairReview">,
): Decision {
  const { act, reason, requireReplay, version } = input;
  const { proposal } = context;
  if (proposal === null || (version !== undefined && version !== proposal.version)) {
    const now = proposal === null ? "none waits" : `version ${proposal.version} waits`;
    return refuse("PLAYBOOK_STATE_CONFLICT", `No such repair of ${taskId} waits for its review: ${now}.`, {
      state: value,
    });
  }
  const missing = [
    ...(context.isPartial ? [partial] : []),
    ...(requireReplay && proposal.strict === null ? [`A verified strict replay of version ${proposal.version}.`] : []),
  ];
  if (act === "approve" && missing.length > 0) return refuseEvidence("active", missing);
  const evidence = [proposal.dryRun, proposal.strict].filter((seq) => seq !== null);
  return accept({
    type: "playbook.reviewed",
    epoch: 0,
    facts: { act, to: act === "approve" ? "active" : value, version: context.version + 1, evidence },
    body: { reason },
  });
}

const partial = "It was compiled from a run that did not succeed: compile it from one that did.";

/** What is missing before a playbook may be promoted to `to`, in sentences. */
export function listMissing(
  { value, context }: PlaybookSnapshot,
  to: "shadow" | "active",
  isApproved = false,
): string[] {
  const { content, isPartial } = context;
  if (to === "shadow") return content.dryRun === null ? ["A dry run (mode simulate) that passes."] : [];
  return [
    ...(isPartial ? [partial] : []),
    ...(content.dryRun === null ? ["A dry run (mode simulate) that passes."] : []),
    ...(value === "disabled" ? ["Somebody has to promote it to shadow first."] : []),
    ...(content.strict === null && !isApproved
      ? ["A strict replay whose checks the runtime saw pass, or an approver."]
      : []),
  ];
}

/** Why content cannot be run in this mode where the playbook stands, in parts of a sentence. */
export function blockersOf(
  value: PlaybookState,
  content: ShownContent,
  mode: "simulate" | "strict" | "guided",
): string[] {
  return [
    ...(value === "disabled" ? ["it is disabled"] : []),
    ...(mode !== "simulate" && content.dryRun === null ? ["no dry run (mode simulate) has passed"] : []),
  ];
}

/** The content of a version that can be run: what the playbook is, or what it is proposed to be. */
export function contentOf({ content, proposal }: PlaybookContext, version: number): ShownContent | undefined {
  return [content, proposal].find((shown) => shown?.version === version) ?? undefined;
}

function refuseEvidence(to: string, missing: readonly string[]): Decision {
  return refuse("EVIDENCE_MISSING", `It cannot become ${to} yet: ${missing.join(" ")}`, { missing });
}

function toTold({ sources }: PlaybookContext, told: ReplayTold): Command[] {
  return sources.map((taskId) => ({ name: "replay.told", taskId, told }));
}

function withAlso(decision: Decision, also: Command[]): Decision {
  return decision.kind === "accepted" ? { ...decision, also } : decision;
}
