// Scenario
//
// The demo's course: a runtime, workers of four roles, a death, a person's answer. Does not own: what the workers do (`agents.ts`), and where
// they run (`system.ts`).

import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection, JournalEvent } from "aionis";
import type { Program } from "../processes/program.ts";
import { maintainer, secondEdit } from "./agents.ts";
import { type Effect, readEffects } from "./effects.ts";
import { type NextTime, playNextTime } from "./next-time.ts";
import { leaseMs } from "./places.ts";
import { testCommand } from "./repository.ts";
import { createSystem, type Ground, type System } from "./system.ts";
import { stateAfter } from "./timeline.ts";
import type { View } from "./view.ts";

export interface Scenario extends Ground {
  view: View;
}

/**
 * Plays it to the end of the task and returns the whole journal, and what the runtime says when somebody asks for such work again.
 * @throws when `signal` is aborted.
 */
export async function play(scenario: Scenario): Promise<{ events: JournalEvent[]; rootId: string; next: NextTime }> {
  const { view, signal } = scenario;
  await using system = createSystem(scenario);
  const runtime = await system.start();
  const person = await system.connect(maintainer);
  const fixer = system.startFixer("fixer-1");
  signal.throwIfAborted();
  signal.addEventListener("abort", () => void runtime.close()); // which ends the loop below

  const { taskId: rootId } = await runtime.tasks.start({
    kind: "bug",
    brief: "A test of retry-kit fails; find out why, fix it, ship it.",
    to: { role: "triage" },
    checks: [{ name: "tests", command: testCommand }],
  });
  const events: JournalEvent[] = [];
  for await (const event of runtime.events.subscribe({ from: 1 })) {
    events.push(event);
    view.show(event);
    if (event.type === "step.succeeded" && event.facts.name === "edit the code") {
      await replaceFixer(fixer, system, scenario);
    }
    if (event.type === "task.paused") await answer(person, event);
    if (event.taskId === rootId && ["succeeded", "failed", "cancelled"].includes(stateAfter(event) ?? "")) break;
  }
  await runtime.tasks.settled({ taskId: rootId }); // what it teaches has been learned
  const end = events.at(-1);
  if (end === undefined) throw new Error("the journal ended before the task");
  return { events, rootId, next: await playNextTime(runtime, end, scenario.places.freshCopy) };
}

/** Kills the fixer when its first edit is recorded and its second one has begun, which cannot end before the gate is there. */
async function replaceFixer(fixer: Program, system: System, { places, view, signal }: Scenario): Promise<void> {
  const hasBegun = ({ key }: Effect): boolean => key.includes(secondEdit);
  while (!(await readEffects(places.effectsLog)).some(hasBegun)) await sleep(10, undefined, { signal });
  view.note(`kill -9 ${fixer.pid}: fixer-1 dies in the middle of its second edit`);
  await fixer.kill();
  writeFileSync(places.gate, "");
  const next = system.startFixer("fixer-2");
  view.note(`fixer-2 starts as process ${next.pid}; the dead one's lease of ${leaseMs / 1000} s has to run out`);
}

/** What a person would do in their own terminal: read the question, answer it. */
async function answer(person: Connection, { taskId }: JournalEvent): Promise<void> {
  const { content } = await person.tasks.get({ taskId });
  for (const { pauseId, question } of content.pauses) {
    await person.tasks.answer({ taskId, pauseId, answer: question?.startsWith("Ship it?") === true });
  }
}
