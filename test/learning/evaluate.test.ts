import { describe, expect, it } from "vitest";
import { evaluate } from "../../bench/cases/families.ts";
import { createLessonsAnswerer } from "../../bench/cases/lessons.ts";
import { readLabelledSet } from "../recall/families.ts";

describe("lessons on the labelled set", () => {
  it("are found in other words and other languages, are not mixed up, and are not committed to for other work", async () => {
    const answerer = createLessonsAnswerer();
    const set = readLabelledSet();

    const { before } = await evaluate(answerer, set);

    for (const half of [before.splits.tune, before.splits.report]) {
      expect(half.ownLanguage.share).toBeGreaterThanOrEqual(0.85);
      expect(half.byWording.other.share).toBeGreaterThanOrEqual(0.6);
      expect(half.wrongCommits.share).toBeLessThanOrEqual(0.05);
      expect(half.lookAlikeMixedUp.share).toBeLessThanOrEqual(0.02);
      expect(half.committedRight.share).toBeGreaterThanOrEqual(0.9);
    }
    const together = set.families.filter(({ id }) => answerer.lessonsOf(id).size === 1);
    expect(together.length).toBeGreaterThanOrEqual(38);
    expect(answerer.shared()).toEqual([]);
  });
});
