// Task start as a caller meets it: asked of an embedded runtime that has learned from whole tasks and from imported episodes.

import { createRuntime, type EmbeddedRuntime } from "../../src/index.ts";
import { type Result, timed, toLatency, withFolder } from "../measure.ts";

const runs = 300;
const episodes = 3_000;
const questions = 400;
const batch = 200;
const parts = [
  "parser",
  "printer",
  "payment client",
  "export job",
  "login page",
  "search index",
  "mail queue",
  "cache",
];
const verbs = ["loses", "repeats", "forgets", "doubles", "blocks", "reorders"];
const things = ["charges", "events", "headers", "tokens", "rows", "pages", "locks", "retries"];

/** Time from the question to the answer, of plain and of hostile questions, and from a task's end until it has been learned. */
export function taskStart(): Promise<Result[]> {
  return withFolder(async (path) => {
    await using runtime = await createRuntime({ path, scope: "bench/task-start", durability: "process" });
    await importEpisodes(runtime);
    const settled = await work(runtime);
    const plain: number[] = [];
    for (let n = 0; n < questions; n += 1)
      plain.push(await timed(() => runtime.taskStart({ query: toBrief(7 * n + 3) })));
    const hostile: number[] = [];
    for (const query of [...hostileQuestions(), ...hostileQuestions()])
      hostile.push(await timed(() => runtime.taskStart({ query, context: { error: query.slice(0, 100_000) } })));
    const known = `${runs} tasks and ${episodes} episodes learned`;
    return [
      toLatency("task-start.question", plain, [], known),
      toLatency("task-start.hostile", hostile, [], `the slowest ${Math.max(...hostile).toFixed(1)} ms; at most 50 ms`),
      toLatency("task-start.settled", settled, [], "from the end of a task until it was learned from"),
    ];
  });
}

async function importEpisodes(runtime: EmbeddedRuntime): Promise<void> {
  for (let from = 0; from < episodes; from += batch) {
    const imported = Array.from({ length: batch }, (_, index) => {
      const n = from + index;
      return { at: n * 600_000, goal: toBrief(n), files: [toFile(n), toFile(n + 1)] };
    });
    await runtime.memory.import({ source: "git:bench", episodes: imported });
  }
  await runtime.memory.imports({ source: "git:bench" }, { timeoutMs: 600_000 }); // waits until they are learned
}

async function work(runtime: EmbeddedRuntime): Promise<number[]> {
  let n = 0;
  runtime.worker({ agent: "worker", checks: { tests: async () => ({ passed: true }) } }, async (_task, ctx) => {
    await ctx.step("look", { tool: "grep", files: [toFile(n)] }, () => "found");
    await ctx.step("change", { tool: "edit", files: [toFile(n), toFile(n + 1)] }, () => "done");
  });
  const settled: number[] = [];
  for (n = 0; n < runs; n += 1) {
    const { taskId } = await runtime.tasks.start({ brief: toBrief(n), checks: [{ name: "tests" }] });
    await runtime.tasks.watch({ taskId, untilEnded: true });
    settled.push(await timed(() => runtime.tasks.settled({ taskId })));
  }
  return settled;
}

function toBrief(n: number): string {
  const [part, verb, thing] = [pick(parts, n), pick(verbs, n >> 1), pick(things, n >> 2)];
  return `The ${part} ${verb} ${thing} when step ${n % 17} of job ${n % 23} is late`;
}

function toFile(n: number): string {
  return `src/${pick(parts, n).replace(" ", "-")}/${pick(things, n >> 2)}-${n % 23}.ts`;
}

function pick(list: readonly string[], n: number): string {
  return list[n % list.length] ?? "";
}

function hostileQuestions(): string[] {
  return [
    "",
    "payment",
    "payment retry ".repeat(14_000),
    "\u0000\u0001\ufffd".repeat(60_000),
    `" OR 1=1 -- NEAR(a b) * ^ {} [] ' ; DROP TABLE recall; %`.repeat(3_000),
    "\u202e\u202dtnemyap\u2066\u200f".repeat(9_000),
    "x".repeat(200_000),
    `e${"\u0301".repeat(199_000)}`,
    Array.from({ length: 30_000 }, (_, n) => `w${n}`).join(" "),
    "a/".repeat(90_000),
    "a.b.".repeat(40_000),
    "支付重试".repeat(40_000),
    "ÄÖÜ".repeat(60_000),
    "aB".repeat(90_000),
    "`".repeat(190_000),
  ];
}
