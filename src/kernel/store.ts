// Store port
//
// What the persistence actor asks of a store, in rows and bytes. The implementation alone knows SQLite. Everything is synchronous:
// between `begin` and `commit` nothing else runs, so nobody sees uncommitted state.

import type { Due, Moment } from "../contracts/due.ts";
import type { AionisError } from "../contracts/failures.ts";
import type { Holder } from "../contracts/holder.ts";
import type { EventId, PacketId, StoreId, TaskId } from "../contracts/ids.ts";
import type { Clock } from "./clock.ts";

/** A task's number in its store, given by its first event: the short key of all its rows. */
export type TaskNumber = number;

/** What survives: `power` a power failure, `process` the death of the process (commits are faster, the last may be lost with power). */
export type Durability = "power" | "process";

/** One event as it is appended: texts already encoded as JSON. */
export interface EventRecord {
  readonly seq: number;
  readonly id: EventId;
  readonly type: string;
  readonly taskId: TaskId;
  /** Absent on the first event of a task, which makes the number. */
  readonly task?: TaskNumber | undefined;
  readonly epoch: number;
  readonly at: number;
  readonly by: string;
  readonly commandId: string | null;
  /** A hash of the command's content, to tell a repeat from a conflict. */
  readonly content: Uint8Array | null;
  readonly causedBy: string | null;
  readonly facts: string;
}

/**
 * An event as it is read back, its header checked against the chain. `body` is null when it was erased; one that does not match its hash
 * throws `JOURNAL_DAMAGED` when it is looked at.
 */
export interface StoredEvent extends EventRecord {
  readonly task: TaskNumber;
  readonly body: string | null;
}

/** The row of one task: what lists and restarts need. `snapshot` is the encoded state right after the event `snapshotSeq`. */
export interface TaskRow {
  readonly task: TaskNumber;
  readonly id: TaskId;
  readonly state: string;
  readonly kind: string;
  readonly parentId: TaskId | null;
  readonly title: string | null;
  readonly snapshot: string;
  readonly snapshotSeq: number;
}

/** What of a task's row a list is chosen by. */
export type TaskKey = Pick<TaskRow, "task" | "id" | "state" | "kind" | "parentId">;

/** Which tasks a list shows. */
export interface TaskFilter {
  readonly states?: readonly string[] | undefined;
  readonly kind?: string | undefined;
  /** Left out unless asked for by `kind`. */
  readonly exceptKinds?: readonly string[] | undefined;
  readonly parentId?: TaskId | undefined;
}

export interface TimerRow {
  readonly task: TaskNumber;
  readonly kind: string;
  readonly dueAt: number;
  readonly clock: Due["clock"];
  readonly entry: number;
}

export interface ClaimableRow {
  readonly task: TaskNumber;
  readonly target: string;
  readonly priority: number;
  readonly from: number;
  readonly clock: Due["clock"];
}

/** Where the clocks stood when the journal's last event was `seq`. */
export interface ClockMark extends Moment {
  readonly seq: number;
}

/** A packet with what became of it. `target` and `from` are JSON, as the packet has them. */
export interface PacketRow {
  readonly task: TaskNumber;
  readonly packetId: PacketId;
  /** The event that holds the packet. */
  readonly seq: number;
  readonly kind: string;
  readonly parentId: TaskId | null;
  readonly delegationId: string | null;
  readonly family: string | null;
  readonly anchor: string | null;
  readonly target: string;
  readonly from: string;
  readonly stage: number;
  readonly status: string;
  readonly offeredAt: number;
  readonly claimedAt: number | null;
  readonly claimedBy: string | null;
  readonly endedAt: number | null;
  readonly outcome: string | null;
}

/** Which packets a list shows, newest first. */
export interface PacketFilter {
  readonly kind: "handoff" | "delegation";
  readonly status?: string | undefined;
  readonly target?: string | undefined;
  readonly parentId?: TaskId | undefined;
}

/** What became of one packet, and what it has in common with others. */
export type PacketFate = Pick<
  PacketRow,
  "packetId" | "kind" | "target" | "family" | "status" | "outcome" | "offeredAt" | "claimedAt" | "claimedBy" | "endedAt"
>;

/** A command that one task owes another: it stays until the receiver's own event shows receipt (I8). */
export interface OutboxRow {
  readonly id: number;
  readonly taskId: TaskId;
  readonly command: string;
  readonly causedBy: string;
}

export interface StepRow {
  readonly task: TaskNumber;
  readonly stage: number;
  readonly name: string;
  readonly ordinal: number;
  readonly seq: number;
}

/** Where a part of a task's steps is looked for. */
export interface StepsWithin {
  task: TaskNumber;
  stage?: number | undefined;
  /** How many events of the task are looked at, beside those that its index does not hold yet. */
  count: number;
  /** How many steps are read, if fewer. */
  most?: number | undefined;
}

