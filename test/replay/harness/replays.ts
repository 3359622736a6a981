// Replays
//
// A runtime in which jobs are done by an agent, compiled, and replayed by a worker whose own handler does nothing. Each of these has a fresh
// workspace, a folder inside the worker's. Owns: the runtime, its workers and the folder, until it is closed. Does not own: what is counted
// (bench/cases/replay.ts), or what has to hold (replay.test.ts).

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtInTools } from "../../../sdk/tools/index.ts";
import { isFailure } from "../../../src/contracts/failures.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import type { ParameterValues, Playbook, PlaybookId } from "../../../src/contracts/playbook.ts";
import { createRuntime } from "../../../src/embedded.ts";
import type { Job, Use, Variant, Workspace } from "../jobs/index.ts";
import { createStopwatch, type Used } from "./stopwatch.ts";
import { type Files, layOut, readFiles, toExpected } from "./workspace.ts";

/** A run as an agent did it, verified. */
export interface Done {
  readonly taskId: TaskId;
  /** Of the raw trace, detours and failures among them. */
  readonly steps: number;
}

/** What became of runs: a playbook that may be replayed, or why there is none; `id` of what was compiled, whether or not it may. */
export interface Compiled {
  readonly id: PlaybookId | undefined;
  readonly playbook: Playbook | undefined;
  readonly why: string;
}

/** How a replay ended, with all that it used and left. */
export interface Replayed extends Used {
  readonly taskId: TaskId;
  /** Whether it got to its end, and the runtime saw its checks pass there. */
  readonly succeeded: boolean;
  readonly verified: boolean;
  /** Why it did not. */
  readonly why: string;
  readonly folder: string;
  readonly before: Files;
  readonly after: Files;
  /** From the call to the end. */
  readonly ms: number;
  /** How long each step with a tool took, as the journal has it. */
  readonly recordedMs: readonly number[];
}

export interface HowToReplay {
  params: ParameterValues;
  mode?: "simulate" | "strict";
  inCopy?: boolean;
}

/** See the top of the file. */
export interface Replays {
  /** Does a variant as its agent did. @throws AssertionError when it is not verified, or the files are not as expected. */
  record(job: Job, seed: number): Promise<Done>;
  /** Makes a playbook and runs it dry on a fresh workspace of `rehearsal`, which has to be that of the first run. */
  compile(runs: readonly TaskId[], rehearsal: Variant): Promise<Compiled>;
  /** The parameters that a brief and its data give, and those that nobody gave. */
  fill(
    id: PlaybookId,
    work: Pick<Workspace, "brief" | "data">,
  ): Promise<{ params: ParameterValues; missing: string[] }>;
  /** The playbook that fits best, of all that there are, and whether it surely does. */
  find(work: Pick<Workspace, "brief" | "data">): Promise<{ id: PlaybookId; sure: boolean } | undefined>;
  /** Runs a playbook on a fresh workspace; strictly, unless it is told to run dry. */
  replay(id: PlaybookId, workspace: Workspace, how: HowToReplay): Promise<Replayed>;
  /** How often an agent's own code was called, where a model would be asked: once for each recording. */
  agentCalls(): number;
  close(): Promise<void>;
}

const endWithinMs = 60_000;
const watchMs = 1_000;

