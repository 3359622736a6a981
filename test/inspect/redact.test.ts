// What may leave of events and contexts for a viewer: what is listed here, and nothing else.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type EventType, eventTypes } from "../../src/contracts/events.ts";
import { showContext, showEvent, withheld } from "../../src/inspect/redact.ts";
import { stories, storyStates } from "../support/tasks.ts";
import { anyValue, pathsOf, withoutNulls } from "./fields.ts";

const types = Object.keys(eventTypes) as EventType[];
const secret = "s3cr3t-value";

describe("what leaves of an event", () => {
  it("is, of the texts and data of bodies, all but what is marked as sensitive", () => {
    const marked = types.flatMap((type) =>
      pathsOf(eventTypes[type].body)
        .filter((field) => field.isSensitive)
        .map(({ path }) => path.replace(/^(packet|return)\./, "<$1>."))
        .map((path) => path.replace(/^.*(before\[\]|after\[\]|when|condition)\./, "<condition>.")),
    );

    expect([...new Set(marked)].sort()).toEqual([
      "<condition>.command",
      "<condition>.names[]",
      "<condition>.path",
      "<condition>.pattern",
      "<condition>.port",
      "<condition>.value",
      "<packet>.artifacts",
      "<packet>.checks[].command",
      "<packet>.data",
      "<packet>.evidence",
      "<packet>.services",
      "<return>.artifacts",
      "<return>.checks[].command",
      "<return>.checks[].output",
      "<return>.checks[].outputHash",
      "<return>.data",
      "<return>.evidence",
      "<return>.reason.lastError",
      "<return>.summary",
      "answer",
      "answerSchema",
      "break.why",
      "checks[].command",
      "content.checks[].command",
      "content.errors",
      "content.parameters[].examples",
      "content.parameters[].fallback",
      "content.steps[].expects",
      "content.steps[].input",
      "content.text",
      "data",
      "error",
      "input",
      "lastError",
      "output",
      "present.input.json",
      "recorded.input.json",
      "results[].command",
      "results[].output",
      "results[].outputHash",
      "text",
    ]);
  });

  it("is all of its facts but the hash of an input", () => {
    const marked = types.flatMap((type) => pathsOf(eventTypes[type].facts).filter((field) => field.isSensitive));

    expect(new Set(marked.map(({ path }) => path))).toEqual(new Set(["inputHash", "concerns.inputHash"]));
  });

  it("says that something was withheld, and shows the rest", () => {
    const body = { input: { password: secret }, output: [secret], files: ["a.ts"], token: secret };
    const facts = { name: "build", ordinal: 0, stage: 1, inputHash: "00ff".repeat(8), cost: 2 };

    expect(showEvent({ type: "step.succeeded", seq: 4, epoch: 1, facts, body })).toEqual({
      type: "step.succeeded",
      seq: 4,
      epoch: 1,
      facts: { name: "build", ordinal: 0, stage: 1, inputHash: withheld, cost: 2 },
      body: { input: withheld, output: withheld, files: ["a.ts"] },
    });
  });

  it("shows whom something is for, whichever way that is said", () => {
    const targets = [{ agent: "ann" }, { role: "review" }, "any"];
    const show = (to: unknown) => showEvent({ type: "handoff.offered", facts: { to } }).facts;

    expect(targets.map(show)).toEqual(targets.map((to) => ({ to })));
    expect(show({ agent: 7 })).toEqual({});
    expect(show("ann")).toEqual({});
  });

  it("is only the type, when that is none it knows", () => {
    const event = { type: "task.teleported", seq: 9, facts: { to: secret }, body: { brief: secret } };

    expect(showEvent(event)).toEqual({ type: "task.teleported", seq: 9 });
    expect(showEvent({ type: "__proto__", facts: {} })).toEqual({ type: "__proto__" });
  });

  it("is bounded, however long texts and lists are", () => {
    const lines = Array.from({ length: 500 }, () => "🙂".repeat(2_000));
    const packet = { brief: "x".repeat(1_000_000), nextAction: "y".repeat(1_000_000), files: lines, facts: lines };

    const shown = showEvent({ type: "handoff.offered", facts: {}, body: { packet } });

    expect(JSON.stringify(shown).length).toBeLessThan(20_000);
    const text = JSON.stringify(shown);
    expect(text).toContain("… 490 more");
    expect(text.isWellFormed()).toBe(true);
  });

  it("throws nothing, whatever it is given", () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), anyValue, anyValue, (type, makeFacts, makeBody) => {
        const [facts, body] = [makeFacts(), makeBody()];
        for (const event of [
          facts,
          { type, facts, body },
          { type: facts, seq: body },
          { type, ...Object(undefined) },
        ]) {
          JSON.stringify(showEvent(event));
        }
      }),
    );
  });

  it("throws nothing, whatever stands in one field", () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), anyValue, (type, make) => {
        const value = make();
        for (const part of ["facts", "body"] as const) {
          const shape = Object.keys((eventTypes[type][part] as { shape: object }).shape); // each is an object
          const fields = Object.fromEntries(shape.map((key) => [key, value]));

          JSON.stringify(showEvent({ type, [part]: fields }));
        }
      }),
    );
  });
});

describe("what leaves of a task's context", () => {
  it.each(storyStates)("is all of it that is not null, which holds no texts and no data (%s)", (state) => {
    const { context } = stories[state]().now;

    expect(showContext(context)).toEqual(withoutNulls(context));
  });

  it("is no field that it does not know", () => {
    const context = { ...stories.running().now.context, token: secret, owner: { agent: "ann", token: secret } };

    expect(JSON.stringify(showContext(context))).not.toContain(secret);
  });

  it("throws nothing, whatever it is given", () => {
    const keys = Object.keys(stories.running().now.context);

    fc.assert(
      fc.property(anyValue, (make) => {
        const value = make();
        JSON.stringify(showContext(value));
        JSON.stringify(showContext(Object.fromEntries(keys.map((key) => [key, value]))));
      }),
    );
  });
});
