// npm run bench [-- NAME…] [--json]
//
// Each figure beside the raw limit measured in the same run. With --json the last line is one JSON object.

import { cpus, totalmem } from "node:os";
import { handoffMemory, wholeTasks } from "./cases/handoffs.ts";
import { recoverMany, restMany, startUp } from "./cases/size.ts";
import { stepMany, stepOne } from "./cases/steps.ts";
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
};

const names = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const unknown = names.filter((name) => !(name in cases));
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(", ")}; there are ${Object.keys(cases).join(", ")}.\n`);
  process.exit(2);
}

const results: Result[] = [];
for (const name of names.length > 0 ? names : Object.keys(cases)) {
  const result = await cases[name]?.();
  for (const line of [result ?? []].flat()) {
    results.push(line);
    process.stdout.write(toLine(line));
  }
}
const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}, ${process.platform}`;
process.stdout.write(`\n${machine}\n`);
if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify({ machine, results })}\n`);

function toLine({ name, unit, n, p50, p99, perSecond, raw, ratio, note }: Result): string {
  const figure =
    unit === "per second"
      ? `${show(perSecond)}/s`
      : `p50 ${show(p50)} ${unit}${p99 === null ? "" : `, p99 ${show(p99)}`}`;
  const beside = raw === null ? "" : `raw ${show(raw)}${ratio === null ? "" : `, ratio ${ratio.toFixed(2)}`}`;
  return `${name.padEnd(20)} ${figure.padEnd(32)} ${beside.padEnd(28)} n ${String(n).padEnd(7)} ${note}\n`;
}

function show(value: number | null): string {
  if (value === null) return "–";
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : 3);
}
