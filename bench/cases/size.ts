import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CreateRuntimeOptions, createRuntime } from "aionis";
import Database from "better-sqlite3";
import { type Result, timed, toLatency, withFolder } from "../measure.ts";

const root = join(import.meta.dirname, "../..");

const scope = "bench/size";

/** Fills a store with `count` tasks, claimed or at rest; gives their ids. Claims that are to last need a long lease. */
export async function fill(
  folder: string,
  { count, claimed, ...options }: { count: number; claimed: boolean } & CreateRuntimeOptions,
): Promise<string[]> {
  const runtime = await createRuntime({ scope, path: folder, durability: "process", ...options });
  const ids: string[] = [];
  for (let from = 0; from < count; from += 256) {
    const started = await Promise.all(
      Array.from({ length: Math.min(256, count - from) }, () =>
        runtime.tasks.start({ brief: "one of many", to: { role: "later" } }),
      ),
    );
    ids.push(...started.map(({ taskId }) => taskId));
    if (claimed) await Promise.all(started.map(({ taskId }) => runtime.tasks.claim({ taskId, roles: ["later"] })));
  }
  await runtime.close();
  return ids;
}

/** Opening a store with 10,000 running tasks: every lease armed, and the first command of a random one answered. */
export function recoverMany(): Promise<Result> {
  return withFolder(async (folder) => {
    const ids = await fill(folder, { count: 10_000, claimed: true });
    const ours: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      bare.push(await timed(() => readAll(folder)));
      const taskId = ids[Math.floor(Math.random() * ids.length)] as Parameters<typeof first>[1];
      const start = performance.now();
      const runtime = await createRuntime({ scope, path: folder });
      await first(runtime, taskId);
      ours.push(performance.now() - start);
      await runtime.close();
    }
    return toLatency("recover.10k", ours, bare, "raw: reading those rows with bare SQLite; at most 1,000 ms");
  });
}

async function first(
  runtime: Awaited<ReturnType<typeof createRuntime>>,
  taskId: Parameters<typeof runtime.tasks.result>[0],
): Promise<void> {
  const step = {
    name: "first",
    ordinal: Math.floor(performance.now()),
    outcome: { kind: "succeeded", output: 1 },
  } as const;
  await runtime.tasks.step({ taskId, epoch: 1, step });
}

/** The rows of the running tasks, read with bare SQLite. */
export function readAll(folder: string): void {
  const database = new Database(join(folder, "aionis.db"), { readonly: true });
  database.prepare("SELECT * FROM tasks WHERE state = 'running'").all();
  database.close();
}

/** 100,000 tasks at rest: what they cost in memory beyond none, and how long a random one takes to answer its first command. */
export function restMany(): Promise<Result[]> {
  return withFolder(async (folder) => {
    const empty = await withFolder((other) => memoryOf(other));
    const ids = await fill(folder, { count: 100_000, claimed: false });
    const full = await memoryOf(folder);
    const runtime = await createRuntime({ scope, path: folder });
    const wakes: number[] = [];
    for (let round = 0; round < 500; round += 1) {
      const taskId = ids[Math.floor(Math.random() * ids.length)] as Parameters<typeof runtime.tasks.result>[0];
      wakes.push(await timed(() => runtime.tasks.get({ taskId })));
    }
    await runtime.close();
    const rest: Result = {
      name: "rest.100k",
      unit: "MB",
      n: ids.length,
      p50: full - empty,
      p99: null,
      perSecond: null,
      raw: empty,
      ratio: null,
      note: "raw: the memory of a runtime without tasks; at most 50 MB more",
    };
    return [rest, toLatency("wake", wakes, [], "reading a random task at rest; p50 at most 1 ms")];
  });
}

/** The memory in MB of a process that opened the store and looked at it. */
function memoryOf(folder: string): Promise<number> {
  const program = `
    import { createRuntime } from "aionis";
    const runtime = await createRuntime({ scope: "bench/size", path: ${JSON.stringify(folder)} });
    await runtime.tasks.list({});
    globalThis.gc();
    console.log(process.memoryUsage().rss / 2 ** 20);
    await runtime.close();`;
  return readNumber(["--expose-gc", "--import", "tsx", "--input-type=module", "--eval", program]);
}

/** From the start of a process to its first committed task, of the built program. */
export function startUp(): Promise<Result[]> {
  const built = join(root, "dist/src/index.js");
  if (!existsSync(built)) throw new Error("`start` measures the built program: run `npm run build` first");
  const program = `
    import { createRuntime } from ${JSON.stringify(built)};
    const from = performance.now();
    const runtime = await createRuntime({ scope: "bench/start", path: process.argv[1] });
    const opened = performance.now() - from;
    await runtime.tasks.start({ brief: "first" });
    console.log(opened);
    process.kill(process.pid, "SIGKILL");`;
  return withFolder(async (folder) => {
    const whole: number[] = [];
    const opening: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      bare.push(await timed(() => readNumber(["--input-type=module", "--eval", "console.log(1)"])));
      const path = join(folder, String(round));
      whole.push(
        await timed(async () => opening.push(await readNumber(["--input-type=module", "--eval", program, path]))),
      );
    }
    return [
      toLatency("start", whole, bare, "raw: the start of Node.js alone; p50 at most 300 ms"),
      toLatency("start.createRuntime", opening, [], "at most 60 ms"),
    ];
  });
}

function readNumber(argv: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, argv, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () =>
      text === "" ? reject(new Error("the child printed nothing")) : resolve(Number.parseFloat(text)),
    );
  });
}
