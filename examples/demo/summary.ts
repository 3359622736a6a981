// Summary
//
// The end of the demo, for people: where the time went, who worked for whom, what came of it, and how to look further.

import type { JournalEvent } from "aionis";
import type { Effect } from "./effects.ts";
import type { NextTime } from "./next-time.ts";
import type { toPlaces } from "./places.ts";
import type { Report } from "./report.ts";
import type { Repository } from "./repository.ts";
import { type Span, stateAfter, toSpans } from "./timeline.ts";
import { stateColours, toCount, type View } from "./view.ts";

const barChars = 30;

const meanings: Readonly<Partial<Record<Span["state"], string>>> = {
  start: "could be claimed",
  running: "somebody worked",
  paused: "waited for an answer",
  handoff: "was offered",
  verifying: "its check ran",
  lost: "its worker was dead; the lease had to run out",
};

/** Prints what the journal says about the time of a task, state by state. */
export function printTimes(view: View, events: readonly JournalEvent[], rootId: string): void {
  const msByState = new Map<Span["state"], number>();
  for (const { state, ms } of toSpans(events, rootId)) msByState.set(state, (msByState.get(state) ?? 0) + ms);
  const total = [...msByState.values()].reduce((sum, ms) => sum + ms, 0);
  view.print(`\n${view.paint("bold", "Where the time went")}`);
  for (const [state, ms] of [...msByState].sort(([, left], [, right]) => right - left)) {
    const bar = view.paint(
      stateColours[state] ?? "dim",
      "█".repeat(Math.round((ms / total) * barChars)).padEnd(barChars),
    );
    view.print(`  ${state.padEnd(10)} ${toSeconds(ms)}  ${bar}  ${meanings[state] ?? ""}`);
  }
  const slowest = events
    .filter(({ type }) => type === "step.succeeded")
    .sort((left, right) => msOf(right) - msOf(left));
  const shown = slowest.slice(0, 3).map((step) => `${String(step.facts.name)} by ${step.by} ${msOf(step)} ms`);
  view.print(view.paint("dim", `  longest steps: ${shown.join(", ")}`));
}

/** Prints what ran twice: nothing that was recorded, at most what was under way. */
export function printRepeats(view: View, report: Report, effects: readonly Effect[]): void {
  const keys = effects.map(({ key }) => key);
  const again = new Set(keys.filter((key, index) => keys.indexOf(key) < index));
  const began = `${toCount(again.size, "step")} under way at a death began again, under the same key: ${[...again].join(", ")}`;
  view.print(`\n${view.paint("bold", "What ran twice")}`);
  view.print(`  of ${toCount(report.stepsRecorded, "recorded step")}, ${report.stepsRepeated}`);
  if (report.stepsRepeated === 0 && again.size > 0) view.print(`  ${began}`);
}

/** Prints each task below the one that delegated it. */
export function printTree(view: View, events: readonly JournalEvent[]): void {
  view.print(`\n${view.paint("bold", "Who worked for whom")}`);
  const created = events.filter(({ type, facts }) => type === "task.created" && facts.kind !== "memory");
  const printBelow = (parentId: unknown, indent: string): void => {
    for (const { taskId, facts } of created.filter((event) => event.facts.parentId === parentId)) {
      const own = events.filter((event) => event.taskId === taskId);
      const state = own.map(stateAfter).findLast((after) => after !== undefined);
      const agents = new Set(own.filter(({ type }) => type.endsWith(".claimed")).map(({ by }) => by));
      view.print(`  ${indent}${taskId}  ${String(facts.kind)}  ${state}  ${[...agents].join(" → ")}`);
      printBelow(taskId, indent === "" ? "└─ " : `   ${indent}`);
    }
  };
  printBelow(undefined, "");
}

/** Prints the commits that the workers made. */
export async function printCommits(view: View, repository: Repository): Promise<void> {
  view.print(`\n${view.paint("bold", "What came of it")}`);
  const log = await repository.git("log", "--name-status", "--format=%h %s%d", "--decorate=short");
  for (const line of log.split("\n").filter((text) => text !== "" && !text.startsWith("A\t")))
    view.print(`  ${line.replace("\t", " ")}`);
}

/** Prints what became of the repair, and what the runtime says to whoever asks for such work again. */
export function printNextTime(view: View, next: NextTime): void {
  const { steps, ms, agentCalls, events, query, answer } = next;
  const states = ["succeeded", ...events.map(stateAfter).filter((state) => state !== undefined)];
  const { playbook, firstAction, gate } = answer;
  const offered = playbook && `the playbook "${playbook.title}" (${playbook.state}), confidence ${playbook.confidence}`;
  view.print(`\n${view.paint("bold", "And the next time")}`);
  view.print(`  replayed: ${steps.join(", ")}`);
  view.print(
    `            ${toCount(steps.length, "step")} on a fresh copy in ${toSeconds(ms).trim()}, ${agentCalls} agent calls`,
  );
  view.print(`  the task: ${states.join(" → ")}`);
  view.print(`  asked:    ${query}`);
  view.print(`  offered:  ${offered ?? "nothing"}`);
  view.print(`  first:    ${firstAction.text}`);
  view.print(`  gate:     ${gate.action} (${gate.reason})`);
}

/** Prints how to go on from here. */
export function printCommands(
  view: View,
  places: ReturnType<typeof toPlaces>,
  options: { rootId: string; isKept: boolean },
): void {
  const path = options.isKept ? places.store : "<folder>/store";
  const taskId = options.isKept ? options.rootId : "<task>";
  const where = `--path ${path} --scope ${places.scope}`;
  view.print(`\n${view.paint("bold", "Look further")}`);
  view.print(
    options.isKept
      ? `  ${places.repository} is kept.`
      : "  The folder is removed. `npm run demo -- --keep` keeps it for these:",
  );
  for (const command of ["task ls", `task steps ${taskId}`, "events read"])
    view.print(`    npx aionis ${command} ${where}`);
}

function msOf({ facts }: JournalEvent): number {
  return typeof facts.durationMs === "number" ? facts.durationMs : 0;
}

function toSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2).padStart(6)}s`;
}
