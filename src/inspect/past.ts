// What stands in the journal: all of it, or that of a few tasks without what lies between.

import type { JournalEvent } from "../contracts/events.ts";
import type { TaskId } from "../contracts/ids.ts";

/** Reads a page of the journal, or of one task's events. */
export type ReadPage = (from: number, taskId?: TaskId) => Promise<{ events: JournalEvent[]; next: number }>;

interface Range {
  readonly from: number;
  /** The last sequence that is read. */
  readonly head: number;
}

/** Every event of the range, a page at a time. */
export async function* readAll(read: ReadPage, { from, head }: Range): AsyncGenerator<JournalEvent, void, void> {
  for (let next = from; next <= head || next === from; ) {
    const page = await read(next);
    for (const event of page.events) {
      if (event.seq > head) return;
      yield event;
    }
    if (page.events.length === 0) return;
    next = page.next;
  }
}

/** The events of these tasks and of those that they delegate in the range, in the order of the journal. */
export async function* readTasks(
  read: ReadPage,
  tasks: readonly TaskId[],
  { from, head }: Range,
): AsyncGenerator<JournalEvent, void, void> {
  const known = new Set(tasks);
  const open = (taskId: TaskId, first: number) => readAll((next) => read(next, taskId), { from: first, head });
  const streams: Stream[] = [];
  for (const taskId of tasks) await pull({ events: open(taskId, from) }, streams);
  for (let first = firstOf(streams); first !== undefined; first = firstOf(streams)) {
    const { event } = first;
    yield event;
    streams.splice(streams.indexOf(first), 1);
    await pull(first, streams);
    const { childId } = event.facts;
    if (event.type !== "delegation.sent" || typeof childId !== "string" || known.has(childId as TaskId)) continue;
    known.add(childId as TaskId); // the schema of the event's facts says so
    await pull({ events: open(childId as TaskId, event.seq + 1) }, streams); // the child begins in the same commit, after it
  }
}

/** The events of one task, with the next one of them. */
interface Stream {
  readonly events: AsyncGenerator<JournalEvent, void, void>;
  readonly event: JournalEvent;
}

/** Puts the next event of a task among the others', unless there is none. */
async function pull({ events }: Pick<Stream, "events">, streams: Stream[]): Promise<void> {
  const next = await events.next();
  if (next.done !== true) streams.push({ events, event: next.value });
}

function firstOf(streams: readonly Stream[]): Stream | undefined {
  let first: Stream | undefined;
  for (const stream of streams) if (first === undefined || stream.event.seq < first.event.seq) first = stream;
  return first;
}
