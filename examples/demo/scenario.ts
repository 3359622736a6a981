// Scenario
//
// The demo's course: a runtime, workers of four roles, a death, a person's answer. Owns: the runtime and every process that it starts, until
// it returns. Does not own: what the workers do (`agents.ts`).

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Connection, connect, createRuntime, type JournalEvent } from "aionis";
import { createAgents, maintainer } from "./agents.ts";
import type { toPlaces } from "./places.ts";
import { type Repository, testCommand } from "./repository.ts";
import type { View } from "./view.ts";

export interface Scenario {
  folder: string;
  places: ReturnType<typeof toPlaces>;
  repository: Repository;
  view: View;
  signal: AbortSignal;
}

/** How long the others wait for a worker that says nothing; 10 s if nobody asks for less. */
const leaseMs = 1_500;
const followMs = 30;

/**
 * Plays it to the end of the task and returns the whole journal.
 * @throws the signal's reason when it is aborted.
 */
export async function play(scenario: Scenario): Promise<{ events: JournalEvent[]; rootId: string }> {
  const { places, repository, view, signal } = scenario;
  await using runtime = await createRuntime({ path: places.store, scope: places.scope, leaseMs });
  await using person = await connect({ path: places.store, scope: places.scope, agent: maintainer });
  await using fixers = createFixers(scenario);
  const { triage, docs, review } = createAgents({ repository, effectsLog: places.effectsLog });
  const cwd = repository.path;
  runtime.worker({ agent: "triage-1", roles: ["triage"], cwd }, triage);
  runtime.worker({ agent: "docs-1", roles: ["docs"], cwd }, docs);
  runtime.worker({ agent: "review-1", roles: ["review"], cwd }, review);
  fixers.start("fixer-1");

  const { taskId: rootId } = await runtime.tasks.start({
    kind: "bug",
    brief: "A test of retry-kit fails; find out why, fix it, ship it.",
    to: { role: "triage" },
    checks: [{ name: "tests", command: testCommand }],
  });
  const events: JournalEvent[] = [];
  for await (const event of follow(runtime, rootId, signal)) {
    events.push(event);
    view.show(event);
    if (event.type === "task.paused") await answer(person, event);
    if (event.type === "step.succeeded" && event.facts.name === "edit the code" && fixers.started() === 1) {
      view.note(`kill -9 ${fixers.pid()}: fixer-1 dies in the middle of its next step`);
      await fixers.kill();
      writeFileSync(places.gate, "");
      fixers.start("fixer-2");
      view.note(
        `fixer-2 starts as process ${fixers.pid()}; it can claim when the lease of ${leaseMs / 1000} s has run out`,
      );
    }
  }
  return { events, rootId };
}

/** The events of the journal as they come, until the task has ended. */
async function* follow(runtime: Connection, rootId: JournalEvent["taskId"], signal: AbortSignal) {
  for (let from = 1; ; ) {
    signal.throwIfAborted();
    const { task } = await runtime.tasks.get({ taskId: rootId }); // read first: what came before its end is in the page
    const { events, next } = await runtime.events.read({ from });
    yield* events;
    from = next;
    if (events.length === 0 && "endedAt" in task) return;
    if (events.length === 0) await sleep(followMs, undefined, { signal });
  }
}

/** What a person would do in their own terminal: read the question, answer it. */
async function answer(person: Connection, { taskId }: JournalEvent): Promise<void> {
  const { content } = await person.tasks.get({ taskId });
  await person.tasks.answer({ taskId, answer: content.question?.startsWith("Ship it?") === true });
}

/** The processes of the fixing worker, one at a time. */
function createFixers({ folder, signal }: Scenario) {
  const program = fileURLToPath(new URL("fix-worker.ts", import.meta.url));
  const cwd = fileURLToPath(new URL("../..", import.meta.url)); // where `tsx` and the path of `aionis` are found
  let started = 0;
  let child: ChildProcess | undefined;

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  return {
    start(agent: string): void {
      signal.throwIfAborted();
      // It ends when its stdin does: should this process die, nobody is left behind.
      child = spawn(process.execPath, ["--import", "tsx", program, folder, agent], {
        cwd,
        stdio: ["pipe", "inherit", "inherit"],
      });
      started += 1;
    },
    kill,
    started: () => started,
    pid: () => child?.pid,
    [Symbol.asyncDispose]: kill,
  };
}
