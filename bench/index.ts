// npm run bench [-- NAME…] [--json] [--jetstream]
// npm run bench -- recall (--jsonl FILE… | --git DIR…) [--titles-only] [--unbounded] [--json]
// npm run bench -- replay [--all-misses] [--json]
//
// Each figure beside the raw limit measured in the same run. A name stands for the case of that name and for those whose names begin with
// it and a dot; without names all run, those over NATS only where a nats-server can be had. With --json the last line is one JSON object.
// `recall` asks histories or the commits of checkouts, which have to be given; it has a table of its own. --titles-only leaves out the
// bodies of the messages, --unbounded also measures what the bounds on a question cost. `replay` replays the recorded jobs of test/replay and
// has a table of its own, too; --all-misses tells why those of the half that nothing may be tuned on did not pass. `recall.size`, `lessons`,
// `stalls` and `stalls.1m` take long and run by their names alone.

import { cpus, totalmem } from "node:os";
import { findNatsServer } from "../scripts/nats-server.ts";
import { handoffMemory, wholeTasks } from "./cases/handoffs.ts";
import { inspectTasks } from "./cases/inspect.ts";
import { measureLessons } from "./cases/lessons.ts";
import { natsHandoff, natsTasks } from "./cases/nats-handoffs.ts";
import { natsIdle, natsRestart, natsTakeover } from "./cases/nats-lives.ts";
import { natsStepMany, natsStepOne } from "./cases/nats-steps.ts";
import { overloadEmbedded, overloadNats } from "./cases/overload.ts";
import { measureRecall, measureUnbounded, toTable } from "./cases/recall.ts";
import { forgetBodies, forgetCheckout, readCheckout, readHistoryFile } from "./cases/recall-histories.ts";
import { measureRecallSize } from "./cases/recall-size.ts";
import { measureReplays } from "./cases/replay.ts";
import { toReplayTable, toReport } from "./cases/replay-table.ts";
import { recoverMany, restMany, startUp } from "./cases/size.ts";
import { measureStalls } from "./cases/stalls.ts";
import { stepMany, stepOne } from "./cases/steps.ts";
import { taskStart } from "./cases/task-start.ts";
import type { Result } from "./measure.ts";

const cases: Record<string, () => Promise<Result | Result[]>> = {
  "step.one": stepOne,
  "step.64": stepMany,
  "handoff.memory": handoffMemory,
  "task.one": () => wholeTasks(1, 200),
  "task.64": () => wholeTasks(64, 2_000),
  "recover.10k": recoverMany,
  "rest.100k": restMany,
  start: startUp,
  inspect: inspectTasks,
  "task-start": taskStart,
  lessons: measureLessons,
  "recall.size": measureRecallSize,
  "nats.step.one": natsStepOne,
  "nats.step.64": natsStepMany,
  "nats.handoff": natsHandoff,
  "nats.task.1": () => natsTasks(1, { rounds: 3, perRound: 50 }),
  "nats.task.64": () => natsTasks(64, { rounds: 8, perRound: 192 }),
  "nats.takeover": natsTakeover,
  "nats.restart.10k": natsRestart,
  "nats.idle.200": natsIdle,
  "overload.embedded": overloadEmbedded,
  "overload.nats": overloadNats,
  stalls: () => measureStalls("stalls", 100_000),
  "stalls.1m": () => measureStalls("stalls.1m", 1_000_000),
};

/** Those that take minutes, for one part: they run by their own names alone. */
const alone: readonly string[] = ["recall.size", "lessons", "stalls", "stalls.1m"];

