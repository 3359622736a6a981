import { z } from "zod";
import { StartContext } from "../guidance.ts";
import { AgentId, CommandId, TaskId } from "../ids.ts";
import { limits } from "../limits.ts";
import {
  ParameterName,
  ParameterValues,
  Playbook,
  PlaybookChange,
  PlaybookId,
  PlaybookPatch,
  PlaybookState,
  PlaybookSummary,
  PlaybookVersion,
  ReplayData,
  ReplayMode,
} from "../playbook.ts";
import { Check, Json, Line, Sequence, Target, Text, Time } from "../values.ts";
import { defineOperation } from "./operation.ts";

const commandId = { commandId: CommandId.optional() };
const id = { id: PlaybookId };
const version = z.int().positive();

/** What a command to a playbook answers: the event that now stands in the journal, and where the playbook stood right after it. */
const PlaybookAck = z.strictObject({ ...id, seq: Sequence, at: Time, state: PlaybookState, version });

export const playbooksCompile = defineOperation({
  name: "playbooks.compile",
  kind: "command",
  layer: "core",
  summary:
    "Make a playbook of one run that succeeded, or of several of the same kind: their common steps, with parameters.",
  input: z
    .strictObject({
      ...commandId,
      /** A task that has ended, of any kind. */
      run: TaskId.optional(),
      /** Several of the same kind of work; what they have in common, and what differs, shows. */
      runs: z.array(TaskId).min(1).max(limits.playbookSources).optional(),
      /** The newest brief if absent, without the values that are given anew. */
      title: Line.optional(),
    })
    .refine(({ run, runs }) => (run === undefined) !== (runs === undefined), {
      error: "give the run, or the runs, that it is made of",
    }),
  output: z.strictObject({ ...PlaybookAck.shape, playbook: Playbook }),
  failures: ["TASK_NOT_FOUND", "RUN_UNUSABLE"],
  idempotent: false,
});

export const playbooksGet = defineOperation({
  name: "playbooks.get",
  kind: "query",
  layer: "core",
  summary: "Read a playbook, as it is or as it was in a version.",
  input: z.strictObject({ ...id, version: version.optional() }),
  output: Playbook,
  failures: ["PLAYBOOK_NOT_FOUND"],
  idempotent: true,
});

export const playbooksList = defineOperation({
  name: "playbooks.list",
  kind: "query",
  layer: "core",
  summary: "List playbooks, newest first, a page at a time.",
  input: z.strictObject({
    states: z.array(PlaybookState).max(PlaybookState.options.length).optional(),
    pageSize: z.int().positive().max(limits.pageRows).default(50),
    cursor: z.string().max(limits.idChars).optional(),
  }),
  /** A page may be short, or empty, and have a cursor. */
  output: z.strictObject({ playbooks: z.array(PlaybookSummary), cursor: z.string().optional() }),
  failures: ["CURSOR_INVALID"],
  idempotent: true,
});

export const playbooksVersions = defineOperation({
  name: "playbooks.versions",
  kind: "query",
  layer: "enhanced",
  summary: "Read every change of a playbook, oldest first, each with its reason and what it rests on.",
  input: z.strictObject({
    ...id,
    after: Sequence.optional(),
    pageSize: z.int().positive().max(limits.pageRows).default(100),
  }),
  output: z.strictObject({ versions: z.array(PlaybookVersion), next: Sequence.optional() }),
  failures: ["PLAYBOOK_NOT_FOUND"],
  idempotent: true,
});

export const playbooksDiff = defineOperation({
  name: "playbooks.diff",
  kind: "query",
  layer: "enhanced",
  summary: "Compare two versions of a playbook, or of two playbooks.",
  input: z.strictObject({ ...id, from: version, to: version, other: PlaybookId.optional() }),
  output: z.strictObject({ changes: z.array(PlaybookChange) }),
  failures: ["PLAYBOOK_NOT_FOUND"],
  idempotent: true,
});

const promoteFailures = ["PLAYBOOK_NOT_FOUND", "PLAYBOOK_STATE_CONFLICT", "EVIDENCE_MISSING"] as const;

export const playbooksPromote = defineOperation({
  name: "playbooks.promote",
  kind: "command",
  layer: "core",
  summary: "Promote a playbook when there is evidence for it: refused with what is missing.",
  input: z.strictObject({
    ...commandId,
    ...id,
    to: z.enum(["shadow", "active"]),
    reason: Line,
    /** Who stands for it where no verified strict replay does. */
    approver: AgentId.optional(),
  }),
  output: PlaybookAck,
  failures: promoteFailures,
  idempotent: false,
});

export const playbooksApprove = defineOperation({
  name: "playbooks.approve",
  kind: "command",
  layer: "enhanced",
  summary: "Stand for a playbook, so that it becomes active without a verified strict replay.",
  input: z.strictObject({ ...commandId, ...id, approver: AgentId, reason: Line }),
  output: PlaybookAck,
  failures: promoteFailures,
  idempotent: false,
});

export const playbooksReject = defineOperation({
  name: "playbooks.reject",
  kind: "command",
  layer: "enhanced",
  summary: "Say that a playbook which is not active shall not become so.",
  input: z.strictObject({ ...commandId, ...id, reason: Line }),
  output: PlaybookAck,
  failures: ["PLAYBOOK_NOT_FOUND", "PLAYBOOK_STATE_CONFLICT"],
  idempotent: false,
});

export const playbooksDisable = defineOperation({
  name: "playbooks.disable",
  kind: "command",
  layer: "core",
  summary: "End the use of a playbook. It can be promoted to shadow again.",
  input: z.strictObject({ ...commandId, ...id, reason: Line }),
  output: PlaybookAck,
  failures: ["PLAYBOOK_NOT_FOUND", "PLAYBOOK_STATE_CONFLICT"],
  idempotent: false,
});

