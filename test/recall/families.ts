// The labelled set
//
// Families of work, each learned from two verified runs and asked for in other words: what "is the right lesson found?" is measured on.
// Owns: the shape of `families.json` and `unrelated.json`, and reading them. Does not own: how an answer is scored (bench/cases/families.ts).
//
// The set was written before anything was tuned on it. Its halves: tune on `tune` only, report `report`. Both halves are learned
// before either is asked, so each is a distraction for the other. All projects, paths and hosts are invented.
//
// Invariants (families.test.ts):
//   F1. Ids are unique; the halves are of one size, and look-alikes are in the same half.
//   F2. Look-alikes say the same words but share no file, and begin with another action.
//   F3. No query is a learned brief. A far query shares at most a quarter of its content words with its family's briefs,
//       and one of each family at most half with anything that its runs say: a colleague's words, who never saw them.
//   F4. A query in another language keeps an identifier, path or error text of its family, or says `bare`.
//   F5. An unrelated task of the sharing half has words of the families that it names; one of the other half has none to speak of.

import { readFileSync } from "node:fs";
import { z } from "zod";

const Text = z.string().min(1).max(400);
const Slug = z.string().regex(/^[a-z][a-z0-9-]{2,40}$/);

/** Which half of the set: weights and thresholds are chosen on `tune` alone, and `report` is what is published. */
export const Split = z.enum(["tune", "report"]);
export type Split = z.infer<typeof Split>;

/** How far a query is from the briefs: nearly their words, other words, one to four words, or another language. */
export const Wording = z.enum(["near", "far", "terse", "other"]);
export type Wording = z.infer<typeof Wording>;

const Step = z.strictObject({
  tool: z.string().min(1).max(40),
  file: z.string().min(1).max(120).optional(),
  does: Text,
});

/** A finished run, as a worker reports it. The tools that it used are those of its steps. */
export const Run = z.strictObject({
  brief: Text,
  files: z.array(z.string().min(1).max(120)).min(1).max(12),
  steps: z.array(Step).min(1).max(8),
  checks: z.array(Text).max(4),
  errors: z.array(Text).max(4),
  outcome: z.strictObject({
    status: z.enum(["succeeded", "failed"]),
    evidence: z.enum(["none", "self", "verified"]),
    summary: Text,
  }),
});
export type Run = z.infer<typeof Run>;

/** One way to ask for a family's lesson. `bare`: in another language and with no token of the family kept. */
export const Query = z.discriminatedUnion("wording", [
  z.strictObject({ wording: Wording.exclude(["other"]), text: Text }),
  z.strictObject({
    wording: z.literal("other"),
    language: z.enum(["de", "es", "fr", "ja", "ru", "zh"]),
    text: Text,
    bare: z.literal(true).optional(),
  }),
]);
export type Query = z.infer<typeof Query>;

/** One kind of work: two verified runs that teach it, the first action that must come back, and the queries that must find it. */
export const Family = z.strictObject({
  id: Slug,
  split: Split,
  area: z.enum(["code", "ops"]),
  /** The family that a user would write beside the task; most would write none. */
  label: Slug.optional(),
  /** The family that says the same words about other files and tools. */
  lookAlike: Slug.optional(),
  lesson: z.strictObject({ tool: z.string().min(1), file: z.string().min(1) }),
  runs: z.array(Run).length(2),
  queries: z.array(Query).min(8),
});
export type Family = z.infer<typeof Family>;

/** A task that no family answers: committing to any lesson for it is wrong. `sharesWith` names the families whose words it uses. */
export const UnrelatedTask = z.strictObject({
  id: Slug,
  split: Split,
  sharesWith: z.array(Slug),
  text: Text,
  why: Text,
});
export type UnrelatedTask = z.infer<typeof UnrelatedTask>;

/** The whole set, checked against its shape. */
export interface LabelledSet {
  readonly families: readonly Family[];
  readonly unrelated: readonly UnrelatedTask[];
}

/** Reads the set from beside this file. @throws ZodError when a file has another shape. */
export function readLabelledSet(): LabelledSet {
  return {
    families: z.array(Family).parse(readJson("families.json")),
    unrelated: z.array(UnrelatedTask).parse(readJson("unrelated.json")),
  };
}

/** The tools that a run used, in order of first use. */
export function toolsOf(run: Run): string[] {
  return [...new Set(run.steps.map(({ tool }) => tool))];
}

/** Every text that a run teaches, without its paths' folders split: brief, steps, files, checks, errors and outcome. */
export function textOf(run: Run): string {
  const steps = run.steps.flatMap(({ tool, does }) => [tool, does]);
  return [run.brief, ...steps, ...run.files, ...run.checks, ...run.errors, run.outcome.summary].join("\n");
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
}
