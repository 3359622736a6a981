import { describe, expect, it } from "vitest";
import { type Family, type Query, readLabelledSet, Split, textOf, toolsOf } from "./families.ts";
import { commonWords, contentWords, keptTokens, shareOf, wordsWithout } from "./words.ts";

const { families, unrelated } = readLabelledSet();
/** Tools whose names are everyday words, which prove nothing when a query has them. */
const plainWords = new Set(["browser", "edit", "read", "shell"]);
const familiesById = new Map(families.map((family) => [family.id, family]));

describe("the labelled set", () => {
  it("is large enough: 36 families, 40 unrelated tasks, 8 pairs of look-alikes, and 6 other languages", () => {
    const languages = queries().flatMap(({ query }) => (query.wording === "other" ? [query.language] : []));

    expect(families.length).toBeGreaterThanOrEqual(36);
    expect(pairs().length).toBeGreaterThanOrEqual(8);
    expect(unrelated.filter(({ sharesWith }) => sharesWith.length > 0)).toHaveLength(20);
    expect(unrelated.filter(({ sharesWith }) => sharesWith.length === 0)).toHaveLength(20);
    for (const language of ["de", "es", "fr", "ja", "ru", "zh"])
      expect(languages.filter((used) => used === language).length).toBeGreaterThanOrEqual(10);
  });

  it("asks for every family at least twice in each wording", () => {
    for (const { id, queries } of families)
      for (const wording of ["near", "far", "terse", "other"])
        expect(queries.filter((query) => query.wording === wording).length, `${id} ${wording}`).toBeGreaterThanOrEqual(
          2,
        );
  });

  it("says a terse query in at most four words, or in those of an error that the family has seen", () => {
    for (const { family, query } of queries().filter(({ query }) => query.wording === "terse")) {
      const seen = family.runs.some(({ errors }) => errors.some((error) => error.includes(query.text)));

      expect(seen || query.text.split(" ").length <= 4, `${family.id}: ${query.text}`).toBe(true);
    }
  });

  it("has unique ids, queries and briefs (F1)", () => {
    const ids = [...families, ...unrelated].map(({ id }) => id);
    const texts = [...queries().map(({ query }) => query.text), ...briefs().map(({ brief }) => brief)];

    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(texts.map((text) => [...contentWords(text)].sort().join(" ") || text)).size).toBe(texts.length);
  });

  it("has halves of one size in families, areas, pairs and unrelated tasks, and keeps look-alikes together (F1)", () => {
    const [tune, report] = Split.options.map((split) => ({
      families: families.filter((family) => family.split === split).length,
      ops: families.filter((family) => family.split === split && family.area === "ops").length,
      pairs: pairs().filter(([one]) => one.split === split).length,
      sharing: unrelated.filter((task) => task.split === split && task.sharesWith.length > 0).length,
      apart: unrelated.filter((task) => task.split === split && task.sharesWith.length === 0).length,
    }));

    expect({ ...tune, ops: 0 }).toEqual({ ...report, ops: 0 });
    expect(Math.abs(tune!.ops - report!.ops)).toBeLessThanOrEqual(1);
    for (const [one, two] of pairs()) expect(two).toMatchObject({ split: one.split, lookAlike: one.id });
  });

  it("begins both runs of a family with its lesson, and lists every file that a step touched", () => {
    for (const { id, lesson, runs } of families)
      for (const run of runs) {
        expect(run.steps[0], id).toMatchObject(lesson);
        expect(run.files, id).toEqual(expect.arrayContaining(run.steps.flatMap(({ file }) => file ?? [])));
        expect(run.outcome, id).toMatchObject({ status: "succeeded", evidence: "verified" });
      }
  });

  it("shares no file between families", () => {
    const owners = families.flatMap(({ id, runs }) =>
      [...new Set(runs.flatMap(({ files }) => files))].map((file) => ({ id, file })),
    );

    expect(new Set(owners.map(({ file }) => file)).size).toBe(owners.length);
  });

  it("has look-alikes with at least 60 % of their content words in common, other tools and another first action (F2)", () => {
    for (const [one, two] of pairs()) {
      const [mine, theirs] = [wordsOfBriefs(one), wordsOfBriefs(two)];
      const [fewer, more] = mine.size < theirs.size ? [mine, theirs] : [theirs, mine];

      expect(shareOf(fewer, more), one.id).toBeGreaterThanOrEqual(0.6);
      expect(one.lesson.tool, one.id).not.toBe(two.lesson.tool);
      expect(new Set(one.runs.flatMap(toolsOf)), one.id).not.toEqual(new Set(two.runs.flatMap(toolsOf)));
    }
  });

  it("tells look-alikes apart: no query has more words of the other one, and all but far ones have one of their own (F2)", () => {
    for (const family of families.filter(({ lookAlike }) => lookAlike)) {
      const [mine, theirs] = [wordsOf(family), wordsOf(familiesById.get(family.lookAlike!)!)];

      for (const query of family.queries.filter((query) => !isBare(query))) {
        const words = contentWords(query.text);
        const own = shareOf(words, wordsWithout(mine, theirs));

        expect(own, `${family.id}: ${query.text}`).toBeGreaterThanOrEqual(shareOf(words, wordsWithout(theirs, mine)));
        if (query.wording !== "far") expect(own, `${family.id}: ${query.text}`).toBeGreaterThan(0);
      }
    }
  });

  it("has no query that is a learned brief (F3)", () => {
    const learned = new Set(briefs().map(({ brief }) => brief.toLowerCase()));

    expect(queries().filter(({ query }) => learned.has(query.text.toLowerCase()))).toEqual([]);
  });

  it("has near queries in their family's words, and far ones with at most a quarter of them (F3)", () => {
    for (const { family, query } of queries()) {
      const share = shareOf(contentWords(query.text), wordsOfBriefs(family));

      if (query.wording === "near") expect(share, `${family.id}: ${query.text}`).toBeGreaterThanOrEqual(0.6);
      if (query.wording === "far") expect(share, `${family.id}: ${query.text}`).toBeLessThanOrEqual(0.25);
    }
  });

  it("has a far query of every family with at most half of its words in anything that the runs say (F3)", () => {
    for (const family of families) {
      const far = family.queries.filter(({ wording }) => wording === "far");
      const shares = far.map(({ text }) => shareOf(contentWords(text), wordsOf(family)));

      expect(Math.min(...shares), family.id).toBeLessThanOrEqual(0.5);
    }
  });

  it("keeps a token of the family in every query of another language, unless it says that it is bare (F4)", () => {
    const others = queries().filter(({ query }) => query.wording === "other");
    for (const { family, query } of others)
      expect(keepsToken(family, query), `${family.id}: ${query.text}`).toBe(!isBare(query));

    expect(others.filter(({ query }) => isBare(query)).length).toBeGreaterThanOrEqual(8);
  });

  it("has unrelated tasks that share words where they say so, and next to none where they do not (F5)", () => {
    for (const { text, sharesWith } of unrelated) {
      const words = contentWords(text);
      for (const id of sharesWith)
        expect(commonWords(words, wordsOfBriefs(familiesById.get(id)!)).size, text).toBeGreaterThanOrEqual(3);

      const most = Math.max(...families.map((family) => commonWords(words, wordsOfBriefs(family)).size));
      if (sharesWith.length === 0) expect(most, text).toBeLessThanOrEqual(1);
    }
  });
});

