import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StepsPart, TailEntry } from "../../../src/kernel/store.ts";
import { openTestStore, scopeName } from "../../support/store.ts";
import { eventId, taskId } from "../../support/tasks.ts";

interface Written {
  stage: number;
  name: string;
  /** Whether the tail is entered in the index behind it. */
  enters: boolean;
}

/** A task with these step events, in a store of its own. */
function setup(written: readonly Written[]) {
  const store = openTestStore();
  const scope = store.scope(scopeName);
  const common = { taskId: taskId(), epoch: 1, at: 1, by: "x", commandId: null, content: null, causedBy: null };
  store.begin();
  const task = scope.append({ ...common, seq: 1, id: eventId(1), type: "task.created", facts: "{}" }, "{}");
  let tail: TailEntry[] = [{ seq: 1 }];
  for (const [index, { stage, name, enters }] of written.entries()) {
    const step = { stage, name, ordinal: 0 };
    const seq = index + 2;
    const event = { ...common, seq, id: eventId(seq), task, type: "step.begun", facts: JSON.stringify(step) };
    scope.append(event, "{}");
    tail = [...tail, { seq, step }];
    if (enters) scope.enterTail(task, tail);
    else scope.putTail(task, tail);
    if (enters) tail = [];
  }
  store.commit();
  return { scope, task };
}

/** The latest event of each step, in order, without an index. */
function latest(written: readonly Written[], stage: number | undefined): number[] {
  const found = new Map(written.map((event, index) => [`${event.stage} ${event.name}`, { ...event, seq: index + 2 }]));
  const steps = [...found.values()].filter((step) => stage === undefined || step.stage === stage);
  return steps.map(({ seq }) => seq).sort((left, right) => left - right);
}

const events = fc.array(
  fc.record({ stage: fc.integer({ min: 1, max: 3 }), name: fc.constantFrom("a", "b", "c", "d"), enters: fc.boolean() }),
  { maxLength: 25 },
);

const stages = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });

/** The sequences of all parts, each from where the one before it says. */
function readParts(read: (from: number | undefined) => StepsPart): number[] {
  const found: number[] = [];
  for (let from: number | undefined; ; ) {
    const { steps, next } = read(from);
    found.push(...steps.map(({ seq }) => seq));
    if (next === undefined) return found;
    from = next;
  }
}

describe("the steps of a task", () => {
  it("are paged and taken from the end as if there were neither index nor tail", () => {
    fc.assert(
      fc.property(events, stages, fc.integer({ min: 1, max: 30 }), (written, stage, most) => {
        const { scope, task } = setup(written);
        const expected = latest(written, stage);

        for (const count of [1, 3, 100]) {
          const forward = readParts((after) => scope.stepsWithin({ task, stage, after: after ?? 0, count, most }));
          const backward = readParts((before) => scope.lastStepsWithin({ task, stage, after: 0, before, count, most }));
          expect(forward).toEqual(expected);
          expect(backward).toEqual(expected.toReversed());
        }
        const first = stage === undefined ? expected[0] : scope.firstOfStage(task, stage);
        expect(first === undefined).toBe(expected.length === 0);
        expect(first ?? 0).toBeLessThanOrEqual(expected[0] ?? 0);
      }),
      { numRuns: 60 },
    );
  });
});
