// AIONIS_TEST_SEEDS says how many seeds are played; 100 if absent.

import { describe, expect, it } from "vitest";
import { type RunResult, simulate } from "./simulate.ts";

const tests = 5;
const seedsPerTest = Math.ceil(Number(process.env.AIONIS_TEST_SEEDS ?? 100) / tests);
const minutes = 60_000;

describe("a whole system under faults", () => {
  const happened = new Map<string, number>();
  const seen = new Map<string, number>();
  const count = (into: Map<string, number>, key: string): void => void into.set(key, (into.get(key) ?? 0) + 1);

  for (let part = 0; part < tests; part += 1) {
    const first = part * seedsPerTest + 1;
    it(
      `keeps I1–I15, and ends everything once the faults stop (seeds ${first} to ${first + seedsPerTest - 1})`,
      async () => {
        const failed: Pick<RunResult, "seed" | "violations" | "faults">[] = [];
        for (let seed = first; seed < first + seedsPerTest; seed += 1) {
          const { violations, faults, events, scopes, deaths, lost, lossesAccepted } = await simulate({ seed });
          if (violations.length > 0) failed.push({ seed, violations, faults });
          for (const fault of faults) count(happened, fault.split("#")[0] ?? "");
          for (const event of events) count(seen, event.type);
          if (deaths > 0) count(seen, "a restart");
          if (scopes > 1) count(seen, "two scopes");
          if (lost > 0) count(seen, "a journal that lost its end");
          if (lossesAccepted > 0) count(seen, "a loss that the mark showed");
        }

        expect(failed).toEqual([]);
      },
      2 * minutes + seedsPerTest * 10_000,
    );
  }

  it(
    "repeats a seed exactly",
    async () => {
      for (const seed of [3, 9, 17, 42, 1_234]) {
        const first = await simulate({ seed });
        const second = await simulate({ seed });

        expect(second.trace).toBe(first.trace);
      }
    },
    4 * minutes,
  );

  it("met every kind of fault and every branch of recovery", () => {
    for (const kind of [
      "net",
      "crash",
      "kill",
      "power",
      "write",
      "workerDies",
      "workerStalls",
      "toolBreaks",
      "cut",
      "workerBlocks",
      "jump",
    ]) {
      expect(happened.get(kind), `fault ${kind}`).toBeGreaterThan(5);
    }
    const branches = [
      "a restart",
      "two scopes",
      "a journal that lost its end",
      "a loss that the mark showed",
      "lease.expired",
      "claim.revived",
      "pause.expired",
      "task.rested",
      "task.answered",
      "step.superseded",
      "handoff.expired",
      "handoff.claimed",
      "deadline.passed",
      "task.cancelled",
      "checks.failed",
      "delegation.returned",
      "task.failed",
      "task.released",
      "lesson.observed",
      "lesson.supported",
      "playbook.turned",
      "playbook.repaired",
      "playbook.reviewed",
      "replay.failed",
      "task.replayed",
      "task.promoted",
    ];
    for (const branch of branches) expect(seen.get(branch), branch).toBeGreaterThan(0);
  });
});
