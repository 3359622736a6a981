// A scope with tasks in which everything happens that viewers look at, and what every feed promises.

import { expect, onTestFinished } from "vitest";
import type { Connection } from "../../sdk/index.ts";
import type { JournalEvent } from "../../src/contracts/events.ts";
import type { InspectionMessage } from "../../src/contracts/inspection.ts";
import type { FeedReader } from "../../src/inspect/index.ts";
import { createTestRuntime } from "../../src/testing.ts";

/** Stands in every field that is sensitive, of whatever the scene does. */
export const secret = "s3cr3t-value";
const leak = { token: secret };
const packet = {
  brief: "Review it",
  nextAction: "Read the diff",
  checks: [{ name: "lint", command: ["lint", secret], required: false }],
  services: [`http://user:${secret}@host`],
  artifacts: [secret],
  evidence: [secret],
  data: leak,
};
const report = { name: "build", ordinal: 0, input: leak, outcome: { kind: "succeeded" as const, output: secret } };
const result = { name: "lint", passed: true, output: secret };
const given = { summary: secret, checks: [result], artifacts: [secret], evidence: [secret], data: leak };

export interface Scene {
  /** Handed from ann to bob, verified, and complete. */
  readonly handed: string;
  /** Delegated a part that failed, and is still running. */
  readonly parent: string;
  readonly child: string;
  /** Waits for an answer. */
  readonly paused: string;
  readonly session: string;
}

export async function setup() {
  const test = await createTestRuntime({ leaseMs: 60_000, learns: false });
  onTestFinished(() => test.close());
  return { ann: test.connect("ann"), bob: test.connect("bob"), reader: test.connect("viewer") };
}

/** Plays the scene to its end. */
export async function play({ ann, bob }: { ann: Connection; bob: Connection }): Promise<Scene> {
  const checks = [{ name: "lint", command: ["lint", secret] }];
  const { taskId: handed } = await ann.tasks.start({ brief: "Fix the build\nand more", data: leak, checks });
  const { taskId: parent } = await bob.tasks.start({ brief: "Write the release notes", data: leak });
  const { taskId: paused } = await ann.tasks.start({ brief: " \nDeploy" });
  const { sessionId: session } = await ann.sessions.create({ title: "Friday" });
  let epoch = await claim(ann, handed);
  await ann.tasks.step({ taskId: handed, epoch, step: report });
  const { packetId } = await ann.handoff.offer({ taskId: handed, epoch, to: { role: "review" }, packet });

  const own = await claim(bob, parent);
  const { childId: child } = await bob.tasks.delegate({ taskId: parent, epoch: own, to: { agent: "ann" }, packet });
  const part = await claim(ann, child);
  await ann.sessions.event({ sessionId: session, text: secret, data: leak, title: "seen" });
  await ann.tasks.fail({ taskId: child, epoch: part, error: `no route: ${secret}`, retryable: false, data: leak });

  epoch = await claim(ann, paused);
  await ann.tasks.step({
    taskId: paused,
    epoch,
    step: { ...report, outcome: { kind: "failed", error: secret, retryable: true } },
  });
  await ann.tasks.pause({ taskId: paused, epoch, question: "Deploy?", answerSchema: { enum: [secret, 1] } });
  await bob.tasks.answer({ taskId: paused, answer: secret });
  epoch = await claim(ann, paused);
  await ann.tasks.pause({ taskId: paused, epoch, question: "Sure?" });

  const taken = await bob.handoff.claim({ taskId: handed, packetId, roles: ["review"] });
  const claimed = { taskId: handed, epoch: taken.assignment!.epoch };
  await bob.tasks.complete({ ...claimed, return: given });
  await bob.tasks.verify({ ...claimed, results: [result] });
  return { handed, parent, child, paused, session };
}

async function claim({ tasks }: Connection, taskId: string): Promise<number> {
  const { assignment } = await tasks.claim({ taskId: taskId as never });
  return assignment!.epoch;
}

/** The whole journal of a scope of fewer than 500 events. */
export async function journal({ events }: Pick<FeedReader, "events">): Promise<JournalEvent[]> {
  return (await events.read({ pageSize: 500 })).events;
}

/** All messages of a feed that ends; what every feed promises of them is checked. */
export async function collect(feed: AsyncIterable<InspectionMessage>): Promise<InspectionMessage[]> {
  const messages: InspectionMessage[] = [];
  for await (const message of feed) messages.push(message);
  mustBeInOrder(messages);
  return messages;
}

/** Nothing is said of an actor before it is registered, its parent before it, and each event is followed by where it led to. */
export function mustBeInOrder(messages: readonly InspectionMessage[]): void {
  const registered = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const { sessionId, rootId } = message;
    if (message.type === "@xstate.actor") {
      if (message.parentId !== undefined) expect(registered).toContain(message.parentId);
      registered.add(sessionId);
    }
    expect(registered).toContain(sessionId);
    expect(registered).toContain(rootId);
    expect(message.createdAt).toMatch(/^\d+$/);
    if (message.type !== "@xstate.event") continue;
    expect(registered).toContain(message.sourceId);
    if (message.event.type.startsWith("inspection.")) continue;
    const { type, seq } = message.event;
    expect(messages[index + 1]).toMatchObject({ type: "@xstate.snapshot", sessionId, event: { type, seq } });
  }
}

/** Where each actor stands at the end: its state, or its status if it has none. */
export function standings(messages: readonly InspectionMessage[]): Record<string, unknown> {
  const last: Record<string, unknown> = {};
  for (const message of messages) {
    if (message.type === "@xstate.event") continue;
    last[message.sessionId] = message.snapshot.value ?? message.snapshot.status;
  }
  return last;
}

/** The sequences of the events that are shown. */
export function seqsOf(messages: readonly InspectionMessage[]): unknown[] {
  return messages.flatMap((message) => (message.type === "@xstate.event" ? [message.event.seq] : []));
}

/** The reader with a change to each event that it reads; `undefined` leaves it out. */
export function alter(reader: FeedReader, change: (event: JournalEvent) => JournalEvent | undefined): FeedReader {
  return {
    ...reader,
    events: {
      async read(input, options) {
        const page = await reader.events.read(input, options);
        return { ...page, events: page.events.flatMap((event) => change(event) ?? []) };
      },
    },
  };
}