function queries(): { family: Family; query: Query }[] {
  return families.flatMap((family) => family.queries.map((query) => ({ family, query })));
}

function briefs(): { brief: string }[] {
  return families.flatMap(({ runs }) => runs);
}

function pairs(): [Family, Family][] {
  return families.flatMap((family): [Family, Family][] => {
    const other = family.lookAlike === undefined ? undefined : familiesById.get(family.lookAlike);
    return other && family.id < other.id ? [[family, other]] : [];
  });
}

function wordsOfBriefs({ runs }: Family): Set<string> {
  return contentWords(runs.map(({ brief }) => brief).join("\n"));
}

function wordsOf({ runs }: Family): Set<string> {
  return contentWords(runs.map(textOf).join("\n"));
}

function isBare(query: Query): boolean {
  return query.wording === "other" && query.bare === true;
}

/** Whether the query has a token, a path, a tool or three words of an error or a check of the family, exactly as it is written there. */
function keepsToken({ runs }: Family, { text }: Query): boolean {
  const asked = keptTokens(text);
  const tokens = runs.flatMap((run) => [...keptTokens(textOf(run)), ...run.files.map(nameOf)]);
  const phrases = runs.flatMap(({ errors, checks }) => [...errors, ...checks]).flatMap(triplesOf);
  const paths = runs.flatMap(({ files }) => files);
  const tools = runs.flatMap(toolsOf).filter((tool) => !plainWords.has(tool));

  return (
    tokens.some((token) => asked.has(token)) ||
    [...asked].some((token) => paths.some((path) => path.endsWith(`/${token}`))) ||
    [...tools, ...phrases].some((kept) => text.includes(kept))
  );
}

function nameOf(path: string): string {
  return path.split("/").at(-1)!.split(".")[0]!;
}

function triplesOf(text: string): string[] {
  const words = text.split(" ");
  return words.slice(2).map((_, index) => words.slice(index, index + 3).join(" "));
}
