// Recorded runs
//
// A task as a playbook is compiled from it: read from its events, bounded.

import { decodeBody, decodeHeader } from "../../actors/index.ts";
import { isOpen, isWork, type TaskSnapshot } from "../../machines/index.ts";
import type { EventBody } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import type { Check } from "../contracts/values.ts";
import type { ScopeStore, StoredEvent } from "../kernel/store.ts";
import type { RecordedRun, RecordedStep } from "../playbook/index.ts";

/** What a task shows as a run; nothing when its first text was erased, or nobody works on tasks of its kind. */
export function readRecordedRun(store: ScopeStore, snapshot: TaskSnapshot): RecordedRun | undefined {
  const { context } = snapshot;
  const row = store.task(context.id);
  const created = decodeBody(store.event(context.createdSeq), "task.created");
  const goal = created?.packet?.brief ?? created?.brief;
  if (row === undefined || created === undefined || goal === undefined || !isWork(snapshot)) return undefined;
  const types = ["step.succeeded", "step.failed", "step.superseded"];
  const read = { task: row.task, after: 0, count: limits.runSteps, types, isWhole: true };
  const steps = withoutSuperseded(store.events(read));
  const completed = context.completedSeq === null ? undefined : store.event(context.completedSeq);
  return {
    taskId: context.id,
    goal,
    data: created.packet?.data ?? created.data,
    family: context.family ?? undefined,
    outcome: toOutcome(snapshot),
    verified: context.outcome?.verified ?? false,
    steps: steps.map(toStep),
    checks: readChecks(created, decodeBody(completed, "task.completed")),
    ...readAsides(store, row.task),
  };
}

/** What was set aside to run again is no part of how the work was done. */
function withoutSuperseded(events: readonly StoredEvent[]): StoredEvent[] {
  const superseded = new Set<number>();
  for (const event of events) {
    const { type, facts } = decodeHeader(event);
    if (type === "step.superseded") superseded.add(facts.supersedes);
  }
  return events.filter(({ seq, type }) => type !== "step.superseded" && !superseded.has(seq));
}

const asidesMax = 200;

/** What others had a part in: answers to its questions, but for those about recorded work, and delegated parts. */
function readAsides(store: ScopeStore, task: number): Required<Pick<RecordedRun, "answers" | "delegated">> {
  const types = ["task.paused", "task.answered", "delegation.sent"];
  const answers: number[] = [];
  const delegated: string[] = [];
  const ofHandler = new Set<string>(); // pauses
  for (const stored of store.events({ task, after: 0, count: asidesMax, types, isWhole: true })) {
    const { type, seq, facts } = decodeHeader(stored);
    if (type === "task.paused" && facts.concerns === undefined) ofHandler.add(facts.pauseId);
    if (type === "task.answered" && ofHandler.has(facts.pauseId)) answers.push(seq);
    if (type === "delegation.sent") delegated.push(decodeBody(stored, type)?.packet.brief ?? "");
  }
  return { answers, delegated };
}

function toOutcome(snapshot: TaskSnapshot): RecordedRun["outcome"] {
  if (isOpen(snapshot)) return "open";
  return typeof snapshot.value === "string" ? "failed" : "succeeded"; // of the ends, that of having succeeded alone has parts
}

function toStep(stored: StoredEvent): RecordedStep {
  const { seq, type, facts } = decodeHeader(stored);
  if (type === "step.succeeded") {
    const { input, output, files = [] } = decodeBody(stored, type) ?? {};
    return { seq, name: facts.name, tool: facts.tool, input, output, succeeded: true, files };
  }
  if (type !== "step.failed") throw new Error(`event ${seq} (${type}) is no end of a step`);
  const { input, error, files = [] } = decodeBody(stored, type) ?? {};
  return { seq, name: facts.name, tool: facts.tool, input, error, succeeded: false, files };
}

/** Those that the task was begun with, and those that its completion added. */
function readChecks(
  created: EventBody<"task.created">,
  completed: EventBody<"task.completed"> | undefined,
): readonly Check[] {
  return [...(created.checks ?? created.packet?.checks ?? []), ...(completed?.checks ?? [])].slice(0, limits.checks);
}
