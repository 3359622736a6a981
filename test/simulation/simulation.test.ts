import { afterAll, describe, expect, it } from "vitest";
import { plantedBugs } from "./bugs.ts";
import { shrink } from "./shrink.ts";
import { type RunResult, simulate } from "./simulate.ts";

const seedsPerTest = 60;
const tests = 5;
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
      5 * minutes,
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
    minutes,
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

describe("a planted bug", () => {
  const reports: string[] = [];
  /** The invariants by which each bug is recognised. */
  const broken: Record<string, RegExp> = {
    "no fence": /^I4/,
    "epoch reused": /^I3|TASK_UNFOLDABLE|not lease/,
    "no idempotency": /^I13/,
    "steps forgotten": /records step/,
    "budget kept": /^I5/,
    "early acknowledgement": /^I2|^I6/,
    "commits not synced": /^I2/,
    "claims of all scopes": /^I11/,
    "anchors of all scopes": /^I11/,
    "lessons of all scopes": /^I11/,
    "trust for nothing": /^I12/,
    "late snapshot": /^I6/,
    "timers lost": /^I6|^I10/,
    "outbox lost": /^I6|^I10/,
    "endless leases": /^I10/,
    "intent not recorded": /^E1/,
    "strict goes on": /^E3/,
    "steps not read": /^E[14]/,
    "verified by nothing": /^I12/,
    "failed runs count": /^I12/,
    "told twice": /^I8/,
    "told never": /^I8/,
    "replayed by a failure": /^I12/,
    "answers to the first question": /^I14/,
    "late answers taken": /^I14/,
    "kept and run again": /^I15/,
    "changed code fails": /^I15/,
    "lead forgotten": /^I9|^I10/,
    "clocks not kept": /^I9|^I10/,
    "late owners refused": /^I4: .* no other claim/,
    "revived under an old epoch": /^I4: .*claim.revived/,
  };
  afterAll(() => process.stdout.write(`${reports.join("\n")}\n`));

  it.each(Object.keys(plantedBugs))(
    "is caught: %s",
    async (name) => {
      const isExpected = (violation: string): boolean => broken[name]?.test(violation) === true;
      const found = await findFailure(name, 150, isExpected);

      reports.push(`planted bug "${name}": seed ${found?.seed}, ${found?.violations.find(isExpected)?.slice(0, 120)}`);
      expect(found).toBeDefined();
    },
    2 * minutes,
  );

  it(
    "shrinks to a short list of faults that fails in the same way",
    async () => {
      const found = await findFailure("no idempotency", 50);
      const shrunk = await shrink({ seed: found?.seed ?? 0, bug: plantedBugs["no idempotency"], runsMax: 200 });

      expect(shrunk.violations).not.toEqual([]);
      expect(shrunk.faults.length).toBeLessThan((found?.faults.length ?? 0) / 4);
      reports.push(`shrunk from ${found?.faults.length} faults to ${JSON.stringify(shrunk.faults)}`);
    },
    2 * minutes,
  );
});

/** The first seed with a violation that is expected of the bug; a bug may show in other ways before. */
async function findFailure(
  bug: string,
  seeds: number,
  isExpected: (violation: string) => boolean = () => true,
): Promise<RunResult | undefined> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const result = await simulate({ seed, bug: plantedBugs[bug] });
    if (result.violations.some(isExpected)) return result;
  }
  return undefined;
}
