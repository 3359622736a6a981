// Definitions of machines as text: complete, without values, and total.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { and, assign, createMachine, fromPromise, not, or, setup } from "xstate";
import { taskMachine } from "../../machines/index.ts";
import { definitionOf } from "../../src/inspect/definition.ts";
import { anyValue } from "./fields.ts";

interface State {
  readonly on: Record<string, unknown>;
  readonly states: Record<string, State>;
}

const parse = (logic: unknown): State & { id: string; initial: string } => JSON.parse(definitionOf(logic, "it").json);

describe("a definition", () => {
  it("of the task machine has every state in its order, guards and actions by name", () => {
    const { id, states, initial } = parse(taskMachine);

    expect([id, initial]).toEqual(["task", "start"]);
    expect(Object.keys(states)).toEqual(Object.keys(taskMachine.config.states!));
    expect(Object.keys(states.succeeded!.states)).toEqual(["recorded", "replaying", "replayed", "promoted"]);
    expect(states.start!.on["task.claimed"]).toContainEqual({ guard: "isWork", target: "running", actions: "claim" });
    expect(states.verifying!.on["lease.expired"]).toEqual([
      { guard: "staysOpen", target: "#task.start", actions: "lose" },
      { target: "#task.failed", actions: "loseForGood" },
    ]);
    expect(states.failed).toEqual({ type: "final" });
  });

  it("is made once a machine, and has a hash that tells it from another's", () => {
    const first = definitionOf(taskMachine, "task");

    expect(definitionOf(taskMachine, "task")).toBe(first);
    expect(definitionOf(createMachine({}), "other").hash).not.toBe(first.hash);
  });

  it("names what is inline, and shows what a machine invokes and waits for", () => {
    const machine = setup({ actors: { fetch: fromPromise(async () => 1) } }).createMachine({
      id: "user",
      type: "parallel",
      entry: [function announce() {}, () => {}, { type: "log", params: { token: "s3cret" } } as never, assign({})],
      states: {
        2: { tags: ["busy"], invoke: { id: "get", src: "fetch", input: { token: "s3cret" } as never, onDone: "b" } },
        a: {
          always: { guard: and(["x", or([not("y"), () => true])]) as never, actions: () => {} },
          after: { 50: "b" },
        },
        b: { type: "history", history: "deep" },
      },
    });

    expect(parse(machine)).toEqual({
      id: "user",
      type: "parallel",
      entry: ["announce", "(inline)", "log", "xstate.assign"],
      states: {
        2: { tags: ["busy"], invoke: { id: "get", src: "fetch", onDone: "b" } },
        a: { always: { guard: "and(x, or(not(y), (inline)))", actions: "(inline)" }, after: { 50: "b" } },
        b: { type: "history", history: "deep" },
      },
    });
  });

  it("holds no values of the machine: no context, input, output, params or meta", () => {
    const value = { password: "s3cret" };
    const machine = createMachine({
      context: value,
      meta: value,
      output: value,
      schemas: value,
      entry: { type: "greet", params: value },
      initial: "context",
      states: {
        context: { meta: value, output: value, invoke: { src: createMachine({ id: "child", context: value }) } },
      },
    } as never);

    const { json } = definitionOf(machine, "it");

    expect(json).not.toContain("s3cret");
    expect(JSON.parse(json)).toEqual({
      id: "(machine)",
      entry: "greet",
      initial: "context",
      states: { context: { invoke: { src: "child" } } },
    });
  });

  it("of what is no machine is its name", () => {
    for (const logic of [fromPromise(async () => 1), undefined, null, 7, "x", () => {}, {}]) {
      expect(definitionOf(logic, "fetch").json).toBe('{"id":"fetch"}');
    }
    expect(parse(createMachine({}))).toEqual({ id: "(machine)" });
  });

  it("is bounded, and ends where a machine holds itself", () => {
    const states = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`state ${n}`, { on: { go: "x" } }]));
    const loop: Record<string, unknown> = { initial: "a" };
    loop.states = { a: loop, b: { on: { go: [{ target: "c" }] } } };
    let deep: Record<string, unknown> = {};
    for (let level = 0; level < 50_000; level += 1) deep = { states: { s: deep } };

    expect(definitionOf({ config: { id: "wide", states } }, "it").json.length).toBeLessThan(64 * 1024);
    expect(parse({ config: loop })).toEqual({
      id: "(machine)",
      initial: "a",
      states: { b: { on: { go: [{ target: "c" }] } } },
    });
    expect(definitionOf({ config: deep }, "it").json.length).toBeLessThan(64 * 1024);
    expect(definitionOf({ config: { on: { go: new Array(4e9) } } }, "it").json).toBe(
      '{"id":"(machine)","on":{"go":[]}}',
    );
  });

  it("keeps states whose names mean something else to JavaScript", () => {
    const states = JSON.parse('{"__proto__":{"type":"final"},"constructor":{},"toString":{}}');

    expect(definitionOf({ config: { states } }, "it").json).toBe(
      '{"id":"(machine)","states":{"__proto__":{"type":"final"},"constructor":{},"toString":{}}}',
    );
  });

  it("throws nothing and runs nothing of a machine, whatever that holds", () => {
    const keys = ["id", "states", "on", "entry", "invoke", "always", "after", "tags", "initial", "type", "version"];
    const config = fc.record(Object.fromEntries(keys.map((key) => [key, anyValue])), { requiredKeys: [] });
    const make = (made: Record<string, (() => unknown) | undefined>) =>
      Object.fromEntries(Object.entries(made).map(([key, value]) => [key, value?.()]));

    fc.assert(
      fc.property(anyValue, config, config, (makeAny, outer, inner) => {
        const anything = makeAny();
        definitionOf(anything, "it");
        JSON.parse(definitionOf({ config: { ...make(outer), states: { inner: make(inner), anything } } }, "it").json);
      }),
    );
  });
});
