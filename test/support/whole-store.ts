// A store with rows in every table, and what it answers
//
// To be damaged: the folder is copied for each case, and the answers before and after are compared.

import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskId } from "../../src/contracts/ids.ts";
import { createRuntime, type EmbeddedRuntime } from "../../src/embedded.ts";

const scope = "acme/billing";

const outcome = { kind: "succeeded", output: { lines: 3 } } as const;
const packet = { brief: "Write it down", nextAction: "Read the change", files: ["docs/retry.md"] };

/** Opens the store in `path`; what it logs is in `logs`. */
export async function openWhole(path: string, of = scope): Promise<EmbeddedRuntime & { logs: readonly string[] }> {
  const logs: string[] = [];
  const logger = {
    log: (_: string, message: string, fields?: object) => void logs.push(`${message} ${JSON.stringify(fields)}`),
  };
  const options = { path, scope: of, durability: "process", agent: "ann", leaseMs: 3_600_000, socket: false } as const;
  return { ...(await createRuntime({ ...options, logger })), logs };
}

/**
 * Fills the store in `path`, closes it, and records a little more: then `killed` is a folder as a process leaves it that was killed, with a
 * log, a mark that is behind, and a note of its holder.
 */
export async function makeWhole(path: string, killed: string): Promise<void> {
  const other = await openWhole(path, "acme/other");
  await other.tasks.start({ brief: "Of the other scope" });
  await other.close();
  const first = await openWhole(path);
  await fill(first);
  await first.close();
  const later = await openWhole(path);
  const { taskId } = await later.tasks.start({ brief: "Later than the mark" });
  await later.tasks.claim({ taskId });
  await later.tasks.step({ taskId, epoch: 1, step: { name: "look", ordinal: 0, outcome } });
  mkdirSync(killed, { mode: 0o700 });
  for (const name of ["aionis.db", "aionis.db-wal", "aionis.db.lock", "aionis.mark"])
    if (existsSync(join(path, name))) copyFileSync(join(path, name), join(killed, name));
  const note = JSON.parse(readFileSync(join(path, "aionis.db.holder"), "utf8")) as { pid: number };
  writeFileSync(join(killed, "aionis.db.holder"), JSON.stringify({ ...note, pid: 2 ** 22 + 1 })); // no process has that id
  await later.close();
}

/** A copy of the folder `from`, to be damaged. */
export function copyWhole(from: string, to: string): string {
  cpSync(from, to, { recursive: true });
  return to;
}

async function fill(runtime: EmbeddedRuntime): Promise<void> {
  const deadlineAt = Date.now() + 3_600_000;
  const episodes = Array.from({ length: 12 }, (_, n) => ({
    at: 1_600_000_000_000 + n * 86_400_000,
    goal: `change part ${n % 4} of the retry`,
    files: [`src/part-${n % 4}.ts`, "src/retry.ts"],
  }));
  const imported = await runtime.memory.import({ source: "git:abc", cursor: "c1", episodes });
  const running = await claimed(runtime, { brief: "Mend the retry", data: { issue: 7 }, deadlineAt });
  for (let ordinal = 0; ordinal < 70; ordinal += 1)
    await runtime.tasks.step({ taskId: running, epoch: 1, step: { name: "look", ordinal, outcome } });
  await runtime.tasks.delegate({ taskId: running, epoch: 1, to: { role: "docs" }, packet });
  const large = { kind: "succeeded", output: "z".repeat(70_000) } as const;
  await runtime.tasks.step({ taskId: running, epoch: 1, step: { name: "print", ordinal: 0, outcome: large } });
  for (const n of [1, 2]) {
    const done = await claimed(runtime, { brief: `Look at the log ${n}`, files: ["src/log.ts"] });
    await runtime.tasks.step({ taskId: done, epoch: 1, step: { name: "read", ordinal: 0, outcome } });
    await runtime.tasks.complete({ taskId: done, epoch: 1, return: { files: ["src/log.ts"] } });
    await runtime.tasks.settled({ taskId: done });
  }
  const paused = await claimed(runtime, { brief: "Ask before the deploy" });
  await runtime.tasks.pause({ taskId: paused, epoch: 1, question: "Deploy now?", expiresAt: deadlineAt });
  const offered = await claimed(runtime, { brief: "Hand the review over" });
  await runtime.handoff.offer({ taskId: offered, epoch: 1, to: { role: "review" }, packet });
  await runtime.tasks.start({ brief: "Wait for a worker", family: "retry" });
  const { id } = await runtime.memory.write({ kind: "note", title: "The retry needs a jitter", text: "Ask ann." });
  const { receipt } = await runtime.taskStart({ query: "Look at the log", minPosition: imported.seq });
  await runtime.feedback({ receipt, outcome: "succeeded" });
  await runtime.memory.review({ id, act: "retire", reason: "It is so no more" });
}