const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}, ${process.platform}`;

process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143)); // so that what was started is ended
const flags = ["--json", "--jetstream", "--jsonl", "--git", "--titles-only", "--unbounded", "--all-misses"];
const isHelp = process.argv.includes("--help");
const bogus = process.argv.slice(2).filter((word) => word.startsWith("-") && !flags.includes(word));
if (isHelp || bogus.length > 0) {
  const usage = `npm run bench -- [NAME…] [${flags.join("] [")}]\nNames: recall, replay, ${Object.keys(cases).join(", ")}.\n`;
  if (isHelp) process.stdout.write(usage);
  else process.stderr.write(`There is no option ${bogus.join(", ")}.\n${usage}`);
  process.exit(isHelp ? 0 : 2);
}
if (process.argv[2] === "recall") {
  await recall(process.argv.slice(3));
  process.exit();
}
if (process.argv[2] === "replay") {
  await replay(process.argv.slice(3));
  process.exit();
}
const names = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const unknown = names.filter((name) => select(name).length === 0);
if (unknown.length > 0) {
  process.stderr.write(
    `There is no benchmark ${unknown.join(", ")}; there are recall, replay, ${Object.keys(cases).join(", ")}.\n`,
  );
  process.exit(2);
}

const results: Result[] = [];
for (const name of names.length > 0 ? new Set(names.flatMap(select)) : await listAll()) {
  const result = await cases[name]?.();
  for (const line of [result ?? []].flat()) {
    results.push(line);
    process.stdout.write(toLine(line));
  }
}
process.stdout.write(`\n${machine}\n`);
if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify({ machine, results })}\n`);

/** Not one of the cases above: it is given files or folders, and its last line is an object of its own. */
async function recall(words: readonly string[]): Promise<void> {
  const places = words.filter((word) => !word.startsWith("--"));
  const isGit = words.includes("--git");
  if (places.length === 0 || isGit === words.includes("--jsonl")) {
    process.stderr.write(
      'recall needs --jsonl FILE…, one JSON object a line, oldest first, as {"at", "goal", "files"}; or --git DIR….\n',
    );
    process.exit(2);
  }
  const whole = isGit ? await Promise.all(places.map(readCheckout)) : places.map(readHistoryFile);
  const told = words.includes("--titles-only") ? whole.map(forgetBodies) : whole;
  const plain = isGit ? told.map(forgetCheckout) : told;
  const report = {
    ...(await measureRecall(plain)),
    ...(words.includes("--unbounded") ? { unbounded: (await measureUnbounded(plain)).macro } : {}),
    ...(isGit ? { checkout: (await measureRecall(told)).macro } : {}),
  };
  process.stdout.write(toTable(report));
  if (words.includes("--json")) process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** Half a minute, and a table that is no list of results. */
async function replay(words: readonly string[]): Promise<void> {
  const report = toReport(await measureReplays(), { withAllMisses: words.includes("--all-misses") });
  process.stdout.write(`${toReplayTable(report)}\n${machine}\n`);
  if (words.includes("--json")) process.stdout.write(`${JSON.stringify({ machine, ...report })}\n`);
}

function select(name: string): string[] {
  return Object.keys(cases).filter((each) => each === name || (each.startsWith(`${name}.`) && !alone.includes(each)));
}

async function listAll(): Promise<string[]> {
  const all = Object.keys(cases).filter((name) => !alone.includes(name));
  try {
    await findNatsServer();
    return all;
  } catch (error) {
    process.stderr.write(
      `The cases over NATS are left out. ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return all.filter((name) => !name.includes("nats"));
  }
}

function toLine({ name, unit, n, p50, p99, perSecond, raw, ratio, note }: Result): string {
  const latency = p99 === null ? `${show(p50)} ${unit}` : `p50 ${show(p50)} ${unit}, p99 ${show(p99)}`;
  const figure = unit === "per second" ? `${show(perSecond)}/s` : latency;
  const beside = raw === null ? "" : `raw ${show(raw)}${ratio === null ? "" : `, ratio ${ratio.toFixed(2)}`}`;
  return `${name.padEnd(20)} ${figure.padEnd(32)} ${beside.padEnd(28)} n ${String(n).padEnd(7)} ${note}\n`;
}

function show(value: number | null): string {
  if (value === null) return "–";
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : 3);
}
