import { describe, expect, it } from "vitest";
import { bindParameters, fillFrom } from "../../src/playbook/index.ts";
import { toContent, toParameter, toStep } from "./support.ts";

describe("binding", () => {
  const using = (...parameters: ReturnType<typeof toParameter>[]) =>
    toContent({ parameters, steps: [toStep("one", { input: parameters.map(({ name }) => `{{${name}}}`) })] });

  it.each([
    ["number", "42", 42],
    ["number", "007", "007"],
    ["version", "v2.0.0-rc.1", "v2.0.0-rc.1"],
    ["url", "https://a.example/b", "https://a.example/b"],
    ["path", "docs/my notes.md", "docs/my notes.md"],
    ["word", "@moss/http", "@moss/http"],
    ["text", "", ""],
    ["json", '{"a":1}', '{"a":1}'],
  ] as const)("takes a %s: %s", (type, given, value) => {
    expect(bindParameters(using(toParameter("it", { type })), { it: given })).toEqual({
      values: { it: value },
      missing: [],
      invalid: [],
    });
  });

  it.each([
    ["number", "many"],
    ["version", "soon"],
    ["url", "a.example"],
    ["path", "../etc/passwd"],
    ["path", ""],
    ["word", "two words"],
    ["json", "{"],
  ] as const)("refuses a %s: %s", (type, given) => {
    expect(bindParameters(using(toParameter("it", { type })), { it: given }).invalid).toMatchObject([{ name: "it" }]);
  });

  it("takes fallbacks, names what is missing, and refuses what it does not know", () => {
    const content = using(toParameter("a", { fallback: "x" }), toParameter("b"));

    expect(bindParameters(content, { c: 1 })).toEqual({
      values: { a: "x" },
      missing: ["b"],
      invalid: [{ name: "c", why: "is no parameter of it" }],
    });
  });

  it("does not miss what only a branch for it uses", () => {
    const steps = [toStep("one", { input: "{{a}}", when: { kind: "given", parameter: "a" } })];

    expect(bindParameters(toContent({ parameters: [toParameter("a")], steps }), {}).missing).toEqual([]);
  });
});

describe("filling in", () => {
  const goals = [
    "Bump ledger to 1.5.0.",
    "please set the version of tide to 0.9.1 everywhere",
    "Version 4.0.0 for hopper",
  ];
  const version = toParameter("version", {
    type: "version",
    source: { from: "brief" },
    examples: ["1.5.0", "0.9.1", "4.0.0"],
  });

  it("finds a value by its form in other words", () => {
    const content = toContent({ goals, parameters: [version] });

    expect(fillFrom(content, { text: "Get gannet ready: 2.8.0 is due" })).toEqual({ version: "2.8.0" });
  });

  it("tells the old from the new by the words around them", () => {
    const examples = { from: ["formatPrice", "fetchUser"], to: ["formatMoney", "loadAccount"] };
    const parameters = (["from", "to"] as const).map((name) =>
      toParameter(name, { type: "word", source: { from: "brief" }, examples: examples[name] }),
    );
    const content = toContent({
      goals: ["Rename formatPrice to formatMoney", "fetchUser should become loadAccount"],
      parameters,
    });

    expect(fillFrom(content, { text: "Use sumOfLines instead of addLines." })).toEqual({
      from: "addLines",
      to: "sumOfLines",
    });
  });

  it("leaves out what it cannot tell apart (L1)", () => {
    const content = toContent({ goals, parameters: [version] });

    expect(fillFrom(content, { text: "There are 2.8.0 and 2.9.0" })).toEqual({});
    expect(fillFrom(content, { text: "Get gannet ready" })).toEqual({});
  });

  it("takes data by the way that the runs had them", () => {
    const parameters = [toParameter("fixed", { source: { from: "data", path: 'package."fixed in"' } })];

    expect(fillFrom(toContent({ parameters }), { text: "", data: { package: { "fixed in": 3 } } })).toEqual({
      fixed: 3,
    });
    expect(fillFrom(toContent({ parameters }), { text: "", data: { package: null } })).toEqual({});
    expect(
      fillFrom(toContent({ parameters: [toParameter("x", { source: { from: "data", path: "{{" } })] }), { text: "" }),
    ).toEqual({});
  });
});
