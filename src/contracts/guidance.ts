// Guidance
//
// What earlier work says about a piece of work that is to begin: the answer of task start, its views, and what it rests on.

import { z } from "zod";
import { LessonId, ReceiptId } from "./ids.ts";
import { LessonKind, LessonState, Source } from "./lesson.ts";
import { limits } from "./limits.ts";
import { ParameterName, ParameterValues, PlaybookId, PlaybookState } from "./playbook.ts";
import { FilePath, Line, Name, Text } from "./values.ts";

/** What is known about the work beside its words. */
export const StartContext = z.strictObject({
  /** Tasks of one family are the same kind of work. */
  family: Name.optional(),
  /** Files that it is known to be about. */
  files: z.array(FilePath).max(limits.listItems).default([]),
  /** What went wrong, if something did: an error's first lines. */
  error: Text.max(limits.queryChars).optional(),
  /** Paths of the checkout, for when nothing else is known. Clients that are given a folder fill it in. */
  tree: z.array(FilePath).max(limits.treeFiles).optional(),
  /** Where the work stands, in the caller's words, such as `plan` or `fix`: of a lesson's steps the one that it names is the action. */
  stage: Name.optional(),
});
export type StartContext = z.infer<typeof StartContext>;

/**
 * What paths that an answer named came to, in the checkout where the work is done. Clients that are given a folder look and fill it in: the
 * runtime reads no folder that a caller names. With it an answer names no path of the project that was not looked at.
 */
export const CheckoutLook = z.strictObject({
  here: z.array(FilePath).max(limits.pathsLooked),
  gone: z.array(FilePath).max(limits.pathsLooked),
  moved: z.array(z.strictObject({ from: FilePath, to: FilePath })).max(limits.pathsLooked),
});
export type CheckoutLook = z.infer<typeof CheckoutLook>;

/** Whether `path` can lie in a checkout: an absolute path, an address or a pattern cannot be looked for in one. */
export function isOfProject(path: string): boolean {
  return !/^[/~]|^[a-z]:[\\/]|:\/\/|[*\0]|(^|\/)\.\.(\/|$)/i.test(path);
}

/** The context of a question whose answer can be looked at where the work is done. */
export const LookedContext = StartContext.extend({ checkout: CheckoutLook.optional() });

/** How to go on. Only `proceed` says that the first action can be taken as it is. */
const GateAction = z.enum([
  "proceed",
  "inspect_context",
  "widen_recall",
  "rehydrate_payload",
  "request_operator_review",
]);

/** What to do before the first action, why, and the call that makes it unnecessary. */
export const Gate = z.strictObject({
  action: GateAction,
  reason: Line,
  /** The operation that would clear it, with what is known of its input. */
  clearWith: z.strictObject({ operation: Name, input: z.record(z.string(), z.unknown()) }).optional(),
});
export type Gate = z.infer<typeof Gate>;

/** What to do first. It is always there; a cautious one only looks. */
export const FirstAction = z.strictObject({
  kind: z.enum(["use", "open", "inspect"]),
  text: Line,
  tool: Name.optional(),
  file: FilePath.optional(),
  cautious: z.boolean(),
  /** The lessons that it rests on; files alone when empty. */
  from: z.array(LessonId),
});
export type FirstAction = z.infer<typeof FirstAction>;

/** A file that the work may touch, with the probability that it does among those that were compared. */
export const LikelyFile = z.strictObject({ path: FilePath, probability: z.number(), because: z.array(Name) });
export type LikelyFile = z.infer<typeof LikelyFile>;

/** A path that earlier work names and the checkout does not hold: never the first action, and no reason to proceed. */
export const MissingFile = z.strictObject({
  path: FilePath,
  state: z.enum(["gone", "moved"]),
  /** Where it moved. The answer names this path instead. */
  to: FilePath.optional(),
  reason: Line,
});
export type MissingFile = z.infer<typeof MissingFile>;

/** A tool that fits, with its share among those that earlier runs of such work used. */
export const LikelyTool = z.strictObject({ tool: Name, share: z.number(), because: Line });
export type LikelyTool = z.infer<typeof LikelyTool>;

/** A lesson that fits, cut short. */
export const ShownLesson = z.strictObject({
  id: LessonId,
  kind: LessonKind,
  state: LessonState,
  title: z.string(),
  /** The beginning of its text, where that says more than the title. */
  text: z.string().optional(),
  source: Source,
  /** How well it fits, about 0 to 1. Whether that is enough is said by `uncertainty`. */
  score: z.number(),
  runs: z.int().nonnegative(),
  verified: z.int().nonnegative(),
  failures: z.int().nonnegative(),
  files: z.array(FilePath),
  tools: z.array(Name),
});
export type ShownLesson = z.infer<typeof ShownLesson>;

const Bucket = z.array(z.strictObject({ id: z.union([LessonId, FilePath]), why: z.string() }));

/** Everything that is known, sorted by what to do with it. */
export const Buckets = z.strictObject({ useNow: Bucket, inspectFirst: Bucket, doNotUse: Bucket, rehydrate: Bucket });
export type Buckets = z.infer<typeof Buckets>;

/** How sure the first action is: `confidence` is the share of such answers that turn out right. */
export const Uncertainty = z.strictObject({
  level: z.enum(["low", "medium", "high"]),
  confidence: z.number(),
  reasons: z.array(Line),
  evidenceGaps: z.array(Line),
});
export type Uncertainty = z.infer<typeof Uncertainty>;

/** A playbook that did such work: `playbooks.dispatch` runs it where it is sure, `playbooks.run` where somebody says so. */
export const OfferedPlaybook = z.strictObject({
  id: PlaybookId,
  title: z.string(),
  state: PlaybookState,
  /** How likely it is the right one, as its lesson is; `sure` from the threshold on that was learned. */
  confidence: z.number(),
  sure: z.boolean(),
  /** What the question's words say of its parameters. Long values are left out here; `playbooks.match` has all of them. */
  params: ParameterValues,
  /** What they do not say. */
  missing: z.array(ParameterName),
});
export type OfferedPlaybook = z.infer<typeof OfferedPlaybook>;

/** The answer of task start. */
export const Guidance = z.strictObject({
  firstAction: FirstAction,
  files: z.array(LikelyFile),
  tools: z.array(LikelyTool),
  lessons: z.array(ShownLesson),
  buckets: Buckets,
  uncertainty: Uncertainty,
  gate: Gate,
  /** What is not where earlier work says, in the checkout that was given. Absent when all is there, or no checkout was given. */
  missing: z.array(MissingFile).optional(),
  /** There when one that is active or in shadow more likely fits than not. */
  playbook: OfferedPlaybook.optional(),
  /** Names this answer, for `feedback` and `explain`. The same question to the same knowledge has the same receipt. */
  receipt: ReceiptId,
  /** The last event that taught anything of what the answer rests on. */
  learnedTo: z.int().nonnegative(),
  /** The same as a short text for a model. */
  prompt: z.string().max(limits.promptChars),
});
export type Guidance = z.infer<typeof Guidance>;

/** The tool of the step under which a worker's handler was given guidance; what it was to use is in that step's output, as `use`. */
export const guidanceTool = "guidance";

/** What each signal adds to a score; the shares sum to it. */
export const Shares = z.record(z.string(), z.number());
