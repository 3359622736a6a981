// Task fold
//
// One task folded from its events outside of any book, with the rows that a live turn would have written for them.

import type { TaskSnapshot } from "../machines/index.ts";
import type { EventHeader } from "../src/contracts/events.ts";
import { AionisError } from "../src/contracts/failures.ts";
import type {
  ClaimableRow,
  OutboxRow,
  PacketRow,
  StepRow,
  StoredEvent,
  TailEntry,
  TaskRow,
  TaskRows,
  TimerRow,
} from "../src/kernel/store.ts";
import { decodeBody, decodeHeader } from "./events.ts";
import { type RowWriter, writeRows } from "./projections.ts";
import { createTaskActor, type TaskActor } from "./task-actor.ts";

type Identity = Pick<StepRow, "stage" | "name" | "ordinal">;

export interface TaskFold {
  /** Folds the next event. @throws AionisError `TASK_UNFOLDABLE`, `JOURNAL_DAMAGED` */
  add(event: StoredEvent): void;
  /** The last event that was folded; 0 before the first. */
  lastSeq(): number;
  /** @throws AionisError `TASK_UNFOLDABLE` when there was no event. */
  snapshot(): TaskSnapshot;
  /** What its rows should be, without those of its steps. */
  rows(): TaskRows;
  /** What the task's end owes others. */
  owed(): Iterable<Omit<OutboxRow, "id">>;
  /** What the row of a step should be; nothing when there should be none. */
  step(identity: Identity): StepRow | undefined;
  /** Every step that should have a row. Steps that come while they are read are among them. */
  steps(): Iterable<StepRow>;
  close(): void;
}

/** A fold that has seen nothing yet. */
export function createTaskFold(): TaskFold {
  const list = createRowList();
  let actor: TaskActor | undefined;
  let tail: readonly TailEntry[] = [];
  let last = 0;

  return {
    ...list,
    add(stored) {
      const header = decodeHeader(stored);
      const before = actor?.snapshot();
      actor = foldOne(actor, header);
      const body = decodeBody(stored, "task.created") ?? decodeBody(stored, "handoff.offered");
      tail = writeRows(list.writer, { task: stored.task, header, before, after: actor.snapshot(), body, tail });
      last = stored.seq;
    },
    lastSeq: () => last,
    snapshot: () => actor?.snapshot() ?? unfoldable("a task has no events"),
    close: () => actor?.stop(),
  };
}

/** Collects the rows of one task instead of writing them. */
function createRowList(): Pick<TaskFold, "rows" | "owed" | "step" | "steps"> & { writer: RowWriter } {
  let row: TaskRow | undefined;
  let indexed = 0;
  let tail: readonly TailEntry[] = [];
  const steps = new Map<string, StepRow>();
  const timers = new Map<string, TimerRow>();
  const claimables = new Map<string, ClaimableRow>();
  const packets = new Map<string, PacketRow>();
  const owed: Omit<OutboxRow, "id">[] = [];
  const toKey = (place: ClaimableRow): string =>
    JSON.stringify([place.target, place.priority, place.clock, place.from]);
  const toTimerKey = ({ kind, clock }: Pick<TimerRow, "kind" | "clock">): string => `${kind} ${clock}`;
  const writer: RowWriter = {
    putTask(next) {
      row = { ...next, title: row === undefined ? next.title : row.title };
    },
    putTail(_task, next) {
      tail = next;
    },
    enterTail(task, entries) {
      tail = [];
      indexed += entries.length;
      for (const { seq, step } of entries) if (step !== undefined) steps.set(toStepKey(step), { task, ...step, seq });
    },
    putTimer: (timer) => void timers.set(toTimerKey(timer), timer),
    deleteTimer: (_task, timer) => void timers.delete(toTimerKey(timer)),
    putClaimable: (place) => void claimables.set(toKey(place), place),
    deleteClaimable: (place) => void claimables.delete(toKey(place)),
    putPacket: (packet) => void packets.set(packet.packetId, packet),
    packetsOf: () => [...packets.values()],
    putOutbox: (row) => void owed.push(row),
    deleteOutbox() {}, // of what its parent owes it: compared for the whole scope
  };
  return {
    writer,
    rows: () => ({
      row,
      indexed,
      tail: tail.map(({ seq }) => seq),
      timers: [...timers.values()],
      claimables: [...claimables.values()],
      packets: [...packets.values()],
    }),
    owed: () => owed,
    step: (identity) => steps.get(toStepKey(identity)),
    steps: () => steps.values(),
  };
}

function toStepKey({ stage, name, ordinal }: Identity): string {
  return JSON.stringify([stage, name, ordinal]);
}

function foldOne(actor: TaskActor | undefined, header: EventHeader): TaskActor {
  if (actor !== undefined) {
    actor.fold(header);
    return actor;
  }
  if (header.type !== "task.created")
    return unfoldable(`event ${header.seq} (${header.type}) of ${header.taskId} is no first event`);
  return createTaskActor({ first: header });
}

function unfoldable(what: string): never {
  throw new AionisError("TASK_UNFOLDABLE", `The journal is not whole: ${what}.`);
}
