import { z } from "zod";
import { CommandId, TaskId, word } from "../ids.ts";
import { limits } from "../limits.ts";
import { sensitive } from "../sensitive.ts";
import { StepReceipt } from "../step.ts";
import { Ack, TaskState } from "../task.ts";
import { Check, FilePath, Json, Line, Name, Sequence, Text, WaitMs } from "../values.ts";
import { defineOperation } from "./operation.ts";

const commandId = { commandId: CommandId.optional() };

/** What a host calls its run: any text. The same id is the same run. */
const RunId = word(limits.idChars);
const run = { ...commandId, runId: RunId };
const files = z.array(FilePath).max(limits.listItems).default([]);

const HostStep = z.strictObject({
  /** What the host calls it, once a run. */
  id: Name,
  tool: Name.optional(),
  input: Json.optional(),
  output: Json.optional(),
  /** Of a step that failed. */
  error: sensitive(Line).optional(),
  files,
  durationMs: WaitMs.optional(),
});

const HostEnd = z.strictObject({
  outcome: z.enum(["succeeded", "failed"]),
  summary: Line.optional(),
  files,
  data: Json.optional(),
});

const ownerFailures = ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT", "EPOCH_STALE"] as const;
const stepFailures = [...ownerFailures, "STEP_DIVERGED", "STEP_OUTCOME_UNKNOWN"] as const;

export const replayRunStart = defineOperation({
  name: "replay.run.start",
  kind: "command",
  layer: "core",
  summary: "Report a run that was done without a worker: its start, or all of it at once.",
  input: z
    .strictObject({
      ...run,
      brief: Text.min(1),
      family: Name.optional(),
      data: Json.optional(),
      files,
      /** Steps that are done by now, in order. They and the end are recorded together with the start, or nothing is. */
      steps: z.array(HostStep).max(limits.runSteps).default([]),
      end: HostEnd.optional(),
    })
    .refine(({ steps }) => new Set(steps.map(({ id }) => id)).size === steps.length, {
      error: "two steps have the same id",
      path: ["steps"],
    }),
  output: Ack,
  failures: [],
  idempotent: true,
});

export const replayStepBefore = defineOperation({
  name: "replay.step.before",
  kind: "command",
  layer: "core",
  summary: "Report that a step of a host's run begins; it is known then that it may have been done.",
  input: z.strictObject({ ...run, step: HostStep.pick({ id: true, tool: true, input: true }) }),
  output: z.strictObject({ receipt: StepReceipt }),
  failures: stepFailures,
  idempotent: true,
});

export const replayStepAfter = defineOperation({
  name: "replay.step.after",
  kind: "command",
  layer: "core",
  summary: "Report what came of a step of a host's run that began.",
  input: z.strictObject({ ...run, step: HostStep }),
  output: z.strictObject({ receipt: StepReceipt }),
  failures: stepFailures,
  idempotent: true,
});

export const replayStep = defineOperation({
  name: "replay.step",
  kind: "command",
  layer: "core",
  summary: "Report a whole step of a host's run in one call.",
  input: z.strictObject({ ...run, step: HostStep }),
  output: z.strictObject({ receipt: StepReceipt }),
  failures: stepFailures,
  idempotent: true,
});

export const replayRunEnd = defineOperation({
  name: "replay.run.end",
  kind: "command",
  layer: "core",
  summary: "Report how a host's run ended.",
  input: z.strictObject({ ...run, ...HostEnd.shape }),
  output: Ack,
  failures: ownerFailures,
  idempotent: true,
});

export const replayRunGet = defineOperation({
  name: "replay.run.get",
  kind: "query",
  layer: "core",
  summary: "Read a task as a run: what it was asked, and what it did, as a playbook would be compiled from it.",
  input: z
    .strictObject({ runId: RunId.optional(), taskId: TaskId.optional() })
    .refine(({ runId, taskId }) => (runId === undefined) !== (taskId === undefined), {
      error: "give the runId of a host's run, or the taskId of any task",
    }),
  output: z.strictObject({
    taskId: TaskId,
    state: TaskState,
    brief: Text,
    family: Name.optional(),
    data: Json.optional(),
    outcome: z.enum(["succeeded", "failed", "open"]),
    verified: z.boolean(),
    steps: z.array(
      z.strictObject({
        seq: Sequence,
        name: Name,
        tool: Name.optional(),
        input: Json.optional(),
        output: Json.optional(),
        error: sensitive(Line).optional(),
        succeeded: z.boolean(),
        files: z.array(FilePath),
      }),
    ),
    checks: z.array(Check),
  }),
  failures: ["TASK_NOT_FOUND"],
  idempotent: true,
});
