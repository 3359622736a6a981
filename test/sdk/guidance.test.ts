import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type Connection, createRuntime, type Guidance, type Handler } from "../../src/index.ts";

async function setup() {
  const path = await mkdtemp(join(tmpdir(), "aionis-guidance-"));
  const open = () => createRuntime({ scope: "test/guidance", path, durability: "process", leaseMs: 500 });
  let runtime = await open();
  onTestFinished(async () => {
    await runtime.close();
    await rm(path, { recursive: true });
  });
  return {
    runtime: () => runtime,
    async restart() {
      await runtime.close();
      runtime = await open();
    },
  };
}

const brief = "Repair the retry queue of the worker";

/** Lets a worker do the task to its end, whose checks pass. */
async function runTask(runtime: Connection, handler: Handler): Promise<unknown> {
  const worker = runtime.worker({ agent: "a", roles: ["fix"] }, handler);
  const check = { name: "node", command: [process.execPath, "--version"] };
  const { taskId } = await runtime.tasks.start({ brief, family: "fix", to: { role: "fix" }, checks: [check] });
  const { outcome } = await runtime.tasks.result(taskId);
  await runtime.tasks.settled({ taskId });
  void worker.stop();
  return (outcome as { data?: unknown }).data;
}

const fix: Handler = async (_task, ctx) => {
  await ctx.step("edit", { tool: "editor", files: ["src/retry-queue.ts"] }, () => "done");
};

it("says what earlier runs of the same work taught, and counts the end for the lessons that were to be used", async () => {
  const { runtime } = await setup();
  await runTask(runtime(), fix);
  await runTask(runtime(), fix);

  const guided = (await runTask(runtime(), async (_task, ctx) => {
    const guidance = await ctx.guidance();
    await ctx.step("edit", { tool: "editor", files: ["src/retry-queue.ts"] }, () => "done");
    return guidance;
  })) as Guidance;

  expect(guided).toMatchObject({ known: true, receipt: expect.stringMatching(/^rcp_/), gate: { action: "proceed" } });
  expect(guided.files[0]?.path).toBe("src/retry-queue.ts");
  expect(guided.text).toContain("src/retry-queue.ts");
  expect(guided.use).toEqual([guided.lessons[0]?.id]);
  const { evidence } = await runtime().memory.get({ id: guided.use[0]! });
  expect(evidence.length).toBeGreaterThanOrEqual(3);
});

it("is asked once a run, as a step of its own tool", async () => {
  const { runtime } = await setup();
  let taskId: `task_${string}` | undefined;

  const [first, second] = (await runTask(runtime(), async (task, ctx) => {
    taskId = task.taskId;
    return [await ctx.guidance(), await ctx.guidance()];
  })) as [Guidance, Guidance];

  expect(second).toEqual(first);
  expect(first).toMatchObject({ known: false, use: [], firstAction: { cautious: true } });
  const { steps } = await runtime().tasks.steps({ taskId: taskId! });
  expect(steps).toMatchObject([{ name: "guidance", tool: "guidance", status: "succeeded", output: first }]);
});

it("is the same after a restart, whatever was learned meanwhile", async () => {
  const { runtime, restart } = await setup();
  const seen: Guidance[] = [];
  const answered = Promise.withResolvers<void>();
  const first = runtime().worker({ agent: "a", roles: ["guided"] }, async (_task, ctx) => {
    seen.push(await ctx.guidance());
    answered.resolve();
    await new Promise(() => {}); // until its process dies
  });
  const { taskId } = await runtime().tasks.start({ brief, family: "fix", to: { role: "guided" } });
  await answered.promise;
  await runTask(runtime(), fix);
  await runTask(runtime(), fix);

  void first.stop();
  await restart();
  runtime().worker({ agent: "a", roles: ["guided"] }, async (_task, ctx) => {
    seen.push(await ctx.guidance());
  });
  await runtime().tasks.result(taskId);

  expect(seen).toHaveLength(2);
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[0]?.known).toBe(false);
});

it("asks about a task that was handed over with what its last owner said, too", async () => {
  const { runtime } = await setup();
  const connection = runtime();
  const receipts: string[] = [];
  connection.worker({ agent: "a", roles: ["fix"] }, (_task, ctx) =>
    ctx.handoff({ to: { role: "review" }, brief: "Look at the backoff", files: ["src/backoff.ts"] }),
  );
  connection.worker({ agent: "b", roles: ["review"] }, async (_task, ctx) => {
    receipts.push((await ctx.guidance()).receipt);
  });
  const { taskId } = await connection.tasks.start({ brief, to: { role: "fix" } });
  await connection.tasks.result(taskId);

  const explained = await connection.explain({ id: receipts[0] as `rcp_${string}` });

  expect(explained).toMatchObject({ of: "receipt", query: `${brief}\nLook at the backoff` });
});