/** The latest events of steps, as far as one part has come. */
export interface StepsPart {
  steps: StoredEvent[];
  /** The event behind which the next part begins, if there may be more. */
  next: number | undefined;
}

/** An event of a task that its index does not hold yet. */
export interface TailEntry {
  readonly seq: number;
  readonly step?: Pick<StepRow, "stage" | "name" | "ordinal"> | undefined;
}

/** The rows that follow from one task's events. */
export interface TaskRows {
  readonly row: TaskRow | undefined;
  /** How many of its events are entered in its index, and the sequences of those of its tail. */
  readonly indexed: number;
  readonly tail: number[];
  readonly timers: TimerRow[];
  readonly claimables: ClaimableRow[];
  readonly packets: PacketRow[];
}

/** What learning keeps, by table and key; what a row holds is learning's own matter. A row that was put is in the next commit. */
export interface LearningRows {
  get(table: string, key: string | number): object | undefined;
  put(table: string, key: string | number, row: object): void;
}

/**
 * All events up to `seq` have been learned from, and the first `part` items of the one behind it, if that holds several. The last event
 * that taught anything was `taught`.
 */
export interface LearnedTo {
  readonly seq: number;
  readonly part: number;
  readonly taught: number;
}

/** An answer that was shown: what it rests on, as JSON. */
export interface ReceiptRow {
  readonly id: string;
  readonly at: number;
  readonly body: string;
}

/** How far a journal goes: its last sequence (0 when empty) and the hash that chains all headers up to it. */
export interface JournalHead {
  readonly seq: number;
  readonly chain: Uint8Array;
}

/** Where what is missing or changed can be had from: made again from the journal, or a backup alone has it. */
export type Mend = "rebuild" | "backup";

/** What is wrong with a table: of the row or the entry of an index with this key, or of the table as a whole. */
export interface TableProblem {
  readonly table: string;
  readonly key?: string | undefined;
  readonly what: string;
  readonly mend: Mend;
}

/** A page of the comparison of what was learned with what was learned again: the rows that are not the same, by table and key. */
export interface LearnedPage {
  readonly differing: readonly {
    readonly table: string;
    readonly key: string | number;
    readonly is: "changed" | "missing" | "unexpected";
  }[];
  /** Where the next page begins; nothing after the last. */
  readonly next: LearnedCursor | undefined;
}

/** A place in the comparison, for the page behind it. */
export interface LearnedCursor {
  readonly of: "kept" | "again";
  readonly kind: number;
  readonly key: unknown;
}

/**
 * What is learned again beside the store's own rows, to compare the two. It is kept in the folder for temporary files, not in memory.
 * Each call throws `STORE_FULL` when there is no room.
 */
export interface LearningScratch {
  readonly rows: LearningRows;
  /** Keeps what was put since the last call of this or of `undo`. */
  keep(): void;
  undo(): void;
  /** Compares a page of rows with the store's own, those first. @throws AionisError `JOURNAL_DAMAGED` for a page that cannot be read */
  compare(options: { after?: LearnedCursor | undefined; count: number }): LearnedPage;
  close(): void;
}

/** What is wrong with the journal itself, and in which of its tables. */
export interface JournalDamage {
  readonly table: "events" | "bodies";
  readonly seq: number;
  readonly what: string;
}

/** What a page of the journal shows when it is checked. */
export interface JournalCheck {
  readonly damage: readonly JournalDamage[];
  /** Events that neither the index nor the tail of their task lists. */
  readonly unlisted: readonly { task: TaskNumber; seq: number }[];
  /** The last sequence that was looked at. */
  readonly next: number;
}

/** A table whose rows are of one task each and follow from its events. */
export type TableByTask = "tasks" | "task_events" | "tails" | "steps" | "timers" | "claimable" | "packets";

/**
 * The part of a store that belongs to one scope. No call reaches another scope's rows (I11). What reads an event throws `JOURNAL_DAMAGED`
 * for one whose header is not what was written; a page ends before such a one.
 */
export interface ScopeStore {
  readonly name: string;
  head(): JournalHead;
  /** The chain right after the event `seq`, as it is stored. */
  chainAt(seq: number): Uint8Array | undefined;

