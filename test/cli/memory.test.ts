import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toCommand } from "../../src/cli/calls.ts";
import type { Connection } from "../../src/index.ts";
import { createRepository, describeGit } from "../import/repositories.ts";
import { setupCli, setupServed } from "./support.ts";

const evil = "\u001b]0;owned\u0007 \u009b31m \u202eexe.txt\u2028 é 日本";
const brief = "Repair the retry queue of the worker";

/** Two runs of one piece of work, whose checks passed. */
async function teach(runtime: Connection): Promise<void> {
  const worker = runtime.worker({ agent: "a" }, async (_task, ctx) => {
    await ctx.step("edit", { tool: "editor", files: ["src/retry-queue.ts"] }, () => "done");
  });
  const checks = [{ name: "node", command: [process.execPath, "--version"] }];
  for (let run = 0; run < 2; run += 1) {
    const { taskId } = await runtime.tasks.start({ brief, family: "fix", checks });
    await runtime.tasks.result(taskId);
    await runtime.tasks.settled({ taskId });
  }
  void worker.stop();
}

const idIn = (text: string, prefix: "les" | "rcp"): string =>
  new RegExp(`${prefix}_[0-9a-z]{20}`).exec(text)?.[0] ?? "";

describe("start", () => {
  it("looks into a checkout, and shows what has moved in it", async () => {
    const { run, runtime } = await setupServed();
    await teach(runtime);
    const { folder } = createRepository([
      { message: "Start", files: { "src/retry-queue.ts": "wait\n".repeat(20) } },
      { message: "Move", renames: [["src/retry-queue.ts", "lib/queue.ts"]] },
    ]);

    const { stdout, code } = await run(["start", brief, "--repo", folder]);
    const action = await run(["action-retrieval", brief, "--repo", folder]);

    expect(code).toBe(0);
    for (const text of [stdout, action.stdout]) {
      expect(text).toMatch(/^Look at lib\/queue\.ts first/);
      expect(text).toMatch(/not there any more\n +moved +src\/retry-queue\.ts +lib\/queue\.ts/);
    }
  });

  it("shows what to do first and what it rests on, and takes the feedback", async () => {
    const { run, runtime } = await setupServed();
    await teach(runtime);

    const started = await run(["start", brief, "--family", "fix"]);
    const receipt = idIn(started.stdout, "rcp");
    const lesson = idIn(started.stdout, "les");
    const explained = await run(["explain", receipt]);
    const fed = await run(["feedback", receipt, "succeeded"]);
    const chosen = await run(["feedback", receipt, "succeeded", "--used", lesson, "--agent", "b", "--json"]);
    const history = await run(["explain", lesson]);

    expect(started).toMatchObject({ code: 0, stderr: "" });
    expect(started.stdout).toMatch(
      /^Use editor on src\/retry-queue\.ts, as in "Repair the retry queue of the worker"\.\n/,
    );
    expect(started.stdout).toMatch(/\ngate {2}proceed {2}/);
    expect(started.stdout).toMatch(/\nfiles\n +\d+ % {2}src\/retry-queue\.ts/);
    expect(started.stdout).toMatch(
      new RegExp(`\nlessons\n  ${lesson}  workflow  trusted  2 runs, 2 verified, 0 failed  Repair the retry`),
    );
    expect(started.stdout).toContain(`\nreceipt  ${receipt}  then: aionis feedback ${receipt} succeeded|failed\n`);
    expect(explained.stdout).toMatch(new RegExp(`^${receipt}  \\S+  knew up to event \\d+\n  Repair the retry queue`));
    expect(explained.stdout).toContain(lesson);
    expect(fed.stdout).toMatch(new RegExp(`^credited ${lesson}  event \\d+\n$`));
    expect(JSON.parse(chosen.stdout)).toMatchObject({ credited: [lesson] });
    expect(history.stdout).toMatch(new RegExp(`^${lesson}  workflow  trusted\n`));
    expect(history.stdout).toMatch(/\nmoves\n {2}event \d+ .*candidate/);
  });

  it("is cautious in a folder without a store, and says what would help", async () => {
    const { run, folder } = setupCli();

    const { code, stdout } = await run(["start", "Fix the parser"]);
    const json = await run(["start", "Fix the parser", "--json"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Find where this is dealt with before changing anything: Fix the parser\ngate {2}widen recall/,
    );
    expect(stdout).toContain("clear it: aionis start 'Fix the parser' --file FILE\n");
    expect(stdout).toMatch(/\nuncertainty {2}high\n/);
    expect(JSON.parse(json.stdout)).toMatchObject({ firstAction: { cautious: true }, lessons: [], files: [] });
    expect(existsSync(join(folder, ".aionis"))).toBe(true);
  });

  it("reads the query from stdin, and every field of its context", async () => {
    const { run } = await setupServed();

    const { stdout } = await run(
      [
        ...["start", "-", "--json", "--depth", "full", "--family", "fix", "--file", "a.ts", "--file", "b.ts"],
        ...["--error", "TypeError: x", "--stage", "plan", "--tool", "npm", "--tool", "git"],
      ],
      { stdin: "Make a and b agree" },
    );

    const { firstAction, tools, receipt } = JSON.parse(stdout) as {
      firstAction: unknown;
      tools: { tool: string }[];
      receipt: string;
    };
    expect(firstAction).toMatchObject({ kind: "open", file: "a.ts" });
    expect(tools.map(({ tool }) => tool)).toEqual(["npm", "git"]);
    const explained = await run(["explain", receipt, "--json"]);
    expect(JSON.parse(explained.stdout)).toMatchObject({ of: "receipt", query: "Make a and b agree" });
  });

  it.each([
    { args: ["start"], says: "Missing required argument 'query'" },
    { args: ["start", "x", "--depth", "deep"], says: "depth: " },
    { args: ["start", "x", "--file", ""], says: "--file: " },
    { args: ["start", "x", "--min-position", "soon"], says: '--min-position is "soon"' },
    { args: ["start", "x", "--repo", "nowhere"], says: "nowhere is not a folder" },
    { args: ["planning-context", "x", "--depth", "quick"], says: "depth: " },
    { args: ["feedback", "rcp_00000000000000000000", "perhaps"], says: "<outcome>: " },
    { args: ["feedback", "task_00000000000000000000", "failed"], says: "<receipt>: " },
    { args: ["explain", "1"], says: "<id>: " },
    { args: ["memory", "write", ""], says: "<text>: " },
    { args: ["memory", "write", "x", "--kind", "song"], says: "kind: " },
    { args: ["memory", "find", "--state", "loved"], says: "--state: " },
    { args: ["node", "activate"], says: "Missing required argument 'lesson'" },
    { args: ["recall", "x", "--max", "0"], says: "max: " },
  ])("refuses $args", async ({ args, says }) => {
    const { run } = setupCli();

    const result = await run(args);

    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(/^INPUT_INVALID: /);
    expect(result.stderr).toContain(says);
  });

  it.each([
    { args: ["explain", "rcp_00000000000000000000"], code: "RECEIPT_NOT_FOUND" },
    { args: ["explain", "les_00000000000000000000"], code: "LESSON_NOT_FOUND" },
    { args: ["feedback", "rcp_00000000000000000000", "failed"], code: "RECEIPT_NOT_FOUND" },
    { args: ["memory", "get", "les_00000000000000000000"], code: "LESSON_NOT_FOUND" },
    { args: ["node", "activate", "les_00000000000000000000"], code: "LESSON_NOT_FOUND" },
  ])("ends $args with 3", async ({ args, code }) => {
    const { run } = await setupServed();

    const result = await run(args);

    expect(result).toMatchObject({
      code: 3,
      stdout: "",
      stderr: expect.stringMatching(new RegExp(`^${code}: .*\nhint: `)),
    });
  });

  it("makes no store for what must be there", async () => {
    const { run, folder } = setupCli();

    const results = await Promise.all([
      run(["feedback", "rcp_00000000000000000000", "failed"]),
      run(["node", "activate", "les_00000000000000000000"]),
      run(["recall", "x"]),
      run(["ranking", "reset"]),
    ]);

    expect(results.map(({ code }) => code)).toEqual([3, 3, 3, 3]);
    expect(existsSync(join(folder, ".aionis"))).toBe(false);
  });
});

describeGit("start --repo", () => {
  it("finds the likely files of a checkout, relative to the current folder", async () => {
    const { folder } = createRepository([{ message: "Files", files: { "src/parser.ts": "1", "src/retry.ts": "1" } }]);
    const { run } = setupCli(folder);

    const { code, stdout } = await run(["start", "The retry stalls", "--repo", ".", "--json"]);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ files: [{ path: "src/retry.ts" }] });
  });
});

