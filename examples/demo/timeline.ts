// Timeline
//
// What the journal's events say about where a task stood, and for how long.

import type { JournalEvent, TaskState } from "aionis";

/** Where a task stands after an event; undefined when the event does not move it. */
export function stateAfter({ type, facts }: JournalEvent): TaskState | undefined {
  switch (type) {
    case "task.created":
    case "task.released":
    case "handoff.declined":
    case "handoff.withdrawn":
    case "handoff.expired":
      return "start";
    case "task.claimed":
    case "handoff.claimed":
    case "checks.failed":
      return "running";
    case "lease.expired":
    case "task.failed":
    case "task.completed":
    case "task.answered":
    case "task.resumed":
    case "pause.expired":
    case "task.paused":
    case "task.rested":
      return facts.next as TaskState; // these events say it themselves
    case "handoff.offered":
      return "handoff";
    case "checks.passed":
      return "succeeded";
    case "task.cancelled":
      return "cancelled";
    case "deadline.passed":
      return "failed";
    case "task.replayed":
      return "replayed";
    case "task.promoted":
      return "promoted";
    default:
      return undefined;
  }
}

/** A stretch of a task's life. `lost` is the end of a run whose worker was dead already: until its lease ran out. */
export interface Span {
  state: TaskState | "lost";
  /** Who worked, while somebody did. */
  agent: string | undefined;
  ms: number;
}

/** The life of a task, in order, without its last state. */
export function toSpans(events: readonly JournalEvent[], taskId: string): Span[] {
  const spans: Span[] = [];
  let state: Span["state"] | undefined;
  let agent: string | undefined;
  let since = 0;
  let lastSign = 0; // of its worker
  const close = (name: Span["state"], from: number, until: number): void => {
    if (until > from) spans.push({ state: name, agent, ms: until - from });
  };
  for (const event of events) {
    if (event.taskId !== taskId) continue;
    const next = stateAfter(event);
    if (next === undefined && event.by === agent) lastSign = event.at;
    if (next === undefined) continue;
    if (state !== undefined && event.type === "lease.expired") {
      close(state, since, lastSign);
      close("lost", lastSign, event.at);
    } else if (state !== undefined) close(state, since, event.at);
    state = next;
    since = lastSign = event.at;
    agent = next === "running" || next === "verifying" ? event.by : undefined;
  }
  return spans;
}
