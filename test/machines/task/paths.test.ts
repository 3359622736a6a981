import { describe, expect, it } from "vitest";
import { createActor, type SnapshotFrom } from "xstate";
import { getShortestPaths } from "xstate/graph";
import { rebuildScope, verifyScope } from "../../../actors/index.ts";
import { writeEvent } from "../../../actors/projections.ts";
import { createTaskActor } from "../../../actors/task-actor.ts";
import {
  encodeSnapshot,
  type TaskSnapshot,
  taskMachine,
  toTaskSnapshot,
  toTaskState,
} from "../../../machines/index.ts";
import type { EventHeader, EventType } from "../../../src/contracts/events.ts";
import { createPorts, openTestStore, scopeName } from "../../support/store.ts";
import { eventId, examples, taskId, toHeader } from "../../support/tasks.ts";

const events = Object.entries(examples)
  .filter(([type]) => type !== "task.created")
  .flatMap(([, list]) => list)
  .map((event) => toHeader(event, { seq: 2, at: 0, by: "worker-1" }));

/** A state of the walk: what can be told apart by where it stands, without times, sequences and counts that grow without end. */
function identify({ value, context }: TaskSnapshot): string {
  const { owner, pauses, handoff, childrenOpen, verifying, outcome } = context;
  return JSON.stringify([
    value,
    owner !== null,
    pauses.length > 0,
    handoff !== null,
    childrenOpen.length,
    verifying,
    outcome?.verified,
  ]);
}

type First = EventHeader<"task.created">;

const [ofTask, ofSession] = examples["task.created"].map(
  (event) => toHeader(event, { seq: 1, at: 0, by: "worker-1" }) as First,
) as [First, First]; // there are these two

/** The shortest path to every state of a life that begins with `first`. */
function findPaths(first: First) {
  return getShortestPaths(taskMachine, {
    input: first,
    events,
    serializeState: (state) => identify(toTaskSnapshot(state as SnapshotFrom<typeof taskMachine>)),
    stopWhen: ({ context }) => context.task.childrenOpen.length > 1 || context.task.pauses.length > 1,
    limit: 20_000,
  });
}

const paths = { task: findPaths(ofTask), session: findPaths(ofSession) };

function setup() {
  const ports = createPorts();
  const store = openTestStore(":memory:", ports);
  const scope = store.scope(scopeName);
  return { store, scope };
}

/** Writes the path's events with sequence, id and time of their own, as a turn would. */
function run(first: First, steps: EventHeader[]) {
  const { store, scope } = setup();
  const actor = createTaskActor({ first });
  const live = { id: taskId(), task: undefined as number | undefined, actor, tail: [] };
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

describe("the actor of a task", () => {
  it.each([
    ["task", ofTask],
    ["session", ofSession],
  ])("begins where the machine's own start leads a %s", (_, first) => {
    const byMachine = createActor(taskMachine, { input: first }).getSnapshot();

    expect(createTaskActor({ first }).snapshot()).toEqual(toTaskSnapshot(byMachine));
  });
});

describe("the shortest path to every state", () => {
  it("reaches every state of the machine", () => {
    const reached = new Set(paths.task.map(({ state }) => toTaskState(state)));
    const inside = new Set(paths.task.map(({ state }) => JSON.stringify(state.value)));

    expect(reached.size).toBe(10);
    expect(inside).toContain('{"succeeded":"replaying"}');
    expect(paths.task.length).toBeGreaterThan(20);
    expect(paths.task.length).toBeLessThan(500);
  });

  it("leads a session to no state with an owner (M4)", () => {
    const reached = new Set(paths.session.map(({ state }) => toTaskState(state)));
    const owners = paths.session.map(({ state }) => state.context.task.owner);

    expect([...reached].sort()).toEqual(["cancelled", "failed", "promoted", "replayed", "start", "succeeded"]);
    expect(new Set(owners)).toEqual(new Set([null]));
  });

  it.each([
    ["task", ofTask, paths.task],
    ["session", ofSession, paths.session],
  ] as const)(
    "of a %s ends in the same state in a real store, whose rows verify and can be rebuilt (I6, I7)",
    (_, first, ways) => {
      for (const path of ways) {
        const steps = path.steps.map(({ event }) => event as EventHeader).filter(({ type }) => type in examples);

        const { store, scope, actor } = run(first, steps);
        /** What does not verify, but for what is owed to parts: those of the examples are not in this store. */
        const problems = () =>
          verifyScope(scope, { memory: () => actor.snapshot() }).problems.filter(({ table }) => table !== "outbox");

        const label = steps.map(({ type }) => type).join(" → ");
        expect(identify(actor.snapshot()), label).toBe(identify(toTaskSnapshot(path.state)));
        expect(problems(), label).toEqual([]);
        rebuildScope(store, scopeName);
        expect(problems(), label).toEqual([]);
        const row = scope.task(taskId());
        expect(row?.state, label).toBe(toTaskState(path.state));
        if (!steps.at(-1)?.type.match(/^step|noted$/))
          expect(row?.snapshot?.endsWith(encodeSnapshot(actor.snapshot())), label).toBe(true);
        store.close();
      }
    },
  );
});
