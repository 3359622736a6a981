// Tools as a worker and its handlers see them.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool } from "../../../sdk/tools/define.ts";
import { builtInTools } from "../../../sdk/tools/index.ts";
import type { ToolCall } from "../../../sdk/tools/tool.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { isFailure } from "../../../src/index.ts";
import { makeFolder } from "./folder.ts";
import { openRuntime, runTask } from "./support.ts";

/** A tool that counts how often it was used. */
function makeCounter(idempotent = true) {
  const calls: ToolCall[] = [];
  const tool = defineTool({
    name: "count",
    input: z.strictObject({ by: z.int(), path: z.string().optional() }),
    idempotent,
    files: ({ path }) => (path === undefined ? [] : [path]),
    execute({ by }, call) {
      calls.push(call);
      return { counted: calls.length * by };
    },
  });
  return { tool, calls };
}

describe("a worker with tools", () => {
  it("takes tasks for the role of each of its tools, beside its own", async () => {
    const runtime = await openRuntime();
    const { tool } = makeCounter();

    const byTool = await runTask(runtime, { roles: ["fix"], tools: [tool] }, () => "mine", { role: "tool.count" });
    const byRole = await runTask(runtime, { roles: ["fix"], tools: [tool] }, () => "mine too", { role: "fix" });

    expect([byTool.data, byRole.data]).toEqual(["mine", "mine too"]);
  });

  it("is refused with two tools of one name, and with more roles and tools than one worker may have", async () => {
    const runtime = await openRuntime();
    const { tool } = makeCounter();
    const roles = Array.from({ length: limits.roles }, (_, index) => `role-${index}`);
    const refused = expect.objectContaining({ code: "INPUT_INVALID" });

    expect(() => runtime.worker({ agent: "ada", tools: [tool, makeCounter().tool] }, () => {})).toThrow(refused);
    expect(() => runtime.worker({ agent: "ada", roles, tools: [tool] }, () => {})).toThrow(refused);
  });
});

describe("ctx.tool", () => {
  it("runs a tool as a step, by its name or as it was defined, with its input and its files recorded", async () => {
    const runtime = await openRuntime();
    const { tool, calls } = makeCounter();
    const workspace = makeFolder();

    const { taskId, data } = await runTask(runtime, { tools: [tool], workspace }, async (_task, ctx) => {
      const typed: { counted: number } = await ctx.tool("by tool", tool, { by: 2, path: "a.txt" });
      return [typed, await ctx.tool("by name", "count", { by: 5 }, { files: ["b.txt"] })];
    });

    expect(data).toEqual([{ counted: 2 }, { counted: 10 }]);
    expect(calls[0]).toMatchObject({ workspace, key: expect.stringContaining(taskId) });
    const { events } = await runtime.events.read({ taskId, types: ["step.succeeded"] });
    expect(events).toMatchObject([
      { facts: { name: "by tool", tool: "count" }, body: { input: { by: 2, path: "a.txt" }, files: ["a.txt"] } },
      { facts: { name: "by name", tool: "count" }, body: { input: { by: 5 }, files: ["b.txt"] } },
    ]);
  });

  it("gives back what was recorded when the handler starts over", async () => {
    const runtime = await openRuntime();
    const { tool, calls } = makeCounter();

    const { data } = await runTask(runtime, { tools: [tool] }, async (task, ctx) => {
      const output = await ctx.tool("count", tool, { by: 1 });
      if (task.attempt === 1) throw new Error("once more");
      return output;
    });

    expect(data).toEqual({ counted: 1 });
    expect(calls).toHaveLength(1);
  });

  it("records the intent first when the tool is not idempotent", async () => {
    const runtime = await openRuntime();
    const types = ["step.begun", "step.succeeded"] as const;
    const read = async (idempotent: boolean) => {
      const { tool } = makeCounter(idempotent);
      const { taskId } = await runTask(runtime, { tools: [tool] }, (_task, ctx) => ctx.tool("count", tool, { by: 1 }));
      return (await runtime.events.read({ taskId, types: [...types] })).events.map(({ type }) => type);
    };

    expect(await read(false)).toEqual(types);
    expect(await read(true)).toEqual(["step.succeeded"]);
  });

  it("fails with TOOL_UNAVAILABLE, which names the tools there are, and records nothing", async () => {
    const runtime = await openRuntime();
    const { tool } = makeCounter();
    const seen: unknown[] = [];

    const { taskId } = await runTask(runtime, { tools: [tool] }, async (_task, ctx) => {
      for (const asked of ["sing", makeCounter().tool]) {
        await ctx.tool("other", asked as string, { by: 1 }).catch((error: unknown) => {
          if (isFailure(error, "TOOL_UNAVAILABLE")) seen.push(error.facts);
        });
      }
    });

    expect(seen).toEqual([{ tools: ["count"] }, { tools: ["count"] }]);
    expect((await runtime.tasks.steps({ taskId })).steps).toEqual([]);
  });

  it("fails with TOOL_INPUT_INVALID, for good, before anything is recorded", async () => {
    const runtime = await openRuntime();
    const { tool, calls } = makeCounter();

    const { taskId, error } = await runTask(runtime, { tools: [tool] }, (_task, ctx) =>
      ctx.tool("count", "count", { by: "three" }),
    );

    expect(error).toMatch(/TOOL_INPUT_INVALID: count does not take this: by: /);
    expect(calls).toEqual([]);
    expect((await runtime.tasks.steps({ taskId })).steps).toEqual([]);
    expect((await runtime.tasks.get({ taskId })).task.attempt).toBe(1);
  });

  it("works in the worker's folder when no workspace is named", async () => {
    const runtime = await openRuntime();
    const { tool, calls } = makeCounter();
    const cwd = makeFolder();
    const use = (options: object) =>
      runTask(runtime, { tools: [tool], ...options }, (_task, ctx) => ctx.tool("count", tool, { by: 1 }));

    await use({ cwd });
    await use({});
    await use({ cwd, workspace: "build" });

    expect(calls.map(({ workspace }) => workspace)).toEqual([cwd, process.cwd(), join(process.cwd(), "build")]);
  });
});

