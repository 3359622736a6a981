import { encodeSnapshot, type TaskSnapshot, toRowChanges, toTaskState, toTitle } from "../machines/index.ts";
import type { EventBody, EventHeader } from "../src/contracts/events.ts";
import { limits } from "../src/contracts/limits.ts";
import type { ScopeStore, TailEntry, TaskNumber, TaskRow } from "../src/kernel/store.ts";
import { type PacketWriter, writePackets } from "./packet-rows.ts";
import type { Planned } from "./plan.ts";
import { sealRow } from "./sealed-row.ts";

/** Writes a planned event and every row that follows from it, within the open transaction. Returns the state after it. */
export function writeEvent(store: ScopeStore, planned: Planned): TaskSnapshot {
  const { live, before, recorded, texts, content } = planned;
  const { header, body } = recorded;
  const after = live.actor.snapshot();
  live.task = store.append(
    {
      seq: header.seq,
      id: header.id,
      type: header.type,
      taskId: header.taskId,
      task: live.task,
      epoch: header.epoch,
      at: header.at,
      by: header.by,
      commandId: header.commandId ?? null,
      content,
      causedBy: header.causedBy ?? null,
      facts: texts.facts,
    },
    texts.body,
  );
  live.tail = writeRows(store, { task: live.task, header, before, after, body, tail: live.tail });
  return after;
}

/** Where rows are written: a scope of the store, or a list to compare with it. */
export type RowWriter = Pick<
  ScopeStore,
  | "putTask"
  | "putTail"
  | "enterTail"
  | "putTimer"
  | "deleteTimer"
  | "putClaimable"
  | "deleteClaimable"
  | "putOutbox"
  | "deleteOutbox"
> &
  PacketWriter;

/** One event with the states round it. */
interface Change {
  task: TaskNumber;
  header: EventHeader;
  before: TaskSnapshot | undefined;
  after: TaskSnapshot;
  /** Read of the events that carry a packet, and of the first for its title. */
  body: EventBody | undefined;
  /** The task's tail before it. */
  tail: readonly TailEntry[];
}

/** Writes the rows that follow from one event. Returns the task's tail after it, which is empty when its snapshot was written. */
export function writeRows(store: RowWriter, change: Change): readonly TailEntry[] {
  const { task, header, before, after } = change;
  const changes = toRowChanges(header, before, after);
  const tail = [...change.tail, { seq: header.seq, step: changes.step }];
  const isSaved = changes.task || tail.length >= limits.eventsPerSnapshot;
  if (isSaved) store.putTask(toTaskRow(change));
  if (isSaved) store.enterTail(task, tail);
  else store.putTail(task, tail);
  for (const timer of changes.timers.delete) store.deleteTimer(task, timer);
  for (const timer of changes.timers.put) store.putTimer({ task, ...timer });
  const { priority } = after.context;
  for (const place of changes.claimables.delete) store.deleteClaimable({ task, priority, ...place });
  for (const place of changes.claimables.put) store.putClaimable({ task, priority, ...place });
  if (changes.packet !== undefined) writePackets(store, changes.packet, change);
  for (const taskId of changes.cancel) store.putOutbox({ taskId, command: "tasks.cancel", causedBy: header.id });
  if (changes.ended && after.context.parentId !== null) store.deleteOutbox(header.taskId); // I8: its own event shows receipt
  return isSaved ? [] : tail;
}

function toTaskRow({ task, header, after, body }: Change): TaskRow {
  const { context } = after;
  return sealRow({
    task,
    id: context.id,
    state: toTaskState(after),
    kind: context.kind,
    parentId: context.parentId,
    title: titleOf(header, header.type === "task.created" ? (body as EventBody<"task.created">) : undefined), // type and body belong together
    snapshot: encodeSnapshot(after),
    snapshotSeq: header.seq,
  });
}

function titleOf(header: EventHeader, body: EventBody<"task.created"> | undefined): string | null {
  const brief = body?.packet?.brief ?? body?.brief;
  return header.type === "task.created" && brief !== undefined ? toTitle(brief) : null;
}
