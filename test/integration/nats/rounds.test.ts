// Random faults, one after another, on workers, a runtime and nats-server as processes of their own. AIONIS_TEST_ROUNDS says how many,
// 5 if absent; AIONIS_TEST_SEED plays the same plan again.

import { describe, expect, it, onTestFinished } from "vitest";
import { describeNats } from "../../support/nats.ts";
import { planRounds, playRound } from "./rounds.ts";
import { startSystem } from "./system.ts";
import { Traffic } from "./traffic.ts";
import { describeCounts, judge } from "./verdict.ts";

const rounds = Number(process.env.AIONIS_TEST_ROUNDS ?? 5);
const seed = Number(process.env.AIONIS_TEST_SEED ?? Date.now() % 1_000_000);
const tasks = 15;
const timeout = 60_000 + rounds * 15_000;

describeNats("a system of processes over NATS", (binary) => {
  it(
    "loses nothing, repeats nothing that is recorded, and comes to an end, whatever fails (I1, I2, I3, I10)",
    async () => {
      console.log(`seed ${seed}, ${rounds} rounds`);
      const system = await startSystem({ atEnd: onTestFinished, binary, workers: 6 });
      const traffic = new Traffic(system.client);

      for (const round of planRounds({ seed, rounds, tasks })) await playRound(system, traffic, round);
      const { problems, counts } = await judge(system, traffic);

      console.log(describeCounts(counts));
      expect(problems, `seed ${seed}`).toEqual([]);
      expect(counts.tasks).toBeGreaterThanOrEqual(rounds * tasks);
    },
    timeout,
  );
});

describe("a plan of rounds", () => {
  it("follows from its seed", () => {
    const options = { seed: 7, rounds: 30, tasks: 3 };

    const plan = planRounds(options);

    expect(planRounds(options)).toEqual(plan);
    expect(planRounds({ ...options, seed: 8 })).not.toEqual(plan);
  });
});
