import { describe, expect, it } from "vitest";
import { PlaybookPatch } from "../../src/contracts/playbook.ts";
import { diffContents, findProblems, patchContent } from "../../src/playbook/index.ts";
import { toContent, toParameter, toStep } from "./support.ts";

const content = toContent({
  parameters: [toParameter("name")],
  steps: [toStep("one"), toStep("two"), toStep("three")],
});
const repair = (patch: object) => patchContent(content, PlaybookPatch.parse(patch));
const keysOf = (patched: ReturnType<typeof repair>) =>
  patched.kind === "patched" ? patched.content.steps.map(({ key }) => key) : [];

describe("a repair", () => {
  it("changes the fields that are given, and takes out what is null", () => {
    const patched = repair({ steps: { one: { title: "first" }, two: null } });

    expect(patched).toMatchObject({
      kind: "patched",
      content: { steps: [{ key: "one", title: "first", tool: "file.read" }, { key: "three" }] },
    });
  });

  it("puts new steps in, in the order in which they are given", () => {
    const { from: _, ...step } = toStep("x");
    const insert = [
      { after: "one", step },
      { after: "one", step: { ...step, key: "y" } },
      { after: "y", step: { ...step, key: "z" } },
      { after: null, step: { ...step, key: "a" } },
    ];

    expect(keysOf(repair({ insert }))).toEqual(["a", "one", "x", "y", "z", "two", "three"]);
  });

  it("replaces parameters and checks", () => {
    const patched = repair({
      parameters: [toParameter("name", { type: "path" }), toParameter("other")],
      checks: [{ name: "ok", required: true }],
    });

    expect(patched).toMatchObject({
      content: { parameters: [{ type: "path" }, { name: "other" }], checks: [{ name: "ok" }] },
    });
  });

  it.each([
    ["names a step that is not there", { steps: { four: { title: "x" } } }],
    [
      "puts a step after one that is not there",
      { insert: [{ after: "four", step: { ...toStep("x"), from: undefined } }] },
    ],
    ["takes a step out that others name", { steps: { one: null, two: { input: { text: "{{steps.one.text}}" } } } }],
    ["has a slot for no parameter", { steps: { one: { input: "{{other}}" } } }],
    ["takes every step out", { steps: { one: null, two: null, three: null } }],
  ])("is refused when it %s", (_, patch) => {
    expect(repair(JSON.parse(JSON.stringify(patch)) as object).kind).toBe("refused");
  });
});

describe("problems", () => {
  it.each([
    ["a parameter that is not there", { steps: [toStep("one", { input: "{{x}}" })] }, "there is no parameter x"],
    [
      "a later step",
      { steps: [toStep("one", { input: "{{steps.two.text}}" }), toStep("two")] },
      "no earlier step is called two",
    ],
    ["a text that is no template", { steps: [toStep("one", { input: "{{" })] }, "names nothing"],
    ["two steps of one key", { steps: [toStep("one"), toStep("one")] }, "two steps have the key one"],
    ["two parameters of one name", { parameters: [toParameter("a"), toParameter("a")] }, "two parameters are called a"],
    [
      "a condition before that can only hold after",
      { steps: [toStep("one", { before: [{ kind: "exit_code", code: 0 }] })] },
      "exit_code can only hold after a step",
    ],
    [
      "a branch for no parameter",
      { steps: [toStep("one", { when: { kind: "given", parameter: "x" } })] },
      "there is no parameter x",
    ],
    [
      "a check that names a step",
      { checks: [{ name: "c", command: ["{{steps.one.text}}"], required: true }] },
      "nothing has run there",
    ],
    [
      "a slot of more names than one",
      { steps: [toStep("one", { input: "{{a.b}}" })] },
      "is neither a parameter nor a step",
    ],
  ])("are found: %s", (_, wrong, problem) => {
    expect(findProblems(toContent(wrong)).join("\n")).toContain(problem);
  });

  it("are none where a condition after a step names what it gave back", () => {
    const step = toStep("one", { after: [{ kind: "output_matches", pattern: "{{steps.one.text}}" }] });

    expect(findProblems(toContent({ steps: [step] }))).toEqual([]);
  });
});

describe("differences", () => {
  it("are none between the same", () => {
    expect(diffContents(content, structuredClone(content))).toEqual([]);
  });

  it("are told field by field, by key and name", () => {
    const after = { ...content, title: "Other", steps: [toStep("two", { title: "second" }), toStep("one")] };

    expect(diffContents(content, after)).toEqual([
      { at: "title", before: "It", after: "Other" },
      { at: "steps.two.title", before: "two", after: "second" },
      { at: "steps.three", before: toStep("three") },
      { at: "steps.order", before: ["one", "two"], after: ["two", "one"] },
    ]);
  });
});
