import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toAnswerSchema, whyAnswerMisfits } from "../../src/contracts/answers.ts";
import type { AionisError } from "../../src/contracts/failures.ts";
import { canonicalJson, isSameJson, type Jsonify, parseJson, toJson } from "../../src/contracts/json.ts";
import { limits } from "../../src/contracts/limits.ts";

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

/** A value that stands 2^levels times in what it gives; with another `round` as often as that puts it there. */
function doubled(levels: number, value: unknown, round = (inner: unknown): unknown => [inner, inner]): unknown {
  return Array.from({ length: levels }).reduce((inner) => round(inner), value);
}

function endless(): unknown {
  return { toJSON: endless };
}

function fail(message: string): never {
  throw new Error(message);
}

describe("toJson", () => {
  it("gives the very same object back when it is JSON already (JSON-1)", () => {
    fc.assert(fc.property(json, (value) => toJson(value, "It") === value));
  });

  it("writes as JSON.stringify does what that writes without a loss (JSON-1, JSON-2)", () => {
    const written = fc.oneof(
      fc.date({ noInvalidDate: true }),
      fc.webUrl().map((url) => new URL(url)),
      fc.string().map((text) => ({ toJSON: () => ({ text }) })),
      fc.constant(undefined),
      json,
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, written, fc.array(tie("value")), fc.dictionary(fc.string(), tie("value"))),
    }));
    fc.assert(
      fc.property(value, (given) => {
        const plain = toJson(given, "It");

        expect(JSON.stringify(plain)).toBe(JSON.stringify(given));
        expect(toJson(plain, "It")).toBe(plain);
      }),
    );
  });

  class Money {
    amount = 5;
  }
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();

  it.each<[string, unknown, RegExp]>([
    ["a Map", new Map([["a", 1]]), /is a Map\. Give Object\.fromEntries/],
    ["a Set", new Set([1]), /is a Set\. Give a list/],
    ["a BigInt", 10n, /is a BigInt\. Give it as a text/],
    ["a function", () => 1, /is a function/],
    ["a symbol", Symbol("s"), /is a symbol/],
    ["what is no number", Number.NaN, /is NaN/],
    ["infinity", Number.POSITIVE_INFINITY, /is Infinity/],
    ["a date without a time", new Date(Number.NaN), /is a date without a time/],
    ["a promise", Promise.resolve(1), /is a promise\. Await it/],
    ["an object of a class", new Money(), /is an object of Money/],
    ["an error", new Error("no"), /is an error/],
    ["a pattern", /x/, /is an object of RegExp/],
    ["bytes", new Uint8Array(2), /holds bytes/],
    ["a Buffer, which has a toJSON", Buffer.from("x"), /holds bytes/],
    ["what contains itself", circle, /contains itself/],
    ["half a surrogate pair", "\ud800", /holds half of a surrogate pair/],
    ["half a pair in a key", { "\udc00": 1 }, /holds half of a surrogate pair/],
    [
      "a getter that throws",
      {
        get a() {
          throw new Error("closed");
        },
      },
      /a cannot be read: closed\. Give a plain copy/,
    ],
    ["a toJSON that throws", { toJSON: () => fail("closed") }, /cannot be read: closed/],
    [
      "a toJSON getter that throws",
      {
        get toJSON() {
          throw new Error("closed");
        },
      },
      /cannot be read: closed/,
    ],
    ["a proxy whose keys are not listed", new Proxy({}, { ownKeys: () => fail("closed") }), /cannot be read: closed/],
    ["a proxy that is revoked", revoked.proxy, /cannot be read/],
  ])("refuses %s with its path, and says what to do (JSON-2)", (_, part, says) => {
    const refused: unknown = expect.objectContaining({
      code: "VALUE_INVALID",
      detail: expect.stringMatching(says),
      facts: expect.objectContaining({ path: expect.stringMatching(/^rows\.1\.value/) }),
    });

    expect(() => toJson({ rows: [{}, { at: new Date(0), value: part }] }, "It")).toThrow(refused);
  });

  it.each<[string, unknown]>([
    ["a list that is mostly holes", Object.assign([], { length: 2 ** 32 - 1 })],
    ["a list that is too long", Array<number>(limits.messageValues + 1).fill(1)],
    ["a value that holds one part often", doubled(200, [new Date(0)])],
    ["the same as plain JSON", doubled(limits.messageDepth - 2, [1])],
    ["a value that nests too deep", doubled(100_000, [1], (value) => [value])],
    ["a toJSON that gives another without an end", endless()],
  ])("refuses %s without looking at all of it (JSON-5)", (_, value) => {
    const refused: unknown = expect.objectContaining({ code: "MESSAGE_TOO_LARGE" });

    expect(() => toJson({ value }, "It")).toThrow(refused);
  });

  it("keeps any key as a property of its own (JSON-4)", () => {
    const given = Object.fromEntries([
      ["__proto__", new Date(0)],
      ["constructor", 1],
    ]);

    const plain = toJson(given, "It") as object;

    expect(JSON.stringify(plain)).toBe('{"__proto__":"1970-01-01T00:00:00.000Z","constructor":1}');
    expect(Object.getPrototypeOf(plain)).toBe(Object.prototype);
  });

  it("says in types what comes back", () => {
    interface Row {
      at: Date;
      tags?: readonly string[];
      parent: { at: Date } | null;
    }
    const back: Jsonify<Row> = { at: "1970-01-01T00:00:00.000Z", tags: ["a"], parent: null };
    const same: Jsonify<[Row, unknown]>[1] = back as unknown;

    expect(same).toBe(back);
  });
});

