// Import
//
// `aionis import git`: a repository's history as evidence for task start. It ends when what it took over has been learned, so that the next
// command knows it.
//
// Invariants:
//   M1. What was taken over stays, whatever ends the command: asked again, it goes on from there. So a holder of the store that ends
//       meanwhile, as commands do, is no failure: the import is asked for again of whoever is there next.

import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { GitImport, GitImportProgress } from "../../sdk/index.ts";
import { isFailure } from "../contracts/failures.ts";
import { systemClock } from "../kernel/index.ts";
import { readPlace } from "./place.ts";
import { type AddCommand, createStop, pause, type Surroundings } from "./process.ts";
import { createProgressBar, type ProgressBar } from "./progress.ts";
import { Reach } from "./reach.ts";
import { exitCodes, toUsageError } from "./report.ts";
import { escapeLine, toJsonLine } from "./text.ts";
import { fromMoment } from "./units.ts";

interface GitOptions {
  since?: string;
  max?: number;
}

export const addImport: AddCommand = (program, start) => {
  program
    .command("import")
    .description("Take over what was done before, so that the first task start knows it.")
    .helpGroup("Core:")
    .helpCommand(false)
    .showHelpAfterError(false)
    .command("git")
    .description("Take over the history of a git repository: what each commit was for, and which files it touched.")
    .allowExcessArguments(false)
    .argument("[folder]", "a folder of the repository; the current one if absent")
    .option("--since <date>", "only what was committed from then on: 2026-01-31, 2026-01-31T12:00")
    .option("--max <n>", "only the newest so many commits", readCount)
    .addHelpText("after", helpText)
    .action((folder: string | undefined, options: GitOptions) =>
      start((surroundings) => importGit(folder ?? ".", options, surroundings)),
    );
};

const helpText = `
Examples:
  $ aionis import git
  $ aionis import git ../shop --since 2024-01-01
  $ aionis import git --max 5000 --json

Commits of robots, merges, releases and sweeps over many files are left out. Asked again, it takes over what has come since; what --since or
--max left out stays out. Nothing of the repository is run, and the network is not used. Ctrl-C ends it with 130; what was taken over stays.`;

const timeoutMsDefault = 600_000;
const patienceMs = 5_000;
const learnMs = 60_000;
const pollMs = 100;

async function importGit(
  name: string,
  { since, max }: GitOptions,
  { host, output, settings }: Surroundings,
): Promise<number> {
  const folder = resolve(host.cwd, name);
  const from = since === undefined ? undefined : readSince(since);
  const reach = new Reach({
    place: readPlace(settings),
    scope: settings.scope,
    agent: settings.read("agent") ?? "cli",
    timeoutMs: settings.timeoutMs ?? timeoutMsDefault,
    clock: systemClock,
  });
  const stop = createStop(host);
  const giveUp = new AbortController();
  void stop.stopped.then(() => giveUp.abort());
  const means: Means = { reach, signal: giveUp.signal };
  const bar = createProgressBar(host, systemClock);
  const asked = { ...(from === undefined ? {} : { since: from }), ...(max === undefined ? {} : { max }) };
  let taken = 0;
  try {
    const result = await takeOver(folder, { ...asked, onProgress }, means);
    if (result === undefined) {
      bar.end();
      output.fail(`Interrupted: ${taken} episodes were taken over, and stay. Asked again, it goes on from there.`);
      return exitCodes.interrupted;
    }
    const isLearned = await untilLearned(result, bar, means);
    bar.end();
    await output.print(settings.isJson ? toJsonLine({ folder, ...result, isLearned }) : describe(folder, result));
    if (!settings.isJson) for (const note of toNotes(result, isLearned)) output.fail(note);
    return stop.isStopped() ? exitCodes.interrupted : 0;
  } finally {
    bar.end();
    await reach.close();
  }

  function onProgress({ commits, read, episodes }: GitImportProgress): void {
    taken = episodes;
    bar.show(read, commits, `${read} of ${commits} commits, ${episodes} taken over`);
  }
}

