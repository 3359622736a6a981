// One event of the journal as inspection messages.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type EventType, eventTypes } from "../../src/contracts/events.ts";
import {
  type InspectedTask,
  toAgentActor,
  toEventMessages,
  toTaskActor,
  toTaskName,
} from "../../src/inspect/messages.ts";
import { stories, storyStates, t0, taskId } from "../support/tasks.ts";
import { withoutNulls, withSecret } from "./fields.ts";

const task: InspectedTask = {
  taskId: taskId(2),
  rootId: taskId(1),
  parentId: taskId(1),
  name: "Fix it",
  createdAt: t0,
};
const common = { rootId: `task:${taskId(1)}`, createdAt: String(t0), id: null, _version: "0.7.2" };
const nothing = { children: {}, historyValue: {}, tags: [] };

describe("an event", () => {
  it("is one that the task got from its agent, and where the task stands then", () => {
    const story = stories.running();
    const [message, snapshot] = toEventMessages(task, { ...story.headers[1]!, at: t0 }, story.now);

    const sessionId = `task:${taskId(2)}`;
    const facts = { agent: "worker-1", attempt: 1, stage: 1 };
    expect(message).toEqual({
      ...common,
      type: "@xstate.event",
      sessionId,
      sourceId: "agent:worker-1",
      event: { type: "task.claimed", seq: 2, epoch: 1, facts },
    });
    expect(snapshot).toEqual({
      ...common,
      type: "@xstate.snapshot",
      sessionId,
      event: { type: "task.claimed", seq: 2 },
      snapshot: {
        ...nothing,
        status: "active",
        value: { running: "working" },
        context: withoutNulls(story.now.context),
      },
    });
  });

  it.each(Object.keys(eventTypes) as EventType[])("tells no secret, whatever the secret is (%s)", (type) => {
    const { facts, body } = eventTypes[type];
    const { now } = stories.running();
    const given = fc
      .uuid()
      .chain((secret) => fc.tuple(fc.constant(secret), withSecret(facts, secret), withSecret(body, secret)));

    fc.assert(
      fc.property(given, ([secret, factsGiven, bodyGiven]) => {
        const event = {
          seq: 1,
          at: t0,
          by: "ann",
          id: secret,
          commandId: secret,
          type,
          facts: factsGiven,
          body: bodyGiven,
        };

        expect(JSON.stringify(toEventMessages(task, event, now))).not.toContain(secret);
      }),
      { numRuns: 50 },
    );
  });
});

describe("an actor", () => {
  it.each(storyStates)("is active while its task is open, and done afterwards (%s)", (state) => {
    const { now } = stories[state]();
    const isOpen = !["succeeded", "replaying", "replayed", "promoted", "failed", "cancelled", "closedSession"].includes(
      state,
    );

    expect(toTaskActor(task, now).snapshot).toMatchObject({ status: isOpen ? "active" : "done", value: now.value });
  });

  it("is in error when its task cannot be folded", () => {
    expect(toTaskActor(task, "unfoldable").snapshot).toEqual({ ...nothing, status: "error" });
  });

  it("takes texts for data, whatever they hold, and bounds them", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 256 }), (text) => {
        const actor = toAgentActor(text, t0);

        expect(actor.sessionId).toBe(`agent:${text}`);
        expect(JSON.parse(actor.definition)).toEqual({ id: expect.any(String) });
        expect(JSON.parse(JSON.stringify(actor))).toEqual(actor);
        expect(actor.name.length).toBeLessThanOrEqual(80);
        expect(toTaskName(text, "task", taskId()).length).toBeLessThanOrEqual(80);
      }),
    );
  });

  it("is called after its task's kind where there is no title", () => {
    expect([undefined, "", " \n"].map((title) => toTaskName(title, "deploy", taskId(7)))).toEqual(
      Array(3).fill("deploy 000007"),
    );
  });
});