describe("canonicalJson", () => {
  it("is one text for each value, whatever the order of keys (JSON-3)", () => {
    fc.assert(
      fc.property(json, json, (left, right) => {
        expect(canonicalJson(shuffled(left))).toBe(canonicalJson(left));
        expect(canonicalJson(left) === canonicalJson(right)).toBe(isSameJson(left, right));
      }),
    );
  });

  it("is JSON that holds the value", () => {
    fc.assert(
      fc.property(json, (value) => isSameJson(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)))),
    );
  });

  it("orders the keys of objects with many of them, and takes any text for a key (JSON-4)", () => {
    const keys = ["__proto__", "constructor", ...Array.from({ length: 30 }, (_, index) => `key ${index}`)];
    const many = JSON.parse(`{${keys.map((key, index) => `${JSON.stringify(key)}:${index}`).join()}}`) as object;

    const text = canonicalJson(many);

    expect(canonicalJson(shuffled(many))).toBe(text);
    expect(isSameJson(JSON.parse(text), many)).toBe(true);
  });

  it("leaves out what is undefined, as JSON.stringify does", () => {
    expect(canonicalJson({ b: 1, a: undefined, c: [undefined] })).toBe('{"b":1,"c":[null]}');
  });
});

describe("parseJson", () => {
  it("agrees with JSON.parse on what JSON.stringify writes", () => {
    fc.assert(
      fc.property(json, fc.double({ noNaN: true, noDefaultInfinity: true }), (value, number) => {
        const text = JSON.stringify([value, number]);

        expect(JSON.stringify(parseJson(text))).toBe(text);
      }),
    );
  });

  it("names the place of an integer that would be changed, at any depth", () => {
    const at = fc.array(fc.oneof(fc.nat({ max: 3 }).map(String), fc.constantFrom("a", "", "__proto__")), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(at, fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 64n }), (path, integer) => {
        fc.pre(String(Number(integer)) !== String(integer));
        const text = path.reduceRight((inside, key) => `{"x":1,${JSON.stringify(key)}:${inside}}`, String(integer));

        const facts: unknown = expect.objectContaining({ path: path.join(".") });
        expect(() => parseJson(text)).toThrow(expect.objectContaining({ code: "VALUE_INVALID", facts }) as AionisError);
      }),
    );
  });
});

describe("parseJson of a number that a double cannot carry", () => {
  it.each([
    ["a fraction beyond 2^53", "12345678901234567890.5"],
    ["a fraction just beyond 2^53", "9007199254740992.5"],
    ["an integer written with a fraction", "9007199254740993.0"],
    ["digits beyond 2^53 with an exponent", "12345678901234567891e2"],
    ["an exponent too large", "1e400"],
    ["a negative one too large", "-1.5E+309"],
    ["400 digits", "9".repeat(400)],
  ])("refuses %s by its path", (_what, source) => {
    expect(() => parseJson(`{"rows":[1,{"n":${source}}]}`)).toThrow(
      expect.objectContaining({
        code: "VALUE_INVALID",
        detail: expect.stringMatching(/: rows\.1\.n is .*Send it as a text/),
      }),
    );
  });

  it.each([
    ["a long fraction, rounded as JSON has it", "0.1234567890123456789012", 0.12345678901234568],
    ["the largest double", "1.7976931348623157e308", Number.MAX_VALUE],
    ["a power of ten that no integer was written for", "1e23", 1e23],
    ["an integer that comes back with the same digits", "123456789012345680000", 123456789012345680000],
    ["the same with an empty fraction", "123456789012345680000.0", 123456789012345680000],
    ["something smaller than every double", "1e-400", 0],
  ])("takes %s", (_what, source, value) => {
    expect(parseJson(`[${source}]`)).toEqual([value]);
  });
});

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
