import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/contracts/limits.ts";
import { renderCondition, renderInput, SlotError } from "../../src/playbook/index.ts";
import { type Part, parseTemplate, printTemplate } from "../../src/playbook/template.ts";
import { transform, transformNames } from "../../src/playbook/transforms.ts";

const scope = { values: { name: "dark-mode", count: 3 }, outputs: { read: { text: "a\nb\n", list: [{ id: 7 }] } } };

const literal = fc.oneof(fc.string(), fc.constantFrom("{", "{{", "}}", '{{"', "{{{", "\\", "|"));
const slot = fc
  .record({
    reference: fc.oneof(
      fc.constantFrom("name", "p1").map((each) => [each]),
      fc.tuple(fc.constant("steps"), fc.string({ minLength: 1 }), fc.string()),
    ),
    names: fc.array(fc.constantFrom(...transformNames), { maxLength: 3 }),
    texts: fc.array(fc.string(), { minLength: 2, maxLength: 2 }),
  })
  .map(({ reference, names, texts: [one = "", two = ""] }): Part => {
    const count = (name: string): string[] =>
      name.startsWith("between") ? [one, two] : name === "bump" || name === "add" ? [one] : [];
    return { reference, transforms: names.map((name) => transform(name, ...count(name))) };
  });

describe("templates", () => {
  it("are read as the parts that were written, whatever is in the literal ones (T1)", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(literal, slot), { maxLength: 6 }), (parts) => {
        const joined: Part[] = [];
        for (const part of parts) {
          const last = joined.at(-1);
          if (typeof part === "string" && typeof last === "string") joined[joined.length - 1] = last + part;
          else if (part !== "") joined.push(part);
        }

        expect(parseTemplate(printTemplate(joined))).toEqual(joined);
      }),
    );
  });

  it("are a SlotError and nothing else when they are none (T2)", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("{{", "}}", '"', "|", "name", ".", "(", ")", "between", " ", "\\")),
        (pieces) => {
          try {
            parseTemplate(pieces.join(""));
          } catch (error) {
            expect(error).toBeInstanceOf(SlotError);
          }
        },
      ),
    );
  });

  it.each([
    ["a slot within a text", "x {{name}} y", "x dark-mode y"],
    ["a slot alone, which keeps its type", "{{count}}", 3],
    ["a way into what a step gave back", "{{steps.read.list.0.id}}", 7],
    ["one transform after the other", "{{steps.read.text | last-line | upper}}", "B"],
    ["braces that are meant as such", '{{"{{"}}name}}', "{{name}}"],
  ])("fill %s", (_, template, filled) => {
    expect(renderInput({ list: [template] }, scope)).toEqual({ list: [filled] });
  });

  it.each([
    ["an unknown parameter", "{{other}}"],
    ["a step that did not run", "{{steps.later.text}}"],
    ["a field that every object inherits", "{{steps.read.constructor}}"],
    ["an object within a text", "x {{steps.read.list}}"],
    ["a transform that does not fit", "{{name | json}}"],
    ["an unknown transform", "{{name | shout}}"],
    ["a slot that is not closed", "{{name"],
  ])("refuse %s", (_, template) => {
    expect(() => renderInput(template, scope)).toThrow(SlotError);
  });

  it("do not grow beyond the longest text, however often a slot stands in them", () => {
    const values = { long: "x".repeat(100_000) };

    expect(() =>
      renderInput("{{long}}".repeat(1 + Math.ceil(limits.textChars / 100_000)), { values, outputs: {} }),
    ).toThrow(SlotError);
  });

  it("are refused when they are nested too deep", () => {
    let deep: unknown = "x";
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];

    expect(() => renderInput(deep, scope)).toThrow(SlotError);
  });

  it("fill conditions, and refuse a port that is none", () => {
    expect(renderCondition({ kind: "file_exists", path: "src/{{name}}.ts" }, scope)).toEqual({
      kind: "file_exists",
      path: "src/dark-mode.ts",
    });
    expect(renderCondition({ kind: "port_free", port: "80{{count}}0" }, scope)).toEqual({
      kind: "port_free",
      port: 8030,
    });
    expect(() => renderCondition({ kind: "port_free", port: "{{name}}" }, scope)).toThrow(SlotError);
  });
});
