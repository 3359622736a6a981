// Measuring
//
// What share of new work a compiled playbook does as it should: compiled from recorded runs, filled in from brief and data alone, run with real
// tools in a fresh workspace. A look-alike has to stop before any file is changed that the job is not about.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Condition, PlaybookContent } from "../../src/contracts/playbook.ts";
import {
  bindParameters,
  compile,
  fillFrom,
  findProblems,
  hasMatch,
  type RecordedRun,
  renderCondition,
  renderInput,
} from "../../src/playbook/index.ts";
import { failing, useTool } from "../replay/harness/tools.ts";
import { inFolder, listChanges, readFiles, toExpected } from "../replay/harness/workspace.ts";
import { type Job, lookAlikes, seeds, type Workspace } from "../replay/jobs/index.ts";

/** What became of one piece of new work. */
export type Outcome = { kind: "done" } | { kind: "missing" | "stopped" | "wrong"; why: string };

/** The playbook of `runs`. @throws Error when they were refused, or it has problems */
export function compileAll(runs: readonly RecordedRun[]): PlaybookContent {
  const compiled = compile(runs);
  if (compiled.kind === "refused") throw new Error(compiled.why);
  const problems = findProblems(compiled.content);
  if (problems.length > 0) throw new Error(problems.join("; "));
  return compiled.content;
}

/** Does each fresh variant of the job. */
export function doFresh(job: Job, content: PlaybookContent): Promise<Outcome[]> {
  return Promise.all(
    seeds.fresh.map((seed) => {
      const variant = job.variant(seed);
      return inFolder(variant, async (folder): Promise<Outcome> => {
        const stopped = await replay(folder, content, variant);
        if (stopped !== undefined) return stopped;
        const failed = await failing(folder, variant.checks);
        const changes = listChanges(readFiles(folder), toExpected(variant.files, variant.expected));
        if (failed.length + changes.length === 0) return { kind: "done" };
        return { kind: "wrong", why: `checks ${failed.join(", ")}; files ${changes.join(", ")}` };
      });
    }),
  );
}

/** Whether look-alike `seed` stopped, with no file changed that the job is not about; undefined when there is none. */
export async function doLookAlike(job: Job, content: PlaybookContent, seed: number): Promise<Outcome | undefined> {
  const work = lookAlikes(job, seed);
  if (work === undefined) return undefined;
  return await inFolder(work, async (folder): Promise<Outcome> => {
    const stopped = await replay(folder, content, work);
    const changed = listChanges(readFiles(folder), work.files).filter((path) => !work.about.includes(path));
    if (changed.length > 0) return { kind: "wrong", why: `changed ${changed.join(", ")}` };
    return stopped ?? { kind: "wrong", why: "did not stop" };
  });
}

/** Runs the steps; what stopped it, if anything did. */
async function replay(folder: string, content: PlaybookContent, work: Workspace): Promise<Outcome | undefined> {
  const given = fillFrom(content, { text: work.brief, data: work.data });
  const { values, missing, invalid } = bindParameters(content, given);
  if (missing.length + invalid.length > 0) {
    const why = [...missing, ...invalid.map(({ name, why: reason }) => `${name} ${reason}`)].join(", ");
    return { kind: "missing", why: `${why} of ${JSON.stringify(given)} in ${work.brief}` };
  }
  const outputs: Record<string, unknown> = {};
  for (const step of content.steps) {
    if (step.when?.kind === "given" && !Object.hasOwn(values, step.when.parameter)) continue;
    try {
      const scope = { values, outputs };
      for (const each of step.before) require(holds(folder, renderCondition(each, scope), undefined), step.key, each);
      outputs[step.key] = await useTool(folder, step.tool, renderInput(step.input, scope));
      for (const each of step.after)
        require(holds(folder, renderCondition(each, scope), outputs[step.key]), step.key, each);
    } catch (error) {
      return { kind: "stopped", why: `${step.key}: ${String(error)} with ${JSON.stringify(values)}` };
    }
  }
  return undefined;
}

function require(isHeld: boolean, key: string, condition: Condition): void {
  if (!isHeld) throw new Error(`${key} needs ${JSON.stringify(condition)}`);
}

function holds(folder: string, condition: Condition, output: unknown): boolean {
  const { exitCode, stdout = "" } = (output ?? {}) as { exitCode?: number; stdout?: string }; // of a command, where it is asked
  switch (condition.kind) {
    case "file_exists":
      return existsSync(join(folder, condition.path));
    case "path_not_exists":
      return !existsSync(join(folder, condition.path));
    case "exit_code":
      return exitCode === condition.code;
    case "output_matches":
      return hasMatch(stdout, condition.pattern);
    default:
      throw new Error(`no run has ${condition.kind}`);
  }
}
