import { type Connection, createRuntime } from "aionis";
import { openRaw, type Result, timed, toLatency, toRate, withFolder } from "../measure.ts";

/** What each step records. */
export const output = "x".repeat(1_000);
export type Claim = { taskId: Parameters<Connection["tasks"]["result"]>[0]; epoch: number };

/** Starts a task and claims it. */
export async function claimOne(runtime: Connection): Promise<Claim> {
  await runtime.tasks.start({ brief: "a task to measure with" });
  const { assignment } = await runtime.tasks.claim({});
  if (assignment === null) throw new Error("the task that was just started cannot be claimed");
  return assignment;
}

/** Records one step of it. */
export function record(runtime: Connection, { taskId, epoch }: Claim, ordinal: number): Promise<unknown> {
  return runtime.tasks.step({ taskId, epoch, step: { name: "step", ordinal, outcome: { kind: "succeeded", output } } });
}

const warmUp = 1_000;
const measured = 3_000;
const block = 100; // short enough for both to meet the same moods of the disk, long enough for each to run in its own caches

/** One durable step at a time, beside a bare transaction that writes the same rows and bytes. */
export function stepOne(): Promise<Result> {
  return withFolder(async (folder) => {
    const runtime = await createRuntime({ scope: "bench/steps", path: folder });
    const raw = openRaw(folder);
    const claim = await claimOne(runtime);
    const ours: number[] = [];
    const bare: number[] = [];
    for (let ordinal = 0; ordinal < warmUp + measured; ) {
      const isWarm = ordinal >= warmUp;
      for (const end = ordinal + block; ordinal < end; ordinal += 1) {
        const step = await timed(() => record(runtime, claim, ordinal));
        if (isWarm) ours.push(step);
      }
      for (let commit = 0; commit < block; commit += 1) {
        const bareCommit = await timed(() => raw.commitStep(output.length));
        if (isWarm) bare.push(bareCommit);
      }
    }
    raw.close();
    await runtime.close();
    return toLatency("step.one", ours, bare, "raw: a bare transaction of the same rows; at most 1.6 ×");
  });
}

/** 64 durable steps in flight, beside grouped inserts of one 1.4 KB row, 64 a commit. */
export function stepMany(): Promise<Result> {
  return withFolder(async (folder) => {
    const runtime = await createRuntime({ scope: "bench/steps", path: folder });
    const raw = openRaw(folder);
    const claims = await Promise.all(Array.from({ length: 64 }, () => claimOne(runtime)));
    const perTask = 200;
    const run = (from: number): Promise<unknown> =>
      Promise.all(
        claims.map(async (claim) => {
          for (let ordinal = from; ordinal < from + perTask; ordinal += 1) await record(runtime, claim, ordinal);
        }),
      );
    await run(0);
    let oursMs = 0;
    let bareMs = 0;
    for (let round = 1; round <= 3; round += 1) {
      oursMs += await timed(() => run(round * perTask));
      bareMs += await timed(() => {
        for (let commit = 0; commit < perTask; commit += 1) raw.insertRows(64);
      });
    }
    raw.close();
    await runtime.close();
    const n = 3 * 64 * perTask;
    return toRate(
      "step.64",
      n,
      (n / oursMs) * 1_000,
      (n / bareMs) * 1_000,
      "raw: 1.4 KB rows, 64 a commit; at least .12 ×",
    );
  });
}