describe("the built-in tools", () => {
  it("work in the worker's folder as steps, and say which files they touch", async () => {
    const runtime = await openRuntime();
    const workspace = makeFolder();

    const { taskId, data } = await runTask(
      runtime,
      { tools: builtInTools, workspace },
      async (_task, ctx) => {
        await ctx.tool("write", "file.write", { path: "src/a.txt", text: "one" });
        await ctx.tool("patch", "file.patch", { path: "src/a.txt", edits: [{ find: "one", replace: "two" }] });
        await ctx.tool("run", "command", { argv: ["cp", "a.txt", "b.txt"], cwd: "src" });
        await ctx.tool("delete", "file.delete", { path: "src/a.txt" });
        return await ctx.tool("read", "file.read", { path: "src/b.txt" });
      },
      { role: "tool.file.patch" },
    );

    expect(data).toEqual({ text: "two", bytes: 3 });
    const { events } = await runtime.events.read({ taskId, types: ["step.succeeded"] });
    expect(events.map(({ facts, body }) => [facts.tool, body?.files])).toEqual([
      ["file.write", ["src/a.txt"]],
      ["file.patch", ["src/a.txt"]],
      ["command", []],
      ["file.delete", ["src/a.txt"]],
      ["file.read", ["src/b.txt"]],
    ]);
  });

  it("record what they refuse, and a path that leaves the workspace is refused for good", async () => {
    const runtime = await openRuntime();

    const { taskId, error } = await runTask(runtime, { tools: builtInTools, workspace: makeFolder() }, (_task, ctx) =>
      ctx.tool("read", "file.read", { path: "../secret" }),
    );

    expect(error).toMatch(/PATH_OUTSIDE: .*leaves the workspace/);
    expect((await runtime.tasks.steps({ taskId })).steps).toMatchObject([
      { status: "failed", error: expect.stringContaining("PATH_OUTSIDE") },
    ]);
    expect((await runtime.tasks.get({ taskId })).task.attempt).toBe(1);
  });
});
