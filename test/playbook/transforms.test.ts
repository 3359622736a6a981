import { describe, expect, it } from "vitest";
import { derive } from "../../src/playbook/derive.ts";
import { deriveFromOutput } from "../../src/playbook/derive-output.ts";
import { hasMatch } from "../../src/playbook/match.ts";
import { applyAll, transform } from "../../src/playbook/transforms.ts";

describe("transforms", () => {
  it.each([
    ["kebab", "fetchHTTPUser2", "fetch-http-user2"],
    ["slug", "Use SQLite: why?", "use-sqlite-why"],
    ["camel", "dark-mode", "darkMode"],
    ["pascal", "dark mode", "DarkMode"],
    ["constant", "darkMode", "DARK_MODE"],
    ["title", "dark_mode", "Dark Mode"],
    ["base", "a/b.test.ts", "b.test.ts"],
    ["stem", "a/b.test.ts", "b.test"],
    ["ext", "a/b.test.ts", "ts"],
    ["dir", "a/b/c.ts", "a/b"],
    ["dir", "c.ts", "."],
    ["first-line", "\n a \nb", "a"],
    ["last-line", "a\nb \n\n", "b"],
    ["json", '{"a":1}', { a: 1 }],
  ] as const)("%s of %s", (name, text, result) => {
    expect(applyAll([transform(name)], text)).toEqual(result);
  });

  it.each([
    [transform("between", "v", " "), "at v1.2 now", "1.2"],
    [transform("between-last", "/", ""), "a/b/c", "c"],
    [transform("bump", "minor"), "v1.4.2", "v1.5.0"],
    [transform("bump", "patch"), "1.4", undefined],
    [transform("add", "1"), "0042", "0043"],
    [transform("add", "-1"), "10", "9"],
    [transform("between", "x", "y"), "abc", undefined],
  ])("%o", (each, text, result) => {
    expect(applyAll([each], text)).toBe(result);
  });
});

describe("what makes a value of another", () => {
  it.each([
    ["itself", ["a", "b"], ["a", "b"], []],
    ["a spelling", ["dark-mode", "log-out"], ["darkMode", "logOut"], ["camel"]],
    ["the name of a file", ["src/a.ts", "lib/x/b.ts"], ["a", "b"], ["stem"]],
    ["a part between what all have", ["src/a/b.ts", "src/c/d.ts"], ["a/b", "c/d"], ["between"]],
    ["the next version", ["1.2.3", "0.9.9"], ["1.2.4", "0.9.10"], ["bump"]],
    ["the next number", ["0007", "0012"], ["0008", "0013"], ["add"]],
  ])("is %s", (_, sources, wanted, names) => {
    const found = derive(sources, wanted);

    expect(found?.map(({ name }) => name)).toEqual(names);
    expect(sources.map((each) => applyAll(found ?? [], each))).toEqual(wanted); // V1
  });

  it("is nothing where no transform holds for all", () => {
    expect(derive(["a-b", "c-d"], ["aB", "c_d"])).toBeUndefined();
  });

  it.each([
    ["the whole line", ["1.4.2\n", "2.0.0\n"], ["1.4.2", "2.0.0"]],
    [
      "what stands behind the same words",
      ["name: x\nversion: 3.1.0\n", "name: y\nversion: 4.0.0\n"],
      ["3.1.0", "4.0.0"],
    ],
    [
      "the number after the last file's",
      ["0001_a.sql\n0002_b.sql\n", "0001_a.sql\n0008_c.sql\n0009_d.sql\n"],
      ["0003", "0010"],
    ],
    [
      "what follows a version that is shown",
      ["current: 1.2.3 (stable)\n", "current: 0.4.0 (stable)\n"],
      ["1.2.4", "0.4.1"],
    ],
  ])("is found in what a step gave back: %s", (_, sources, wanted) => {
    const found = deriveFromOutput(sources, wanted);

    expect(sources.map((each) => applyAll(found ?? [], each))).toEqual(wanted);
  });
});

describe("patterns", () => {
  it.each([
    ["ran 12 tests, all passed", "ran * tests", true],
    ["one\ntwo\nthree", "one\nthree", true],
    ["three\none", "one\nthree", false],
    ["a\nb", "a*b", false],
  ])("%o %o", (text, pattern, matches) => {
    expect(hasMatch(text, pattern)).toBe(matches);
  });
});
