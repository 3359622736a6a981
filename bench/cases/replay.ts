// Replays of the recorded jobs
//
// Each job is done three times by its agent, in a real runtime and with real files; a playbook is compiled from the first run alone and one
// from all three; each is replayed strictly in five fresh workspaces and on their look-alikes. Nobody helps: parameters are what the
// brief and the data give. Owns: what counts as passed. Does not own: the jobs (test/replay/jobs), or how they are done (test/replay/harness).
//
// Invariants:
//   V1. A replay has passed when the runtime saw the playbook's checks pass, the job's own checks pass too, and every file is as expected,
//       byte by byte. One that says it succeeded and has not passed is `wrong`, and counted by itself.
//   V2. Why something failed is told for the half that may be tuned on, and for the other only to whoever asks for it.

import type { PlaybookId } from "../../src/contracts/playbook.ts";
import {
  type Compiled,
  type Done,
  openReplays,
  type Replayed,
  type Replays,
} from "../../test/replay/harness/replays.ts";
import { failing } from "../../test/replay/harness/tools.ts";
import { listChanges, toExpected } from "../../test/replay/harness/workspace.ts";
import { type Job, jobs, type LookAlike, lookAlikes, seeds, type Variant } from "../../test/replay/jobs/index.ts";

/**
 * How a fresh workspace ended (V1). `stopped`: at a condition, a tool or a check. `missing`: nobody gave a parameter, so that it did not begin.
 * `none`: there is no playbook, because compiling was refused or its dry run stopped.
 */
export const ends = ["passed", "stopped", "missing", "wrong", "none"] as const;
type End = (typeof ends)[number];

/** A playbook of a job, compiled from as many runs. */
export interface Score {
  /** Of the playbook; null when there is none. */
  steps: number | null;
  parameters: number | null;
  fresh: Record<End, number>;
  lookAlikes: LookAlikeScore;
}

/** What happened in workspaces in which a job cannot be done as it was learned. */
interface LookAlikeScore {
  tried: number;
  /** Did not begin, because nobody gave a parameter; began and stopped. */
  unbegun: number;
  stopped: number;
  /** Of those that stopped, how many left some of the files that the job is about changed. */
  halfDone: number;
  /** Went through to a succeeded end. */
  through: number;
  /** Changed a file that the job is not about, whatever the end. */
  outside: number;
  /** Run dry first, and stopped then; a dry run that changed a file. */
  foreseen: number;
  touched: number;
  /** Tried on a copy, and how often the original was changed then. */
  copies: number;
  originalsChanged: number;
}

/** Something that did not end as it has to. */
interface Miss {
  runs: number;
  seed: number;
  end: End | "look-alike";
  why: string;
}

export interface JobScore {
  name: string;
  half: Job["half"];
  /** Steps of each raw trace. */
  raw: number[];
  /** From the first run, and from all three. */
  one: Score;
  three: Score;
  found: FoundScore;
  misses: Miss[];
}

/** Which playbook came first for fresh briefs, among those of all jobs. */
export interface FoundScore {
  asked: number;
  /** One of this job. */
  right: number;
  /** How often one was said to fit surely, and how often that was another job's: such a one may be dispatched. */
  sure: number;
  sureWrong: number;
}

/** Times in milliseconds, of all replays that used a tool, and not in a copy. */
export interface Overhead {
  /** From the end of one tool to the beginning of the next: recording both, and looking at conditions. */
  between: readonly number[];
  /** What the journal says a step took, beyond what its tool did: the conditions after it. */
  within: readonly number[];
  /** Of a whole replay, from the call to the end: what neither tools nor checks took, for each step. */
  whole: readonly number[];
}

export interface ReplayScores {
  jobs: JobScore[];
  overhead: Overhead;
  replays: number;
  /** How often an agent's code was called while there were replays: where a model would be. */
  agentCalls: number;
}

interface Prepared {
  job: Job;
  raw: number[];
  one: Compiled;
  three: Compiled;
}

const noLookAlikes: LookAlikeScore = {
  ...{ tried: 0, unbegun: 0, stopped: 0, halfDone: 0, through: 0 },
  ...{ outside: 0, foreseen: 0, touched: 0, copies: 0, originalsChanged: 0 },
};

/** Does all of it. */
export async function measureReplays(): Promise<ReplayScores> {
  const opened = await openReplays();
  try {
    const done: (Replayed & { inCopy: boolean })[] = [];
    const replays: Replays = {
      ...opened,
      async replay(id, workspace, how) {
        const replayed = await opened.replay(id, workspace, how);
        if (how.mode !== "simulate") done.push({ ...replayed, inCopy: how.inCopy ?? false });
        return replayed;
      },
    };
    const all: Prepared[] = [];
    for (const job of jobs) all.push(await prepare(replays, job));
    const callsBefore = replays.agentCalls();
    const scores: JobScore[] = [];
    for (const prepared of all) scores.push(await measureJob(replays, prepared));
    const agentCalls = replays.agentCalls() - callsBefore;
    return {
      jobs: scores,
      overhead: toOverhead(done.filter(({ inCopy }) => !inCopy)),
      replays: done.length,
      agentCalls,
    };
  } finally {
    await opened.close();
  }
}

