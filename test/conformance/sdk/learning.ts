// What the tests of memory share: a kind of work, told in several ways, and a worker that does it.

import { expect } from "vitest";
import type { Handler } from "../../../sdk/index.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import { ended, start, type World } from "./fabric.ts";

export const file = "src/payments/client.ts";
export const briefs = [
  "The payment client charges twice after a retry",
  "A retry in the payment client repeats the charge",
];
export const query = "Payment client: the charge is repeated by a retry";

const repair: Handler = async (_task, ctx) => {
  await ctx.step("find the attempts", { tool: "grep", files: [file] }, () => "line 41");
  await ctx.step("send one key", { tool: "edit", files: [file, "src/payments/backoff.ts"] }, () => "patched");
};

/** Works on each brief, one after the other, and waits until it has been learned from. */
export async function learn(
  { client, work }: World,
  all: readonly string[],
  handler: Handler = repair,
): Promise<TaskId[]> {
  const worker = work({ checks: { tests: async () => ({ passed: true }) } }, handler);
  const ids: TaskId[] = [];
  for (const brief of all) {
    const taskId = await start(client, { brief, checks: [{ name: "tests" }], retry: { attemptsMax: 1 } });
    await ended(client, taskId);
    expect(await client.tasks.settled({ taskId })).toMatchObject({ settled: true });
    ids.push(taskId);
  }
  void worker.stop();
  return ids;
}

export const lessonOf = (taskId: TaskId) => `les_${taskId.slice("task_".length)}` as const;
