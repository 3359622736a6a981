import type { Connection } from "aionis";
import { median, openRaw, type Result, timed, toLatency, toRate } from "../measure.ts";
import { type Bare, type System, withSystem } from "../nats-system.ts";
import { type Claim, claimOne, output, record } from "./steps.ts";

const block = 100; // as in steps.ts
const payload = Buffer.from(output.padEnd(1_200)); // a step's message, and its reply, with what is round the output

/** One durable step at a time over NATS, beside a bare request and a bare commit. */
export function natsStepOne(): Promise<Result> {
  return withSystem(async (system) => {
    await system.startRuntime();
    const bare = await system.startBare();
    const connection = await system.connect();
    const raw = openRaw(system.folder);
    const claim = await claimOne(connection);
    const steps: number[] = [];
    const requests: number[] = [];
    const commits: number[] = [];
    for (let round = 0; round < 25; round += 1) {
      const isWarm = round >= 5;
      for (let index = 0; index < block; index += 1) {
        const ms = await timed(() => record(connection, claim, round * block + index));
        if (isWarm) steps.push(ms);
      }
      for (let index = 0; index < block; index += 1) {
        const ms = await timed(() => bare.echo(payload));
        if (isWarm) requests.push(ms);
      }
      for (let index = 0; index < block; index += 1) {
        const ms = await timed(() => raw.commitStep(output.length));
        if (isWarm) commits.push(ms);
      }
    }
    raw.close();
    const [request, commit] = [median(requests), median(commits)];
    const note = `raw: a request ${request.toFixed(3)} + a commit ${commit.toFixed(3)}; at most 1.5 ×`;
    return toLatency("nats.step.one", steps, [request + commit], note);
  });
}

const inFlight = 64;
const perRound = 20;

/** 64 durable steps in flight over NATS, beside as many bare requests. */
export function natsStepMany(): Promise<Result[]> {
  return withSystem(async (system) => [await stepMany(system, "power"), await stepMany(system, "process")]);
}

async function stepMany(system: System, durability: "power" | "process"): Promise<Result> {
  const runtime = await system.startRuntime({ durability, store: durability });
  const bare = await system.startBare();
  const connection = await system.connect();
  const claims = await Promise.all(Array.from({ length: inFlight }, () => claimOne(connection)));
  let oursMs = 0;
  let bareMs = 0;
  const rounds = 15;
  for (let round = -3; round < rounds; round += 1) {
    const ours = await timed(() => recordMany(connection, claims, (round + 3) * perRound));
    const raw = await timed(() => requestMany(bare));
    if (round >= 0) oursMs += ours;
    if (round >= 0) bareMs += raw;
  }
  await bare.end();
  await runtime.end(); // the next one serves the same scope
  const n = rounds * perRound * inFlight;
  const note = "raw: bare requests, 64 in flight; at least .25 ×";
  return toRate(`nats.step.64.${durability}`, n, (n / oursMs) * 1_000, (n / bareMs) * 1_000, note);
}

function recordMany(connection: Connection, claims: readonly Claim[], from: number): Promise<unknown> {
  return Promise.all(
    claims.map(async (claim) => {
      for (let ordinal = from; ordinal < from + perRound; ordinal += 1) await record(connection, claim, ordinal);
    }),
  );
}

function requestMany(bare: Bare): Promise<unknown> {
  return Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (let request = 0; request < perRound; request += 1) await bare.echo(payload);
    }),
  );
}
