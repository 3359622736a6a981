import { describe, expect, it } from "vitest";
import type { RecordedRun } from "../../src/playbook/run.ts";
import { record } from "./harness/record.ts";
import { failing } from "./harness/tools.ts";
import { inFolder, listChanges, readFiles, toExpected } from "./harness/workspace.ts";
import { type Job, jobs, lookAlikes, seeds } from "./jobs/index.ts";

const recordings = new Map<string, Promise<RecordedRun>>();

/** The same recording for all tests of a run: each spawns many processes. */
function recordOnce(job: Job, seed: number): Promise<RecordedRun> {
  const key = `${job.name} ${seed}`;
  const known = recordings.get(key) ?? record(job, seed, job.variant(seed));
  recordings.set(key, known);
  return known;
}

describe("the jobs", () => {
  it("are at least sixteen, of other names each, in two halves of one size", () => {
    const names = jobs.map(({ name }) => name);

    expect(names).toEqual([...new Set(names)].sort());
    expect(names.length).toBeGreaterThanOrEqual(16);
    expect(jobs.filter(({ half }) => half === "tune")).toHaveLength(names.length / 2);
  });

  it("are the same whenever they are asked for (J1)", () => {
    for (const job of jobs) {
      for (const seed of [...seeds.recorded, ...seeds.fresh]) {
        const { act: _, ...variant } = job.variant(seed);
        expect(job.variant(seed)).toMatchObject(variant);
      }
      expect(() => job.variant(4)).toThrow("there is no variant 4");
    }
  });

  it("ask otherwise and for other things when they are fresh (J2)", () => {
    for (const job of jobs) {
      const recorded = seeds.recorded.map((seed) => job.variant(seed));
      for (const seed of seeds.fresh) {
        const { brief, data, expected } = job.variant(seed);
        for (const other of recorded) {
          expect(brief).not.toBe(other.brief);
          expect(expected).not.toEqual(other.expected);
          if (data !== undefined) expect(data).not.toEqual(other.data);
        }
      }
    }
  });
});

describe.concurrent.for(jobs)("$name", (job) => {
  it.for(seeds.recorded)(
    "was done as run %i says: checks fail before and pass after (J3)",
    async (seed, { expect }) => {
      const { steps } = await recordOnce(job, seed);

      expect(steps.length).toBeGreaterThanOrEqual(2);
      expect(steps.every(({ tool }) => tool !== undefined)).toBe(true);
    },
  );

  it("was not done in the same way each time", async ({ expect }) => {
    const runs = await Promise.all(seeds.recorded.map((seed) => recordOnce(job, seed)));

    const ways = new Set(runs.map(({ steps }) => steps.map(({ name, tool }) => `${name} ${tool}`).join("\n")));
    expect(ways.size).toBeGreaterThan(1);
  });

  it.for(seeds.fresh)(
    "can be done in fresh workspace %i: checks fail before and pass after (J3)",
    async (seed, { expect }) => {
      const { files, expected, git, checks, ...variant } = job.variant(seed);
      expect(listChanges(files, toExpected(files, expected)).length).toBeGreaterThan(0);

      const before = await inFolder({ files, ...(git && { git }) }, (folder) => failing(folder, checks));
      const after = await inFolder({ files: toExpected(files, expected) }, (folder) => failing(folder, checks));

      expect(variant.brief).not.toBe("");
      expect([before, after]).toEqual([checks.map(({ name }) => name), []]);
    },
  );
});

describe("look-alikes", () => {
  it("are there for at least eight jobs, in the words of the job, with other files", async () => {
    const pairs = jobs.map((job) => ({ job, lookAlike: lookAlikes(job, 11) })).filter(({ lookAlike }) => lookAlike);

    expect(pairs.length).toBeGreaterThanOrEqual(8);
    for (const { job, lookAlike } of pairs) {
      const { brief, files } = job.variant(11);
      expect(lookAlike?.brief).toBe(brief);
      expect(listChanges(files, lookAlike?.files ?? {}).length).toBeGreaterThan(0);
    }
  });

  it("are workspaces as they are written down", async () => {
    const files = { "a/b.txt": "1\n", c: "" };

    expect(
      await inFolder({ files, git: { tag: "v1", subjects: ["Two"] } }, async (folder) => readFiles(folder)),
    ).toEqual(files);
  });
});
