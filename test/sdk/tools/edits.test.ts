import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyEdits, type Edit } from "../../../sdk/tools/edits.ts";
import { isFailure } from "../../../src/contracts/failures.ts";
import { limits } from "../../../src/contracts/limits.ts";

const refused = (detail: RegExp) =>
  expect.objectContaining({ code: "TOOL_FAILED", detail: expect.stringMatching(detail) });

describe("edits", () => {
  it("replace what stands there once, each in what the one before left (E1)", () => {
    const edits = [
      { find: "one", replace: "two words" },
      { find: "words", replace: "$& $1 things" },
    ];

    expect(applyEdits("one of many", edits)).toBe("two $& $1 things of many");
  });

  it("are refused when what they look for is not there, or there twice (E1)", () => {
    const twice = { find: "ab", replace: "c" };

    expect(() => applyEdits("x", [{ find: "ab", replace: "c" }])).toThrow(
      refused(/^Edit 1 looks for "ab", which is not/),
    );
    expect(() => applyEdits("ab ab", [{ find: " ", replace: "-" }, twice])).toThrow(
      refused(/^Edit 2 .* there 2 times/),
    );
    expect(applyEdits("ab ab", [{ ...twice, all: true }])).toBe("c c");
  });

  it.each([
    ["a line is added after another", "import a;\n", [{ find: "import a;\n", replace: "import a;\nimport b;\n" }]],
    ["all are renamed", "a b a", [{ find: "a", replace: "c", all: true }]],
    ["a piece is removed", "keep drop", [{ find: " drop", replace: "" }]],
    [
      "one edits what another made",
      "1",
      [
        { find: "1", replace: "2 3" },
        { find: "3", replace: "4" },
      ],
    ],
  ])("change nothing when they are done again: %s (E2)", (_what, text, edits) => {
    const once = applyEdits(text, edits);

    expect(once).not.toBe(text);
    expect(applyEdits(once, edits)).toBe(once);
  });

  it("are refused when nobody could see that they are done (E2)", () => {
    const undone = [
      { find: "a", replace: "ab" },
      { find: "b", replace: "" },
    ];

    expect(() => applyEdits("a", undone)).toThrow(refused(/undo or change each other/));
  });

  it("are done once or refused, whatever they are (E2)", () => {
    const piece = fc.string({ unit: fc.constantFrom("a", "b", "\n"), minLength: 1, maxLength: 4 });
    const edit: fc.Arbitrary<Edit> = fc.record({
      find: piece,
      replace: fc.oneof(piece, fc.constant("")),
      all: fc.boolean(),
    });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "\n", "c"), maxLength: 20 });

    fc.assert(
      fc.property(text, fc.array(edit, { minLength: 1, maxLength: 3 }), (before, edits) => {
        let after: string;
        try {
          after = applyEdits(before, edits);
        } catch (error) {
          return isFailure(error, "TOOL_FAILED");
        }
        return applyEdits(after, edits) === after;
      }),
    );
  });

  it("keep the line ends of a text that has one kind (E3)", () => {
    const edits = [{ find: "b\nc", replace: "x\ny\nz" }];

    expect(applyEdits("a\r\nb\r\nc\r\n", edits)).toBe("a\r\nx\r\ny\r\nz\r\n");
    expect(applyEdits("a\nb\nc\n", [{ find: "b\r\nc", replace: "x\r\ny" }])).toBe("a\nx\ny\n");
    expect(() => applyEdits("a\r\nb\r\nc\n", edits)).toThrow(refused(/not there/)); // of both kinds: as they are
  });

  it("take a time linear in a text that is made to take longer (E4)", () => {
    const text = "a".repeat(limits.toolFileBytes);
    const find = `ab${"a".repeat(limits.toolFileBytes / 10)}`; // the engine's own search takes 17 s on it

    const startedAt = performance.now();
    expect(() => applyEdits(text, [{ find, replace: "c" }])).toThrow(refused(/not there/));

    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it("are refused when the text would be longer than a file may be (E4)", () => {
    const text = "a".repeat(limits.toolFileBytes / 2);
    const long = "b".repeat(1_000_000);

    expect(() => applyEdits(text, [{ find: "a", replace: long, all: true }])).toThrow(refused(/^Edit 1 would make/));
    expect(() => applyEdits(text, [{ find: long, replace: "a", all: true }])).toThrow(refused(/not there/));
  });
});