describe("memory", () => {
  it("writes down what is known, finds it and shows it whole", async () => {
    const { run } = await setupServed();

    const wrote = await run(
      [
        ...["memory", "write", "-", "--kind", "procedure", "--title", "Release", "--file", "CHANGELOG.md"],
        ...["--tool", "npm", "--link", "task_00000000000000000000", "--source", "operator"],
      ],
      { stdin: "Tag first.\nThen publish." },
    );
    const id = idIn(wrote.stdout, "les");
    const position = /event (\d+)/.exec(wrote.stdout)?.[1] ?? "";
    const recalled = await run(["recall", "how to release", "--min-position", position]);
    const found = await run(["memory", "find", "--kind", "procedure,note"]);
    const none = await run(["memory", "find", "--kind", "note"]);
    const card = await run(["memory", "get", id]);
    const json = await run(["memory", "get", id, "--json"]);

    expect(wrote).toMatchObject({ code: 0, stdout: `${id}  event ${position}\n` });
    for (const { stdout } of [recalled, found])
      expect(stdout).toMatch(new RegExp(`^${id}  procedure  .*  by operator  Release\n$`));
    expect(none.stdout).toBe("No lessons.\n");
    expect(card.stdout).toMatch(new RegExp(`^${id}  procedure  \\S+\n  Release\n  Tag first.\n  Then publish.\n`));
    expect(JSON.parse(json.stdout)).toMatchObject({
      files: ["CHANGELOG.md"],
      tools: ["npm"],
      links: ["task_00000000000000000000"],
    });
  });

  it("shows a page at a time, and how to get the next", async () => {
    const { run, runtime } = await setupServed();
    for (const text of ["one", "two", "three"]) await runtime.memory.write({ text });
    const { seq } = await runtime.memory.write({ text: "four" });

    const { stdout } = await run(["memory", "find", "--page-size", "2", "--min-position", String(seq)]);

    const [, , hint = ""] = stdout.trimEnd().split("\n");
    expect(hint).toMatch(/^more: aionis memory find --cursor \d+$/);
    const next = await run(["memory", "find", "--page-size", "2", "--cursor", hint.split(" ").at(-1) ?? ""]);
    expect(next.stdout).toMatch(/two\n.*one\n$/);
  });

  it("counts for several lessons at once that they were used", async () => {
    const { run, runtime } = await setupServed();
    const first = await runtime.memory.write({ text: "one" });
    const second = await runtime.memory.write({ text: "two" });
    await runtime.memory.get({ id: second.id, minPosition: second.seq });

    const { code, stdout } = await run(["node", "activate", first.id, second.id]);

    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`^credited ${first.id}, ${second.id}  event \\d+\n$`)),
    });
  });

  it("takes episodes of another history, and says how far it came", async () => {
    const { run } = await setupServed();
    const episodes = '[{"at":1,"goal":"Fix it","files":["a.ts"]}]';

    const taken = await run(["memory", "import", "tracker", "--episodes", episodes, "--cursor", "page 1"]);
    const known = await run(["memory", "imports", "tracker", "--json"]);

    expect(taken.code).toBe(0);
    expect(JSON.parse(known.stdout)).toMatchObject({ episodes: 1, cursor: "page 1" });
  });

  it("waits until what a task taught was learned", async () => {
    const { run, runtime } = await setupServed();
    await teach(runtime);
    const { tasks } = await runtime.tasks.list({ kind: "task" });

    const { code, stdout } = await run(["task", "settled", tasks[0]?.id ?? "", "--json"]);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ settled: true });
  });

  it("shows what ranking has learned, and lets it begin again", async () => {
    const { run } = await setupServed();

    const reset = await run(["ranking", "reset", "--reason", "the repository was split"]);
    const weights = await run(["ranking", "weights"]);

    expect(reset.code).toBe(0);
    expect(weights.stdout).toMatch(/hit rate/);
  });

  it("escapes what the data would make a terminal do", async () => {
    const { run, runtime } = await setupServed();
    const entry = { text: `${evil}\n${evil}`, title: evil, files: [evil], tools: [evil], family: evil };
    const { id, seq } = await runtime.memory.write({ ...entry, source: "tool" });
    await runtime.memory.import({
      source: evil,
      episodes: [{ at: 1, goal: evil, files: [`src/${evil}`] }],
      cursor: evil,
    });
    await runtime.memory.imports({ source: evil });
    const started = await run(["start", evil, "--tool", evil, "--depth", "full", "--min-position", String(seq)]);

    const outputs = await Promise.all([
      run(["recall", evil]),
      run(["memory", "find"]),
      run(["memory", "get", id]),
      run(["memory", "get", id, "--json"]),
      run(["explain", id]),
      run(["explain", idIn(started.stdout, "rcp")]),
      run(["action-retrieval", evil]),
      run(["memory", "imports", evil]),
      run(["memory", "write", evil, "--kind", evil]),
    ]);

    for (const { stdout, stderr } of [started, ...outputs]) expect(stdout + stderr).not.toMatch(/[^\P{C}\n]|\u2028/u);
    expect(started.stdout).toContain("exe.txt");
  });
});

describe("the call that clears a gate", () => {
  it.each([
    {
      operation: "taskStart",
      input: { query: "it's broken", context: { files: ["a b.ts", "c.ts"] }, candidates: ["npm"] },
      command: `aionis start 'it'\\''s broken' --file 'a b.ts' --file c.ts --tool npm`,
    },
    {
      operation: "memory.recall",
      input: { query: evil, max: 20 },
      command: /^aionis recall '\\u001b\]0;owned.*' --max 20$/,
    },
    { operation: "explain", input: { id: "les_1" }, command: "aionis explain les_1" },
    {
      operation: "tasks.start",
      input: { brief: "x", to: { role: "fix" } },
      command: `aionis task start x --to '{"role":"fix"}'`,
    },
    { operation: `no.${evil}`, input: {}, command: /^no\.\\u001b/ },
  ])("reads as the command of $operation", ({ operation, input, command }) => {
    expect(toCommand(operation, input)).toEqual(typeof command === "string" ? command : expect.stringMatching(command));
  });
});
