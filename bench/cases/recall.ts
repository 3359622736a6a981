// Recall on histories
//
// Streams of finished tasks, oldest first. The first 30 % (at least 100) are only learned. For each later one recall is asked for five files,
// its answer is scored, and then the task is learned. The baselines see the same stream.

import { bounds } from "../../src/recall/bounds.ts";
import { createMemoryRows, createRecall, type RecallEpisode } from "../../src/recall/index.ts";
import { type Baseline, createBaselines } from "./recall-baselines.ts";
import type { History, PastTask } from "./recall-histories.ts";

/** Shares of the questions asked. */
export interface Quality {
  hit1: number;
  hit5: number;
  mrr5: number;
}

/** One history, or the mean of several. */
export interface Measured extends Quality {
  /** Share of the touched files among the five, and of the questions that could be answered at all. */
  fileRecall5: number;
  ceiling: number;
  /** At the confidence called sure: share of the questions answered, and share of these that were right. */
  coverage80: number;
  precision80: number;
}

export interface RecallReport {
  macro: Measured & { ece: number };
  /** The same without bounds on what is read for a question: what these cost. */
  unbounded?: Measured & { ece: number };
  /** The same with what a checkout knows besides its history: the files there were, and renames. */
  checkout?: Measured & { ece: number };
  baselines: Record<string, Quality>;
  repos: ({ name: string; scored: number; baselines: Record<string, Quality> } & Measured)[];
}

interface Answer {
  rank: number;
  found: number;
  couldHit: boolean;
  confidence: number;
  isSure: boolean;
}

const warmUp = { share: 0.3, least: 100 };
const filesAsked = 5;
const firstLeftOut = 100; // of each history, for the calibration error: confidence has to be learned first
const calibrationBins = 10;

/** Measures on histories. */
export async function measureRecall(histories: readonly History[]): Promise<RecallReport> {
  const runs: ({ name: string } & Awaited<ReturnType<typeof runHistory>>)[] = [];
  for (const { name, tasks } of histories) runs.push({ name, ...(await runHistory(tasks)) });
  const repos = runs.map(({ name, answers, baselines }) => ({
    ...{ name, scored: answers.length, baselines: mapValues(baselines, toQuality) },
    ...toMeasured(answers),
  }));
  const pooled = runs.flatMap(({ answers }) => answers.slice(firstLeftOut));
  return {
    macro: { ...meanOf(repos, Object.keys(toMeasured([])) as (keyof Measured)[]), ece: calibrationError(pooled) },
    baselines: mapValues(repos[0]?.baselines ?? {}, (_, name) =>
      meanOf(
        repos.map((repo) => repo.baselines[name] ?? toQuality([])),
        ["hit1", "hit5", "mrr5"],
      ),
    ),
    repos,
  };
}

/** Measures with every list as long as it gets and every word of the question read. */
export async function measureUnbounded(histories: readonly History[]): Promise<RecallReport> {
  const before = { ...bounds };
  const [wordEpisodes, wordFiles, wordPaths, wordFolders] = Array.from({ length: 4 }, () => Number.POSITIVE_INFINITY);
  Object.assign(bounds, {
    wordEpisodes,
    wordFiles,
    wordPaths,
    wordFolders,
    queryWords: 400,
    wordLookups: 400,
    compared: 400,
  });
  try {
    return await measureRecall(histories);
  } finally {
    Object.assign(bounds, before);
  }
}

/** The report for people: a line per history, the mean, and the baselines. */
export function toTable({ macro, unbounded, checkout, baselines, repos }: RecallReport): string {
  const heads = ["hit@1", "hit@5", "mrr@5", "files@5", "ceiling", "sure", "right"];
  const line = (name: string, values: readonly (number | string)[]): string =>
    `${name.padEnd(20)}${values.map((value) => (typeof value === "number" ? value.toFixed(3) : value).padStart(9)).join("")}\n`;
  const toValues = (row: Measured): number[] => [
    ...[row.hit1, row.hit5, row.mrr5, row.fileRecall5, row.ceiling, row.coverage80, row.precision80],
  ];
  return [
    line("", heads),
    ...repos.map((repo) => line(repo.name, toValues(repo))),
    line("mean", toValues(macro)),
    ...(unbounded === undefined ? [] : [line("mean, unbounded", toValues(unbounded))]),
    ...(checkout === undefined ? [] : [line("mean, checkout", toValues(checkout))]),
    ...Object.entries(baselines).map(([name, { hit1, hit5, mrr5 }]) => line(name, [hit1, hit5, mrr5])),
    `calibration error of the first file's confidence ${macro.ece.toFixed(3)}\n`,
  ].join("");
}

