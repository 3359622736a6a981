import { describe, expect, it } from "vitest";
import { collect } from "../../src/recall/candidates.ts";
import { emptyRow } from "../../src/recall/empty-rows.ts";
import { readGoal } from "../../src/recall/goals.ts";
import { createMemoryRows, createRecall } from "../../src/recall/index.ts";
import { score, train } from "../../src/recall/ranker.ts";
import { measureSignals, signalNames } from "../../src/recall/signals/index.ts";

describe("the ranker", () => {
  it("gives probabilities that sum to 1, equal ones before it has learned", () => {
    const { evidence, ask } = setup();

    const { probabilities } = ask();

    expect(probabilities.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 9);
    for (const each of probabilities) expect(each).toBeCloseTo(1 / evidence.candidates.length, 9);
  });

  it("makes the right files together more probable with every step, whichever they are", () => {
    const { evidence, ask, learn } = setup();
    const isRight = evidence.candidates.map((_, index) => index % 3 === 1);
    const right = (): number =>
      ask().probabilities.reduce((sum, each, at) => sum + (isRight[at] === true ? each : 0), 0);

    let before = right();
    for (let step = 0; step < 12; step += 1) {
      learn(isRight);
      const after = right();
      expect(after).toBeGreaterThan(before);
      before = after;
    }
  });

  it("learns nothing when no candidate was right", () => {
    const { rows, evidence, learn } = setup();
    const before = rows.dump();

    learn(evidence.candidates.map(() => false));

    expect(rows.dump()).toBe(before);
  });

  it("has signals between -1 and 1 for every candidate, without gaps", () => {
    const { signals } = setup();

    expect(signals.every((values) => values.length === signalNames.length)).toBe(true);
    expect(Math.max(...signals.flatMap((values) => [...values].map(Math.abs)))).toBeLessThanOrEqual(1 + 1e-9);
    expect(signals.flatMap((values) => [...values]).some(Number.isNaN)).toBe(false);
    expect(new Set(signalNames).size).toBe(signalNames.length);
  });
});

/** Twenty episodes learned, fewer than the ranker needs to begin by itself. */
function setup() {
  const rows = createMemoryRows();
  const recall = createRecall(rows);
  for (let index = 0; index < 20; index += 1) {
    const part = ["parser", "cache", "router", "client"][index % 4] ?? "";
    recall.learn({
      goal: `fix ${part} of step ${index}`,
      at: index,
      files: [`src/${part}.ts`, `test/${part}-${index}.test.ts`],
    });
  }
  const learned = { ...emptyRow("learned"), weights: signalNames.map(() => 0) };
  const totals = rows.get("totals", 0) ?? emptyRow("totals");
  const goal = readGoal("fix(parser): the cache of src/router.ts");
  const evidence = collect(rows, totals, { goal, gapHours: 0, files: [], tree: undefined });
  const signals = measureSignals(evidence);
  const ask = () => score(learned, rows, { evidence, signals });
  const learn = (isRight: readonly boolean[]): void =>
    train(learned, rows, { evidence, signals, probabilities: ask().probabilities, isRight });
  return { rows, evidence, signals, ask, learn };
}
