import { describe, expect, it } from "vitest";
import { z } from "zod";
import { toFields } from "../../src/cli/fields.ts";
import { escapeBlock, escapeLine, toJsonLine, toTable, widthOf } from "../../src/cli/text.ts";
import { fromMoment, toDuration } from "../../src/cli/units.ts";
import { fromDuration } from "../../src/contracts/duration.ts";
import { fromIsoTime, toIsoTime } from "../../src/kernel/iso-time.ts";

/** They hold words and emoji together, and are let through. */
const withoutJoiners = (text: string): string => text.replaceAll("\u200c", "").replaceAll("\u200d", "");

describe("text for a terminal", () => {
  it("has no control character of the data in it (X1)", () => {
    const everything = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join("");

    expect(withoutJoiners(escapeLine(everything))).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    expect(withoutJoiners(escapeBlock(everything).replaceAll("\n", ""))).not.toMatch(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u,
    );
    expect(escapeLine("\ud800")).toBe("\\ud800");
    expect(JSON.parse(toJsonLine({ everything }))).toEqual({ everything });
  });

  it("keeps the lines of a text, and an emoji whole", () => {
    expect(escapeBlock("one\r\n\ttwo\n", "  ")).toBe("  one\n    two\n");
    expect(escapeLine("👩‍🚀\n")).toBe("👩‍🚀\\n");
  });

  it("aligns columns by what a terminal shows", () => {
    expect(widthOf("日本👩‍🚀é")).toBe(7);
    expect(
      toTable([
        ["日本", "x"],
        ["abc", "y"],
      ]),
    ).toBe("日本  x\nabc   y");
  });

  it("cuts only the last column to the terminal", () => {
    expect(toTable([["long first column", "0123456789abcdef"]], 30)).toBe("long first column  0123456789…");
  });
});

describe("fields", () => {
  it("of an input with several forms are those of all, and none is required that one form lacks", () => {
    const forms = z.union([
      z.strictObject({ taskId: z.string() }),
      z.strictObject({ anchor: z.string(), deep: z.boolean() }),
    ]);

    const fields = toFields(forms);

    expect(fields.map(({ name, kind, isRequired }) => [name, kind, isRequired])).toEqual([
      ["taskId", "text", false],
      ["anchor", "text", false],
      ["deep", "switch", false],
    ]);
  });
});

describe("units", () => {
  it.each([
    ["1500", 1_500],
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["1.5d", 129_600_000],
    ["soon", undefined],
    ["-1s", undefined],
    ["", undefined],
  ])("reads %j as a length of time", (text, ms) => {
    expect(fromDuration(text)).toBe(ms);
  });

  it.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [9_993, "9 s"],
    [90_000, "1 m 30 s"],
    [5_400_000, "1 h 30 m"],
    [31_536_000_000, "365 d"],
  ])("shows %d ms", (ms, text) => {
    expect(toDuration(ms)).toBe(text);
  });

  it.each([
    ["+2h", 7_201_000],
    ["1970-01-01T00:00:05Z", 5_000],
    ["1700000000000", 1_700_000_000_000],
    ["tomorrow", undefined],
    ["2026-13-01", undefined],
    ["1 January 2026", undefined],
  ])("reads %j as a moment", (text, at) => {
    expect(fromMoment(text, 1_000)).toBe(at);
  });

  it("shows a local time that reads back as the same second", () => {
    expect(toIsoTime(1_790_000_000_123)).toMatch(/^2026-09-2\dT\d\d:\d\d:20[+-]\d\d:\d\d$/);
    expect(fromIsoTime(toIsoTime(1_790_000_000_123))).toBe(1_790_000_000_000);
    expect(toIsoTime(Number.MAX_SAFE_INTEGER)).toBe("9007199254740991");
  });
});
