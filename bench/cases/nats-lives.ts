import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, isFailure } from "aionis";
import { type Result, timed, toAmount, toLatency } from "../measure.ts";
import { toMoment } from "../moment.ts";
import { type Part, type System, withSystem } from "../nats-system.ts";
import { fill, readAll } from "./size.ts";

type TaskId = Parameters<Connection["tasks"]["result"]>[0];

const leaseMs = 2_000;

/**
 * From the kill of a worker in the middle of a task to the start of another's handler, without the lease that must run out first. The kill
 * comes right after a sign of life, so that a whole lease is left.
 */
export function natsTakeover(): Promise<Result> {
  return withSystem(async (system) => {
    await system.startRuntime({ leaseMs });
    const connection = await system.connect();
    const start = (agent: string): Promise<Part> => system.startWorkers({ role: "hang", agents: [agent] });
    const workers = new Map([
      ["hanging-0", await start("hanging-0")],
      ["hanging-1", await start("hanging-1")],
    ]);
    const late: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const { taskId } = await connection.tasks.start({ brief: "hang", to: { role: "hang" } });
      const owner = await findOwner(connection, taskId);
      const killedAt = toMoment();
      await workers.get(owner)?.kill();
      const { outcome } = await connection.tasks.result(taskId);
      late.push((outcome as { data: number }).data - killedAt - leaseMs); // of the `hang` role
      workers.delete(owner);
      const successor = `hanging-${round + 2}`;
      workers.set(successor, await start(successor));
    }
    return toLatency("nats.takeover", late, [], `beyond the lease of ${leaseMs} ms, from the kill; at most 500 ms`);
  });
}

/** Who recorded the task's first step, as soon as there is one. */
async function findOwner(connection: Connection, taskId: TaskId): Promise<string> {
  for (;;) {
    const { steps } = await connection.tasks.steps({ taskId });
    const agent = steps[0]?.agent;
    if (agent !== undefined) return agent;
    await sleep(1);
  }
}

const long = { leaseMs: 600_000 }; // nothing runs out while it is measured

/** From the start of a runtime whose forerunner was killed over 10,000 running tasks to its first answer over NATS. */
export function natsRestart(): Promise<Result> {
  return withSystem(async (system) => {
    const folder = join(system.folder, "store");
    const ids = await fill(folder, { count: 10_000, claimed: true, scope: "bench/nats", agent: "driver", ...long });
    const bare: number[] = [];
    for (let round = 0; round < 5; round += 1) bare.push(await timed(() => readAll(folder)));
    let runtime = await system.startRuntime(long);
    const connection = await system.connect();
    const ours: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      await runtime.kill();
      const taskId = ids[Math.floor(Math.random() * ids.length)] as TaskId; // there are some
      const start = performance.now();
      const [part] = await Promise.all([
        system.startRuntime(long),
        untilRecorded(connection, taskId, round).then(() => ours.push(performance.now() - start)),
      ]);
      runtime = part;
    }
    return toLatency("nats.restart.10k", ours, bare, "raw: reading those rows with bare SQLite; at most 3,000 ms");
  });
}

/** Asks until a step is taken. The client would wait longer and longer before it asks again, which is not what is measured. */
async function untilRecorded(connection: Connection, taskId: TaskId, ordinal: number): Promise<void> {
  const step = { name: "first", ordinal, outcome: { kind: "succeeded", output: 1 } } as const;
  for (;;) {
    try {
      await connection.tasks.step({ taskId, epoch: 1, step }, { timeoutMs: 250 });
      return;
    } catch (error) {
      if (!isFailure(error, "TRANSPORT_UNROUTED", "TRANSPORT_TIMEOUT")) throw error;
      await sleep(5);
    }
  }
}

const idleMs = 10_000;
const processes = 4;
const workersEach = 50;
const claimsPerSecond = (processes * workersEach) / 10; // each asks again after 10 s

/** What 200 workers without work cost the runtime. */
export function natsIdle(): Promise<Result> {
  return withSystem(async (system) => {
    const runtime = await system.startRuntime();
    for (let group = 0; group < processes; group += 1) await startIdle(system, group);
    await sleep(3_000); // until the claims have spread out and compilation is over
    const ours = await percentOf(runtime, () => sleep(idleMs));
    const bare = await system.startBare();
    const raw = await percentOf(bare, async () => {
      for (const endAt = performance.now() + idleMs; performance.now() < endAt; await sleep(1_000 / claimsPerSecond))
        await bare.echo(Buffer.alloc(300));
    });
    const n = processes * workersEach;
    const note = "CPU of the runtime; raw: of a bare process asked as often; at most 3 %";
    return toAmount({ name: "nats.idle.200", unit: "%", n, value: ours, raw, note });
  });
}

function startIdle(system: System, group: number): Promise<Part> {
  const agents = Array.from({ length: workersEach }, (_, index) => `idle-${group}-${index}`);
  return system.startWorkers({ role: "hang", agents });
}

async function percentOf(part: Part, run: () => Promise<unknown>): Promise<number> {
  const before = await part.cpuMs();
  const ms = await timed(run);
  return (((await part.cpuMs()) - before) / ms) * 100;
}
