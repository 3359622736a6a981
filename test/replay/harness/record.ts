// Recording
//
// Does a variant of a job as its agent did, with real tools in a real folder, and gives what the runtime would have recorded of it.

import assert from "node:assert/strict";
import type { RecordedRun, RecordedStep } from "../../../src/playbook/run.ts";
import type { Job, Use, Variant } from "../jobs/index.ts";
import { failing, useTool } from "./tools.ts";
import { inFolder, readFiles, toExpected } from "./workspace.ts";

/** The run of one variant. @throws AssertionError when a check passes before, or fails after it, or the files are not as expected. */
export function record(job: Pick<Job, "name" | "family">, seed: number, variant: Variant): Promise<RecordedRun> {
  const names = variant.checks.map(({ name }) => name);
  return inFolder(variant, async (folder) => {
    assert.deepEqual(await failing(folder, variant.checks), names, "every check fails before");

    const steps: RecordedStep[] = [];
    await variant.act(recordInto(steps, folder));

    assert.deepEqual(await failing(folder, variant.checks), [], "no check fails after");
    assert.deepEqual(readFiles(folder), toExpected(variant.files, variant.expected));
    return {
      taskId: toTaskId(job.name, seed),
      goal: variant.brief,
      ...(variant.data !== undefined && { data: variant.data }),
      family: job.family,
      outcome: "succeeded",
      verified: true,
      steps,
      checks: variant.checks.map(({ name, command }) => ({ name, command: [...command], required: true })),
    };
  });
}

function recordInto(steps: RecordedStep[], folder: string): Use {
  const use = async (name: string, tool: string, input: unknown): Promise<unknown> => {
    const { path } = input as { path?: string };
    const begun = { seq: steps.length + 2, name, tool, input, files: path === undefined ? [] : [path] }; // 1 created the task
    try {
      const output = await useTool(folder, tool, input);
      steps.push({ ...begun, output, succeeded: true });
      return output;
    } catch (error) {
      steps.push({ ...begun, error: String(error), succeeded: false });
      throw error;
    }
  };
  return use as Use; // each tool gives what its shape says, which jobs.test.ts shows
}

/** An id that is the same in every run. */
function toTaskId(name: string, seed: number): string {
  return `task_${name.replaceAll("-", "").slice(0, 18).padEnd(18, "0")}${String(seed).padStart(2, "0")}`;
}
