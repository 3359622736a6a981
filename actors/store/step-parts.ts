// Step parts
//
// A part of a task's steps: the events at which its index and its tail were looked, read from the journal. An event that is passed over is
// compared with the chain like those that are shown (X3 in `task-index.ts`): else a damaged one would be missing without a word.

import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import type { StepsPart, StoredEvent } from "../../src/kernel/store.ts";
import { charsOf, type ScopeKey, toEvent } from "./event-row.ts";
import type { Journal } from "./journal.ts";
import type { StepLook } from "./task-index.ts";

export interface StepPartOptions {
  looks: readonly StepLook[];
  /** Behind which event the next part begins when this one ends with its last look. */
  next: number | undefined;
  stage?: number | undefined;
  most?: number | undefined;
}

/** A damaged event ends the part, or fails it as its first. @throws AionisError `JOURNAL_DAMAGED` */
export function readStepPart(
  journal: Journal,
  scope: ScopeKey,
  { looks, next, stage, most }: StepPartOptions,
): StepsPart {
  const steps: StoredEvent[] = [];
  let chars = 0;
  let last: number | undefined;
  for (const { seq, kind, stage: ofStage } of looks) {
    if (stage !== undefined && ofStage !== undefined && stage !== ofStage) continue;
    if (last !== undefined && (chars > limits.partBytes || steps.length === most)) return { steps, next: last };
    try {
      const row = journal.rowAt(scope, seq);
      const event = toEvent(scope, row);
      if (kind === "lost") throw lostStep(scope, seq);
      if (kind === "latest") steps.push(event);
      chars += charsOf(row);
    } catch (error) {
      if (last === undefined) throw error;
      return { steps, next: last };
    }
    last = seq;
  }
  return { steps, next };
}

function lostStep({ name }: ScopeKey, seq: number): AionisError {
  const detail = `The index of steps lacks event ${seq} of ${name}. A rebuild makes it again from the journal.`;
  return new AionisError("JOURNAL_DAMAGED", detail, { facts: { scope: name, seq } });
}
