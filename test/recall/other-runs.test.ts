import { describe, expect, it } from "vitest";
import { Run, readLabelledSet } from "./families.ts";
import { otherRuns } from "./other-runs.ts";
import { contentWords, shareOf } from "./words.ts";

const { families } = readLabelledSet();
const others = otherRuns({ seed: 7, count: 10_000 });

describe("other runs", () => {
  it("are the same for the same seed and others for another (O1)", () => {
    expect(otherRuns({ seed: 7, count: 500 })).toEqual(otherRuns({ seed: 7, count: 500 }));
    expect(otherRuns({ seed: 7, count: 500 })).not.toEqual(otherRuns({ seed: 8, count: 500 }));
  });

  it("have the shape of a learned run", () => {
    expect(others).toHaveLength(10_000);
    for (const { run } of others.slice(0, 500)) expect(Run.safeParse(run).error).toBeUndefined();
  });

  it("are spread over many jobs, briefs, files, tools and words", () => {
    const distinct = (values: Iterable<string>): number => new Set(values).size;

    expect(distinct(others.map(({ lessonOf }) => lessonOf))).toBeGreaterThan(4_000);
    expect(distinct(others.map(({ run }) => run.brief))).toBeGreaterThan(8_000);
    expect(distinct(others.flatMap(({ run }) => run.files))).toBeGreaterThan(8_000);
    expect(distinct(others.map(({ run }) => run.steps[0]!.tool))).toBeGreaterThan(20);
    expect(distinct(others.flatMap(({ run }) => [...contentWords(run.brief)]))).toBeGreaterThan(300);
  });

  it("come back: more than a quarter of the jobs have two successful runs of which one is verified", () => {
    const jobs = Map.groupBy(others, ({ lessonOf }) => lessonOf);
    const trusted = [...jobs.values()].filter((runs) => {
      const good = runs.filter(({ run }) => run.outcome.status === "succeeded");
      return good.length > 1 && good.some(({ run }) => run.outcome.evidence === "verified");
    });

    expect(trusted.length / jobs.size).toBeGreaterThan(0.25);
  });

  it("have no file, error text, brief or query of a family (O2)", () => {
    const runs = families.flatMap((family) => family.runs);
    const ofFamilies = new Set([
      ...runs.flatMap(({ brief, files, errors }) => [brief, ...files, ...errors]),
      ...families.flatMap(({ queries }) => queries.map(({ text }) => text)),
    ]);
    const roots = new Set(runs.flatMap(({ files }) => files.map((file) => file.split("/")[0])));

    for (const { run } of others) {
      expect([run.brief, ...run.errors].filter((text) => ofFamilies.has(text))).toEqual([]);
      expect(run.files.filter((file) => roots.has(file.split("/")[0]!))).toEqual([]);
    }
  });

  it("use most of the families' words, so that they are a crowd and not a crowd elsewhere", () => {
    const theirs = new Set(others.flatMap(({ run }) => [...contentWords(run.brief)]));
    const shares = families.map(({ runs }) => {
      const words = contentWords(runs.map(({ brief }) => brief).join("\n"));
      return shareOf(words, theirs);
    });

    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeGreaterThan(0.35);
  });
});
