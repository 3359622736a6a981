// What the replays of the recorded jobs came to, for people and as one object.

import { ends, type FoundScore, type JobScore, type Overhead, type ReplayScores, type Score } from "./replay.ts";

interface Times {
  n: number;
  p50: number;
  p90: number;
}

/** What several jobs came to. `stepsSaved` is the share of the steps of raw traces that playbooks do not have. */
export interface ReplayTotals {
  jobs: number;
  one: Score["fresh"] & { stepsSaved: number };
  three: Score["fresh"] & { stepsSaved: number };
  lookAlikes: Score["lookAlikes"];
  found: FoundScore;
}

/** The last line of `--json`. */
export interface ReplayReport {
  totals: Record<"tune" | "report" | "all", ReplayTotals>;
  overheadMs: Record<keyof Overhead, Times>;
  replays: number;
  agentCalls: number;
  jobs: JobScore[];
}

/** Adds up. Misses of the half `report` are left out unless they are asked for (V2). */
export function toReport(scores: ReplayScores, { withAllMisses }: { withAllMisses: boolean }): ReplayReport {
  const { jobs, overhead, replays, agentCalls } = scores;
  const { between, within, whole } = overhead;
  return {
    totals: {
      tune: toTotals(jobs.filter(({ half }) => half === "tune")),
      report: toTotals(jobs.filter(({ half }) => half === "report")),
      all: toTotals(jobs),
    },
    overheadMs: { between: toTimes(between), within: toTimes(within), whole: toTimes(whole) },
    ...{ replays, agentCalls },
    jobs: jobs.map((job) => (withAllMisses || job.half === "tune" ? job : { ...job, misses: [] })),
  };
}

/** The report for people: a line a job, totals, times, and why something did not pass. */
export function toReplayTable({ totals, overheadMs, replays, agentCalls, jobs }: ReplayReport): string {
  const { tried, unbegun, stopped, halfDone, through, outside, foreseen, touched, copies, originalsChanged } =
    totals.all.lookAlikes;
  const { asked, sure, sureWrong } = totals.all.found;
  const ended = ["ok", "stop", "miss", "wrong", "none"];
  return [
    toLine(["", "half", "raw", "one", ...ended, "three", ...ended, "alike", "found"]),
    ...jobs.map((job) => toLine(toCells(job))),
    ...Object.entries(totals).map(([name, total]) => toLine(toTotalCells(name, total))),
    "\nraw: steps of a recorded run, in the mean. one, three: steps of the playbook from as many runs; in the totals, the share saved.\n",
    "ok: verified and every file as expected. miss: nobody gave a parameter. wrong: it said ok and is not. none: no playbook.\n",
    "alike: look-alikes through which it did not go. found: fresh briefs for which the job's playbook came first of all.\n\n",
    `look-alikes: ${tried}, ${unbegun} not begun for a missing parameter, ${stopped} stopped, ${through} gone through.\n`,
    `${halfDone} of those that stopped had changed a file of the job. ${outside} changed a file that the job is not about.\n`,
    `a dry run stopped at ${foreseen} of the ${tried - unbegun} look-alikes that were begun, and changed files in ${touched}.\n`,
    `found: sure of ${sure} of ${asked}, ${sureWrong} of these another job's.\n`,
    `on copies: ${originalsChanged} of ${copies} originals changed.\n`,
    `model calls: there is no model; code of an agent was called ${agentCalls} times during ${replays} replays.\n`,
    toTimesLine("between two tools", overheadMs.between),
    toTimesLine("a step as recorded, without its tool", overheadMs.within),
    toTimesLine("a replay without tools and checks, by step", overheadMs.whole),
    ...jobs.flatMap(({ name, misses }) =>
      misses.map(
        ({ runs, seed, end, why }) => `${name} ${seed}, of ${runs} run${runs === 1 ? "" : "s"}: ${end}: ${why}\n`,
      ),
    ),
  ].join("");
}

function toCells({ name, half, raw, one, three, found }: JobScore): string[] {
  const stopped = toStopped(addLookAlikes([one.lookAlikes, three.lookAlikes]));
  const cells = ({ steps, fresh }: Score): string[] => [`${steps ?? "–"}`, ...toEnds(fresh)];
  return [name, half, toMean(raw).toFixed(1), ...cells(one), ...cells(three), stopped, `${found.right}/${found.asked}`];
}

function toTotalCells(name: string, { one, three, lookAlikes, found }: ReplayTotals): string[] {
  const cells = (total: ReplayTotals["one"]): string[] => [`${Math.round(100 * total.stepsSaved)} %`, ...toEnds(total)];
  return [name, "", "", ...cells(one), ...cells(three), toStopped(lookAlikes), `${found.right}/${found.asked}`];
}

function toTotals(jobs: readonly JobScore[]): ReplayTotals {
  const total = (pick: (job: JobScore) => Score, runs: number): ReplayTotals["one"] => {
    const withSteps = jobs.filter((job) => pick(job).steps !== null);
    const raw = sum(withSteps, (job) => toMean(job.raw.slice(0, runs)));
    const left = sum(withSteps, (job) => pick(job).steps ?? 0);
    const counts = ends.map((end) => [end, sum(jobs, (job) => pick(job).fresh[end])]);
    return { ...(Object.fromEntries(counts) as Score["fresh"]), stepsSaved: 1 - left / raw }; // has every end
  };
  return {
    jobs: jobs.length,
    one: total(({ one }) => one, 1),
    three: total(({ three }) => three, 3),
    lookAlikes: addLookAlikes(jobs.flatMap(({ one, three }) => [one.lookAlikes, three.lookAlikes])),
    found: {
      asked: sum(jobs, ({ found }) => found.asked),
      right: sum(jobs, ({ found }) => found.right),
      sure: sum(jobs, ({ found }) => found.sure),
      sureWrong: sum(jobs, ({ found }) => found.sureWrong),
    },
  };
}

function addLookAlikes(scores: readonly Score["lookAlikes"][]): Score["lookAlikes"] {
  return {
    tried: sum(scores, ({ tried }) => tried),
    unbegun: sum(scores, ({ unbegun }) => unbegun),
    stopped: sum(scores, ({ stopped }) => stopped),
    halfDone: sum(scores, ({ halfDone }) => halfDone),
    through: sum(scores, ({ through }) => through),
    outside: sum(scores, ({ outside }) => outside),
    foreseen: sum(scores, ({ foreseen }) => foreseen),
    touched: sum(scores, ({ touched }) => touched),
    copies: sum(scores, ({ copies }) => copies),
    originalsChanged: sum(scores, ({ originalsChanged }) => originalsChanged),
  };
}

function toTimes(values: readonly number[]): Times {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { n: values.length, p50: at(0.5), p90: at(0.9) };
}

function toTimesLine(what: string, { n, p50, p90 }: Times): string {
  return `${what}: p50 ${p50.toFixed(2)} ms, p90 ${p90.toFixed(2)} ms, n ${n}\n`;
}

function toLine(cells: readonly string[]): string {
  const widths = [18, 7];
  const padded = cells.map((cell, index) => (index < 2 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(5)));
  return `${padded
    .map((cell) => ` ${cell}`)
    .join("")
    .trimEnd()}\n`;
}

function toEnds(counts: Score["fresh"]): string[] {
  return ends.map((end) => `${counts[end]}`);
}

function toStopped({ tried, through }: Score["lookAlikes"]): string {
  return tried === 0 ? "–" : `${tried - through}/${tried}`;
}

function toMean(values: readonly number[]): number {
  return sum(values, (value) => value) / values.length;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
