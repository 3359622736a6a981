// Playbooks
//
// A piece of work that succeeded, as a typed sequence of steps with parameters: it runs without a model. Made from runs, proved by replaying,
// promoted by evidence.

import { z } from "zod";
import { AgentId, EventId, TaskId } from "./ids.ts";
import { limits } from "./limits.ts";
import { sensitive } from "./sensitive.ts";
import { Check, Json, Line, Name, Sequence, Text, Time } from "./values.ts";

/** A playbook is a task that nobody claims, so that its id is one of a task. */
export const PlaybookId = TaskId;
export type PlaybookId = z.infer<typeof PlaybookId>;

/**
 * Where a playbook stands. `draft`: compiled, nothing shown yet. `shadow`: a dry run passed. `active`: a verified strict replay or an
 * approver stands for it; `dispatch` runs it. `contested`: a check failed while it was replayed. `disabled`: over, until it is compiled anew.
 */
export const PlaybookState = z.enum(["draft", "shadow", "active", "contested", "disabled"]);
export type PlaybookState = z.infer<typeof PlaybookState>;

/**
 * How it is run. `simulate` looks at each step's conditions and touches nothing; `strict` stops at the first that fails; `guided` asks, or
 * hands over, at the broken step.
 */
export const ReplayMode = z.enum(["simulate", "strict", "guided"]);
export type ReplayMode = z.infer<typeof ReplayMode>;

/**
 * A text with slots: `{{name}}` is a parameter, `{{steps.key.path}}` what an earlier step gave back, `{{name | kebab}}` a transformed value.
 * A text that is one slot alone has the value's own type. Two braces that are meant as such are written `{{"{{"}}`.
 */
const Template = sensitive(Text);

/** What has to hold before a step runs, or after it. Texts are templates; paths are of the workspace. */
export const Condition = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("file_exists"), path: Template }),
  z.strictObject({ kind: z.literal("path_not_exists"), path: Template }),
  z.strictObject({ kind: z.literal("command_available"), command: Template }),
  z.strictObject({ kind: z.literal("env_exists"), name: Name }),
  z.strictObject({ kind: z.literal("env_equals"), name: Name, value: Template }),
  /** Nothing listens there on this machine. */
  z.strictObject({ kind: z.literal("port_free"), port: z.union([z.int().positive().max(65_535), Template]) }),
  /** The workspace's root holds entries of all these names. */
  z.strictObject({ kind: z.literal("cwd_contains"), names: z.array(Template).min(1).max(limits.playbookConditions) }),
  /** After a step alone: what it printed or gave back contains this; `*` stands for any text within a line. */
  z.strictObject({ kind: z.literal("output_matches"), pattern: Template }),
  /** After a command alone. */
  z.strictObject({ kind: z.literal("exit_code"), code: z.int() }),
  /** A function of that name that the worker brings. */
  z.strictObject({ kind: z.literal("check"), name: Name }),
]);
export type Condition = z.infer<typeof Condition>;

/** When a step of some runs alone is taken: a parameter was given, or a condition holds. */
export const Branch = z.union([z.strictObject({ kind: z.literal("given"), parameter: Name }), Condition]);
export type Branch = z.infer<typeof Branch>;

/** Whether a step may run by itself: always, after somebody confirmed it, or only by a person's own hand. */
export const Safety = z.enum(["auto_ok", "needs_confirm", "manual_only"]);
export type Safety = z.infer<typeof Safety>;

/** What a slot names a step by, and under which it is recorded when it is replayed. */
const StepKey = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,59}$/);

/** One thing to do. */
export const PlaybookStep = z.strictObject({
  key: StepKey,
  /** What the runs called it. */
  title: Name,
  tool: Name,
  /** JSON whose texts are templates. */
  input: Json,
  before: z.array(Condition).max(limits.playbookConditions),
  after: z.array(Condition).max(limits.playbookConditions),
  safety: Safety,
  when: Branch.optional(),
  /** What it gave back when it was recorded: a dry run goes on with it. */
  expects: Json.optional(),
  /** The events that it was learned from. */
  from: z.array(Sequence).max(limits.playbookSources),
});
export type PlaybookStep = z.infer<typeof PlaybookStep>;

export const ParameterType = z.enum(["text", "word", "path", "version", "url", "number", "json"]);
export type ParameterType = z.infer<typeof ParameterType>;

export const ParameterName = z.string().regex(/^[a-z][a-z0-9_]{0,59}$/);

/** What is different from run to run. */
export const Parameter = z.strictObject({
  name: ParameterName,
  type: ParameterType,
  /** Where the runs had it from: their brief, their data at this path, or neither, so that somebody has to say it. */
  source: z.discriminatedUnion("from", [
    z.strictObject({ from: z.literal("brief") }),
    z.strictObject({ from: z.literal("data"), path: Line }),
    z.strictObject({ from: z.literal("asked") }),
  ]),
  /** What it was in each run. */
  examples: sensitive(z.array(Text.max(limits.lineChars)).max(limits.playbookSources)),
  /** Taken when nobody says it. Without one it is required. */
  fallback: sensitive(Text.max(limits.lineChars)).optional(),
});
export type Parameter = z.infer<typeof Parameter>;

