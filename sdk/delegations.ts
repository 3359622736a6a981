// Delegations of a run
//
// The parts that a handler gives away, and what comes back of them. Owns: finding each part again when a handler starts over, and what happens
// when its content has changed meanwhile. Does not own: how a part is named (`part-ids.ts`), or whether it may be given away.
//
// Invariants:
//   D1. A part that is recorded is not given away again: neither after a restart nor because its time or budget is another one now.
//   D2. A part that takes the place of a recorded one with other content is given away only when a person said so; until then the run asks.

import type { EventType, JournalEvent } from "../src/contracts/events.ts";
import { isFailure } from "../src/contracts/failures.ts";
import type { TaskId } from "../src/contracts/ids.ts";
import { checkObject } from "../src/contracts/options.ts";
import type { Packet, Return } from "../src/contracts/packet.ts";
import type { PauseEnd } from "../src/contracts/task.ts";
import { toPartDiverged } from "./changed-parts.ts";
import { findAnswer, readEvent } from "./changes.ts";
import { toMs } from "./duration.ts";
import { type RunLife, recordTimeoutMs } from "./life.ts";
import { createPartIds, type Delegation, type PartId, readPartText, toPartText } from "./part-ids.ts";
import type { RunParts } from "./parts.ts";
import type { Pauses } from "./pauses.ts";

/** A part that was given away, by this owner of the task or an earlier one. */
export interface Delegated {
  childId: TaskId;
  /** What it was given away with, `brief` and `stage` among it; absent when the text was erased. */
  packet?: Packet;
  /** Waits for what comes back, without holding a slot; at once when it has come back. */
  returned(): Promise<Return>;
}

interface DelegationParts extends RunParts {
  /** Waits for something without holding a slot of the worker. */
  withoutSlot<Result>(wait: () => Promise<Result>): Promise<Result>;
}

/** A part that was given away in this stage. */
interface Sent {
  readonly id: PartId;
  readonly seq: number;
  readonly childId: TaskId;
  /** Whether it came back without having been done, so that it holds nothing to go by. */
  readonly hasFailed: boolean;
}

export interface Delegations {
  delegate(asked: Delegation | Delegation[]): Promise<Return | Return[]>;
  /** What the task gave away in all stages; it counts as asked for. */
  list(): Promise<Delegated[]>;
}

const holdMs = 1_000; // a part that another branch is about to ask for again is seldom later

