import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Connection, connect } from "aionis";
import { type AtEnd, type Program, startProgram } from "../../test/support/programs.ts";
import { median, type Result, toAmount, withFolder } from "../measure.ts";

const scope = "bench/inspect";
const programs = join(import.meta.dirname, "..", "programs");
const rounds = 7; // each with and without a viewer
const warm = 2;
const tasksPerRound = 500; // a viewer that comes costs some milliseconds, whatever follows
const inFlight = 8;

/** Where the inspection of a folder's runtime is served. */
interface Inspected {
  runtime: Program;
  url: string;
}

/** The CPU that a task costs its runtime and worker, with a viewer, beside the same without one. */
export async function inspectTasks(): Promise<Result[]> {
  const beside = await compare(async (folder, atEnd) => {
    const runtime = await startRuntime([folder], atEnd);
    const args = ["inspect", "--path", folder, "--scope", scope];
    const inspector = startProgram({ script: join(programs, "cli.ts"), args, atEnd });
    return { runtime, url: await findUrl(inspector) };
  });
  const embedded = await compare(async (folder, atEnd) => {
    const runtime = await startRuntime([folder, "inspect"], atEnd);
    return { runtime, url: await findUrl(runtime) };
  });
  const note = "CPU a task of runtime and worker, 8 in flight; raw: without a viewer; at most 1.15 ×";
  return [
    toAmount({ name: "inspect.beside", unit: "ms", ...beside, note: `${note}; \`aionis inspect\` serves it` }),
    toAmount({ name: "inspect.embedded", unit: "ms", ...embedded, note: `${note}; the same process serves it` }),
  ];
}

function compare(
  start: (folder: string, atEnd: AtEnd) => Promise<Inspected>,
): Promise<{ n: number; value: number; raw: number }> {
  return withFolder(async (folder) => {
    const stops: (() => Promise<void>)[] = [];
    try {
      const { runtime, url } = await start(join(folder, "store"), (stop) => stops.unshift(stop));
      const connection = await connect({ scope, path: join(folder, "store"), agent: "driver" });
      stops.unshift(() => connection.close());
      return await measure(connection, runtime, url);
    } finally {
      for (const stop of stops) await stop();
    }
  });
}

async function measure(connection: Connection, runtime: Program, url: string) {
  const cpuMs = createCpuMeter(runtime);
  const alone: number[] = [];
  const watched: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const sides = [
      () => costOf(connection, cpuMs),
      async () => {
        const viewer = await openViewer(url);
        const cost = await costOf(connection, cpuMs);
        await viewer.close();
        return cost;
      },
    ] as const;
    const isWarm = round >= warm;
    for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const cost = await sides[side]();
      if (isWarm) (side === 0 ? alone : watched).push(cost);
    }
  }
  return { n: (rounds - warm) * tasksPerRound, value: median(watched), raw: median(alone) };
}

async function costOf(connection: Connection, cpuMs: () => Promise<number>): Promise<number> {
  const before = await cpuMs();
  let left = tasksPerRound;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const { taskId } = await connection.tasks.start({ brief: "a whole task", to: { role: "work" } });
      await connection.tasks.result(taskId);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return ((await cpuMs()) - before) / tasksPerRound;
}

/** A viewer that has everything that was there when it came. It must be shown the end of every task of its time. */
async function openViewer(url: string): Promise<{ close(): Promise<void> }> {
  const address = new URL(url);
  address.protocol = "ws:";
  address.pathname = "/ws";
  const socket = new WebSocket(address);
  let ended = 0;
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as { type: string; event?: { type: string } };
    if (message.type === "@xstate.event" && message.event?.type === "task.completed") ended += 1;
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("message", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error(`${url} takes no viewer`)), { once: true });
  });
  return {
    async close() {
      for (const endAt = Date.now() + 5_000; ended < tasksPerRound && Date.now() < endAt; )
        await new Promise((resolve) => setTimeout(resolve, 10));
      if (ended !== tasksPerRound) throw new Error(`a viewer was shown ${ended} of ${tasksPerRound} tasks`);
      socket.close();
      await new Promise((resolve) => socket.addEventListener("close", resolve, { once: true }));
    },
  };
}

async function startRuntime(args: readonly string[], atEnd: AtEnd): Promise<Program> {
  const runtime = startProgram({ script: join(programs, "embedded.ts"), args, atEnd });
  await runtime.printed("ready");
  return runtime;
}

function createCpuMeter({ child }: Program): () => Promise<number> {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("the program has no pipes");
  const lines = createInterface({ input: stdout });
  return async () => {
    const answer = once(lines, "line");
    stdin.write("cpu\n");
    return Number((await answer)[0]);
  };
}

/** The first address of a page that it prints. */
async function findUrl(program: Program): Promise<string> {
  for (;;) {
    const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(program.stdout())?.[0];
    if (url !== undefined) return url;
    await new Promise((resolve, reject) => {
      program.child.stdout?.once("data", resolve);
      void program.exited.then(() => reject(new Error(`it ended without an address: ${program.stderr()}`)));
    });
  }
}
