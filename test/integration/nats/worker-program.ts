// A worker over NATS: `worker-program.ts <scope> <servers> <agent> <log> <concurrency>`. What it does with a task stands in the task's data (`Work`).
//
// The log has a line `effect <key> <epoch>` for each run of a step, and `ack <fact>` for everything that the runtime acknowledged.

import { appendFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { type Assignment, connect, type RunContext } from "../../../src/index.ts";
import { facts, type Work } from "./work.ts";

const [, , scope = "", servers = "", agent = "", log = "", concurrency = ""] = process.argv;
const write = (line: string): void => appendFileSync(log, `${line}\n`);
const acknowledged = (fact: string): void => write(`ack ${fact}`);

const connection = await connect({ scope, servers: servers.split(","), agent });
connection.worker({ agent, roles: ["review", "part"], concurrency: Number(concurrency) }, async (task, ctx) => {
  const { taskId, epoch, stage } = task;
  const work = task.data as Work; // the tests start no other tasks
  acknowledged(facts.claimed(taskId, epoch, agent));
  ctx.signal.addEventListener("abort", () =>
    console.log(`signal ${taskId} ${(ctx.signal.reason as { reason: string }).reason}`),
  );
  for (let index = 0; index < work.steps; index += 1) await takeStep(`s${index}`, work, task, ctx);
  if (stage === 1 && work.next === "handoff") {
    if (work.hang === "handoff" && epoch === 1) await hang(taskId);
    await ctx.handoff({ to: { role: "review" }, brief: `Review ${task.brief}`, nextAction: "Look at it" });
    return acknowledged(facts.offered(taskId, epoch));
  }
  if (work.next === "delegation") {
    const data: Work = { steps: 1, stepMs: work.stepMs };
    await ctx.delegate({ to: { role: "part" }, brief: `A part of ${task.brief}`, nextAction: "Do it", data });
  }
  await ctx.complete({ data: agent });
  acknowledged(facts.completed(taskId, epoch));
});
console.log("ready");
flushCompileCache(); // at the end it would be too late: most are killed
process.stdin.resume().on("end", () => process.exit()); // whoever started it is gone

async function takeStep(name: string, work: Work, { taskId, epoch }: Assignment, ctx: RunContext): Promise<void> {
  let stepKey = "";
  const hangs = epoch === 1 && name === "s1" ? work.hang : undefined;
  await ctx.step(name, async ({ key }) => {
    stepKey = key;
    write(`effect ${key} ${epoch}`);
    await (hangs === "inside s1" ? hang(taskId) : sleep(work.stepMs));
    return { by: agent, text: "x".repeat(work.outputChars ?? 0) };
  });
  if (stepKey !== "") acknowledged(facts.stepped(stepKey)); // else an earlier run was told of it
  if (hangs === "after s1") await hang(taskId);
}

async function hang(taskId: string): Promise<void> {
  const woken = new Promise((resolve) => process.once("SIGUSR2", resolve));
  console.log(`hanging ${taskId}`);
  await woken;
}
