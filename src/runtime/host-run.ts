// Host runs
//
// What a host reports of a run without a worker, as the commands that the owner of a task would send.

import { type CommandOf, toEnd, toReport } from "../../machines/index.ts";
import type { TaskId } from "../contracts/ids.ts";
import type { OperationParsed } from "../contracts/operations/index.ts";
import { sha256 } from "../kernel/digest.ts";

/** The operations that report a run which has begun. */
export type HostOperation = "replay.step.before" | "replay.step.after" | "replay.step" | "replay.run.end";

const idChars = 20;

/** The task of a host's run: made from the id that the host chose, so that it needs no looking for. */
export function toHostTaskId(runId: string): TaskId {
  const number = sha256(runId).reduce((sum, byte) => (sum << 8n) + BigInt(byte), 0n);
  return `task_${number.toString(36).padStart(idChars, "0").slice(-idChars)}`;
}

/** The id of the command for a report that has none: a report that is repeated is the same. */
export function toReportId(
  name: HostOperation | "replay.run.start",
  input: { runId: string; step?: { id: string } },
): string {
  const parts = [name, input.runId, ...(input.step === undefined ? [] : [input.step.id])];
  return `host:${Buffer.from(sha256(JSON.stringify(parts))).toString("base64url")}`;
}

/** What the owner of the run's task would send. */
export function toOwnersCommand(input: OperationParsed<HostOperation>): OwnersCommand {
  const taskId = toHostTaskId(input.runId);
  if ("outcome" in input) return toEnd(taskId, input);
  const owned = { taskId, epoch: 1 };
  if ("files" in input.step) return { name: "tasks.step", taskId, input: { ...owned, step: toReport(input.step) } };
  const { id, tool, input: stepInput } = input.step;
  const step = { name: id, ordinal: 0, tool, begin: true, input: stepInput } as const;
  return { name: "tasks.step", taskId, input: { ...owned, step } };
}

type OwnersCommand = CommandOf<"tasks.step" | "tasks.complete" | "tasks.fail">;
