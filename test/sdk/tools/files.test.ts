// The tools for text files. How a path is kept inside is in `workspace.test.ts`.

import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command } from "../../../sdk/tools/command.ts";
import { createFileTools, type FileTools } from "../../../sdk/tools/files.ts";
import type { Tool } from "../../../sdk/tools/tool.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { makeFolder } from "./folder.ts";
import { use, ways } from "./use.ts";

const isRoot = process.getuid?.() === 0;
const failed = (detail: RegExp) => ({ code: "TOOL_FAILED", detail: expect.stringMatching(detail) });

function setup(tools: FileTools) {
  const workspace = makeFolder();
  const at = (path: string) => join(workspace, path);
  const run = (name: keyof FileTools, input: unknown) => use(tools[name] as Tool, workspace, input);
  return { workspace, at, run };
}

describe.each(ways)("a file in a folder used %s", (_way, options) => {
  const tools = createFileTools(options);

  describe("file.read", () => {
    it("gives the text and its bytes, and a mark at the beginning", async () => {
      const { at, run } = setup(tools);
      writeFileSync(at("a.txt"), "\ufeffgrün\r\n");
      writeFileSync(at("empty"), "");

      expect(await run("read", { path: "a.txt" })).toEqual({ text: "\ufeffgrün\r\n", bytes: 10 });
      expect(await run("read", { path: "empty" })).toEqual({ text: "", bytes: 0 });
    });

    it("fails where there is no file, and says what is there", async () => {
      const { workspace, at, run } = setup(tools);
      mkdirSync(at("src"));
      writeFileSync(at("a.txt"), "a");
      await use(command, workspace, { argv: ["mkfifo", "pipe"] });

      await expect(run("read", { path: "b.txt" })).rejects.toMatchObject(failed(/^There is no file "b.txt"/));
      await expect(run("read", { path: "a.txt/b" })).rejects.toMatchObject(failed(/^There is no file/));
      await expect(run("read", { path: "src" })).rejects.toMatchObject(failed(/^"src" is a folder/));
      await expect(run("read", { path: "." })).rejects.toMatchObject(failed(/is a folder/));
      await expect(run("read", { path: "pipe" })).rejects.toMatchObject(failed(/is neither a file nor a folder/));
    });

    it("refuses a file over its bound, and takes one that just fits (F2)", async () => {
      const { at, run } = setup(tools);
      writeFileSync(at("fits"), "a".repeat(limits.toolFileBytes));
      writeFileSync(at("over"), "a".repeat(limits.toolFileBytes + 1));
      writeFileSync(at("huge"), "");
      truncateSync(at("huge"), 2 ** 40); // has no blocks

      expect(await run("read", { path: "fits" })).toMatchObject({ bytes: limits.toolFileBytes });
      await expect(run("read", { path: "over" })).rejects.toMatchObject(failed(/^"over" is over 1048576 bytes/));
      await expect(run("read", { path: "huge" })).rejects.toMatchObject(failed(/is over/));
    });

    it.each([
      ["a NUL", Buffer.from("a\0b")],
      ["half a character", Buffer.from("grün").subarray(0, 3)],
      ["Latin-1", Buffer.from("grün", "latin1")],
      ["an encoded surrogate", Buffer.from([0xed, 0xa0, 0x80])],
    ])("refuses %s as binary, for file.patch too (F2)", async (_what, bytes) => {
      const { at, run } = setup(tools);
      writeFileSync(at("a"), bytes);
      const edits = [{ find: "a", replace: "b" }];

      await expect(run("read", { path: "a" })).rejects.toMatchObject(failed(/^"a" is binary: it is not UTF-8/));
      await expect(run("patch", { path: "a", edits })).rejects.toMatchObject(failed(/is binary/));
      expect(readFileSync(at("a"))).toEqual(bytes);
    });

    it.skipIf(isRoot)("says what right is missing (root has it)", async () => {
      const { at, run } = setup(tools);
      writeFileSync(at("a"), "a", { mode: 0o000 });

      await expect(run("read", { path: "a" })).rejects.toMatchObject(failed(/\(EACCES\)\. Give the worker's user/));
    });
  });

  describe("file.write", () => {
    it("writes a file and the folders it needs, and says whether it was there", async () => {
      const { at, run } = setup(tools);
      const path = "src/deep/a.txt";

      expect(await run("write", { path, text: "grün" })).toEqual({ created: true, bytes: 5 });
      expect(await run("write", { path, text: "" })).toEqual({ created: false, bytes: 0 });
      expect(readFileSync(at(path), "utf8")).toBe("");
      expect(readdirSync(at("src/deep"))).toEqual(["a.txt"]);
    });

    it("keeps the mode of a file, and gives a new one what the umask leaves", async () => {
      const { at, run } = setup(tools);
      for (const [name, mode] of Object.entries({ script: 0o755, secret: 0o600, open: 0o666 })) {
        writeFileSync(at(name), "old");
        chmodSync(at(name), mode);
        await run("write", { path: name, text: "new" });
        await run("patch", { path: name, edits: [{ find: "new", replace: "newer" }] });

        expect([readFileSync(at(name), "utf8"), statSync(at(name)).mode & 0o777]).toEqual(["newer", mode]);
      }
      await run("write", { path: "other", text: "" });
      writeFileSync(at("like"), "");
      expect(statSync(at("other")).mode).toBe(statSync(at("like")).mode);
    });

    it("replaces a name: another hard link keeps the old text, a link leads to the new one (F1)", async () => {
      const { at, run } = setup(tools);
      writeFileSync(at("a"), "old");
      linkSync(at("a"), at("hard"));
      symlinkSync("a", at("soft"));

      await run("write", { path: "soft", text: "new" });

      expect(["a", "hard", "soft"].map((name) => readFileSync(at(name), "utf8"))).toEqual(["new", "old", "new"]);
      expect(lstatSync(at("soft")).isSymbolicLink()).toBe(true);
    });

    it("fails where something else stands, and leaves nothing behind", async () => {
      const { workspace, at, run } = setup(tools);
      mkdirSync(at("src"));
      writeFileSync(at("a"), "a");
      const text = "x";

      await expect(run("write", { path: "src", text })).rejects.toMatchObject(failed(/is a folder/));
      await expect(run("write", { path: "a/b", text })).rejects.toMatchObject(failed(/A file stands where a folder/));
      const long = `${"x".repeat(300)}.txt`;
      await expect(run("write", { path: long, text })).rejects.toMatchObject(failed(/Give it a shorter name/));
      expect(readdirSync(workspace).sort()).toEqual(["a", "src"]);
    });

    it("goes around a file that another process left when it died", async () => {
      const { workspace, at, run } = setup(tools);
      await run("write", { path: "a", text: "1" });
      const names = Array.from({ length: 100 }, (_, index) => `.aionis-${process.pid}-${index}.tmp`);
      for (const name of names) writeFileSync(at(name), "left");

      await run("write", { path: "a", text: "2" });

      expect(readFileSync(at("a"), "utf8")).toBe("2");
      expect(readdirSync(workspace)).toHaveLength(names.length + 1);
      for (const name of names) expect(readFileSync(at(name), "utf8")).toBe("left");
    });

    it("refuses a text that no file may have", async () => {
      const { workspace, run } = setup(tools);
      const invalid = { code: "TOOL_INPUT_INVALID" };

      for (const text of ["\ud800", "ü".repeat(limits.toolFileBytes / 2 + 1)]) {
        await expect(run("write", { path: "a", text })).rejects.toMatchObject(invalid);
      }
      expect(readdirSync(workspace)).toEqual([]);
    });
  });

  describe("file.patch", () => {
    it("makes all edits, or none", async () => {
      const { at, run } = setup(tools);
      writeFileSync(at("a"), "one two");
      const first = { find: "one", replace: "1" };
      const edits = [first, { find: "two", replace: "2" }];

      const refused = run("patch", { path: "a", edits: [first, { find: "three", replace: "3" }] });
      await expect(refused).rejects.toMatchObject(failed(/^Edit 2 looks for "three"/));
      expect(readFileSync(at("a"), "utf8")).toBe("one two");
      expect(await run("patch", { path: "a", edits })).toEqual({ edits: 2, changed: true });
      expect(readFileSync(at("a"), "utf8")).toBe("1 2");
    });

    it("leaves a file alone that has the edits", async () => {
      const { at, run } = setup(tools);
      writeFileSync(at("a"), "one");
      const edits = [{ find: "one", replace: "two" }];
      await run("patch", { path: "a", edits });
      const { ino } = statSync(at("a"));

      expect(await run("patch", { path: "a", edits })).toEqual({ edits: 1, changed: false });
      expect(statSync(at("a")).ino).toBe(ino);
    });

    it("fails without a file, and refuses edits that say nothing", async () => {
      const { at, run } = setup(tools);
      writeFileSync(at("a"), "one");
      const edit = { find: "one", replace: "two" };
      const invalid = { code: "TOOL_INPUT_INVALID" };

      await expect(run("patch", { path: "b", edits: [edit] })).rejects.toMatchObject(failed(/^There is no file "b"/));
      for (const edits of [[], [{ find: "", replace: "x" }], [{ find: "x", replace: "x" }], Array(101).fill(edit)]) {
        await expect(run("patch", { path: "a", edits })).rejects.toMatchObject(invalid);
      }
    });

    it("fails when the file would be over its bound, and leaves it", async () => {
      const { at, run } = setup(tools);
      writeFileSync(at("a"), `x${"a".repeat(limits.toolFileBytes - 1)}`);

      const over = run("patch", { path: "a", edits: [{ find: "x", replace: "ü" }] });
      await expect(over).rejects.toMatchObject(failed(/would be over 1048576 bytes/));
      expect(statSync(at("a")).size).toBe(limits.toolFileBytes);
    });
  });

  describe("file.delete", () => {
    it("removes a file, and what is gone is gone", async () => {
      const { at, run } = setup(tools);
      writeFileSync(at("a"), "a");

      expect(await run("delete", { path: "a" })).toEqual({ existed: true });
      expect(existsSync(at("a"))).toBe(false);
      for (const path of ["a", "no/such/folder", "no"]) {
        expect(await run("delete", { path })).toEqual({ existed: false });
      }
    });

    it("removes a link and leaves what it leads to", async () => {
      const { workspace, at, run } = setup(tools);
      writeFileSync(at("a"), "a");
      mkdirSync(at("src"));
      for (const target of ["a", "src", "gone"]) symlinkSync(target, at(`to-${target}`));

      for (const target of ["a", "src", "gone"]) {
        expect(await run("delete", { path: `to-${target}` })).toEqual({ existed: true });
      }
      expect(readdirSync(workspace).sort()).toEqual(["a", "src"]);
    });

    it("does not remove a folder", async () => {
      const { at, run } = setup(tools);
      mkdirSync(at("src"));

      for (const path of ["src", "src/", "."]) {
        await expect(run("delete", { path })).rejects.toMatchObject(failed(/is a folder/));
      }
      expect(existsSync(at("src"))).toBe(true);
    });
  });

  it("refuses an input with other fields, and names them", async () => {
    const { run } = setup(tools);
    const input = { path: "a", mode: 0o777 };

    await expect(run("read", input)).rejects.toMatchObject({
      code: "TOOL_INPUT_INVALID",
      detail: expect.stringContaining("mode"),
    });
    await expect(run("read", { path: "" })).rejects.toMatchObject({ code: "TOOL_INPUT_INVALID" });
    const long = { path: "a/".repeat(limits.pathChars) };
    await expect(run("read", long)).rejects.toMatchObject({ code: "TOOL_INPUT_INVALID" });
  });

  it("is what the step says that it touches", () => {
    const input = { path: "src/a.txt", text: "", edits: [] };

    for (const tool of Object.values(tools)) expect(tool.files?.(input)).toEqual(["src/a.txt"]);
  });
});
