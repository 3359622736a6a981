// Kinds of work: what a goal says it is (fix, test, docs …), from a conventional prefix or the first telling word.

/** The kinds, the last being "says nothing". */
export const kinds = ["docs", "test", "ci", "deps", "refactor", "perf", "types", "fix", "feat", "none"] as const;
export type Kind = (typeof kinds)[number];

const kindByWord = new Map<string, Kind>(
  Object.entries({
    docs: "doc docs document documentation readme typo typos comment comments jsdoc guide",
    test: "test tests testing spec coverage flaky",
    ci: "ci workflow workflows action actions pipeline build release",
    deps: "dep deps dependency dependencies bump upgrade chore",
    refactor:
      "refactor refactoring rename move extract clean cleanup simplify remove delete drop reorganize style lint format",
    perf: "perf performance speed optimize optimise faster benchmark bench",
    types: "type types typing typings dts",
    fix: "fix fixes fixed bug bugfix hotfix correct prevent avoid handle resolve repair",
    feat: "feat feature add adds added implement introduce support allow expose new",
  }).flatMap(([kind, words]) => words.split(" ").map((word) => [word, kind as Kind] as const)), // the keys are kinds
);

const conventional = /^\W{0,3}([a-zA-Z]{2,12})(?:\(([^)\n]{1,60})\))?!?[\]:]/u;

/** The kind and the scope of a title such as `fix(parser): …`, `[FIX] …` or `Add …`. */
export function readKind(title: string): { kind: Kind; scope: string; rest: string } {
  const found = conventional.exec(title);
  const kind = kindByWord.get(found?.[1]?.toLowerCase() ?? "");
  if (found !== null && kind !== undefined) {
    return { kind, scope: found[2]?.toLowerCase() ?? "", rest: title.slice(found[0].length) };
  }
  const words =
    title
      .slice(0, 200)
      .toLowerCase()
      .match(/\p{L}+/gu) ?? [];
  const told = words.map((word) => kindByWord.get(word)).find((each) => each !== undefined);
  // `parser: fix …` names the part first, as many projects do.
  const part = /^([\p{L}\p{N}_./-]{2,40}):\s/u.exec(title);
  return { kind: told ?? "none", scope: part?.[1]?.toLowerCase() ?? "", rest: title };
}