async function claimed(
  runtime: EmbeddedRuntime,
  input: Parameters<EmbeddedRuntime["tasks"]["start"]>[0],
): Promise<TaskId> {
  const { taskId } = await runtime.tasks.start(input);
  await runtime.tasks.claim({ taskId });
  return taskId;
}

/** What one question came to: the text of its answer, or the failure. */
export type Answer = { is: "answered"; text: string } | { is: "failed"; error: unknown };
export type Answers = Readonly<Record<string, Answer>>;

/** Asks all that the store can be asked about what `known` names, without recording anything. */
export async function askWhole(runtime: EmbeddedRuntime, known: readonly TaskId[]): Promise<Answers> {
  const answers: Record<string, Answer> = {};
  const ask = async (name: string, run: () => Promise<unknown>): Promise<void> => {
    answers[name] = await run().then(
      (value): Answer => ({ is: "answered", text: JSON.stringify(value, withoutTime).replace(/\d+ ms/g, "some ms") }),
      (error: unknown): Answer => ({ is: "failed", error }),
    );
  };
  await ask("runtime.status", async () => ({ head: (await runtime.runtime.status()).head }));
  const list = (states?: Parameters<EmbeddedRuntime["tasks"]["list"]>[0]) =>
    readAll(async (cursor?: string) => {
      const page = await runtime.tasks.list({ ...states, cursor, pageSize: 5 });
      return { items: page.tasks, next: page.cursor };
    });
  await ask("tasks.list", () => list());
  for (const state of ["start", "running", "paused", "handoff", "succeeded"] as const)
    await ask(`tasks.list ${state}`, () => list({ states: [state] }));
  for (const taskId of known) {
    await ask(`tasks.get ${taskId}`, () => runtime.tasks.get({ taskId }));
    await ask(`tasks.steps ${taskId}`, () =>
      readAll(async (after?: number) => {
        const page = await runtime.tasks.steps({ taskId, pageSize: 40, ...(after === undefined ? {} : { after }) });
        return { items: page.steps, next: page.next };
      }),
    );
    await ask(`tasks.explain ${taskId}`, () => runtime.tasks.explain({ taskId }));
    await ask(`handoff.recover ${taskId}`, () => runtime.handoff.recover({ taskId }));
  }
  await ask("events.read", () =>
    readAll(async (from?: number) => {
      const { events, next } = await runtime.events.read({ from: from ?? 1, pageSize: 40 });
      return { items: events, next: events.length === 0 ? undefined : next };
    }),
  );
  await ask("handoff.list", () => runtime.handoff.list({}));
  await ask("delegation.find", () => runtime.delegation.find({}));
  await ask("delegation.aggregate", () => runtime.delegation.aggregate({ by: "role" }));
  await ask("memory.find", () => runtime.memory.find());
  await ask("memory.imports", () => runtime.memory.imports({ source: "git:abc" }));
  await ask("recall.weights", () => runtime.recall.weights());
  for (const query of ["Look at the log", "change part 2 of the retry"])
    await ask(`taskStart ${query}`, () => runtime.taskStart({ query }));
  return answers;
}

/** All pages: one ends before what cannot be read, and the next one fails. */
async function readAll<Item, Cursor>(
  read: (cursor?: Cursor) => Promise<{ items: Item[]; next: Cursor | undefined }>,
): Promise<Item[]> {
  const items: Item[] = [];
  for (let page = await read(); ; page = await read(page.next)) {
    items.push(...page.items);
    if (page.next === undefined) return items;
  }
}

/** Times of the asking are none of the store's. */
function withoutTime(key: string, value: unknown): unknown {
  return key === "ownedUntil" ? undefined : value;
}