  /** Adds the next event; `event.seq` is the head's sequence plus one. Returns the number of its task. */
  append(event: EventRecord, body: string): TaskNumber;
  eventByCommand(commandId: string): StoredEvent | undefined;
  event(seq: number): StoredEvent | undefined;
  /** Events after `after`, oldest first: at most `count`, and no more than `bytes` after the first. Only an empty page is the last. */
  events(options: {
    after: number;
    count: number;
    task?: TaskNumber | undefined;
    types?: readonly string[] | undefined;
    /** The last sequence that is looked at. */
    until?: number | undefined;
    /** `limits.pageBytes` if absent, of what is read as a whole `limits.runBytes`. */
    bytes?: number | undefined;
    /** Whether no other page is asked for: then a damaged event fails this one, instead of ending it. Of a task only. */
    isWhole?: boolean | undefined;
  }): StoredEvent[];
  /** The last `count` events of a task, before `before` if given, oldest first; no more than `bytes` before the last. A damaged one fails it. */
  lastEvents(options: {
    task: TaskNumber;
    count: number;
    before?: number | undefined;
    types?: readonly string[] | undefined;
    /** `limits.runBytes` if absent. */
    bytes?: number | undefined;
  }): StoredEvent[];

  /** Lists the events of a task that its index does not hold yet. */
  putTail(task: TaskNumber, tail: readonly TailEntry[]): void;
  /** Enters the events of a task's tail, with their steps, in its index. */
  enterTail(task: TaskNumber, tail: readonly TailEntry[]): void;

  task(id: TaskId): TaskRow | undefined;
  putTask(row: TaskRow): void;
  /** Tasks newest first, after (older than) `before` if given. It takes time in proportion to those that it passes over. */
  tasks(options: TaskFilter & { before?: TaskId | undefined; count: number }): TaskRow[];
  /** A part of that list: of the next `count` tasks those that fit, and behind which task the list goes on, if it does. */
  tasksWithin(options: TaskFilter & { before?: TaskNumber | undefined; count: number }): {
    tasks: TaskKey[];
    next: TaskNumber | undefined;
  };
  /** The oldest child of a task that is younger than `after`, the number of a task. */
  nextChild(parentId: TaskId, after: TaskNumber): TaskKey | undefined;

  /** The sequence of the latest event of that step, if it is entered in the index: a tail's steps are their task's to know. */
  step(identity: Omit<StepRow, "seq">): number | undefined;
  /** A part of a task's steps, in the order of the journal. Damage among the events that it passes over ends or fails it as that of a step. */
  stepsWithin(options: StepsWithin & { after: number }): StepsPart;
  /** The same from the end of the journal on, newest first. */
  lastStepsWithin(options: StepsWithin & { after: number; before?: number | undefined }): StepsPart;
  /** How many steps a stage of a task has. */
  countSteps(options: { task: TaskNumber; stage: number }): number;
  /** The first event that may be the latest of a step of a stage, if that has steps. It takes time in proportion to these. */
  firstOfStage(task: TaskNumber, stage: number): number | undefined;

  putTimer(row: TimerRow): void;
  deleteTimer(task: TaskNumber, timer: Pick<TimerRow, "kind" | "clock">): void;
  /** Due timers, by their moments, without the first `skip`. */
  timers(options: { now: Moment; count: number; skip?: number }): (TimerRow & { taskId: TaskId })[];
  /** The first moment of each clock at which a timer is due. */
  nextDue(): Due[];

  putClaimable(row: ClaimableRow): void;
  deleteClaimable(row: ClaimableRow): void;
  /** The one to claim first: highest priority, then the longest waiting. */
  nextClaimable(targets: readonly string[], now: Moment): (ClaimableRow & { taskId: TaskId }) | undefined;
  /** In how many milliseconds the first task for `target` that cannot be claimed now becomes claimable, if the clock is not set. */
  nextClaimableIn(target: string, now: Moment): number | undefined;
  /** The target behind `target`, in the order of their bytes, that has a place, be it for later; one look, however many places there are. */
  nextTarget(target: string): string | undefined;

  /** Where the clocks stood when that was last written. It does not follow from the journal. */
  clockMark(): ClockMark | undefined;
  putClockMark(mark: ClockMark): void;

  putOutbox(row: Omit<OutboxRow, "id">): void;
  deleteOutbox(taskId: TaskId): void;
  outbox(options: { after: number; count: number }): OutboxRow[];
  /** Whether something is owed to the task. */
  isOwed(taskId: TaskId): boolean;

  /** A packet by its id. */
  packet(id: PacketId): (PacketRow & { taskId: TaskId }) | undefined;
  /** The newest packet with that anchor. */
  packetByAnchor(anchor: string): (PacketRow & { taskId: TaskId }) | undefined;
  /** Of the next `count` packets, newest first, those that fit, and behind which packet the list goes on, if it does. */
  packetsWithin(options: PacketFilter & { before?: PacketId | undefined; count: number }): {
    packets: (PacketRow & { taskId: TaskId })[];
    next: PacketId | undefined;
  };
  /** What became of the next `count` packets behind `after`. */
  packetFates(options: { after?: PacketId | undefined; count: number }): PacketFate[];
  packetsOf(task: TaskNumber): PacketRow[];
  putPacket(row: PacketRow): void;

