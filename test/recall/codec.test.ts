import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRow, encodeRow, type Row } from "../../actors/store/recall-codec.ts";
import { emptyRow } from "../../src/recall/empty-rows.ts";
import { Tally } from "../../src/recall/tally.ts";

describe("a row as bytes", () => {
  it("gives back every number exactly, in equal bytes for equal rows", () => {
    const numbers = fc.oneof(fc.nat(), fc.nat({ max: 300 }), fc.double({ noNaN: true }), fc.float({ noNaN: true }));
    const row = fc.record({
      path: fc.string({ unit: "grapheme" }),
      count: fc.double({ noNaN: true }),
      kinds: fc.array(numbers),
    });
    fc.assert(
      fc.property(row, (fields) => {
        const file = { ...emptyRow("files"), ...fields } as unknown as Row; // rows are made of these
        const bytes = Uint8Array.from(encodeRow("files", file));

        const back = decodeRow("files", bytes);

        expect(back).toEqual({ ...file, path: fields.path.toWellFormed() });
        expect(Uint8Array.from(encodeRow("files", back))).toEqual(bytes);
      }),
    );
  });

  it("takes no more bytes an item than it needs", () => {
    const sizeOf = (episodes: number[]): number => encodeRow("postings", { episodes, impacts: [] }).length - 8;

    expect([[255], [256], [70_000], [0.5], [0.1], [-1]].map(sizeOf)).toEqual([1, 2, 4, 4, 8, 4]);
  });

  it("holds a row larger than any before", () => {
    const episodes = Array.from({ length: 100_000 }, (_, index) => index * 1.1);

    expect(decodeRow("postings", encodeRow("postings", { episodes, impacts: [1] }))).toEqual({
      episodes,
      impacts: [1],
    });
  });
});

describe("a tally", () => {
  it("sums and orders as a map would, also after it was cleared", () => {
    const tally = new Tally();
    const entries = fc.array(fc.tuple(fc.nat({ max: 5_000 }), fc.integer({ min: -3, max: 9 })), { maxLength: 4_000 });
    fc.assert(
      fc.property(entries, fc.nat({ max: 50 }), (added, count) => {
        tally.clear();
        const sums = new Map<number, number>();
        for (const [key, value] of added) {
          tally.add(key, value);
          sums.set(key, (sums.get(key) ?? 0) + value);
        }

        const order = [...sums].sort((left, right) => right[1] - left[1] || right[0] - left[0]);
        expect(tally.strongest(count)).toEqual(order.slice(0, count));
        expect(tally.best()).toBe(Math.max(0, ...sums.values()));
        expect(tally.get(added[0]?.[0] ?? 5_001)).toBe(sums.get(added[0]?.[0] ?? 5_001) ?? 0);
      }),
      { numRuns: 40 },
    );
  });
});
