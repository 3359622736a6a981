import type { JournalEvent } from "../src/contracts/events.ts";
import type { OperationInput } from "../src/contracts/operations/index.ts";
import type { Packet, Return } from "../src/contracts/packet.ts";
import type { Client } from "./client.ts";

/** Which events to follow. */
export interface EventFilter {
  /** The first sequence; the next event to come if absent. */
  from?: number;
  task?: NonNullable<OperationInput<"events.read">["taskId"]>;
  types?: NonNullable<OperationInput<"events.read">["types"]>;
}

const waitMs = 2_000; // how long one is still waited for where the transport cannot say that it was given up

/**
 * Every event that fits, each once and in the order of the journal: first those that are there, then each as it comes. The sequence of the last
 * one is the cursor to go on from. Leaving the loop ends the subscription; `signal` ends it with its reason.
 */
export async function* subscribeToEvents(
  client: Client,
  { from, task, types }: EventFilter,
  signal?: AbortSignal,
): AsyncGenerator<JournalEvent, void, void> {
  const filter = { ...(task === undefined ? {} : { taskId: task }), ...(types === undefined ? {} : { types }) };
  let next = from ?? (await client.runtime.status({}, { signal })).head + 1;
  for (;;) {
    const page = await client.events.read({ ...filter, from: next, waitMs }, { signal });
    yield* page.events;
    next = page.next;
  }
}

/** A delegation as it happens: the packet that went out, or the return that came back. */
export interface DelegationNotice {
  /** The cursor: go on from `seq + 1`. */
  seq: number;
  at: number;
  fact: "packet" | "return";
  delegationId: string;
  /** Who delegated. */
  parentId: string;
  /** Who does the part. */
  childId: string;
  /** Absent when the text was erased. */
  packet?: Packet;
  return?: Return;
}

/** Every packet and return of the scope's delegations, each once and in order, from a sequence on and then live. */
export async function* subscribeToDelegations(
  client: Client,
  { from }: Pick<EventFilter, "from">,
  signal?: AbortSignal,
): AsyncGenerator<DelegationNotice, void, void> {
  const types: EventFilter["types"] = ["delegation.sent", "delegation.returned"];
  for await (const event of subscribeToEvents(client, { types, ...(from === undefined ? {} : { from }) }, signal)) {
    yield toNotice(event);
  }
}

function toNotice({ seq, at, type, taskId, facts, body }: JournalEvent): DelegationNotice {
  return {
    seq,
    at,
    fact: type === "delegation.sent" ? "packet" : "return",
    delegationId: String(facts.delegationId),
    parentId: taskId,
    childId: String(facts.childId),
    ...body, // a delegation's body is `{ packet }`, a return's `{ return }`
  };
}
