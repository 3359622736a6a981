import { describe, expect, it } from "vitest";
import { type Answerer, evaluate } from "../../bench/cases/families.ts";
import { type LabelledSet, type Run, readLabelledSet, textOf } from "./families.ts";
import { otherRuns } from "./other-runs.ts";
import { contentWords } from "./words.ts";

const set = readLabelledSet();
const silent: Answerer = { learn: () => {}, ask: () => ({ committed: false }) };

describe("evaluating an answerer on the labelled set", () => {
  it("gives full marks to one that knows every answer", async () => {
    const { before, after } = await evaluate(answering(new Map(answers((family) => family.id))), set);

    for (const half of [before.splits.tune, before.splits.report]) {
      expect([half.ownLanguage.share, half.byWording.other.share, half.committedRight.share]).toEqual([1, 1, 1]);
      expect([half.wrongCommits.share, half.lookAlikeMixedUp.share]).toEqual([0, 0]);
    }
    expect(before.misses).toEqual([]);
    expect(after).toBeNull();
  });

  it("counts every commitment to an unrelated task as wrong, and an answer without a lesson as a miss", async () => {
    const { before } = await evaluate({ ...silent, ask: () => ({ committed: true }) }, set);

    expect(before.splits.report.wrongCommits).toEqual({ asked: 20, hits: 20, share: 1 });
    expect(before.splits.report.wrongCommitsSharing.asked).toBe(10);
    expect(before.splits.report.ownLanguage.hits).toBe(0);
    expect(before.splits.report.committedRight.share).toBe(0);
  });

  it("sees when look-alikes are mixed up", async () => {
    const { before } = await evaluate(answering(new Map(answers((family) => family.lookAlike ?? "none"))), set);

    expect(before.splits.tune.lookAlikeMixedUp.share).toBe(1);
    expect(before.splits.tune.committedRight.share).toBe(0);
  });

  it("learns both runs of every family before it asks, and shows a query's words and nothing else (V1, V2)", async () => {
    const calls: string[] = [];
    const small: LabelledSet = { families: set.families.slice(0, 2), unrelated: set.unrelated.slice(0, 1) };
    const recording: Answerer = {
      learn: (_, lessonOf) => void calls.push(`learn ${lessonOf}`),
      ask: (...given: unknown[]) => {
        calls.push(...given.map((one) => `ask ${typeof one}`));
        return { committed: false };
      },
    };

    await evaluate(recording, small);

    const learned = small.families.map(({ id }) => `learn ${id}`);
    const asked = small.families.flatMap(({ queries }) => queries).length + small.unrelated.length;
    expect(calls).toEqual([...learned, ...learned, ...Array.from({ length: asked }, () => "ask string")]);
  });

  it("lists misses of the tune half and none of the report half (V3)", async () => {
    const { before } = await evaluate(silent, set);

    const tuned = set.families.filter(({ split }) => split === "tune");
    expect(before.misses).toHaveLength(tuned.flatMap(({ queries }) => queries).length);
    expect(new Set(before.misses.map(({ expected }) => expected))).toEqual(new Set(tuned.map(({ id }) => id)));
  });

  it("shows that counting common words finds near wordings, misses far ones, and commits where it should not", async () => {
    const { before, after } = await evaluate(wordOverlap(), set, otherRuns({ seed: 7, count: 10_000 }));

    expect(after?.runsLearned).toBe(before.runsLearned + 10_000);
    // Were these not so, the set would be too hard to mean anything, or too easy to tell a ranker from a word count.
    expect(after?.splits.report.byWording.near.share).toBeGreaterThan(0.9);
    expect(after?.splits.report.byWording.far.share).toBeLessThan(0.8);
    expect(after?.splits.report.wrongCommitsSharing.share).toBeGreaterThan(0.3);
  });
});

function answers(of: (family: LabelledSet["families"][number]) => string): [string, string][] {
  return set.families.flatMap((family) => family.queries.map(({ text }): [string, string] => [text, of(family)]));
}

/** Commits to what `lessons` has for a text, and is silent about all others. */
function answering(lessons: ReadonlyMap<string, string>): Answerer {
  return {
    learn: () => {},
    ask: (text) => {
      const lessonOf = lessons.get(text);
      return lessonOf === undefined ? { committed: false } : { lessonOf, committed: true };
    },
  };
}

/** The lesson with the most words in common with the query; committed when these are half of the query's words. */
function wordOverlap(): Answerer {
  const lessonsByWord = new Map<string, Set<string>>();

  return {
    learn: (run: Run, lessonOf) => {
      for (const word of contentWords(textOf(run)))
        lessonsByWord.set(word, (lessonsByWord.get(word) ?? new Set()).add(lessonOf));
    },
    ask: (text) => {
      const words = contentWords(text);
      const counts = new Map<string, number>();
      for (const word of words)
        for (const lesson of lessonsByWord.get(word) ?? []) counts.set(lesson, (counts.get(lesson) ?? 0) + 1);
      const [best] = [...counts].sort(([, one], [, two]) => two - one);
      return best ? { lessonOf: best[0], committed: best[1] * 2 >= words.size } : { committed: false };
    },
  };
}
