import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventId, TaskId } from "../../src/contracts/ids.ts";
import { createIds, createSystemRandom } from "../../src/kernel/index.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import { toUnit } from "../../src/kernel/unit.ts";

function setup(startedAt = 1_700_000_000_000) {
  const clock = { at: startedAt, now: () => clock.at };
  return { clock, ids: createIds(clock, createSeededRandom(1)) };
}

describe("ids", () => {
  it("fit their schema", () => {
    const { ids } = setup();

    expect(TaskId.safeParse(ids.next("task")).success).toBe(true);
    expect(EventId.safeParse(ids.next("evt")).success).toBe(true);
  });

  it("grow strictly and never repeat, whatever the clock does", () => {
    const jumps = fc.array(fc.integer({ min: -5_000, max: 5_000 }), { maxLength: 200 });

    fc.assert(
      fc.property(jumps, (moves) => {
        const { clock, ids } = setup();
        const made: string[] = [];
        for (const move of moves) {
          clock.at += move;
          made.push(ids.next("task"), ids.next("task"));
        }
        expect([...made].sort()).toEqual(made);
        expect(new Set(made).size).toBe(made.length);
      }),
    );
  });

  it("of a later time sort after those of an earlier one, between generators too", () => {
    const early = setup(1_700_000_000_000).ids.next("task");
    const late = setup(1_700_000_000_001).ids.next("task");

    expect(early < late).toBe(true);
  });

  it("count on within a millisecond, over the edge of their random part", () => {
    const clock = { now: () => 5 };
    const ids = createIds(clock, { u32: () => 2 ** 32 - 1 });

    const made = Array.from({ length: 1_000 }, () => ids.next("x"));

    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(1_000);
  });
});

describe("the system's randomness", () => {
  it("never hands out the same bytes: what was given stays as it was, and nobody else has it", () => {
    const random = createSystemRandom();
    const sizes = [16, 4, 4_090, 1, 5_000, 16, 4_096, 3, 0, 100];
    const given = Array.from({ length: 30 }, (_, index) => random.bytes(sizes[index % sizes.length]!));
    const before = given.map((bytes) => Buffer.from(bytes));

    for (let count = 0; count < 5_000; count += 1) random.u32();

    expect(given.map((bytes) => bytes.length)).toEqual(given.map((_, index) => sizes[index % sizes.length]));
    expect(given.every((bytes, index) => before[index]!.equals(bytes))).toBe(true);
    const places = given
      .filter(({ length }) => length > 0)
      .map((bytes) => ({ buffer: bytes.buffer, from: bytes.byteOffset, to: bytes.byteOffset + bytes.length }));
    for (const [index, one] of places.entries()) {
      for (const other of places.slice(index + 1)) {
        expect(one.buffer === other.buffer && one.from < other.to && other.from < one.to).toBe(false);
      }
    }
  });

  it("is whole numbers of 32 bits, and a unit in [0, 1)", () => {
    const random = createSystemRandom();
    const drawn = Array.from({ length: 2_000 }, () => random.u32());

    expect(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(1_990);
    expect(toUnit({ u32: () => 0 })).toBe(0);
    expect(toUnit({ u32: () => 2 ** 32 - 1 })).toBeLessThan(1);
  });
});
