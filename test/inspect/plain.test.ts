import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPlain } from "../../src/inspect/plain.ts";
import { decode } from "../../transport/index.ts";

describe("a plain value", () => {
  it("is JSON that every reader takes, of bounded size, whatever it is made of (J1, J2)", () => {
    const anything = fc.anything({
      maxDepth: 12,
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      key: fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "prototype", "toJSON")),
    });

    fc.assert(
      fc.property(anything, (value) => {
        const text = JSON.stringify(toPlain(value)) ?? "null";
        decode(Buffer.from(text), "json");
        expect(text.length).toBeLessThan(256 * 1024);
      }),
      { numRuns: 500 },
    );
  });

  it("keeps what is plain, and marks what is not", () => {
    const value = {
      text: "a",
      list: [1, null, undefined, true],
      left: undefined,
      big: 10n,
      odd: Number.NaN,
      call() {},
      when: new Date(0),
      never: new Date(Number.NaN),
      bytes: new Uint8Array(3),
      map: new Map([[1, 2]]),
      set: new Set([1]),
      wait: Promise.resolve(),
      error: new TypeError("bad"),
      fake: Object.create(Map.prototype) as object,
    };

    expect(toPlain(value)).toEqual({
      text: "a",
      list: [1, null, null, true],
      big: "10n",
      odd: "[NaN]",
      call: "[function]",
      when: "1970-01-01T00:00:00.000Z",
      never: "NaN",
      bytes: "[bytes]",
      map: "[map of 1]",
      set: "[set of 1]",
      wait: "[promise]",
      error: "[TypeError: bad]",
      fake: {},
    });
  });

  it("runs nothing of the value (J1)", () => {
    let ran = 0;
    const run = (): number => (ran += 1);
    const value = { toJSON: run, toString: run, valueOf: run };
    Object.defineProperty(value, "now", { enumerable: true, get: run });
    class Odd extends Map {
      override get size(): number {
        return run();
      }
    }

    toPlain([value, new Odd()]);

    expect(ran).toBe(0);
  });

  it("cuts what is long, wide, deep or many, and says so (J2)", () => {
    const wide = Array.from({ length: 60 }, (_, index) => index);
    const nested = { a: { b: { c: { d: { e: { f: { g: { h: {} } } } } } } } };
    const many = Array.from({ length: 50 }, () => Array.from({ length: 50 }, () => "x".repeat(1_000)));

    expect(toPlain("x".repeat(1_000))).toHaveLength(400);
    expect(toPlain(wide)).toHaveLength(51);
    expect(toPlain(Object.fromEntries(wide.map((index) => [`k${index}`, index])))).toMatchObject({ "…": "[10 more]" });
    expect(JSON.stringify(toPlain(nested))).toContain("[deep]");
    expect(JSON.stringify(toPlain(many)).length).toBeLessThan(64 * 1024);
  });
});
