// How long somebody else waits while the store does something large: a caller in a process of its own asks in turn, every few milliseconds,
// while another one asks for one verb after the other. Measured is the longest that one of its calls took.

import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Connection, connect } from "aionis";
import { startProgram } from "../../test/support/programs.ts";
import { type Result, timed, toAmount, withFolder } from "../measure.ts";
import { type Filled, fillForStalls, stallsScope } from "./stalls-fill.ts";

const calmMs = 2_000;
const verbMs = 500; // as long, at least, is a verb asked for again and again
const boundMs = 50;

/** What each verb does to a caller that asks in turn, on a store of `events` events. */
export function measureStalls(name: string, events: number): Promise<Result[]> {
  return withFolder(async (folder) => {
    const filled = await fillForStalls(join(folder, "store"), events);
    const results: Result[] = [];
    for await (const result of measureVerbs(name, folder, filled)) results.push(result);
    return results;
  });
}

/** The same of a store that is filled already, in the folder `store` of `folder`; of the verbs in `only` if given. */
async function* measureVerbs(
  name: string,
  folder: string,
  filled: Filled,
  only?: readonly string[],
): AsyncGenerator<Result, void, void> {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const start = async (file: string) => {
      const script = join(import.meta.dirname, "..", "programs", file);
      const program = startProgram({ script, args: [join(folder, "store")], atEnd: (stop) => stops.unshift(stop) });
      await program.printed("ready");
      return program;
    };
    const runtime = await start("store.ts");
    const asker = toAsker(await start("asker.ts"));
    const connection = await connect({ scope: stallsScope, path: join(folder, "store"), agent: "heavy" });
    stops.unshift(() => connection.close());
    const parts = { connection, filled, folder, inspectUrl: /http\S+/.exec(runtime.stdout())?.[0] ?? "" };
    const calm = await asker(() => new Promise((resolve) => setTimeout(resolve, calmMs)));
    for (const [verb, run] of Object.entries(toVerbs(parts))) {
      if (only !== undefined && !only.includes(verb)) continue;
      const times: number[] = [];
      const latencies = await asker(async () => {
        const from = performance.now();
        do times.push(await timed(run));
        while (performance.now() - from < verbMs);
      });
      yield toStall(`${name}.${verb}`, latencies, calm, times);
    }
  } finally {
    for (const stop of stops) await stop();
  }
}

interface Parts {
  connection: Connection;
  filled: Filled;
  folder: string;
  inspectUrl: string;
}

type Page = { cursor?: string | undefined };

function toVerbs({ connection, filled, folder, inspectUrl }: Parts): Record<string, () => Promise<unknown>> {
  const { tasks, sessions, delegation, handoff, memory, store, events } = connection;
  const slow = { timeoutMs: 1_200_000 };
  const copy = join(folder, "copy.db");
  const page = { pageSize: 500 };
  return {
    "tasks.list": () => readPages((cursor) => tasks.list({ ...page, cursor }, slow)),
    "tasks.list-running": () => readPages((cursor) => tasks.list({ ...page, states: ["running"], cursor }, slow)),
    "tasks.list-none": () =>
      readPages((cursor) => tasks.list({ ...page, states: ["cancelled", "failed"], cursor }, slow)),
    "tasks.list-kind": () =>
      readPages((cursor) => tasks.list({ ...page, states: ["start"], kind: "rare", cursor }, slow)),
    "sessions.list": () => readPages((cursor) => sessions.list({ ...page, cursor }, slow)),
    "sessions.list-closed": () => readPages((cursor) => sessions.list({ ...page, status: "closed", cursor }, slow)),
    "delegation.tree": () => delegation.tree({ taskId: filled.root }, slow),
    "delegation.find": () => readPages((cursor) => delegation.find({ ...page, cursor: cursor as never }, slow)),
    "delegation.aggregate": () => delegation.aggregate({ by: "family" }, slow),
    "handoff.list": () => readPages((cursor) => handoff.list({ ...page, cursor: cursor as never }, slow)),
    "handoff.list-to": () =>
      readPages((cursor) => handoff.list({ ...page, to: { role: "nobody" }, cursor: cursor as never }, slow)),
    "handoff.recover": () => handoff.recover({ taskId: filled.long }, slow),
    "handoff.recover-failed": () => handoff.recover({ taskId: filled.failed }, slow),
    "tasks.steps": () => readSteps(connection, filled.long),
    "tasks.steps-failed": () => readSteps(connection, filled.failed),
    "tasks.get-large": () => manyAtOnce(() => tasks.get({ taskId: filled.large }, slow)),
    "tasks.start-large": () =>
      manyAtOnce(() => tasks.start({ brief: "large", data: "z".repeat(megabyte), to: { role: "later" } }, slow)),
    "sessions.events": () => readNotes(connection, filled),
    "sessions.events-last": () => sessions.events({ sessionId: filled.session, tail: 500 }, slow),
    "tasks.explain": () => tasks.explain({ taskId: filled.long }, slow),
    "memory.find": () => readPages((cursor) => memory.find({ ...page, cursor }, slow)),
    "memory.recall": () => memory.recall({ query: "make the retry test of part 7 pass", max: 50 }, slow),
    explain: async () =>
      connection.explain({ id: (await connection.taskStart({ query: "part 7" }, slow)).receipt }, slow),
    "memory.import": () => importMany(connection),
    "events.read-large": async () => {
      for (let from = filled.largeFrom; from < filled.largeTo; )
        from = (await events.read({ from, ...page }, slow)).next;
    },
    "events.read-rare": () => events.read({ types: ["playbook.reviewed"] }, slow),
    "events.read": async () => {
      for (let from = 1, head = 1; from <= Math.min(head, 100_000); ) {
        const read = await events.read({ from, ...page }, slow);
        [from, head] = [read.next, read.head];
      }
    },
    inspect: () => openViewer(inspectUrl),
    "store.verify": () => store.verify({}, slow),
    "store.backup": async () => {
      await store.backup({ path: copy }, slow);
      rmSync(copy);
    },
    "store.rebuild": () => store.rebuild({}, slow),
  };
}

