// Finished run
//
// Reads, from the events of a task that has just ended, what its run shows of how such work is done. Owns: how much of a task is read.
// Bounded, and the same for the same journal.

import type { EventBody, EventHeader } from "../src/contracts/events.ts";
import { guidanceTool } from "../src/contracts/guidance.ts";
import { limits } from "../src/contracts/limits.ts";
import type { ScopeStore, StoredEvent } from "../src/kernel/store.ts";
import type { FinishedRun, RunStep } from "../src/learning/index.ts";
import { decodeBody, decodeHeader } from "./events.ts";

const eventsRead = 200;
const told = ["step.succeeded", "step.failed", "step.superseded", "task.failed", "task.completed"] as const;

/**
 * What the run that ended with `end` shows; nothing when `end` does not end a task, its first event was erased, or it was a replay: that
 * speaks for its playbook alone.
 */
export function readFinishedRun(store: ScopeStore, end: StoredEvent): FinishedRun | undefined {
  const outcome = outcomeOf(end);
  if (outcome === undefined) return undefined;
  const [first] = store.events({ task: end.task, after: 0, count: 1 });
  const begun = readBegin(first);
  if (begun === undefined || begun.isReplay) return undefined;
  const events = store.events({ task: end.task, after: 0, count: eventsRead, types: told, isWhole: true });
  const run = new Run();
  for (const event of events) run.add(decodeHeader(event), event);
  return {
    taskId: end.taskId,
    seq: end.seq,
    at: Math.floor(end.at / 1_000),
    goal: begun.goal.slice(0, limits.lessonTextChars).toWellFormed(),
    family: begun.family,
    files: (run.files.size > 0 ? [...run.files] : begun.files).slice(0, limits.lessonFiles),
    steps: run.steps,
    checks: begun.checks,
    errors: run.errors,
    shown: run.shown,
    outcome,
    verified: end.type === "checks.passed",
  };
}

/** How a task ended, if `event` ended it by what was done. One that was cancelled says nothing about the work. */
function outcomeOf(event: StoredEvent): FinishedRun["outcome"] | undefined {
  const { type, facts } = decodeHeader(event);
  if (type === "checks.passed") return "succeeded";
  if (type === "task.completed") return facts.next === "succeeded" ? "succeeded" : undefined;
  if (type === "task.failed") return facts.next === "failed" ? "failed" : undefined;
  return undefined;
}

/** What the task was begun with. */
function readBegin(first: StoredEvent | undefined) {
  const body = decodeBody(first, "task.created");
  const goal = body?.packet?.brief ?? body?.brief;
  if (first === undefined || body === undefined || goal === undefined) return undefined;
  const { facts } = decodeHeader(first) as EventHeader<"task.created">; // its body was just decoded as one
  const files = body.packet?.files ?? body.files ?? [];
  return {
    goal,
    family: facts.family,
    isReplay: facts.replay !== undefined,
    files,
    checks: facts.checks.map(({ name }) => name),
  };
}

class Run {
  readonly files = new Set<string>();
  readonly #steps = new Map<number, RunStep>(); // by the event that recorded it
  readonly errors: string[] = [];
  shown: string[] = [];

  get steps(): RunStep[] {
    return [...this.#steps.values()];
  }

  add(header: EventHeader, stored: StoredEvent): void {
    switch (header.type) {
      case "step.succeeded":
        return this.#addStep(header, decodeBody(stored, header.type));
      case "step.superseded":
        return void this.#steps.delete(header.facts.supersedes);
      case "step.failed":
        return this.#addError(decodeBody(stored, header.type)?.error);
      case "task.failed":
        return this.#addError(decodeBody(stored, header.type)?.error);
      case "task.completed":
        return this.#addFiles(decodeBody(stored, header.type)?.return.files ?? []);
      default:
    }
  }

  #addStep({ seq, facts }: EventHeader<"step.succeeded">, body: EventBody<"step.succeeded"> | undefined): void {
    if (facts.tool === guidanceTool) {
      this.shown = toShown(body?.output);
      return;
    }
    const files = body?.files ?? [];
    this.#addFiles(files);
    if (this.#steps.size === limits.lessonSteps) return;
    this.#steps.set(seq, { name: facts.name, tool: facts.tool, file: files[0] });
  }

  #addFiles(files: readonly string[]): void {
    for (const file of files) this.files.add(file);
  }

  #addError(error: string | undefined): void {
    const line = error?.split("\n", 1)[0]?.slice(0, errorChars).toWellFormed().trim() ?? "";
    if (line !== "" && this.errors.length < limits.lessonErrors && !this.errors.includes(line)) this.errors.push(line);
  }
}

const errorChars = 500;

function toShown(output: unknown): string[] {
  const use = typeof output === "object" && output !== null && "use" in output ? output.use : undefined;
  return Array.isArray(use) ? use.filter((id) => typeof id === "string").slice(0, limits.lessonsNamed) : [];
}
