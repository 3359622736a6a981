import { join } from "node:path";
import type { Connection } from "aionis";
import { openRaw, type Result, timed, toAmount, toLatency, toRate } from "../measure.ts";
import { type Bare, bytesIn, type Part, withSystem } from "../nats-system.ts";

const block = 100; // as in steps.ts
const packet = Buffer.alloc(1_500, "x");

/** From the call that offers a task in one process to the start of a handler that waits for it in another. */
export function natsHandoff(): Promise<Result> {
  return withSystem(async (system) => {
    await system.startRuntime();
    await system.startWorkers({ role: "give", agents: ["giver"] });
    await system.startWorkers({ role: "take", agents: ["taker"] });
    const bare = await system.startBare();
    const connection = await system.connect();
    const raw = openRaw(system.folder);
    const ours: number[] = [];
    const sums: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const isWarm = round > 0;
      for (let index = 0; index < block; index += 1) {
        const ms = await finish(connection, "give");
        if (isWarm) ours.push(Number(ms));
      }
      for (let index = 0; index < block; index += 1) {
        const commit = await timed(() => raw.commitStep(packet.length));
        const request = await timed(() => bare.echo(packet));
        const ms = commit + request + (await bare.push());
        if (isWarm) sums.push(ms);
      }
    }
    raw.close();
    return toLatency("nats.handoff", ours, sums, "raw: a commit, a request, a push; p50 at most 2.5 ×, p99 20 ms");
  });
}

// What a task asks of the runtime: start, two claims, ten steps, the offer and the completion are committed; the wait for its end and a
// heartbeat at the start of each handler are not.
const commitsPerTask = 15;
const queriesPerTask = 3;

interface Totals {
  tasks: number;
  ms: number;
  cpuMs: number;
  /** The growth of the store, warming up included, by the task. */
  diskKB: number;
}

/** Whole tasks of ten steps and a handoff between two worker processes, `inFlight` at a time. */
export async function natsTasks(inFlight: number, size: { rounds: number; perRound: number }): Promise<Result[]> {
  const { ours, raw } = await measureTasks(inFlight, size);
  const name = `nats.task.${inFlight}`;
  const n = ours.tasks;
  const cpu = { value: ours.cpuMs / n, raw: raw.cpuMs / n };
  return [
    toRate(name, n, toPerSecond(ours), toPerSecond(raw), "raw: the bare pieces do the same requests and commits"),
    toAmount({ name: `${name}.cpu`, unit: "ms", n, ...cpu, note: "a task, of all processes but nats-server" }),
    toAmount({ name: `${name}.disk`, unit: "KB", n, value: ours.diskKB, raw: raw.diskKB, note: "a task" }),
  ];
}

function measureTasks(
  inFlight: number,
  { rounds, perRound }: { rounds: number; perRound: number },
): Promise<{ ours: Totals; raw: Totals }> {
  return withSystem(async (system) => {
    const runtime = await system.startRuntime();
    const bare = await system.startBare();
    const stores = [join(system.folder, "store"), join(system.folder, "bare")] as const;
    const emptyBytes = [bytesIn(stores[0]), bytesIn(stores[1])] as const;
    const workers = [
      await system.startWorkers({ role: "begin", agents: ["beginner"], concurrency: inFlight }),
      await system.startWorkers({ role: "finish", agents: ["finisher"], concurrency: inFlight }),
    ];
    const connection = await system.connect();
    let [ours, raw] = [toTotals(), toTotals()];
    for (let round = 0; round <= rounds; round += 1) {
      if (round === 1) [ours, raw] = [toTotals(), toTotals()]; // it is warm now
      await total(ours, perRound, [runtime, ...workers], () =>
        share(perRound, inFlight, () => finish(connection, "begin")),
      );
      await total(raw, perRound, [bare], () => share(perRound, inFlight, () => imitate(bare)));
    }
    await Promise.all(workers.map((worker) => worker.end()));
    await Promise.all([runtime.end(), bare.end()]); // what is in the folders now is what stays
    const tasks = perRound * (rounds + 1);
    ours.diskKB = (bytesIn(stores[0]) - emptyBytes[0]) / 1_024 / tasks;
    raw.diskKB = (bytesIn(stores[1]) - emptyBytes[1]) / 1_024 / tasks;
    return { ours, raw };
  });
}

function toTotals(): Totals {
  return { tasks: 0, ms: 0, cpuMs: 0, diskKB: 0 };
}

/** Adds up what `count` tasks cost, in this process and in `parts`. */
async function total(sum: Totals, count: number, parts: readonly Part[], run: () => Promise<unknown>): Promise<void> {
  const before = await cpuOf(parts);
  sum.ms += await timed(run);
  sum.cpuMs += (await cpuOf(parts)) - before;
  sum.tasks += count;
}

async function cpuOf(parts: readonly Part[]): Promise<number> {
  const { user, system } = process.cpuUsage();
  const used = await Promise.all(parts.map((part) => part.cpuMs()));
  return used.reduce((sum, ms) => sum + ms, (user + system) / 1_000);
}

function toPerSecond({ tasks, ms }: Totals): number {
  return (tasks / ms) * 1_000;
}

/** Runs `one` `count` times, `inFlight` at a time. */
function share(count: number, inFlight: number, one: () => Promise<unknown>): Promise<unknown> {
  let left = count;
  return Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await one();
    }),
  );
}

/** Starts a task for `role` and gives what it was completed with. */
async function finish(connection: Connection, role: string): Promise<unknown> {
  const { taskId } = await connection.tasks.start({ brief: "a whole task", to: { role } });
  const { task, outcome } = await connection.tasks.result(taskId);
  if (task.state !== "succeeded") throw new Error(`${taskId} is ${task.state}: ${JSON.stringify(outcome)}`);
  return (outcome as { data?: unknown }).data; // of a completion
}

/** As many requests and commits as one task, of about the same sizes. */
async function imitate(bare: Bare): Promise<void> {
  const step = packet.subarray(0, 400);
  for (let commit = 1; commit < commitsPerTask; commit += 1) await bare.commit(step);
  await bare.commit(packet);
  for (let query = 0; query < queriesPerTask; query += 1) await bare.echo(step);
}
