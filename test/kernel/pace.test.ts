import { describe, expect, it } from "vitest";
import { Pace } from "../../src/kernel/pace.ts";

describe("the pace of a queue", () => {
  it("is 0 until something had to wait", () => {
    const pace = new Pace();

    pace.note(1, 0, false);
    pace.note(1, 1_000, false);

    expect(pace.msEach).toBe(0);
  });

  it("is not known from a few that took long", () => {
    const pace = new Pace();

    for (let ms = 0; ms < 60_000; ms += 2_000) {
      pace.note(0, ms, true);
      pace.note(1, ms + 1_999, false);
    }

    expect(pace.msEach).toBe(0);
  });

  it("is the same at any moment where items go on many at a time", () => {
    const pace = new Pace();
    const seen: number[] = [];

    for (let commit = 1; commit <= 50; commit += 1) {
      for (let item = 0; item < 128; item += 1) pace.note(1, commit * 30, true);
      seen.push(pace.msEach);
    }

    const settled = seen.slice(10);
    expect(Math.min(...settled)).toBeGreaterThan(0.2); // 30 ms / 128 = .234
    expect(Math.max(...settled)).toBeLessThan(0.27);
  });

  it("is hardly moved by one pause of the whole process", () => {
    const pace = new Pace();
    for (let ms = 0; ms < 1_000; ms += 1) pace.note(1, ms, true);

    pace.note(1, 30_000, true);

    expect(pace.msEach).toBeLessThan(2);
  });

  it("follows a change, and does not count the time in which nothing waits", () => {
    const pace = new Pace();
    for (let ms = 0; ms < 1_000; ms += 1) pace.note(1, ms, true);
    pace.note(1, 1_000, false);
    const before = pace.msEach;

    for (let ms = 50_000; ms < 60_000; ms += 10) pace.note(1, ms, true);

    expect(before).toBeCloseTo(1, 1);
    expect(pace.msEach).toBeCloseTo(10, 0);
  });
});
