// Inspect
//
// A writer hands each task to a reviewer, while an actor of the program's own, a desk with a queue, follows how much is under way. All of it is
// shown in a page of this machine, and on a WebSocket, which the program reads here as any tool could.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Connection, createRuntime } from "aionis";
import { assign, createActor, setup } from "xstate";

type Print = (line: string) => void;
/** What a message of the inspection looks like, as far as it is read here. */
interface Seen {
  type: string;
  name?: string;
  event?: { type: string };
}

const desk = setup({
  types: { context: {} as { open: number }, events: {} as { type: "task.came" } | { type: "task.left" } },
  actions: { count: assign({ open: ({ context, event }) => context.open + (event.type === "task.came" ? 1 : -1) }) },
  guards: { isLast: ({ context }) => context.open === 1 },
}).createMachine({
  id: "desk",
  context: { open: 0 },
  initial: "quiet",
  states: {
    quiet: { on: { "task.came": { target: "busy", actions: "count" } } },
    busy: {
      on: {
        "task.came": { actions: "count" },
        "task.left": [{ guard: "isLast", target: "quiet", actions: "count" }, { actions: "count" }],
      },
    },
  },
});

interface Options {
  print?: Print;
  /** How many tasks are done one after the other. */
  tasks?: number;
  pauseMs?: number;
  signal?: AbortSignal;
}

/** Works until all tasks are done or `signal` fires; returns what was seen on the WebSocket. */
export async function main({ print = console.log, tasks = 3, pauseMs = 0, signal }: Options = {}) {
  const path = mkdtempSync(join(tmpdir(), "aionis-inspect-"));
  try {
    await using runtime = await createRuntime({ path, scope: "examples/inspect", inspect: { port: 0 } });
    const url = runtime.inspectUrl ?? "";
    print(`Open ${url}`);
    const seen = await look(url);
    startWorkers(runtime, pauseMs);
    const own = createActor(desk, { inspect: runtime.inspect }).start();

    for (let count = 0; count < tasks && signal?.aborted !== true; count += 1) {
      const { taskId } = await runtime.tasks.start({ brief: `Write note ${count + 1}`, to: { role: "writer" } });
      own.send({ type: "task.came" });
      await runtime.tasks.result(taskId);
      own.send({ type: "task.left" });
      await sleep(pauseMs);
    }
    if (signal?.aborted !== true)
      await Promise.all(["task.completed", "task.left"].map((type) => seen.events(type, tasks)));
    const [claims, left] = ["handoff.claimed", "task.left"].map((type) => seen.count(type));
    const facts = { claims, left, actors: seen.names() };
    print(`Seen on the WebSocket: ${claims} handoffs claimed, ${left} tasks that left the desk`);
    return facts;
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

function startWorkers(runtime: Connection, pauseMs: number): void {
  runtime.worker({ agent: "ann", roles: ["writer"] }, async (task, ctx) => {
    const brief = await ctx.step("draft", async () => {
      await sleep(pauseMs);
      return `a draft: ${task.brief}`;
    });
    return ctx.handoff({ to: { role: "reviewer" }, brief, nextAction: "read it" });
  });
  runtime.worker({ agent: "rob", roles: ["reviewer"] }, async (_task, ctx) => {
    await sleep(pauseMs);
    return ctx.complete({ summary: "read and found good" });
  });
}

/** Reads the WebSocket beside the page: each message is one text frame. */
async function look(url: string) {
  const socket = new WebSocket(url.replace("http://", "ws://").replace("/?", "/ws?"));
  const messages: Seen[] = [];
  socket.addEventListener("message", ({ data }) => {
    messages.push(JSON.parse(String(data)) as Seen); // the protocol's messages
  });
  await once(socket, "open");
  const count = (wanted: string): number =>
    messages.filter(({ type, event }) => type === "@xstate.event" && event?.type === wanted).length;
  return {
    count,
    names: () => [...new Set(messages.flatMap(({ name }) => name ?? []))].sort(),
    /** Waits until so many events of a type have come. */
    async events(type: string, wanted: number): Promise<void> {
      while (count(type) < wanted) await once(socket, "message");
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const ending = new AbortController();
  process.once("SIGINT", () => ending.abort());
  await main({ tasks: 1_000, pauseMs: 1_500, signal: ending.signal });
}
