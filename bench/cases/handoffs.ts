import { createRuntime } from "aionis";
import { openRaw, type Result, timed, toLatency, toRate, withFolder } from "../measure.ts";

/** From the call that offers a task to the start of a handler that waits for it. */
export function handoffMemory(): Promise<Result> {
  return withFolder(async (folder) => {
    const runtime = await createRuntime({ scope: "bench/handoffs", path: folder });
    const raw = openRaw(folder);
    let offeredAt = 0;
    let started: (ms: number) => void = () => {};
    runtime.worker({ agent: "taker", roles: ["take"], concurrency: 4 }, (_task, ctx) => {
      started(performance.now() - offeredAt);
      return ctx.complete();
    });
    const ours: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < 400; round += 1) {
      const { taskId } = await runtime.tasks.start({ brief: "hand me over", to: { agent: "giver" } });
      const { assignment } = await runtime.tasks.claim({ taskId }, { agent: "giver" });
      const start = new Promise<number>((resolve) => {
        started = resolve;
      });
      offeredAt = performance.now();
      const packet = { brief: "x".repeat(1_400), nextAction: "go on" };
      await runtime.handoff.offer(
        { taskId, epoch: assignment?.epoch ?? 0, to: { role: "take" }, packet },
        { agent: "giver" },
      );
      const ms = await start;
      await runtime.tasks.result(taskId);
      const commit = await timed(() => raw.insertRows(1));
      if (round >= 50) ours.push(ms);
      if (round >= 50) bare.push(commit);
    }
    raw.close();
    await runtime.close();
    return toLatency("handoff.memory", ours, bare, "raw: one bare commit; at most 2 ×");
  });
}

/** Whole tasks of five steps and a handoff, `inFlight` at a time. */
export function wholeTasks(inFlight: number, count: number): Promise<Result> {
  return withFolder(async (folder) => {
    const runtime = await createRuntime({ scope: "bench/tasks", path: folder });
    const raw = openRaw(folder);
    runtime.worker({ agent: "one", roles: ["one"], concurrency: inFlight }, async (_task, ctx) => {
      for (let step = 0; step < 3; step += 1) await ctx.step("work", () => "x".repeat(200));
      return ctx.handoff({ to: { role: "two" }, brief: "go on", nextAction: "finish" });
    });
    runtime.worker({ agent: "two", roles: ["two"], concurrency: inFlight }, async (_task, ctx) => {
      for (let step = 0; step < 2; step += 1) await ctx.step("work", () => "x".repeat(200));
      return ctx.complete();
    });
    const one = async (): Promise<void> => {
      const { taskId } = await runtime.tasks.start({ brief: "a whole task", to: { role: "one" } });
      await runtime.tasks.result(taskId);
    };
    const run = (tasks: number): Promise<unknown> => {
      let left = tasks;
      return Promise.all(
        Array.from({ length: inFlight }, async () => {
          while (left-- > 0) await one();
        }),
      );
    };
    await run(Math.ceil(count / 10));
    const oursMs = await timed(() => run(count));
    const bareMs = await timed(() => {
      for (let written = 0; written < count * 10; written += inFlight) raw.insertRows(inFlight); // ten events a task
    });
    raw.close();
    await runtime.close();
    const rate = (count / oursMs) * 1_000;
    return toRate(
      `task.${inFlight === 1 ? "one" : inFlight}`,
      count,
      rate,
      (count / bareMs) * 1_000,
      "raw: ten plain rows a task, grouped alike",
    );
  });
}
