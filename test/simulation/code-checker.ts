// Changed code
//
// Reads a journal as a stranger would, and says where recorded work gave way to other code without a person's word (I15). Workers of two kinds
// share the tasks of a run, with other inputs for the same steps.
//
// What holds:
//   C1. What is recorded of a step is set aside once for each answer `rerun`, and only the record which that answer was about.
//   C2. A step is recorded as done again only after that.
//   C3. No try is failed because its code does not fit what is recorded.

import type { EventHeader } from "../../src/contracts/events.ts";
import { toStepPlace } from "../../src/contracts/step.ts";
import type { StoredEvent } from "../../src/kernel/store.ts";

interface Seen {
  /** By pause, the record that its question is about. */
  readonly concerned: Map<string, number>;
  /** Records that may be set aside. */
  readonly rerun: Set<number>;
  /** By step, the record that stands. */
  readonly done: Map<string, number>;
}

export function checkCode(events: readonly EventHeader[], journal: readonly Pick<StoredEvent, "body">[]): string[] {
  const seen: Seen = { concerned: new Map(), rerun: new Set(), done: new Map() };
  return events.flatMap((event, index) => {
    const body = JSON.parse(journal[index]?.body ?? "{}") as Body;
    return checkEvent(event, body, seen).map((what) => `I15: event ${event.seq} of ${event.taskId} ${what}`);
  });
}

interface Body {
  answer?: unknown;
  error?: string;
}

function checkEvent(event: EventHeader, { answer, error = "" }: Body, { concerned, rerun, done }: Seen): string[] {
  switch (event.type) {
    case "task.paused":
      if (event.facts.concerns?.seq !== undefined) concerned.set(event.facts.pauseId, event.facts.concerns.seq);
      return [];
    case "task.answered": {
      const record = concerned.get(event.facts.pauseId);
      if (record !== undefined && answer === "rerun") rerun.add(record);
      return [];
    }
    case "step.superseded": {
      const { supersedes } = event.facts;
      if (done.get(toPlace(event)) === supersedes) done.delete(toPlace(event));
      return rerun.delete(supersedes) ? [] : [`sets event ${supersedes} aside without a word`]; // C1
    }
    case "step.succeeded": {
      const before = done.get(toPlace(event));
      done.set(toPlace(event), event.seq);
      return before === undefined ? [] : [`records step ${event.facts.name} twice, after event ${before}`]; // C2
    }
    case "task.failed":
      return /STEP_DIVERGED|STEP_AMBIGUOUS|PAUSE_AMBIGUOUS/.test(error) ? [`fails a try: ${error.slice(0, 200)}`] : []; // C3
    default:
      return [];
  }
}

function toPlace({ taskId, facts }: EventHeader<"step.succeeded" | "step.superseded">): string {
  const { name, ordinal } = toStepPlace(facts);
  return JSON.stringify([taskId, facts.stage, name, ordinal]);
}
