import { describe, expect, it } from "vitest";
import { getShortestPaths } from "xstate/graph";
import { rebuildScope, verifyScope } from "../../../actors/index.ts";
import { writeEvent } from "../../../actors/projections.ts";
import { createTaskActor } from "../../../actors/task-actor.ts";
import { encodeSnapshot, type TaskSnapshot, taskMachine, toTaskState } from "../../../machines/index.ts";
import type { EventHeader, EventType } from "../../../src/contracts/events.ts";
import { createPorts, openTestStore, scopeName } from "../../support/store.ts";
import { eventId, examples, taskId, toHeader } from "../../support/tasks.ts";

const events = Object.entries(examples)
  .filter(([type]) => type !== "task.created")
  .flatMap(([, list]) => list)
  .map((event) => toHeader(event, { seq: 2, at: 0, by: "worker-1" }));

/** A state of the walk: what can be told apart by where it stands, without times, sequences and counts that grow without end. */
function identify({ value, context }: TaskSnapshot): string {
  const { owner, pause, handoff, childrenOpen, verifying, outcome } = context;
  return JSON.stringify([
    value,
    owner !== null,
    pause !== null,
    handoff !== null,
    childrenOpen.length,
    verifying,
    outcome?.verified,
  ]);
}

const first = toHeader(examples["task.created"][0]!, { seq: 1, at: 0, by: "worker-1" }) as EventHeader<"task.created">;
const paths = getShortestPaths(taskMachine, {
  input: first,
  events,
  serializeState: (state) => identify(state as TaskSnapshot),
  stopWhen: ({ context }) => context.childrenOpen.length > 1,
  limit: 2_000,
});

function setup() {
  const ports = createPorts();
  const store = openTestStore(":memory:", ports);
  const scope = store.scope(scopeName);
  return { store, scope };
}

/** Writes the path's events with sequence, id and time of their own, as a turn would. */
function run(steps: EventHeader[]) {
  const { store, scope } = setup();
  const actor = createTaskActor({ first });
  const live = { id: taskId(), task: undefined as number | undefined, actor, unsaved: 0 };
  for (const [index, step] of [first as EventHeader, ...steps].entries()) {
    const header = { ...step, seq: index + 1, id: eventId(index + 1), at: index } as EventHeader;
    const before = index === 0 ? undefined : actor.snapshot();
    const body = examples[header.type as EventType][0]!.body;
    if (index > 0) actor.fold(header);
    store.begin();
    const texts = { facts: JSON.stringify(header.facts), body: JSON.stringify(body) };
    writeEvent(scope, { live, before, recorded: { header, body }, texts, content: null });
    store.commit();
  }
  return { store, scope, actor };
}

describe("the shortest path to every state", () => {
  it("reaches every state of the machine", () => {
    const reached = new Set(paths.map(({ state }) => toTaskState(state)));
    const inside = new Set(paths.map(({ state }) => JSON.stringify(state.value)));

    expect(reached.size).toBe(10);
    expect(inside).toContain('{"succeeded":"replaying"}');
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.length).toBeLessThan(500);
  });

  it("ends in the same state in a real store, whose rows verify and can be rebuilt (I6, I7)", () => {
    for (const path of paths) {
      const steps = path.steps.map(({ event }) => event as EventHeader).filter(({ type }) => type in examples);

      const { store, scope, actor } = run(steps);
      const memory = () => actor.snapshot();

      const label = steps.map(({ type }) => type).join(" → ");
      expect(identify(actor.snapshot()), label).toBe(identify(path.state));
      expect(verifyScope(scope, memory), label).toMatchObject({ ok: true, events: steps.length + 1, tasks: 1 });
      rebuildScope(store, scopeName);
      expect(verifyScope(scope, memory), label).toMatchObject({ ok: true });
      const row = scope.task(taskId());
      expect(row?.state, label).toBe(toTaskState(path.state));
      if (!steps.at(-1)?.type.startsWith("step.")) expect(row?.snapshot, label).toBe(encodeSnapshot(actor.snapshot()));
      store.close();
    }
  });
});
