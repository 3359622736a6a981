// Search
//
// Finds the first bad commit of a range by testing several commits at a time: pure functions on what is known. The range may have branches and
// merges; a bad commit makes its descendants bad, and a good one has good ancestors.

export interface Commit {
  readonly id: string;
  readonly parents: readonly string[];
  readonly subject: string;
}

export type Verdict = "good" | "bad" | "skip";

export interface Search {
  readonly range: ReadonlyMap<string, Commit>;
  /** The ids of which one is the first bad commit; parents before children, so that the last one is known to be bad. */
  readonly candidates: readonly string[];
  /** Those that cannot be tested. */
  readonly skipped: ReadonlySet<string>;
}

export interface Conclusion {
  /** `several`: those that are left cannot be tested. `none`: a good commit has a bad ancestor. */
  readonly found: "one" | "several" | "none";
  readonly commits: readonly Commit[];
}

/** A search in `range`, which has parents before children; its last commit is bad, and what came before all of it is good. */
export function startSearch(range: readonly Commit[]): Search {
  return {
    range: new Map(range.map((commit) => [commit.id, commit])),
    candidates: range.map(({ id }) => id),
    skipped: new Set(),
  };
}

/** At most `count` commits whose verdicts leave about the same number of candidates each, whichever they are. */
export function pickCommits(search: Search, count: number): Commit[] {
  const testable = listTestable(search);
  const picks = Math.min(count, testable.length);
  const indices = Array.from({ length: picks }, (_, pick) => Math.floor(((pick + 1) * testable.length) / (picks + 1)));
  return toCommits(
    search,
    indices.map((index) => testable[index] ?? ""),
  );
}

/** What is known with one more verdict. In which order verdicts come makes no difference. */
export function learn(search: Search, id: string, verdict: Verdict): Search {
  if (verdict === "skip") return { ...search, skipped: new Set([...search.skipped, id]) };
  const withAncestors = findAncestors(search, id);
  const isLeft = (candidate: string): boolean => withAncestors.has(candidate) === (verdict === "bad");
  return { ...search, candidates: search.candidates.filter(isLeft) };
}

/** The end of the search; undefined while there is something to test. */
export function conclude(search: Search): Conclusion | undefined {
  const { length } = search.candidates;
  if (length > 1 && listTestable(search).length > 0) return undefined;
  const found = length === 0 ? "none" : length === 1 ? "one" : "several";
  return { found, commits: toCommits(search, search.candidates) };
}

function listTestable({ candidates, skipped }: Search): string[] {
  return candidates.slice(0, -1).filter((id) => !skipped.has(id));
}

/** The commit itself and all before it, in the whole range: one that is no candidate may lead to one that is. */
function findAncestors({ range }: Search, id: string): Set<string> {
  const found = new Set<string>();
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const commit = range.get(next);
    if (commit === undefined || found.has(next)) continue;
    found.add(next);
    open.push(...commit.parents);
  }
  return found;
}

function toCommits({ range }: Search, ids: readonly string[]): Commit[] {
  return ids.flatMap((id) => range.get(id) ?? []);
}