async function runHistory(
  tasks: readonly PastTask[],
): Promise<{ answers: Answer[]; baselines: Record<string, Answer[]> }> {
  const recall = createRecall(createMemoryRows());
  const competitors = createBaselines();
  const baselines: Record<string, Answer[]> = mapValues(competitors, () => []);
  const answers: Answer[] = [];
  const seen = new Set<string>();
  const from = Math.max(warmUp.least, Math.floor(tasks.length * warmUp.share));
  for (const [index, { listTree, ...episode }] of tasks.entries()) {
    const tree = await listTree?.();
    if (index >= from) {
      const { goal, at } = episode;
      const { files, confidence, sureFrom } = recall.rank({ goal, at, filesMax: filesAsked, tree });
      const isSure = confidence >= sureFrom;
      answers.push(
        toAnswer(
          episode,
          files.map((file) => file.path),
          { seen, confidence, isSure },
        ),
      );
      for (const [name, baseline] of Object.entries<Baseline>(competitors)) {
        baselines[name]?.push(toAnswer(episode, baseline.rank(episode.goal), { seen, confidence: 0, isSure: false }));
      }
    }
    recall.learn({ ...episode, tree });
    for (const baseline of Object.values(competitors)) baseline.learn(episode);
    for (const file of episode.files) seen.add(file);
  }
  return { answers, baselines };
}

function toAnswer(
  { files }: RecallEpisode,
  paths: readonly string[],
  { seen, confidence, isSure }: { seen: ReadonlySet<string>; confidence: number; isSure: boolean },
): Answer {
  const five = paths.slice(0, filesAsked);
  return {
    rank: five.findIndex((path) => files.includes(path)) + 1,
    found: five.filter((path) => files.includes(path)).length / files.length,
    couldHit: files.some((file) => seen.has(file)),
    ...{ confidence, isSure },
  };
}

function toQuality(answers: readonly Answer[]): Quality {
  return {
    hit1: shareOf(answers, ({ rank }) => rank === 1),
    hit5: shareOf(answers, ({ rank }) => rank > 0),
    mrr5: answers.reduce((sum, { rank }) => sum + (rank > 0 ? 1 / rank : 0), 0) / Math.max(1, answers.length),
  };
}

function toMeasured(answers: readonly Answer[]): Measured {
  const sure = answers.filter(({ isSure }) => isSure);
  return {
    ...toQuality(answers),
    fileRecall5: answers.reduce((sum, { found }) => sum + found, 0) / Math.max(1, answers.length),
    ceiling: shareOf(answers, ({ couldHit }) => couldHit),
    coverage80: shareOf(answers, ({ isSure }) => isSure),
    precision80: shareOf(sure, ({ rank }) => rank === 1),
  };
}

/** Mean distance of confidence and outcome in bins of equal mass. */
function calibrationError(answers: readonly Answer[]): number {
  const sorted = [...answers].sort((left, right) => left.confidence - right.confidence);
  let error = 0;
  for (let bin = 0; bin < calibrationBins; bin += 1) {
    const at = (edge: number): number => Math.floor((sorted.length * edge) / calibrationBins);
    const part = sorted.slice(at(bin), at(bin + 1));
    const confidence = part.reduce((sum, each) => sum + each.confidence, 0);
    error += Math.abs(confidence - part.filter(({ rank }) => rank === 1).length);
  }
  return error / Math.max(1, sorted.length);
}

function meanOf<Key extends string>(rows: readonly Record<Key, number>[], keys: readonly Key[]): Record<Key, number> {
  const means = keys.map((key) => [key, rows.reduce((sum, row) => sum + row[key], 0) / rows.length] as const);
  return Object.fromEntries(means) as Record<Key, number>; // has every key
}

function mapValues<From, To>(from: Record<string, From>, to: (value: From, key: string) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, to(value, key)]));
}

function shareOf<Item>(items: readonly Item[], has: (item: Item) => boolean): number {
  return items.length === 0 ? 0 : items.filter(has).length / items.length;
}
