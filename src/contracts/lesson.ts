// Lessons
//
// What the scope has learned: workflows out of finished runs, and what people and agents wrote down. A lesson's state follows from its
// events alone; every move says what it rests on and what was still missing.

import { z } from "zod";
import { EventId, LessonId, TaskId } from "./ids.ts";
import { limits } from "./limits.ts";
import { sensitive } from "./sensitive.ts";
import { FilePath, Line, Name, Sequence, Text, Time } from "./values.ts";

/** What somebody writes down by hand. */
const EntryKind = z.enum(["note", "fact", "procedure", "evidence"]);

/** A `workflow` is learned from runs; the others are written down. */
export const LessonKind = z.enum(["workflow", ...EntryKind.options]);
export type LessonKind = z.infer<typeof LessonKind>;

/** How far a lesson can be relied on. An `observed` one is about to become a candidate; a `contested` one was tried again and failed; a `retired` one is shown only to whoever asks for it. */
export const LessonState = z.enum(["observed", "candidate", "trusted", "contested", "retired"]);
export type LessonState = z.infer<typeof LessonState>;

/** What a person may decide of a lesson: that it is over, or that it may begin anew. */
export const LessonAct = z.enum(["retire", "reactivate"]);

/** What a lesson's move is called in the journal, as `lesson.<word>`. */
export const LessonMove = z.enum([
  "observed",
  "supported",
  "trusted",
  "contested",
  "restored",
  "retired",
  "reactivated",
  "written",
  "activated",
]);
export type LessonMove = z.infer<typeof LessonMove>;

/**
 * Where a text comes from. What a tool printed can be wrong or hostile: it is shown as such, and never becomes an action by itself.
 * `run` is what the runtime recorded of a task, `import` what somebody else's history says.
 */
export const Source = z.enum(["run", "agent", "operator", "tool", "import"]);
export type Source = z.infer<typeof Source>;

/** How much one observation proves: nothing, what the agent said, what the verifier saw, or what a foreign history says. */
const Strength = z.enum(["none", "self", "verified", "imported"]);

/** One observation: the event that holds it, and what it said. */
export const Evidence = z.strictObject({
  seq: Sequence,
  strength: Strength,
  outcome: z.enum(["succeeded", "failed"]),
});
export type Evidence = z.infer<typeof Evidence>;

/** What an entry refers to: an event, a task or another lesson. */
const Link = z.union([EventId, TaskId, LessonId]);

/** One thing that a run did: its step, the tool it used, and the first file it named. */
const WorkflowStep = z.strictObject({ name: Name, tool: Name.optional(), file: FilePath.optional() });

/** What a lesson takes over from one run or one entry. */
export const LessonContent = z.strictObject({
  /** Of a run: its brief. Of an entry: its title. */
  goal: Text.max(limits.lessonTextChars),
  /** Of an entry alone. */
  text: sensitive(Text.max(limits.lessonTextChars)).optional(),
  family: Name.optional(),
  files: z.array(FilePath).max(limits.lessonFiles),
  tools: z.array(Name).max(limits.lessonSteps),
  steps: z.array(WorkflowStep).max(limits.lessonSteps),
  checks: z.array(Name).max(limits.checks),
  /** First lines of what went wrong on the way. */
  errors: sensitive(z.array(Line).max(limits.lessonErrors)),
  source: Source.optional(),
  /** Events, tasks and lessons that it refers to. */
  links: z.array(Link).max(limits.listItems).optional(),
});
export type LessonContent = z.infer<typeof LessonContent>;

/** A lesson as readers see it. */
export const Lesson = z.strictObject({
  id: LessonId,
  kind: LessonKind,
  state: LessonState,
  title: Line,
  text: z.string(),
  family: Name.optional(),
  files: z.array(FilePath),
  tools: z.array(Name),
  steps: z.array(WorkflowStep),
  checks: z.array(Name),
  errors: z.array(z.string()),
  source: Source,
  links: z.array(Link),
  /** Distinct runs that it was learned from; how many of its newest observations were verified, and how many failed. */
  runs: z.int().nonnegative(),
  verified: z.int().nonnegative(),
  failures: z.int().nonnegative(),
  /** How often somebody said that it was used and helped. */
  used: z.int().nonnegative(),
  /** What it rests on, the newest observations. */
  evidence: z.array(Evidence),
  /** What it would take to be trusted. */
  missing: z.array(z.string()),
  createdAt: Time,
  updatedAt: Time,
});
export type Lesson = z.infer<typeof Lesson>;

/** What a caller writes down. */
export const EntryInput = z.strictObject({
  kind: EntryKind.default("note"),
  title: Line.optional(),
  text: sensitive(Text.min(1).max(limits.lessonTextChars)),
  /** Who says so. What a tool printed is `tool`. */
  source: z.enum(["agent", "operator", "tool"]).default("agent"),
  family: Name.optional(),
  files: z.array(FilePath).max(limits.lessonFiles).default([]),
  tools: z.array(Name).max(limits.lessonSteps).default([]),
  links: z.array(Link).max(limits.listItems).default([]),
});
export type EntryInput = z.infer<typeof EntryInput>;

/** A finished piece of work that was done elsewhere, such as a commit. */
export const ImportedEpisode = z.strictObject({
  at: Time,
  goal: Line,
  files: z.array(FilePath).min(1).max(limits.lessonFiles),
});
export type ImportedEpisode = z.infer<typeof ImportedEpisode>;
