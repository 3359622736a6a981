import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toAnswerSchema, whyAnswerMisfits } from "../../src/contracts/answers.ts";
import { isSameJson } from "../../src/contracts/json.ts";

const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: false });

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).reverse();
  const copy = Object.create(Object.prototype) as Record<string, unknown>;
  for (const [key, item] of entries) {
    Object.defineProperty(copy, key, { value: shuffled(item), enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

function toSortedText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toSortedText).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${toSortedText(item)}`).join()}}`;
}

describe("isSameJson", () => {
  it("is true of a value and itself, whatever the order of keys, and symmetric", () => {
    fc.assert(
      fc.property(json, json, (left, right) => {
        expect(isSameJson(left, structuredClone(left))).toBe(true);
        expect(isSameJson(left, shuffled(left))).toBe(true);
        expect(isSameJson(left, right)).toBe(isSameJson(right, left));
      }),
    );
  });

  it("agrees with a text in which keys are sorted", () => {
    fc.assert(
      fc.property(json, json, (left, right) => {
        expect(isSameJson(left, right)).toBe(toSortedText(left) === toSortedText(right));
      }),
    );
  });

  it("tells apart what differs in kind, length, key or value", () => {
    const different: [unknown, unknown][] = [
      [{}, []],
      [{}, null],
      [[], null],
      [0, "0"],
      [0, false],
      [null, undefined],
      [
        [1, 2],
        [2, 1],
      ],
      [[1], [1, 2]],
      [{ a: 1 }, { b: 1 }],
      [{ a: 1 }, { a: 1, b: 1 }],
      [{ a: undefined }, { b: undefined }],
      [JSON.parse('{"__proto__":1}'), {}],
      [{ toString: 1 }, {}],
    ];

    for (const [left, right] of different) {
      expect(isSameJson(left, right), JSON.stringify([left, right])).toBe(false);
      expect(isSameJson(right, left)).toBe(false);
    }
  });
});

describe("answers", () => {
  it("fit a JSON Schema, or it is said why they do not", () => {
    const schema = {
      type: "object",
      properties: { deploy: { type: "boolean" }, why: { type: "string", maxLength: 5 } },
      required: ["deploy"],
      additionalProperties: false,
    };

    expect(whyAnswerMisfits(schema, { deploy: true, why: "ok" })).toBeUndefined();
    for (const answer of [
      {},
      { deploy: "yes" },
      { deploy: true, why: "too long" },
      { deploy: true, x: 1 },
      null,
      [],
      1,
    ]) {
      expect(whyAnswerMisfits(schema, answer), JSON.stringify(answer)).toEqual(expect.any(String));
    }
    expect(whyAnswerMisfits({ enum: ["a", "b"] }, "a")).toBeUndefined();
    expect(whyAnswerMisfits({}, { any: "thing" })).toBeUndefined();
  });

  it("are asked by a schema that can be checked here, else it is INPUT_INVALID", () => {
    for (const schema of [{ type: "nothing" }, { $ref: "https://example.com/x.json" }, { if: {} }, null, 7, "x"]) {
      expect(() => toAnswerSchema(schema), JSON.stringify(schema)).toThrow(
        expect.objectContaining({ code: "INPUT_INVALID" }),
      );
    }
  });
});