/** What a playbook says. */
export const PlaybookContent = z.strictObject({
  title: Line,
  family: Name.optional(),
  /** The briefs of its runs. */
  goals: z.array(Text.max(limits.lessonTextChars)).max(limits.playbookSources),
  parameters: z.array(Parameter).max(limits.playbookParameters),
  steps: z.array(PlaybookStep).min(1).max(limits.playbookSteps),
  /** What has to hold in the end. Commands are templates. */
  checks: z.array(Check).max(limits.checks),
  /** What the runs did beside it, and why it was left out. */
  leftOut: z.array(z.strictObject({ title: Name, why: Line })).max(limits.playbookSteps),
  sources: z.array(TaskId).max(limits.playbookSources),
});
export type PlaybookContent = z.infer<typeof PlaybookContent>;

/** The values of parameters, by name. */
export const ParameterValues = z
  .record(ParameterName, z.union([Text, z.number(), z.boolean()]))
  .refine((values) => Object.keys(values).length <= limits.playbookParameters, {
    error: `at most ${limits.playbookParameters} parameters`,
  });
export type ParameterValues = z.infer<typeof ParameterValues>;

/** What a repair changes. A step of a known key is changed in the fields that are given, or taken out by null; new ones come after one. */
export const PlaybookPatch = z.strictObject({
  title: Line.optional(),
  steps: z.record(StepKey, z.union([z.null(), PlaybookStep.omit({ key: true, from: true }).partial()])).default({}),
  /** New steps; `after` is null for the beginning. */
  insert: z
    .array(z.strictObject({ after: StepKey.nullable(), step: PlaybookStep.omit({ from: true }) }))
    .max(limits.playbookSteps)
    .default([]),
  /** Replaces parameters of the same name, and adds others. */
  parameters: z.array(Parameter).max(limits.playbookParameters).default([]),
  /** Replaces the checks. */
  checks: z.array(Check).max(limits.checks).optional(),
});
export type PlaybookPatch = z.infer<typeof PlaybookPatch>;

/** What became of one replay. */
export const ReplayOutcome = z.enum(["passed", "failed", "aborted"]);
export type ReplayOutcome = z.infer<typeof ReplayOutcome>;

/** Where a replay broke: the step and which condition of it did not hold, or why it could not run. */
export const ReplayBreak = z.strictObject({ step: Name, why: sensitive(Line), condition: Condition.optional() });
export type ReplayBreak = z.infer<typeof ReplayBreak>;

/**
 * What whoever ran a replay says of it, as the data of its completion or its failure. `assisted`: it broke, and came to its end with
 * somebody's help. `aborted`: it could not be run, or somebody stopped it, which says nothing of the playbook.
 */
export const ReplayReport = z.object({
  replay: z.enum(["passed", "assisted", "failed", "aborted"]),
  break: ReplayBreak.optional(),
  /** Steps that ran, and those whose condition for being taken did not hold. */
  ran: z.int().nonnegative().default(0),
  skipped: z.array(Name).max(limits.playbookSteps).default([]),
});
export type ReplayReport = z.infer<typeof ReplayReport>;

/** What a replay task is for; it stands in the event that made it. */
export const ReplayOrder = z.strictObject({
  playbookId: PlaybookId,
  /** The version whose content is run. */
  version: z.int().positive(),
  mode: ReplayMode,
});
export type ReplayOrder = z.infer<typeof ReplayOrder>;

/** The data of a replay task: all that a worker needs. */
export const ReplayData = z.strictObject({
  playbook: PlaybookContent,
  mode: ReplayMode,
  values: ParameterValues,
  /** Where to work: a folder inside the worker's own workspace; that itself if absent. */
  workspace: Line.optional(),
  /** Whether to work on a copy of it, which is gone afterwards. */
  inCopy: z.boolean(),
  /** Who hands over to whom when a guided replay breaks; without it somebody is asked. */
  handTo: z.union([z.strictObject({ agent: AgentId }), z.strictObject({ role: Name })]).optional(),
  /** Whether somebody has confirmed the steps that need it. */
  confirmed: z.boolean(),
});
export type ReplayData = z.infer<typeof ReplayData>;

/** One change of a playbook. */
export const PlaybookVersion = z.strictObject({
  version: z.int().positive(),
  change: z.enum(["compiled", "promoted", "contested", "disabled", "repaired", "approved", "rejected"]),
  state: PlaybookState,
  reason: Line,
  by: AgentId,
  approver: AgentId.optional(),
  evidence: z.array(Sequence).max(limits.listItems),
  at: Time,
  seq: Sequence,
  eventId: EventId,
});
export type PlaybookVersion = z.infer<typeof PlaybookVersion>;

/** A playbook in a list. */
export const PlaybookSummary = z.strictObject({
  id: PlaybookId,
  title: Line,
  state: PlaybookState,
  version: z.int().positive(),
  family: Name.optional(),
  /** A repair that waits for its review. */
  proposal: z.int().positive().optional(),
  /** What it would take to be promoted further. */
  missing: z.array(Line),
  updatedAt: Time,
});
export type PlaybookSummary = z.infer<typeof PlaybookSummary>;

/** A playbook whole. */
export const Playbook = z.strictObject({
  ...PlaybookSummary.shape,
  content: PlaybookContent,
  /** The version that holds this content. */
  contentVersion: z.int().positive(),
});
export type Playbook = z.infer<typeof Playbook>;

/** One difference between two versions: a path into the content, with what stood there before and after. */
export const PlaybookChange = z.strictObject({ at: Line, before: Json.optional(), after: Json.optional() });
export type PlaybookChange = z.infer<typeof PlaybookChange>;
