import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bounds } from "../../src/recall/bounds.ts";
import { readGoal } from "../../src/recall/goals.ts";
import { fileClasses, readPath } from "../../src/recall/paths.ts";
import { splitRuns } from "../../src/recall/words.ts";

describe("words", () => {
  it("splits identifiers at capitals, digits and underscores, and keeps them whole as well", () => {
    const words = readGoal("fix: parseHTTPRequest in retry_queue2");

    expect([...words.words.keys()]).toEqual(expect.arrayContaining(["pars", "http", "request", "=parsehttprequest"]));
    expect([...words.words.keys()]).toEqual(expect.arrayContaining(["retry", "queu", "=retryqueue2"]));
  });

  it("makes inflected forms meet", () => {
    const [one = [], two = []] = ["retries caching validated", "retry cached validate"].map(toParts);

    expect(one).toEqual(two);
  });

  it("makes Russian cases meet", () => {
    const [one = [], two = []] = ["ошибка очереди", "ошибки очередью"].map(toParts);

    expect(one).toEqual(two);
  });

  it("splits Chinese and Japanese into pairs of characters, and leaves identifiers in them alone", () => {
    expect(toParts("修复连接池")).toEqual(["修复", "复连", "连接", "接池"]);
    expect(toParts("接続プールのretryQueueを直す")).toEqual(expect.arrayContaining(["接続", "プー", "retry", "queu"]));
  });

  it("lets a German compound meet its last and its first part", () => {
    const compound = new Set(toParts("die Datenbankverbindung bricht ab"));

    expect(toParts("wiederholt die Verbindung").filter((word) => compound.has(word))).not.toEqual([]);
    expect(toParts("die Datenbank wird langsam").filter((word) => compound.has(word))).not.toEqual([]);
  });

  it("compares composed and decomposed letters as equal", () => {
    expect(toParts("Größenänderung".normalize("NFD"))).toEqual(toParts("Größenänderung".normalize("NFC")));
  });

  it("finds the title, the scope, what is mentioned and what is quoted", () => {
    const goal = readGoal("fix(parser): read `emptyLine` twice\n\nSee src/parser/lines.ts and README.md.");

    expect(goal).toMatchObject({ kind: "fix", scope: "parser" });
    expect(goal.mentions).toEqual(["src/parser/lines.ts", "readme.md"]);
    expect([...goal.quoted]).toEqual(["empty", "lin"]);
    expect(goal.words.get("twic")).toBe(1);
    expect(goal.words.get("lin")).toBe(1);
    expect(goal.words.get("readm")).toBe(0.35);
  });

  it.each([
    ["a million letters without a space", "a".repeat(1_000_000)],
    ["a million capitals", "A".repeat(1_000_000)],
    ["a million signs of a path", "a/".repeat(500_000)],
    ["a million dots", "a.".repeat(500_000)],
    ["one ligature that normalises to eighteen letters, many times", "\u{fdfa}".repeat(100_000)],
    ["NUL", "read\0the\0file ".repeat(50_000)],
    ["right-to-left marks", "\u202eelif\u202c \u200f".repeat(100_000)],
    ["half surrogates", "\ud800x\udc00 ".repeat(200_000)],
    ["back quotes", "`".repeat(1_000_000)],
    ["many different words", Array.from({ length: 100_000 }, (_, index) => `w${index.toString(26)}`).join(" ")],
  ])("bounds what it makes of %s", (_, text) => {
    const goal = readGoal(text);

    expect(goal.words.size).toBeLessThanOrEqual(3 * bounds.textWords);
    expect(goal.mentions.length).toBeLessThanOrEqual(24);
    const letters = [...goal.words.keys(), ...goal.titleWords, ...goal.bodyWords, ...goal.mentions];
    expect(letters.every((word) => word.length <= 3 * bounds.wordChars + 10)).toBe(true);
    expect(letters.every((word) => word.isWellFormed())).toBe(true);
  });

  it("gives well-formed words in bounded number for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        const parts = toParts(text);
        return parts.every((part) => part.length > 0 && part.isWellFormed()) && parts.length <= 2 * text.length * 18;
      }),
    );
  });

  it("does not read past its bound", () => {
    const tail = "x ".repeat(bounds.textChars);

    expect(toParts(`${tail} secret`)).not.toContain("secret");
  });
});

describe("paths", () => {
  it.each([
    ["src/client.test.ts", "test"],
    ["lib/__tests__/a.js", "test"],
    [".github/workflows/ci.yml", "ci"],
    ["docs/guide.md", "docs"],
    ["types/index.d.ts", "types"],
    ["package.json", "config"],
    ["internal/queries.sql", "sql"],
    ["src/client.ts", "source"],
    ["bench/run.ts", "bench"],
    ["examples/hello/main.go", "example"],
  ])("%s is of the class %s", (path, name) => {
    expect(fileClasses[readPath(path).fileClass]).toBe(name);
  });

  it("puts a source and its test into one family, wherever they lie", () => {
    expect(readPath("src/retry-queue.ts").family).toBe(readPath("test/unit/retryQueue.test.ts").family);
    expect(readPath("src/router/index.ts").family).toBe(readPath("src/router/index.test.ts").family);
    expect(readPath("src/router/index.ts").family).not.toBe(readPath("src/client/index.ts").family);
  });

  it("reads odd paths in bounded pieces", () => {
    for (const path of [
      "",
      "/",
      "a".repeat(1_000_000),
      "/".repeat(1_000_000),
      "a/".repeat(500_000),
      "..",
      "\0",
      ".env",
    ]) {
      const { name, folders, compounds } = readPath(path);

      expect(name.length + folders.length + compounds.length).toBeLessThan(80);
    }
  });
});

function toParts(text: string): string[] {
  return splitRuns(text).flatMap((run) => run.parts);
}
