import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Commit,
  conclude,
  learn,
  pickCommits,
  type Search,
  startSearch,
  type Verdict,
} from "../../examples/bisect/search.ts";

const line = (length: number): Commit[] =>
  Array.from({ length }, (_, index) => ({ id: `${index}`, parents: [`${index - 1}`], subject: "" }));

/** Histories with branches and merges, in which the last commit has all others before it. */
const histories = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 }).map((pairs) => {
  const commits = pairs.map(([left, right], index) => {
    const parents = index === 0 ? [] : [left % index, right % index].map(String);
    return { id: `${index}`, parents, subject: "" };
  });
  const parents = commits.map(({ id }) => id);
  return [...commits, { id: `${commits.length}`, parents, subject: "" }];
});

function toBad(range: readonly Commit[], first: string): ReadonlySet<string> {
  const bad = new Set([first]);
  for (const { id, parents } of range) if (parents.some((parent) => bad.has(parent))) bad.add(id);
  return bad;
}

/** Searches as the searcher does; says how many rounds it took. */
function run(
  range: readonly Commit[],
  count: number,
  test: (id: string) => Verdict,
): { search: Search; rounds: number } {
  let search = startSearch(range);
  let rounds = 0;
  for (; conclude(search) === undefined; rounds += 1) {
    for (const { id } of pickCommits(search, count)) search = learn(search, id, test(id));
  }
  return { search, rounds };
}

describe("the search of bisect", () => {
  it("finds the planted commit in any history, with any number of workers", () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.integer({ min: 1, max: 8 }), (range, seed, count) => {
        const first = `${seed % range.length}`;
        const bad = toBad(range, first);

        const { search } = run(range, count, (id) => (bad.has(id) ? "bad" : "good"));

        expect(conclude(search)).toMatchObject({ found: "one", commits: [{ id: first }] });
      }),
    );
  });

  it("never leaves out the planted commit when some cannot be tested", () => {
    fc.assert(
      fc.property(
        histories,
        fc.nat(),
        fc.array(fc.boolean(), { minLength: 41, maxLength: 41 }),
        (range, seed, skips) => {
          const first = `${seed % range.length}`;
          const bad = toBad(range, first);
          const test = (id: string): Verdict => (skips[Number(id)] ? "skip" : bad.has(id) ? "bad" : "good");

          const { search } = run(range, 3, test);

          expect(conclude(search)?.commits.map(({ id }) => id)).toContain(first);
        },
      ),
    );
  });

  it("takes as many rounds as the range has digits in the base of the workers and one", () => {
    const rounds = [1, 3, 7].map((count) => run(line(64), count, (id) => (Number(id) >= 41 ? "bad" : "good")).rounds);

    expect(rounds).toEqual([6, 3, 2]);
  });

  it("says that a good commit has a bad ancestor", () => {
    const range = line(3);

    const search = learn(learn(startSearch(range), "0", "bad"), "1", "good");

    expect(conclude(search)).toEqual({ found: "none", commits: [] });
  });
});
