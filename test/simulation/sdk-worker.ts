// A worker of the SDK, as users write one: the same programs as `worker.ts`, through `ctx`.

import { z } from "zod";
import { createLocalQuestions } from "../../sdk/checkout.ts";
import type { Client } from "../../sdk/client.ts";
import type { RunContext } from "../../sdk/context.ts";
import { createWorkerLink } from "../../sdk/link.ts";
import type { Tool } from "../../sdk/tools/index.ts";
import { startWorker } from "../../sdk/worker.ts";
import { isFailure } from "../../src/contracts/failures.ts";
import type { Assignment } from "../../src/contracts/task.ts";
import { createIds } from "../../src/kernel/ids.ts";
import { silentLogger } from "../../src/kernel/logger.ts";
import type { Random } from "../../src/kernel/random.ts";
import { createTools, onceTool } from "./tools.ts";
import { type Process, type World, wait } from "./world.ts";

/** Works until its process is killed. */
export function launchSdkWorker(world: World, process: Process): void {
  const tools = createTools(world, process);
  const client = world.bug.client?.(stalling(world, process)) ?? stalling(world, process);
  startWorker(
    {
      client,
      questions: createLocalQuestions(client, process.clock),
      clock: process.clock,
      logger: {
        log(level, message, fields) {
          const isServedReadOnly = String(fields?.error).includes("JOURNAL_TRUNCATED"); // it must say what it cannot record
          if (level === "error" && process.isAlive() && !isServedReadOnly)
            world.violation(`the worker reported: ${message} ${JSON.stringify(fields)}`);
        },
      },
      link: createWorkerLink({
        ...process,
        scope: world.scope,
        ids: createIds(process.clock, world.random),
        logger: silentLogger,
      }),
      inspect() {},
    },
    {
      agent: process.name,
      roles: ["fix", "review", "docs"],
      concurrency: 2,
      tools,
      checks: {
        tests: () => Promise.resolve({ passed: world.isHealed() || world.random.u32() % 4 > 0 }),
        lint: () => Promise.resolve({ passed: false }),
      },
    },
    (task, ctx) => handle(world, { ...process, tools }, task, ctx),
  );
}

/** A worker that hangs sends no heartbeats before it goes on. */
function stalling(world: World, process: Process): Client {
  const { name, client } = process;
  const heartbeat: Client["tasks"]["heartbeat"] = async (...call) => {
    while (world.isStalled(name)) await wait(process, 100);
    return await client.tasks.heartbeat(...call);
  };
  return { ...client, tasks: { ...client.tasks, heartbeat } };
}

async function handle(
  world: World,
  process: Process & { tools: readonly Tool[] },
  task: Assignment,
  ctx: RunContext,
): Promise<unknown> {
  const random = world.randomFor(`${task.taskId}/${task.stage}`);
  const count = 1 + (random.u32() % 4);
  for (let index = 0; index < count; index += 1) {
    await ctx.step(`step-${index}`, { once: index === 0, input: { index } }, async ({ key }) => {
      await world.mayDie(process);
      await world.mayStall(process);
      await world.mayBlock(process);
      await wait(process, 20 + (world.random.u32() % 400));
      return world.effect(key);
    });
  }
  if (random.u32() % 3 === 0 && task.budget.depth > 6) {
    const part = {
      to: { role: "docs" },
      brief: `part of ${task.taskId}`,
      nextAction: "write",
      budget: { count: 1, depth: 1 },
    } as const;
    await ctx.delegate([part, { ...part, brief: `another part of ${task.taskId}` }]);
  }
  for (const { name } of process.tools) await use(ctx, task, name);
  return await end(world, process, ctx, task, random);
}

/** What a playbook can be made of. */
async function use(ctx: RunContext, { brief = "nothing" }: Assignment, tool: string): Promise<void> {
  const input = tool === onceTool ? { line: brief } : { name: "brief", value: brief };
  await ctx.tool(tool, tool, input);
}

/** Nobody may answer: it goes on all the same. */
async function ask(world: World, ctx: RunContext, question: string): Promise<void> {
  try {
    const { to } = await ctx.pause({ question, answer: z.object({ to: z.string() }), expiresIn: "5s" });
    if (to !== question) world.violation(`I14: a handler that asked "${question}" got what was said to "${to}"`);
  } catch (error) {
    if (!isFailure(error, "PAUSE_EXPIRED")) throw error;
  }
}

async function end(
  world: World,
  process: Process,
  ctx: RunContext,
  task: Assignment,
  random: Random,
): Promise<unknown> {
  const choice = random.u32() % 10;
  if (choice === 0 && task.stage < 3) {
    return await ctx.handoff({
      to: { role: "review" },
      brief: `look at ${task.taskId}`,
      files: ["a.ts"],
      expiresIn: "6s",
    });
  }
  if (choice <= 3) {
    const questions = ["Go on?", "Tell the others?", "Keep a copy?"].slice(0, choice);
    const beside = ctx.step("beside", () => wait(process, random.u32() % 2_000));
    await Promise.all([beside, ...questions.map((question) => ask(world, ctx, question))]);
  }
  if (choice === 4 && task.attempt < 3) throw new Error("no luck");
  return { done: true };
}