  /** What was learned from the journal, and how far that was read. */
  readonly learning: LearningRows;
  learnedTo(): LearnedTo;
  putLearnedTo(to: LearnedTo): void;
  /**
   * Remembers an answer that was shown. It is written with the next commit, or when the store closes; until then a process that dies
   * forgets it. The oldest are forgotten (`limits.receipts`, `limits.receiptMs`).
   */
  keepReceipt(row: ReceiptRow): void;
  /** @throws AionisError `JOURNAL_DAMAGED` when it is not the one that was kept */
  receipt(id: string): ReceiptRow | undefined;
  /** Makes room to learn the journal again beside what was learned; the caller closes it. */
  openScratch(): LearningScratch;

  /** The rows that follow from one task's events, in a fixed order, to compare with what the journal folds to. */
  rowsOf(task: TaskNumber): TaskRows;
  /** A page of a task's rows of steps, in the order of their keys behind `after`. */
  stepRowsOf(options: {
    task: TaskNumber;
    after?: Omit<StepRow, "task" | "seq"> | undefined;
    count: number;
  }): StepRow[];
  /** Recomputes chain and body hashes of a page of the journal, up to the sequence `until`. */
  checkEvents(options: { after: number; until: number; count: number }): JournalCheck;
  /** The next number behind `after` under which `table` has a row of this scope. */
  nextTaskIn(table: TableByTask, after: TaskNumber): TaskNumber | undefined;
  /** Whether an event of the journal began the task with this number. */
  hasBegun(task: TaskNumber): boolean;

  /** Makes the tails and the index list what the journal has, a page at a time; gives where the next page begins. */
  mendTails(options: { after: TaskNumber; count: number }): TaskNumber | undefined;
  mendIndex(options: {
    after: { task: TaskNumber; seq: number };
    count: number;
  }): { task: TaskNumber; seq: number } | undefined;
  enterEvent(entry: { task: TaskNumber; seq: number }): void;
  /** Puts `rows` in the place of those that a task has; its index is entered already. */
  replaceRows(task: TaskNumber, rows: TaskRows): void;
  putStep(row: StepRow): void;
  deleteStep(row: StepRow): void;
  /** Removes every row of a task that the journal does not know. */
  clearTask(task: TaskNumber): void;
  /**
   * Removes what was learned, at most `count` rows of it; says whether there is more. The receipts stay: they do not follow from the
   * journal.
   */
  clearLearned(count: number): boolean;
}

export interface Store {
  readonly id: StoreId;
  /** Why it was opened to be read only: `STORE_FULL`, `STORE_READ_ONLY`. After `STORE_FULL`, `hasRoom` says when it takes more. */
  readonly cannotRecord?: AionisError | undefined;
  scope(name: string): ScopeStore;
  scopeNames(): string[];

  begin(): void;
  commit(): void;
  /** Undoes everything since `begin`, heads included. Safe to call when nothing was begun. */
  rollback(): void;

  /** The heads of all scopes as they are committed, for the high-water mark. */
  heads(): Record<string, JournalHead>;
  /**
   * What `error` means for the whole store, if it came out of it: `STORE_FULL`, `STORE_FAILED`, `JOURNAL_DAMAGED`. One event or page that
   * cannot be read means nothing for the rest.
   */
  failureOf(error: unknown): AionisError | undefined;
  /**
   * Looks through every table: that each row is found through each index and each entry of an index has its row, that rows are of a scope of
   * this store, and what else can be said of a row by itself. Each item is what was found in at most 128 rows. With `mends`, what can be
   * made again or removed is, within the open transaction; rows that are missing then are made from the journal by the caller.
   */
  checkTables(options?: { mends?: boolean }): Iterable<readonly TableProblem[]>;
  /** Whether a small write can be committed and some room is left. Used to leave the read-only state after a full disk. */
  hasRoom(): boolean;
  /**
   * Copies the committed state to `path` while the store is in use; resolves with the number of bytes. `onCopied` hears now and then how many
   * bytes are copied, of how many; what it throws ends the copying, and a file that was made for it is removed.
   */
  backup(path: string, onCopied?: (copied: { done: number; total: number }) => void): Promise<number>;
  /**
   * Looks each second whether the files are still this store's, and calls `onLost` once when not: a folder that was removed is noticed while
   * nothing is recorded, too. Returns what ends it.
   */
  watch(clock: Pick<Clock, "setTimer">, onLost: (failure: AionisError) => void): () => void;
  /**
   * Copies what was committed to a new folder beside the store's, when the store's own files are gone or replaced: they can be read for as
   * long as the store is open. Resolves with the path of the copy; with nothing when nothing was lost, or another process has it all.
   */
  saveAside(): Promise<string | undefined>;
  /** Tells other processes on which socket this one listens, by its inode, or why on none. */
  noteSocket(socket: Pick<Holder, "socket" | "withoutSocket">): void;
  close(): void;
}
