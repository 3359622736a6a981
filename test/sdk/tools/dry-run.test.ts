import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { builtInTools, type Tool, type ToolCall } from "../../../sdk/tools/index.ts";
import { makeFolder } from "./folder.ts";

/** What each tool is tried with, in a folder that has `a.txt` with "one", the folder `sub`, and the link `out` to `/`. */
const tries: readonly [tool: string, input: object][] = [
  ["file.read", { path: "a.txt" }],
  ["file.read", { path: "missing.txt" }],
  ["file.write", { path: "new/b.txt", text: "b" }],
  ["file.write", { path: "a.txt", text: "b" }],
  ["file.write", { path: "sub", text: "b" }],
  ["file.patch", { path: "a.txt", edits: [{ find: "one", replace: "two" }] }],
  ["file.patch", { path: "a.txt", edits: [{ find: "three", replace: "two" }] }],
  ["file.delete", { path: "a.txt" }],
  ["file.delete", { path: "missing.txt" }],
  ["file.delete", { path: "sub" }],
  ["file.write", { path: "out/b.txt", text: "b" }],
  ["file.read", { path: "../a.txt" }],
];

function makeWorkspace(): ToolCall {
  const workspace = makeFolder();
  writeFileSync(join(workspace, "a.txt"), "one");
  mkdirSync(join(workspace, "sub"));
  symlinkSync("/", join(workspace, "out"));
  return {
    workspace,
    key: "k",
    signal: new AbortController().signal,
    exec: { isolation: "none", run: () => Promise.reject(new Error("nothing is run")) },
  };
}

function find(name: string): Tool {
  const tool = builtInTools.find((each) => each.name === name);
  if (tool === undefined) throw new Error(`there is no tool ${name}`);
  return tool;
}

/** What came of it: an output, or a code. */
async function outcomeOf(work: () => unknown): Promise<unknown> {
  try {
    return { output: await work() };
  } catch (error) {
    return { code: (error as { code: string }).code };
  }
}

describe("a dry run of a file tool", () => {
  it.each(tries)("%s %j says what would come of it, and touches nothing", async (name, input) => {
    const tool = find(name);
    const call = makeWorkspace();

    const foretold = await outcomeOf(() => tool.dryRun?.(input, call));
    const names = readdirSync(call.workspace).sort();
    const text = readFileSync(join(call.workspace, "a.txt"), "utf8");
    const came = await outcomeOf(() => tool.execute(input, call));

    expect(foretold).toEqual(came);
    expect([names, text]).toEqual([["a.txt", "out", "sub"], "one"]);
  });

  it("of a command says only whether its program is there", async () => {
    const call = makeWorkspace();
    const tryIt = (program: string) => outcomeOf(() => find("command").dryRun?.({ argv: [program, "a.txt"] }, call));

    expect(await tryIt("cat")).toEqual({ output: undefined });
    expect(await tryIt("no-such-program")).toEqual({ code: "TOOL_FAILED" });
    expect(await tryIt("./a.txt")).toEqual({ code: "TOOL_FAILED" });
  });
});
