// A playbook of two runs, for the suites about playbooks and replays, with a worker who has the tools.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { OperationInput } from "../../../src/contracts/operations/index.ts";
import { builtInTools, type Connection, type Handler, type TaskState, type Tool } from "../../../src/index.ts";
import { ended, type Setup, start, type World } from "./fabric.ts";

type PlaybookId = OperationInput<"playbooks.get">["id"];
type RunOptions = Omit<OperationInput<"playbooks.run">, "id" | "mode">;

/** Sets the version that its brief names, as an agent would: it reads, patches and has the result checked. */
const bump =
  (workspace: string): Handler =>
  async (task, ctx) => {
    const [version = ""] = /\d+\.\d+\.\d+/.exec(task.brief ?? "") ?? [];
    const { text } = (await ctx.tool("read", "file.read", { path: "version.txt" })) as { text: string };
    await ctx.tool("bump", "file.patch", { path: "version.txt", edits: [{ find: text.trim(), replace: version }] });
    const checks = [{ name: "bumped", command: ["grep", "-qx", version, "version.txt"] }];
    await ctx.complete({ summary: `It is ${version}`, files: ["version.txt"], checks, cwd: workspace });
  };

export interface Bench extends World {
  /** Where the worker's tools work. */
  folder: string;
  id: PlaybookId;
  source: OperationInput<"tasks.get">["taskId"];
  write(text: string, file?: string): void;
  read(file?: string): string;
  /** Replays to the end and gives how it ended. */
  replay(mode: "simulate" | "strict" | "guided", options?: RunOptions): Promise<{ state: TaskState; outcome: unknown }>;
  /** The repair that `patch` makes, approved. */
  repair(patch: OperationInput<"playbooks.repair">["patch"]): Promise<void>;
}

/** A playbook compiled from two runs, and a worker who has the tools. */
export async function setUp(setup: Setup, tools: readonly Tool[] = builtInTools): Promise<Bench> {
  const world = await setup();
  const { client, work } = world;
  const folder = mkdtempSync(join(tmpdir(), "aionis-playbook-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const write = (text: string, file = "version.txt"): void => writeFileSync(join(folder, file), text);
  const runs: Bench["source"][] = [];
  const worker = work({ agent: "ada", tools, workspace: folder }, bump(folder));
  for (const [from, to] of [
    ["1.0.0", "1.1.0"],
    ["1.1.0", "2.0.0"],
  ] as const) {
    write(`${from}\n`);
    const taskId = await start(client, { brief: `Set the version to ${to}`, family: "release", to: { agent: "ada" } });
    expect((await ended(client, taskId)).task).toMatchObject({ state: "succeeded", verified: true });
    runs.push(taskId);
  }
  void worker.stop();
  work({ agent: "grace", roles: ["release"], tools, workspace: folder }, () => "not mine");
  const { id } = await client.playbooks.compile({ runs });
  const [source] = runs;
  if (source === undefined) throw new Error("there was no run");
  return {
    ...world,
    ...{ folder, id, source, write },
    read: (file = "version.txt") => readFileSync(join(folder, file), "utf8"),
    async replay(mode, options = {}) {
      const { taskId } = await client.playbooks.run({ id, mode, text: "Set the version to 3.0.0", ...options });
      const { task, outcome } = await ended(client, taskId);
      return { state: task.state, outcome };
    },
    async repair(patch) {
      await client.playbooks.repair({ id, patch, reason: "For this test" });
      await client.playbooks.repairReview({ id, act: "approve", reason: "For this test" });
    },
  };
}

export async function stateOf(client: Connection, id: PlaybookId): Promise<string> {
  return (await client.playbooks.get({ id })).state;
}