/** New work, in words and data, from which parameters are read. */
const work = {
  query: Text.max(limits.queryChars),
  context: StartContext.prefault({}),
  data: Json.optional(),
};

/** What fits, with the parameters that the words and the data gave. */
const Match = z.strictObject({
  playbook: PlaybookSummary,
  /** How likely it is the right one, calibrated as that of a lesson; `sure` from the threshold on that was learned. */
  confidence: z.number(),
  sure: z.boolean(),
  params: ParameterValues,
  missing: z.array(ParameterName),
});

export const playbooksMatch = defineOperation({
  name: "playbooks.match",
  kind: "query",
  layer: "core",
  summary: "Find the playbooks for new work, best first, with the parameters that its words and data give.",
  input: z.strictObject({
    ...work,
    max: z.int().positive().max(limits.lessonsNamed).default(3),
    minPosition: z.int().nonnegative().default(0),
  }),
  output: z.strictObject({ matches: z.array(Match), learnedTo: z.int().nonnegative() }),
  failures: ["LEARNING_BEHIND"],
  idempotent: true,
});

const how = {
  params: ParameterValues.prefault({}),
  /** Where to work: a folder inside the worker's own workspace; that itself if absent. */
  workspace: ReplayData.shape.workspace,
  /** Works on a copy of the workspace, which is gone afterwards. */
  inCopy: z.boolean().default(false),
  /** Confirms the steps that need it. Without it the replay asks. */
  confirm: z.boolean().default(false),
  /** What has to hold in the end beside the playbook's own checks; one of the same name goes before its. */
  checks: z.array(Check).max(limits.checks).default([]),
  /** Whom a guided replay is handed to when a step breaks; without it it asks. */
  handTo: ReplayData.shape.handTo,
};

export const playbooksCandidate = defineOperation({
  name: "playbooks.candidate",
  kind: "query",
  layer: "core",
  summary: "Say whether a playbook may run now, and what blocks it.",
  input: z.strictObject({
    ...id,
    mode: ReplayMode.default("strict"),
    params: ParameterValues.prefault({}),
    text: Text.optional(),
    data: Json.optional(),
  }),
  output: z.strictObject({
    may: z.boolean(),
    blockers: z.array(Line),
    params: ParameterValues,
    missing: z.array(ParameterName),
    /** Tools of its steps that no worker has that was heard of lately. */
    tools: z.array(Line),
  }),
  failures: ["PLAYBOOK_NOT_FOUND"],
  idempotent: true,
});

const runFailures = [
  "PLAYBOOK_NOT_FOUND",
  "PLAYBOOK_BLOCKED",
  "PARAMETERS_MISSING",
  "PARAMETERS_INVALID",
  "TOOL_UNAVAILABLE",
] as const;

export const playbooksRun = defineOperation({
  name: "playbooks.run",
  kind: "command",
  layer: "core",
  summary: "Run a playbook as a durable task: dry, strictly, or guided, which asks at a broken step.",
  input: z.strictObject({
    ...commandId,
    ...id,
    mode: ReplayMode,
    ...how,
    /** What the work is about: parameters that are not given are read from it. */
    text: Text.optional(),
    data: Json.optional(),
    /** A repair that waits for its review is run by its version. */
    version: version.optional(),
    /** Who does it; any worker that has the tool if absent. */
    to: Target.optional(),
  }),
  output: z.strictObject({ ...PlaybookAck.shape, taskId: TaskId }),
  failures: runFailures,
  idempotent: false,
});

export const playbooksDispatch = defineOperation({
  name: "playbooks.dispatch",
  kind: "command",
  layer: "core",
  summary: "Run the active playbook that surely fits, or hand the work back to the agent and say why.",
  input: z.strictObject({ ...commandId, ...work, mode: z.enum(["strict", "guided"]).default("strict"), ...how }),
  output: z.discriminatedUnion("decision", [
    z.strictObject({
      decision: z.literal("replay"),
      taskId: TaskId,
      ...id,
      confidence: z.number(),
      params: ParameterValues,
    }),
    z.strictObject({
      decision: z.literal("agent"),
      /** Each playbook that was looked at, and why it is not run. */
      skipped: z.array(z.strictObject({ ...id, title: Line, confidence: z.number(), why: z.array(Line) })),
      reason: Line,
    }),
  ]),
  failures: ["LEARNING_BEHIND"],
  idempotent: false,
});

export const playbooksRepair = defineOperation({
  name: "playbooks.repair",
  kind: "command",
  layer: "enhanced",
  summary: "Propose other steps for a playbook. They are run only by their version until somebody has reviewed them.",
  input: z.strictObject({ ...commandId, ...id, patch: PlaybookPatch, reason: Line }),
  output: z.strictObject({ ...PlaybookAck.shape, changes: z.array(PlaybookChange) }),
  failures: ["PLAYBOOK_NOT_FOUND", "INPUT_INVALID"],
  idempotent: false,
});

export const playbooksRepairReview = defineOperation({
  name: "playbooks.repairReview",
  kind: "command",
  layer: "enhanced",
  summary: "Approve a repair, so that it is what the playbook does and is active, or reject it.",
  input: z.strictObject({
    ...commandId,
    ...id,
    act: z.enum(["approve", "reject"]),
    reason: Line,
    /** Refuses when another repair waits by now. */
    version: version.optional(),
    /** Approves only when a verified strict replay of it has passed. */
    requireReplay: z.boolean().default(false),
  }),
  output: PlaybookAck,
  failures: promoteFailures,
  idempotent: false,
});