async function prepare(replays: Replays, job: Job): Promise<Prepared> {
  const recorded: Done[] = [];
  for (const seed of seeds.recorded) recorded.push(await replays.record(job, seed));
  const runs = recorded.map(({ taskId }) => taskId);
  const rehearsal = job.variant(seeds.recorded[0]);
  return {
    ...{ job, raw: recorded.map(({ steps }) => steps) },
    one: await replays.compile(runs.slice(0, 1), rehearsal),
    three: await replays.compile(runs, rehearsal),
  };
}

async function measureJob(replays: Replays, { job, raw, one, three }: Prepared): Promise<JobScore> {
  const own = [one.id, three.id];
  const found = { asked: 0, right: 0, sure: 0, sureWrong: 0 };
  for (const seed of seeds.fresh) {
    const first = await replays.find(job.variant(seed));
    const isRight = first !== undefined && own.includes(first.id);
    found.asked += 1;
    if (isRight) found.right += 1;
    if (first?.sure === true) found.sure += 1;
    if (first?.sure === true && !isRight) found.sureWrong += 1;
  }
  const misses: Miss[] = [];
  const scores = {
    one: await measurePlaybook(replays, job, one, (miss) => misses.push({ runs: 1, ...miss })),
    three: await measurePlaybook(replays, job, three, (miss) => misses.push({ runs: 3, ...miss })),
  };
  return { ...{ name: job.name, half: job.half, raw, found, misses }, ...scores };
}

async function measurePlaybook(
  replays: Replays,
  job: Job,
  compiled: Compiled,
  missed: (miss: Omit<Miss, "runs">) => void,
): Promise<Score> {
  const fresh = { passed: 0, stopped: 0, missing: 0, wrong: 0, none: 0 };
  const lookAlikeScore = { ...noLookAlikes };
  const { playbook } = compiled;
  for (const seed of seeds.fresh) {
    const { end, why } =
      playbook === undefined
        ? { end: "none" as const, why: compiled.why }
        : await measureFresh(replays, playbook.id, job.variant(seed));
    fresh[end] += 1;
    if (end !== "passed") missed({ seed, end, why });
    const lookAlike = lookAlikes(job, seed);
    if (playbook !== undefined && lookAlike !== undefined) {
      const wrong = await measureLookAlike(replays, playbook.id, lookAlike, lookAlikeScore);
      if (wrong !== undefined) missed({ seed, end: "look-alike", why: wrong });
    }
  }
  const { steps, parameters } = playbook?.content ?? {};
  const size = { steps: steps?.length ?? null, parameters: parameters?.length ?? null };
  return { ...size, fresh, lookAlikes: lookAlikeScore };
}

/** V1 */
async function measureFresh(replays: Replays, id: PlaybookId, variant: Variant): Promise<{ end: End; why: string }> {
  const { params, missing } = await replays.fill(id, variant);
  if (missing.length > 0) return { end: "missing", why: missing.join(", ") };
  const { succeeded, verified, why, folder, after } = await replays.replay(id, variant, { params });
  if (!succeeded) return { end: "stopped", why };
  const failed = await failing(folder, variant.checks);
  const changes = listChanges(after, toExpected(variant.files, variant.expected));
  if (verified && failed.length === 0 && changes.length === 0) return { end: "passed", why: "" };
  return { end: "wrong", why: `verified ${verified}, checks failed: ${failed}, files differ: ${changes}` };
}

/** Gives what was wrong about it. */
async function measureLookAlike(
  replays: Replays,
  id: PlaybookId,
  lookAlike: LookAlike,
  score: LookAlikeScore,
): Promise<string | undefined> {
  score.tried += 1;
  const { params, missing } = await replays.fill(id, lookAlike);
  if (missing.length > 0) {
    score.unbegun += 1;
    return undefined;
  }
  const rehearsed = await replays.replay(id, lookAlike, { params, mode: "simulate" });
  if (!rehearsed.succeeded) score.foreseen += 1;
  if (listChanges(rehearsed.before, rehearsed.after).length > 0) score.touched += 1;
  const { succeeded, before, after } = await replays.replay(id, lookAlike, { params });
  const changes = listChanges(before, after);
  const outside = changes.filter((path) => !lookAlike.about.includes(path));
  if (succeeded) score.through += 1;
  else score.stopped += 1;
  if (!succeeded && changes.length > 0) score.halfDone += 1;
  if (outside.length > 0) score.outside += 1;
  const copy = await replays.replay(id, lookAlike, { params, inCopy: true });
  score.copies += 1;
  if (listChanges(copy.before, copy.after).length > 0) score.originalsChanged += 1;
  if (outside.length > 0) return `it changed ${outside.join(", ")}`;
  return succeeded ? "it went through" : undefined;
}

function toOverhead(done: readonly Replayed[]): Overhead {
  const between: number[] = [];
  const within: number[] = [];
  const whole: number[] = [];
  for (const { uses, checksMs, ms, recordedMs } of done) {
    if (uses.length === 0) continue;
    const took = uses.map(({ beganAt, endedAt }) => endedAt - beganAt);
    for (const [index, { beganAt }] of uses.slice(1).entries())
      between.push(beganAt - (uses[index]?.endedAt ?? beganAt));
    if (recordedMs.length === took.length)
      within.push(...took.map((each, index) => (recordedMs[index] ?? each) - each));
    whole.push((ms - checksMs - took.reduce((sum, each) => sum + each, 0)) / uses.length);
  }
  return { between, within, whole };
}
