import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InspectionMessage } from "../../src/contracts/inspection.ts";
import { History } from "../../src/inspect/page/history.js";
import { Model } from "../../src/inspect/page/model.js";
import { toJsonText, toStateText, toTimeText } from "../../src/inspect/page/words.js";
import { actor, event, stands } from "./page-support.ts";

const bounds = { actorsMax: 3, eventsMax: 4 };

/** Messages about few actors, each registered before anything else about it. */
const stream = fc
  .array(fc.record({ kind: fc.constantFrom("actor", "event", "stands"), who: fc.integer({ min: 0, max: 5 }) }), {
    maxLength: 60,
  })
  .map((parts) => {
    const registered = new Set<number>();
    return parts.map(({ kind, who }, index): InspectionMessage => {
      const id = `task:${who}`;
      const isNew = !registered.has(who);
      registered.add(who);
      if (isNew || kind === "actor") return actor({ id, state: `s${index}` });
      return kind === "event" ? event({ id, type: `e${index}` }) : stands({ id, state: `s${index}` });
    });
  });

const stateOf = (messages: readonly InspectionMessage[], id: string): unknown =>
  messages
    .filter((message) => message.sessionId === id && message.type !== "@xstate.event")
    .map((message) => (message.type === "@xstate.event" ? "" : message.snapshot.value))
    .at(-1);

describe("what is kept for an inspector that connects later", () => {
  it("registers every actor before anything else about it, and ends where all of it ends (H1)", () => {
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 20 }), (messages, messagesMax) => {
        const history = new History({ messagesMax, actorsMax: 10 });
        for (const message of messages) history.add(message);

        const replay = history.replay();

        const registered = new Set<string>();
        for (const { type, sessionId } of replay) {
          if (type === "@xstate.actor") registered.add(sessionId);
          expect(registered).toContain(sessionId);
        }
        for (const { sessionId } of messages) expect(stateOf(replay, sessionId)).toEqual(stateOf(messages, sessionId));
        const events = (all: readonly InspectionMessage[]) => all.filter(({ type }) => type === "@xstate.event");
        expect(events(replay)).toEqual(events(messages).slice(history.dropped));
        expect(replay.length).toBeLessThanOrEqual(messagesMax + 10);
      }),
    );
  });
});

describe("what the lists show", () => {
  it("stays within its bounds, whatever comes (M1)", () => {
    fc.assert(
      fc.property(stream, (messages) => {
        const model = new Model(bounds);
        for (const message of messages) model.apply(message);

        expect(model.actors.size).toBeLessThanOrEqual(bounds.actorsMax);
        expect(model.events.length).toBeLessThanOrEqual(bounds.eventsMax);
        const events = messages.filter(({ type }) => type === "@xstate.event").length;
        expect(model.events.length + model.eventsDropped).toBe(events);
      }),
    );
  });

  it("lets an actor go that has ended before the oldest", () => {
    const model = new Model(bounds);
    const ended = stands({ id: "task:1", state: "failed" });
    for (const id of ["task:0", "task:1", "task:2"]) model.apply(actor({ id }));
    if (ended.type === "@xstate.snapshot") model.apply({ ...ended, snapshot: { ...ended.snapshot, status: "done" } });

    model.apply(actor({ id: "task:3" }));
    model.apply(actor({ id: "task:4" }));

    expect([...model.actors.keys()]).toEqual(["task:2", "task:3", "task:4"]);
    expect(model.actorsDropped).toBe(2);
  });

  it("writes where an actor stood after an event beside it, and names whom nobody registered by their ids (M2)", () => {
    const model = new Model(bounds);

    model.apply(event({ id: "task:9", type: "task.claimed", from: "agent:ann" }));
    model.apply(stands({ id: "task:9", state: "running" }));

    expect(model.events).toMatchObject([{ type: "task.claimed", fromId: "agent:ann", after: "running" }]);
    expect(model.nameOf("task:9")).toBe("task:9");
    expect(model.actors.size).toBe(0);
  });
});

describe("values as words", () => {
  it.each([
    { value: "running", text: "running" },
    { value: { running: "writing" }, text: "running.writing" },
    { value: { left: "on", right: { up: "off" } }, text: "{left.on, right.up.off}" },
    { value: undefined, text: "" },
    { value: null, text: "null" },
    { value: { a: {} }, text: "a.{}" },
    { value: "x".repeat(500), text: `${"x".repeat(119)}…` },
  ])("writes the state $value", ({ value, text }) => {
    expect(toStateText(value)).toBe(text);
  });

  it("take anything", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, createdAt) => {
        expect(toStateText(value).length).toBeLessThanOrEqual(120);
        expect(typeof toJsonText(value)).toBe("string");
        expect(toTimeText(createdAt)).toMatch(/^(\d\d:\d\d:\d\d\.\d{3})?$/);
      }),
    );
  });
});
