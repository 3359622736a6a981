// Recall on histories
//
// Streams of finished tasks, oldest first. The first 30 % (at least 100) are only learned. For each later one recall is asked for five files,
// its answer is scored, and then the task is learned. The baselines see the same stream.

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { createMemoryRows, createRecall, type RecallEpisode } from "../../src/recall/index.ts";
import { type Baseline, createBaselines } from "./recall-baselines.ts";

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

/** Measures on histories, each a file of one JSON object a line with `at`, `goal` and `files`. */
export function measureRecall(files: readonly string[], { titlesOnly }: { titlesOnly: boolean }): RecallReport {
  const runs = files.map((file) => ({ name: basename(file, ".jsonl"), ...runHistory(readHistory(file, titlesOnly)) }));
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

/** The report for people: a line per history, the mean, and the baselines. */
export function toTable({ macro, baselines, repos }: RecallReport): string {
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
    ...Object.entries(baselines).map(([name, { hit1, hit5, mrr5 }]) => line(name, [hit1, hit5, mrr5])),
    `calibration error of the first file's confidence ${macro.ece.toFixed(3)}\n`,
  ].join("");
}

function readHistory(file: string, titlesOnly: boolean): RecallEpisode[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line) => {
    if (line.trim() === "") return [];
    const episode = JSON.parse(line) as RecallEpisode; // the caller names the file as a history
    return [titlesOnly ? { ...episode, goal: episode.goal.split(/ — |\n/, 1)[0] ?? "" } : episode];
  });
}

function runHistory(episodes: readonly RecallEpisode[]): { answers: Answer[]; baselines: Record<string, Answer[]> } {
  const recall = createRecall(createMemoryRows());
  const competitors = createBaselines();
  const baselines: Record<string, Answer[]> = mapValues(competitors, () => []);
  const answers: Answer[] = [];
  const seen = new Set<string>();
  const from = Math.max(warmUp.least, Math.floor(episodes.length * warmUp.share));
  for (const [index, episode] of episodes.entries()) {
    if (index >= from) {
      const { files, confidence, sureFrom } = recall.rank({ goal: episode.goal, at: episode.at, filesMax: filesAsked });
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
    recall.learn(episode);
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
    mrr5: answers.reduce((sum, { rank }) => sum + (rank > 0 ? 1 / rank : 0), 0) / answers.length,
  };
}

function toMeasured(answers: readonly Answer[]): Measured {
  const sure = answers.filter(({ isSure }) => isSure);
  return {
    ...toQuality(answers),
    fileRecall5: answers.reduce((sum, { found }) => sum + found, 0) / answers.length,
    ceiling: shareOf(answers, ({ couldHit }) => couldHit),
    coverage80: sure.length / answers.length,
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
  return error / sorted.length;
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
