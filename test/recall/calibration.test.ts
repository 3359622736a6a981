import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import { calibrate, type Doubt, toConfidence } from "../../src/recall/calibration.ts";
import { emptyRow } from "../../src/recall/empty-rows.ts";

describe("calibration", () => {
  it("learns the true share of hits from a probability that is far too high", () => {
    const { learned, ask } = setup(({ probability }) => probability ** 3);

    const errors = [0.5, 0.7, 0.9].map((probability) =>
      Math.abs(toConfidence(learned, ask(probability)) - probability ** 3),
    );

    expect(Math.max(...errors)).toBeLessThan(0.12);
  });

  it("calls sure what is right four times in five", () => {
    const { learned, ask } = setup(({ probability }) => probability ** 3);

    const sure = [0.3, 0.6, 0.99].map((probability) => toConfidence(learned, ask(probability)) >= learned.sureFrom);

    expect(sure).toEqual([false, false, true]);
  });

  it("calls nothing sure before it has seen answers, and nothing where all were wrong", () => {
    const { learned, ask } = setup(() => 0);

    expect(emptyRow("learned").sureFrom).toBeGreaterThan(1);
    expect(learned.sureFrom).toBeGreaterThan(toConfidence(learned, ask(0.999)));
  });

  it("stays between 0 and 1 and keeps bounded lists, whatever it is told", () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const doubts = fc.record({
      ...{ probability: unit, lead: fc.double({ min: 0, max: 1e6, noNaN: true }) },
      ...{ likeness: unit, words: unit, name: unit, known: unit },
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(doubts, fc.boolean()), { maxLength: 120 }), (stream) => {
        const learned = emptyRow("learned");
        for (const [doubt, isHit] of stream) {
          const confidence = toConfidence(learned, doubt);
          expect(confidence > 0 && confidence < 1).toBe(true);
          calibrate(learned, doubt, isHit);
        }
      }),
    );
  });
});

/** 1,200 answers whose share of hits is `truth`. */
function setup(truth: (doubt: Doubt) => number) {
  const learned = emptyRow("learned");
  const random = createSeededRandom(3);
  const uniform = (): number => random.u32() / 2 ** 32;
  const ask = (probability: number): Doubt => ({
    probability,
    lead: 1,
    likeness: 0.5,
    words: 0.5,
    name: 0.5,
    known: 1,
  });
  for (let count = 0; count < 1_200; count += 1) {
    const doubt = ask(uniform());
    calibrate(learned, doubt, uniform() < truth(doubt));
  }
  return { learned, ask };
}