export async function openReplays(): Promise<Replays> {
  const root = mkdtempSync(join(tmpdir(), "aionis-replays-"));
  const clear = (): void => rmSync(root, { recursive: true, force: true });
  process.once("exit", clear); // who is interrupted leaves nothing either
  const work = join(root, "work");
  mkdirSync(work);
  const runtime = await createRuntime({ scope: "jobs/replays", path: join(root, "store") });
  const watch = createStopwatch();
  const agent = "replayer";
  const to = { agent };
  let agentCalls = 0;
  let workspaces = 0;
  runtime.worker({ agent, cwd: work, tools: watch.tools, exec: watch.exec }, () => {
    agentCalls += 1;
    throw Object.assign(new Error("an agent was needed"), { retryable: false });
  });

  /** Its name inside the worker's folder. */
  async function makeWorkspace(workspace: Pick<Workspace, "files" | "git">): Promise<string> {
    workspaces += 1;
    const name = String(workspaces);
    await layOut(join(work, name), workspace);
    return name;
  }

  async function record(job: Job, seed: number): Promise<Done> {
    const { brief, data, act, checks, files, expected, git } = job.variant(seed);
    const folder = join(work, await makeWorkspace({ files, ...(git && { git }) }));
    const name = `${job.name}-${seed}`;
    let steps = 0;
    await using _worker = runtime.worker({ agent: name, cwd: folder, tools: builtInTools }, async (_, ctx) => {
      agentCalls += 1;
      const use = (step: string, tool: string, input: unknown): Promise<unknown> => {
        steps += 1;
        return ctx.tool(step, tool, input);
      };
      await act(use as Use); // the built-in tools give what the shapes say
      await ctx.complete({ checks: checks.map(({ name, command }) => ({ name, command: [...command] })) });
    });
    const retry = { attemptsMax: 1 };
    const { taskId } = await runtime.tasks.start({ brief, data, family: job.family, to: { agent: name }, retry });
    const { task, outcome } = await runtime.tasks.result(taskId);
    assert.ok("verified" in task && task.verified, `${name} is ${task.state}: ${JSON.stringify(outcome)}`);
    assert.deepEqual(readFiles(folder), toExpected(files, expected));
    return { taskId, steps };
  }

  async function compile(runs: readonly TaskId[], rehearsal: Variant): Promise<Compiled> {
    let id: PlaybookId | undefined;
    try {
      const compiled = await runtime.playbooks.compile({ runs: [...runs] });
      id = compiled.id;
      const filled = await fill(id, rehearsal);
      const params = { ...toExamples(compiled.playbook, filled.missing), ...filled.params };
      const { succeeded, why } = await replay(id, rehearsal, { params, mode: "simulate" });
      const playbook = succeeded ? await runtime.playbooks.get({ id }) : undefined;
      return { id, playbook, why: succeeded ? "" : `its dry run stopped: ${why}` };
    } catch (error) {
      if (!isFailure(error, "RUN_UNUSABLE", "PARAMETERS_MISSING", "PARAMETERS_INVALID")) throw error;
      return { id, playbook: undefined, why: error.detail };
    }
  }

  async function fill(id: PlaybookId, { brief, data }: Pick<Workspace, "brief" | "data">) {
    const { params, missing } = await runtime.playbooks.candidate({ id, text: brief, data });
    return { params: { ...params }, missing };
  }

  async function find({ brief, data }: Pick<Workspace, "brief" | "data">) {
    const { matches } = await runtime.playbooks.match({ query: brief, data });
    const [first] = matches;
    return first && { id: first.playbook.id, sure: first.sure };
  }

  async function replay(
    id: PlaybookId,
    shown: Workspace,
    { params, mode = "strict", inCopy = false }: HowToReplay,
  ): Promise<Replayed> {
    const workspace = await makeWorkspace(shown);
    const folder = join(work, workspace);
    const before = readFiles(folder);
    watch.take();
    const beganAt = performance.now();
    const asked = { id, mode, params, workspace, inCopy, to };
    const { taskId } = await runtime.playbooks.run({ ...asked, confirm: true }); // nobody is there to be asked
    const end = await awaitEnd(taskId);
    const ms = performance.now() - beganAt;
    const after = readFiles(folder);
    return { taskId, ...end, ...watch.take(), folder, before, after, ms, recordedMs: await readDurations(taskId) };
  }

  /** A replay that asks is given up. */
  async function awaitEnd(taskId: TaskId): Promise<{ succeeded: boolean; verified: boolean; why: string }> {
    const giveUpAt = performance.now() + endWithinMs;
    for (;;) {
      const { task, hasEnded, content } = await runtime.tasks.watch({ taskId, untilEnded: true, waitMs: watchMs });
      if (hasEnded) {
        const succeeded = task.state !== "failed" && task.state !== "cancelled";
        return {
          succeeded,
          verified: "verified" in task && task.verified,
          why: succeeded ? "" : toWhy(content?.outcome),
        };
      }
      if (task.state === "paused")
        await runtime.tasks.cancel({ taskId, reason: `it asked: ${content?.pauses[0]?.question}` });
      else assert.ok(performance.now() < giveUpAt, `${taskId} is ${task.state} after ${endWithinMs} ms`);
    }
  }

  async function readDurations(taskId: TaskId): Promise<number[]> {
    const { events } = await runtime.events.read({ taskId, types: ["step.succeeded", "step.failed"] });
    const uses = events.filter(({ facts }) => facts.tool !== undefined);
    return uses.flatMap(({ facts }) => (typeof facts.durationMs === "number" ? [facts.durationMs] : []));
  }

  return {
    ...{ record, compile, fill, find, replay },
    agentCalls: () => agentCalls,
    async close() {
      await runtime.close();
      process.off("exit", clear);
      clear();
    },
  };
}

/** What those parameters were in the first run that has them. */
function toExamples({ content }: Playbook, names: readonly string[]): ParameterValues {
  const asked = content.parameters.filter(({ name }) => names.includes(name));
  const examples = asked.map(({ name, examples: [first] }) => [name, first] as const);
  return Object.fromEntries(examples.filter((example): example is [string, string] => example[1] !== undefined));
}

/** What a task that did not succeed says of it, on one line. */
function toWhy(outcome: unknown): string {
  const { error, reason } = (outcome ?? {}) as { error?: string; reason?: string }; // of the outcome of any task
  return (error ?? reason ?? JSON.stringify(outcome) ?? "").split("\n").slice(0, 1).join("");
}
