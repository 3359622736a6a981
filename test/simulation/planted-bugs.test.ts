import { afterAll, describe, expect, it } from "vitest";
import { plantedBugs } from "./bugs.ts";
import { shrink } from "./shrink.ts";
import { type RunResult, simulate } from "./simulate.ts";

const minutes = 60_000;

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
