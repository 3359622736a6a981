// Random faults, one after another, on workers, a runtime and nats-server as processes of their own. AIONIS_TEST_ROUNDS says how many,
// 5 if absent (the cluster has one for each kind of process); AIONIS_TEST_SEED plays the same plan again.

import { describe, expect, it, onTestFinished } from "vitest";
import { describeNats, startNatsServer } from "../../support/nats.ts";
import { startNatsCluster } from "../../support/nats-cluster.ts";
import { type Fault, type PlanOptions, planRounds, playRound } from "./rounds.ts";
import { type System, startSystem } from "./system.ts";
import { Traffic } from "./traffic.ts";
import { describeCounts, judge } from "./verdict.ts";

const rounds = Number(process.env.AIONIS_TEST_ROUNDS ?? 5);
const seed = Number(process.env.AIONIS_TEST_SEED ?? Date.now() % 1_000_000);
const tasks = 15;
const workers = 6;
const kills: Fault[] = ["a worker is killed", "the runtime is killed", "nats-server is killed"];

describeNats("a system of processes over NATS", (binary) => {
  it("loses nothing, repeats nothing that is recorded, and comes to an end, whatever fails (I1, I2, I3, I10)", {
    timeout: 60_000 + rounds * 15_000,
  }, async () => {
    const servers = [await startNatsServer({ atEnd: onTestFinished, binary, jetstream: true })];
    const system = await startSystem({ atEnd: onTestFinished, servers, workers });

    await expectToSurvive(system, { seed, rounds, tasks });
  });

  it("does so on a cluster of three, whoever is killed (I1, I2, I3, I10)", async () => {
    const servers = await startNatsCluster({ atEnd: onTestFinished, binary });
    const system = await startSystem({ atEnd: onTestFinished, servers, workers, replicas: 3 });

    await expectToSurvive(system, { seed, rounds: kills.length, tasks, among: kills });
  });
});

describe("a plan of rounds", () => {
  it("follows from its seed", () => {
    const options = { seed: 7, rounds: 30, tasks: 3 };

    const plan = planRounds(options);

    expect(planRounds(options)).toEqual(plan);
    expect(planRounds({ ...options, seed: 8 })).not.toEqual(plan);
  });
});

async function expectToSurvive(system: System, options: PlanOptions): Promise<void> {
  console.log(`seed ${options.seed}, ${options.rounds} rounds`);
  const traffic = new Traffic(system.client);

  for (const round of planRounds(options)) await playRound(system, traffic, round);
  const { problems, counts } = await judge(system, traffic);

  console.log(describeCounts(counts));
  expect(problems, `seed ${options.seed}`).toEqual([]);
  expect(counts.tasks).toBeGreaterThanOrEqual(options.rounds * options.tasks);
}
