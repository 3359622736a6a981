import { onTestFinished } from "vitest";
import type { Connection, Handler, WorkerOptions } from "../../../sdk/index.ts";
import { createRuntime } from "../../../src/index.ts";
import { makeFolder } from "./folder.ts";

/** A runtime of the test's own. */
export async function openRuntime(): Promise<Connection> {
  const path = makeFolder();
  const runtime = await createRuntime({ scope: "test/tools", path, durability: "process", leaseMs: 200 });
  onTestFinished(() => runtime.close());
  return runtime;
}

/** Starts a task and works on it to its end; gives what the handler returned, or the last error. */
export async function runTask(
  runtime: Connection,
  options: Partial<WorkerOptions>,
  handler: Handler,
  to: Parameters<Connection["tasks"]["start"]>[0]["to"] = "any",
): Promise<{ taskId: Parameters<Connection["tasks"]["result"]>[0]; data: unknown; error: unknown }> {
  const worker = runtime.worker({ agent: "ada", ...options }, handler);
  const retry = { attemptsMax: 2, backoffMs: 5 };
  const { taskId } = await runtime.tasks.start({ brief: "Use the tools", to, retry });
  const { task, outcome } = await runtime.tasks.result(taskId);
  void worker.stop();
  const { data } = (outcome ?? {}) as { data?: unknown }; // what a completed task returned
  return { taskId, data, error: task.state === "failed" ? JSON.stringify({ task, outcome }) : undefined };
}