/** The delegations of one run. */
export function createDelegations(parts: DelegationParts, life: RunLife, pauses: Pick<Pauses, "settle">): Delegations {
  const { client, clock, options, task } = parts;
  const { taskId, epoch, stage } = task;
  const owned = { agent: options.agent, timeoutMs: recordTimeoutMs };
  const toPartId = createPartIds();
  const asked = new Set<string>(); // those of the ids below that this run came to
  const hearing = new Set<() => void>(); // told of each part that is asked for
  const prefix = `${taskId}/${stage}/delegate/`;
  let reading: Promise<Map<string, Sent>> | undefined; // by place, the latest

  async function delegate(given: Delegation | Delegation[]): Promise<Return | Return[]> {
    const all = Array.isArray(given) ? given : [given];
    for (const part of all) checkObject("ctx.delegate", part, '{ to: { role: "docs" }, nextAction: "Write it" }');
    const named = all.map((part) => ({ part, id: toPartId(part) })); // before anything is awaited: equal parts are told apart by their order
    const isBeside = life.calls.current()?.isBeside ?? false;
    for (const { id } of named) asked.add(id.place);
    for (const hear of hearing) hear();
    const children: TaskId[] = [];
    for (const { part, id } of named) children.push(await find(part, id, isBeside));
    const returns = await parts.withoutSlot(() => Promise.all(children.map(awaitEnd)));
    return Array.isArray(given) ? returns : (returns[0] ?? toReturn("failed", "nothing was delegated"));
  }

  async function find(part: Delegation, id: PartId, isBeside: boolean): Promise<TaskId> {
    reading ??= life.hold(readSent);
    const sent = await reading;
    const same = sent.get(id.place);
    if (same?.id.content === id.content) {
      await pauses.settle(({ of, seq }) => of === "part" && seq === same.seq);
      return same.childId; // D1
    }
    const before = same ?? (isBeside ? undefined : await findUnasked(sent));
    if (before === undefined) return await send(sent, { part, id });
    const answered = findAnswer(task, before.seq, { tool: undefined, inputHash: id.content });
    if (answered?.choice === "keep") {
      asked.add(before.id.place);
      return before.childId;
    }
    if (answered?.choice === "rerun") return await replace(sent, { before, part, id, answered });
    if (answered?.choice === "add") return await send(sent, { part, id, again: answered.seq });
    const event = await life.hold(() => readEvent({ client, taskId, agent: options.agent }, before.seq));
    const packet = event?.body?.packet as Packet | undefined; // the body of that type
    throw toPartDiverged(taskId, { seq: before.seq, packet }, part, id);
  }

  /**
   * A recorded part that this run has not come to, though the part that it has come to is none of those: in a handler without branches it
   * stands in that one's place, or behind it. A branch of its own may be about to ask for it.
   */
  async function findUnasked(sent: ReadonlyMap<string, Sent>): Promise<Sent | undefined> {
    const next = (): Sent | undefined =>
      [...sent.values()].find(({ id, hasFailed }) => !id.isKeyed && !hasFailed && !asked.has(id.place));
    if (next() === undefined) return undefined;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        hearing.delete(look);
        cancel();
        resolve();
      };
      const look = (): void => void (next() === undefined && end());
      const cancel = clock.setTimer(holdMs, end);
      hearing.add(look);
    });
    return next();
  }

  /** Gives `part` away in place of `before`, whose task is of no use any more. */
  async function replace(
    sent: Map<string, Sent>,
    { before, part, id, answered }: { before: Sent; part: Delegation; id: PartId; answered: PauseEnd },
  ): Promise<TaskId> {
    const childId = await send(sent, { part, id, again: answered.seq });
    asked.add(before.id.place);
    const reason = "Another part was given away in its place.";
    await client.tasks.cancel({ taskId: before.childId, reason }, owned).catch((error: unknown) => {
      if (!isFailure(error)) throw error; // it has ended by itself, or the claim is lost, which the next call finds out
    });
    return childId;
  }

  /** Sent under an id that is the same after a restart, so that there is one child, not two. */
  async function send(
    sent: Map<string, Sent>,
    { part, id, again }: { part: Delegation; id: PartId; again?: number },
  ): Promise<TaskId> {
    const { to, kind, family, timeout, budget, key: _key, ...packet } = part;
    const commandId = `${prefix}${toPartText(id, again)}`;
    const extra = {
      ...(kind === undefined ? {} : { kind }),
      ...(family === undefined ? {} : { family }),
      ...(timeout === undefined ? {} : { timeoutMs: toMs(timeout) }),
      ...(budget === undefined ? {} : { budget }),
    };
    const { childId, seq } = await life.hold(() =>
      client.tasks.delegate({ commandId, taskId, epoch, to, packet, ...extra }, owned),
    );
    sent.set(id.place, { id, seq, childId, hasFailed: false });
    return childId;
  }

  /** The parts of this stage, in the order in which they were given away. Before the first claim of a task nothing was. */
  async function readSent(): Promise<Map<string, Sent>> {
    const events = epoch === 1 ? [] : await readEvents("delegation.sent", "delegation.returned");
    const failed = new Set(events.filter(({ facts }) => facts.outcome === "failed").map(({ facts }) => facts.childId));
    const found = events.flatMap((event) => toSent(event, failed) ?? []);
    return new Map(withoutReplaced(found).map((sent) => [sent.id.place, sent]));
  }

  function toSent({ seq, commandId = "", facts }: JournalEvent, failed: ReadonlySet<unknown>): Sent | undefined {
    const id = commandId.startsWith(prefix) ? readPartText(commandId.slice(prefix.length)) : undefined;
    const childId = facts.childId as TaskId; // of that type of event
    return id === undefined ? undefined : { id, seq, childId, hasFailed: failed.has(childId) };
  }

  /** A part that another was given away for by the word of a person is one that was never given away. */
  function withoutReplaced(all: readonly Sent[]): Sent[] {
    const isReplaced = ({ seq }: Sent): boolean =>
      task.pauses.some(
        (end) =>
          end.choice === "rerun" &&
          end.concerns?.seq === seq &&
          all.some((later) => later.seq > end.seq && later.id.content === end.concerns?.inputHash),
      );
    return all.filter((sent) => !isReplaced(sent));
  }

  async function awaitEnd(childId: TaskId): Promise<Return> {
    for (;;) {
      const seen = await life.hold(() =>
        client.tasks.watch({ taskId: childId, untilEnded: true, waitMs: 2_000 }, { ...owned, signal: life.signal }),
      );
      if (seen.hasEnded) return await confirmed(await life.hold(() => readReturn(childId)));
    }
  }

  /** A part that ends with its task may come back before the worker hears of the task's own end, so that the claim is asked first. */
  async function confirmed(returned: Return): Promise<Return> {
    if (returned.outcome === "failed") await life.hold(() => client.tasks.heartbeat({ taskId, epoch }, owned));
    return returned;
  }

  /** What this task recorded of the child's end, in the commit of that end: the same for a handler that starts over. */
  async function readReturn(childId: string): Promise<Return> {
    const event = (await readEvents("delegation.returned")).find(({ facts }) => facts.childId === childId);
    return (event?.body?.return as Return | undefined) ?? toReturn("failed", "What came back was erased."); // the body of that type
  }

  async function list(): Promise<Delegated[]> {
    const events = await life.hold(() => readEvents("delegation.sent"));
    for (const event of events) {
      const place = toSent(event, new Set())?.id.place;
      if (place !== undefined) asked.add(place);
    }
    return events.map(({ facts, body }) => {
      const childId = facts.childId as TaskId; // of that type of event, as its body is
      return { childId, ...body, returned: () => life.call(() => parts.withoutSlot(() => awaitEnd(childId))) };
    });
  }

  async function readEvents(...types: EventType[]): Promise<JournalEvent[]> {
    const events: JournalEvent[] = [];
    for (let from = 1; ; ) {
      const page = await client.events.read({ taskId, types, from }, owned);
      events.push(...page.events);
      if (page.next > page.head) return events;
      from = page.next;
    }
  }

  return { delegate, list };
}

function toReturn(outcome: Return["outcome"], summary: string): Return {
  return { outcome, summary, checks: [], files: [], artifacts: [], evidence: [] };
}
