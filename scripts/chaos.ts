// Chaos
//
// Random faults on a runtime, workers and nats-server for as long as you like, each of them in a process of its own:
// `npm run chaos -- --minutes 10 [--seed 7] [--cluster] [--json]`, on one server or on a cluster of three. It plays episodes, each a plan of
// rounds on a system of its own, whose seeds count up from the given one. Every minute it says what it has counted; `--json` leaves that out
// and ends with one line of JSON.
// It stops at the first episode with which something is wrong, and its exit code is 1 then.

import { parseArgs } from "node:util";
import { planRounds, playRound } from "../test/integration/nats/rounds.ts";
import { startSystem } from "../test/integration/nats/system.ts";
import { Traffic } from "../test/integration/nats/traffic.ts";
import { addCounts, type Counts, describeCounts, judge } from "../test/integration/nats/verdict.ts";
import { startNatsServer } from "../test/support/nats.ts";
import { startNatsCluster } from "../test/support/nats-cluster.ts";

const rounds = 12; // each fault once
const tasks = 15;
const workers = 6;
const minuteMs = 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    seed: { type: "string" },
    cluster: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const minutes = toNumber("minutes", values.minutes ?? "1");
const firstSeed = toNumber("seed", values.seed ?? String(Date.now() % 1_000_000));
const startedAt = performance.now();
let counts: Counts = { tasks: 0, acknowledged: 0, unknown: 0, effects: 0, repeated: 0, lost: 0 };
let roundsPlayed = 0;
let problems: string[] = [];
const stops: (() => Promise<void>)[] = [];

process.once("SIGINT", () => {
  void stopAll().finally(() => process.exit(130));
});
const ticking = setInterval(() => say(`${toMinutes()} min: ${describe()}`), minuteMs);
say(`seed ${firstSeed}, ${minutes} min`);
let seed = firstSeed;
for (; problems.length === 0 && performance.now() - startedAt < minutes * minuteMs; seed += 1) await playEpisode(seed);
clearInterval(ticking);
for (const problem of problems) console.error(`seed ${seed - 1}: ${problem}`);
say(`${problems.length === 0 ? "nothing is wrong" : "SOMETHING IS WRONG"} after ${toMinutes()} min: ${describe()}`);
if (values.json) {
  console.log(JSON.stringify({ minutes: toMinutes(), seed: firstSeed, rounds: roundsPlayed, ...counts, problems }));
}
process.exitCode = problems.length === 0 ? 0 : 1;

async function playEpisode(episodeSeed: number): Promise<void> {
  try {
    const atEnd = (stop: () => Promise<void>): unknown => stops.push(stop);
    const system = values.cluster
      ? await startSystem({ atEnd, servers: await startNatsCluster({ atEnd }), workers, replicas: 3 })
      : await startSystem({ atEnd, servers: [await startNatsServer({ atEnd, jetstream: true })], workers });
    const traffic = new Traffic(system.client);
    for (const round of planRounds({ seed: episodeSeed, rounds, tasks })) {
      await playRound(system, traffic, round);
      roundsPlayed += 1;
    }
    const verdict = await judge(system, traffic);
    counts = addCounts(counts, verdict.counts);
    problems = verdict.problems;
  } catch (error) {
    problems = [String(error)];
  } finally {
    await stopAll();
  }
}

/** What came last ends first. */
async function stopAll(): Promise<void> {
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
}

/** Rounds are counted as they are played, the rest at the end of each episode. */
function describe(): string {
  return `rounds ${roundsPlayed}, ${describeCounts(counts)}`;
}

function say(line: string): void {
  if (!values.json) console.log(line);
}

function toMinutes(): number {
  return Math.round((performance.now() - startedAt) / (minuteMs / 10)) / 10;
}

function toNumber(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number) && number >= 0) return number;
  throw new Error(`--${name} is "${text}"; give a number.`);
}
