// Other runs
//
// Thousands of finished runs of other projects, so that the labelled set can be asked again in a crowded scope.
// Owns: made-up work in plausible words. Does not own: the labelled set; no file and no error text of a family is made here, but many
// of its words are: the families' subjects ("retry", "certificate", "backlog") are said of other things, and other subjects are said of
// the families' things. A crowd that talks about something else would prove little.
//
// Work comes back: a job (one template about one thing of one project) has one to five runs, worded anew, some of them failed or
// unverified, and jobs are mixed in time. So other lessons become trusted as well, and win when an answer goes by trust alone.
//
// Invariants:
//   O1. Equal seed and count give equal runs. A shorter list is not the beginning of a longer one.
//   O2. Every path begins with the name of a project that no family uses.

import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Run } from "./families.ts";

/** A run and the job that it belongs to: the lesson that it teaches, which is never a family's. */
export interface OtherRun {
  readonly lessonOf: string;
  readonly run: Run;
}

const Words = z.array(z.string().min(1)).min(1);

/** In all texts: `{t}` the thing, `{n}` a number, `{p}` the project, `{I}` the thing as an identifier, `{w}` a circumstance. */
const Template = z.strictObject({
  briefs: Words,
  tool: z.string(),
  roles: Words,
  steps: Words,
  check: z.string(),
  errors: z.array(z.string()),
  outcome: z.string(),
});
type Template = z.infer<typeof Template>;

const Vocabulary = z.strictObject({
  stacks: z.array(z.strictObject({ roots: Words, extension: z.string(), test: z.string() })),
  firstNames: Words,
  lastNames: Words,
  qualities: Words,
  things: Words,
  /** What the families are about; only `plainTemplates`, whose subjects no family has, are said of them. */
  familiarThings: Words,
  circumstances: Words,
  extras: Words,
  templates: z.array(Template),
  plainTemplates: z.array(Template),
});

const vocabulary = Vocabulary.parse(JSON.parse(readFileSync(new URL("other-runs.json", import.meta.url), "utf8")));

interface Job {
  readonly id: string;
  readonly template: Template;
  readonly project: { readonly name: string; readonly root: string; readonly extension: string; readonly test: string };
  readonly thing: string;
}

/** `count` runs, the same for the same seed. Bounded by what the caller asks for; 10,000 take well under a second. */
export function otherRuns({ seed, count }: { seed: number; count: number }): OtherRun[] {
  const random = createRandom(seed);
  const jobs: Job[] = [];
  while (jobs.length < count) {
    const job = toJob(jobs.length, random);
    const times = Math.min(1 + Math.floor(random() * random() * 5), count - jobs.length);
    for (let time = 0; time < times; time += 1) jobs.push(job);
  }
  return shuffle(jobs, random).map((job) => ({ lessonOf: job.id, run: toRun(job, random) }));
}

function toJob(index: number, random: () => number): Job {
  const { stacks, firstNames, lastNames, qualities, things, familiarThings, templates, plainTemplates } = vocabulary;
  const stack = pick(stacks, random);
  const name = `${pick(firstNames, random)}${pick(lastNames, random)}`;
  const isFamiliar = random() < 0.2;
  return {
    id: `other-${index}`,
    template: pick(isFamiliar ? plainTemplates : templates, random),
    project: { name, root: `${name}/${pick(stack.roots, random)}`, extension: stack.extension, test: stack.test },
    thing: isFamiliar ? pick(familiarThings, random) : `${pick(qualities, random)} ${pick(things, random)}`,
  };
}

function toRun({ template, project, thing }: Job, random: () => number): Run {
  const circumstance = pick(vocabulary.circumstances, random);
  const count = String(2 + Math.floor(random() * 900));
  const fill = (text: string): string =>
    text
      .replaceAll("{t}", thing)
      .replaceAll("{n}", count)
      .replaceAll("{p}", project.name)
      .replaceAll("{w}", circumstance)
      .replaceAll("{I}", toIdentifier(thing));
  const folder = `${project.root}/${thing.replaceAll(" ", "-")}`;
  const files = template.roles.map((role) => `${folder}/${role.includes(".") ? role : `${role}.${project.extension}`}`);
  const extra = random() < 0.3 ? [`${project.name}/${pick(vocabulary.extras, random)}`] : [];

  return {
    brief: fill(pick(template.briefs, random)),
    files: [...files, ...extra],
    steps: template.steps.map((does, index) => ({
      tool: index === 0 ? template.tool : "edit",
      file: files[Math.min(index, files.length - 1)]!,
      does: fill(does),
    })),
    checks: [fill(template.check.replaceAll("{test}", project.test))],
    errors: template.errors.map(fill),
    outcome: {
      status: random() < 0.9 ? "succeeded" : "failed",
      evidence: pick(["verified", "verified", "verified", "self", "none"] as const, random),
      summary: fill(template.outcome),
    },
  };
}

function toIdentifier(thing: string): string {
  return thing.replaceAll(/(?:^| )(\w)/g, (_, first: string) => first.toUpperCase());
}

function pick<Value>(values: readonly Value[], random: () => number): Value {
  return values[Math.floor(random() * values.length)]!;
}

/** Fisher–Yates, in place. */
function shuffle<Value>(values: Value[], random: () => number): Value[] {
  for (let last = values.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [values[last], values[other]] = [values[other]!, values[last]!];
  }
  return values;
}

/** A linear congruential generator with a multiplicative hash over it: even enough for words, and the same on every machine. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
  };
}