/** How the runtime is reached, and what ends the waiting for it. */
interface Means {
  reach: Reach;
  signal: AbortSignal;
}

type Importing = Pick<NonNullable<Parameters<Connection["memory"]["importGit"]>[1]>, "since" | "max" | "onProgress">;
type Connection = Parameters<Parameters<Reach["use"]>[0]>[0];

/** The import, or nothing when it was stopped. After a lost connection (M1) it counts what the last try took over. */
async function takeOver(folder: string, options: Importing, { reach, signal }: Means): Promise<GitImport | undefined> {
  try {
    return await reach.use(({ memory }, { timeoutMs }) => memory.importGit(folder, { ...options, timeoutMs, signal }), {
      mayCreate: true,
      patienceMs,
    });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Whether what was taken over counts by now; waits for it as long as is reasonable. */
async function untilLearned({ source, seq }: GitImport, bar: ProgressBar, { reach, signal }: Means): Promise<boolean> {
  const endsAt = systemClock.mono() + learnMs;
  return await reach.use(
    async ({ memory, recall }, call) => {
      const leftMs = endsAt - systemClock.mono();
      if (leftMs <= 0 || signal.aborted) return false;
      const over = new AbortController();
      const timeoutMs = Math.min(call.timeoutMs, leftMs);
      const learned = memory.imports({ source }, { timeoutMs, signal }).finally(() => over.abort()); // it waits for learning
      try {
        await Promise.all([learned, showLearning(recall, seq ?? 0, bar, over.signal)]);
        return true;
      } catch (error) {
        if (signal.aborted || isFailure(error, "LEARNING_BEHIND")) return false;
        throw error;
      }
    },
    { patienceMs },
  );
}

/** How far learning has come on the way to `seq`, until it is over. */
async function showLearning(
  recall: Connection["recall"],
  seq: number,
  bar: ProgressBar,
  over: AbortSignal,
): Promise<void> {
  let first: number | undefined;
  while (bar.isShown && !over.aborted) {
    const { learnedTo } = await recall.weights();
    first ??= learnedTo;
    bar.show(learnedTo - first, Math.max(seq - first, 1), "learning from them");
    await pause(pollMs);
  }
}

const reasons: Readonly<Record<keyof GitImport["leftOut"], string>> = {
  robot: "by robots",
  merge: "merges",
  release: "releases",
  noGoal: "without a message",
  noFiles: "without files",
  tooManyFiles: "over many files",
  shallow: "at the edge of the clone",
};

function describe(folder: string, { episodes, commits, leftOut, head, upToDate }: GitImport): string {
  const place = `${escapeLine(folder)} at ${head.slice(0, 12)}`;
  if (upToDate) return `Nothing new in ${place}.`;
  const counts = Object.entries(reasons).flatMap(([reason, words]) => {
    const count = leftOut[reason as keyof typeof leftOut]; // the table's keys are these
    return count === undefined ? [] : [`${words} (${count})`];
  });
  const rest = counts.length === 0 ? "" : `; left out: ${counts.join(", ")}`;
  return `Took over ${episodes} of ${commits} commits of ${place}${rest}.`;
}

function toNotes({ isShallow }: GitImport, isLearned: boolean): string[] {
  return [
    ...(isShallow ? ["The clone's history is cut off: `git fetch --unshallow` brings the rest."] : []),
    ...(isLearned ? [] : ["It is not all learned yet: that goes on whenever a runtime has the store."]),
  ];
}

function readSince(text: string): number {
  const since = fromMoment(text, systemClock.now());
  if (since === undefined || since < 0)
    throw toUsageError(`--since is "${text.slice(0, 80)}", which is not a date such as 2026-01-31.`);
  return since;
}

function readCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is not a whole number.");
}
