// Lists, a part at a time
//
// Pages of tasks, of packets and of the journal, made in short parts for `slices.ts`. An item is read, compared with what is asked for and
// shown within one part, so that it stands as it stood at one moment; two items of a page may be of two moments.

import { toJournalEvent, toReceipt } from "../../actors/index.ts";
import type { JournalEvent } from "../contracts/events.ts";
import { isUnreadable } from "../contracts/failures.ts";
import type { PacketId, TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { StepReceipt } from "../contracts/step.ts";
import type {
  PacketFilter,
  PacketRow,
  ScopeStore,
  StoredEvent,
  TaskFilter,
  TaskNumber,
  TaskRow,
} from "../kernel/store.ts";

/** A page of a list, and the id of its last item when there may be more behind it. */
export interface ListPage<Item, Id> {
  items: Item[];
  cursor: Id | undefined;
}

/**
 * The tasks that fit, newest first, as `show` makes them, up to the first that cannot be read: the next page begins with that one.
 * @throws AionisError `JOURNAL_DAMAGED`, `TASK_UNFOLDABLE` when it is the first.
 */
export function* listTasks<Item>(
  store: ScopeStore,
  { before, pageSize, ...filter }: TaskFilter & { before: TaskNumber | undefined; pageSize: number },
  show: (row: TaskRow) => Item,
): Generator<void, ListPage<Item, TaskId>, void> {
  const items: Item[] = [];
  let cursor: TaskId | undefined;
  let from = before;
  do {
    const { tasks, next } = store.tasksWithin({ ...filter, before: from, count: limits.partRows });
    for (const { id } of tasks) {
      const row = store.task(id); // as it stands now: some parts may have passed
      if (row === undefined || filter.states?.includes(row.state) === false) continue;
      try {
        items.push(show(row));
      } catch (error) {
        if (items.length > 0 && isUnreadable(error)) return { items, cursor };
        throw error;
      }
      cursor = id;
      if (items.length === pageSize) return { items, cursor };
      yield;
    }
    from = next;
    yield;
  } while (from !== undefined);
  return { items, cursor: undefined };
}

type FoundPacket = PacketRow & { taskId: TaskId };

/** The packets that fit, newest first. */
export function* listPackets(
  store: ScopeStore,
  { before, pageSize, ...filter }: PacketFilter & { before: PacketId | undefined; pageSize: number },
): Generator<void, ListPage<FoundPacket, PacketId>, void> {
  const items: FoundPacket[] = [];
  let from = before;
  do {
    const { packets, next } = store.packetsWithin({ ...filter, before: from, count: limits.partRows });
    items.push(...packets.slice(0, pageSize - items.length));
    if (items.length === pageSize) return { items, cursor: items.at(-1)?.packetId };
    from = next;
    yield;
  } while (from !== undefined);
  return { items, cursor: undefined };
}

const eventsAtOnce = 32; // each is checked and parsed

/** What of the journal is looked through: the events after `after` up to `head`, of a task and of types if these are given. */
export interface JournalRange {
  after: number;
  head: number;
  task?: TaskNumber | undefined;
  types?: readonly string[] | undefined;
  pageSize: number;
}

/**
 * A page of the journal, oldest first: at most `pageSize` events, and no more than `limits.pageBytes` after the first.
 * @throws AionisError `JOURNAL_DAMAGED` when the first of them is damaged; a later one ends the page.
 */
export function* listEvents(
  store: ScopeStore,
  { after, head, pageSize, ...filter }: JournalRange,
): Generator<void, JournalEvent[], void> {
  const events: JournalEvent[] = [];
  let chars = 0;
  for (let from = after; from < head; yield) {
    const until = filter.types === undefined ? head : Math.min(from + limits.partSequences, head);
    const count = Math.min(pageSize - events.length, eventsAtOnce);
    try {
      const part = store.events({ ...filter, after: from, until, count, bytes: limits.partBytes });
      for (const stored of part) {
        events.push(toJournalEvent(stored));
        chars += toChars(stored);
        if (events.length === pageSize || chars > limits.pageBytes) return events;
      }
      from = part.at(-1)?.seq ?? until;
    } catch (error) {
      if (events.length > 0 && isUnreadable(error)) return events;
      throw error;
    }
  }
  return events;
}

/** What of a task's steps is read: those of a stage if it is given. */
export interface StepRange {
  task: TaskNumber;
  stage?: number | undefined;
  after?: number | undefined;
  pageSize: number;
}

/**
 * A page of a task's steps, oldest first: at most `pageSize` of them, and no more than `limits.pageBytes` after the first. When
 * `limits.pageParts` have been looked at, it ends with what was found.
 * @throws AionisError `JOURNAL_DAMAGED` when the first of them is damaged; a later one ends the page.
 */
export function* listSteps(
  store: ScopeStore,
  { task, stage, after = 0, pageSize }: StepRange,
): Generator<void, { steps: StepReceipt[]; next?: number }, void> {
  const steps: StepReceipt[] = [];
  const range = { task, stage, count: limits.partRows };
  let chars = 0;
  let from: number | undefined = after > 0 ? after : beginOfStage(store, range);
  for (let parts = 0; from !== undefined; parts += 1) {
    if (parts === limits.pageParts) return { steps, next: from };
    try {
      const part = store.stepsWithin({ ...range, after: from, most: pageSize - steps.length + 1 }); // one more says that there is more
      for (const stored of part.steps) {
        if (steps.length === pageSize || chars > limits.pageBytes) return { steps, next: steps.at(-1)?.seq ?? from };
        steps.push(toReceipt(stored));
        chars += toChars(stored);
      }
      from = part.next;
    } catch (error) {
      const last = steps.at(-1)?.seq;
      if (last === undefined || !isUnreadable(error)) throw error;
      return { steps, next: last };
    }
    yield;
  }
  return { steps };
}

/** The last steps of a stage, oldest first. @throws AionisError `JOURNAL_DAMAGED` when one among them is damaged. */
export function* listLastSteps(
  store: ScopeStore,
  { task, stage, count }: { task: TaskNumber; stage: number; count: number },
): Generator<void, StoredEvent[], void> {
  const steps: StoredEvent[] = [];
  const after = beginOfStage(store, { task, stage });
  let before: number | undefined;
  for (let parts = 0; after !== undefined && parts < limits.pageParts && steps.length < count; parts += 1) {
    const most = count - steps.length;
    const part = store.lastStepsWithin({ task, stage, after, before, most, count: limits.partRows });
    steps.push(...part.steps);
    before = part.next;
    if (before === undefined) break;
    yield;
  }
  return steps.reverse();
}

const firstLooked = 8;

/** Whether a stage has steps. Where a look at the first events does not tell, it may have. */
export function mayHaveSteps(store: ScopeStore, { task, stage }: { task: TaskNumber; stage: number }): boolean {
  const after = beginOfStage(store, { task, stage });
  if (after === undefined) return false;
  const { steps, next } = store.stepsWithin({ task, stage, after, count: firstLooked, most: 1 });
  return steps.length > 0 || next !== undefined;
}

/** Behind which event the steps of a stage begin; nothing when it has none. Of the first stage what its index has lost is met, too. */
function beginOfStage(store: ScopeStore, { task, stage = 1 }: Pick<StepRange, "task" | "stage">): number | undefined {
  if (stage === 1) return 0;
  const first = store.firstOfStage(task, stage);
  return first === undefined ? undefined : first - 1;
}

/** What an event counts in a page. */
export function toChars({ facts, body }: StoredEvent): number {
  return facts.length + (body?.length ?? 0);
}