async function readPages(read: (cursor: string | undefined) => Promise<Page>): Promise<void> {
  for (let cursor: string | undefined; ; ) {
    const page = await read(cursor);
    if (page.cursor === undefined) return;
    cursor = page.cursor;
  }
}

const megabyte = 1024 * 1024;

async function manyAtOnce(call: () => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: 32 }, call));
}

const pagesMost = 100; // of one kind they do not differ

async function readNotes({ sessions }: Connection, { session: sessionId }: Filled): Promise<void> {
  let after: number | undefined;
  for (let page = 0; page === 0 || (after !== undefined && page < pagesMost); page += 1)
    after = (await sessions.events({ sessionId, after, pageSize: 500 }, { timeoutMs: 60_000 })).next;
}

async function readSteps({ tasks }: Connection, taskId: Filled["long"]): Promise<void> {
  let after: number | undefined;
  do after = (await tasks.steps({ taskId, stage: 1, after, pageSize: 500 }, { timeoutMs: 60_000 })).next;
  while (after !== undefined);
}

/** Learning goes on behind it, in its own turns. */
async function importMany({ memory }: Connection): Promise<void> {
  const source = `stalls-${Math.random()}`;
  for (let batch = 0; batch < 5; batch += 1) {
    const episodes = Array.from({ length: 200 }, (_, index) => ({
      at: 1_700_000_000_000 + index,
      goal: `change part ${batch} of module ${index}`,
      files: [`src/part-${batch}/module-${index}.ts`, `test/part-${batch}/module-${index}.test.ts`],
    }));
    await memory.import({ source, cursor: String(batch), episodes });
  }
}

const viewMs = 1_500;

/** Opens the page's socket, and closes it some time after its first message: what there is comes first. */
async function openViewer(url: string): Promise<void> {
  const address = new URL(url);
  address.protocol = "ws:";
  address.pathname = "/ws";
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener("error", () => reject(new Error(`${url} takes no viewer`)), { once: true });
    socket.addEventListener("message", () => setTimeout(resolve, viewMs), { once: true });
  });
  socket.close();
  await once(socket, "close");
}

/** Asks in turn while `run` is under way; gives what each call took. */
function toAsker({ child }: ReturnType<typeof startProgram>): (run: () => Promise<unknown>) => Promise<number[]> {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("asker.ts has no pipes");
  const lines = createInterface({ input: stdout });
  return async (run) => {
    stdin.write("begin\n");
    await run();
    const answer = once(lines, "line");
    stdin.write("end\n");
    return JSON.parse(String((await answer)[0])) as number[];
  };
}

function toStall(
  name: string,
  latencies: readonly number[],
  calm: readonly number[],
  times: readonly number[],
): Result {
  const [with_, without] = [toQuantiles(latencies), toQuantiles(calm)];
  const took = times.reduce((sum, each) => sum + each, 0) / times.length;
  return toAmount({
    name,
    unit: "ms",
    n: latencies.length,
    value: with_.most,
    raw: without.most,
    note: `the longest; p50 ${with_.p50}, p99 ${with_.p99}, without ${without.p50}, ${without.p99}; the verb took ${Math.round(took)} ms; at most ${boundMs}`,
  });
}

function toQuantiles(values: readonly number[]): { p50: string; p99: string; most: number } {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  return { p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? 0 };
}
