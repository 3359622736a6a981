// Feed
//
// What tasks do, as inspection messages made from the journal while somebody pulls them: live, or again from any sequence on.
// Owns: which tasks are shown, in which order, and how fast. Does not own: how a task is folded or shown, nor whom it is sent to.
//
// Invariants:
//   F1. Nothing is read or built before somebody pulls, and a page at a time then.
//   F2. An actor is registered before anything else about it, its parent before it.
//   F3. Each event that is shown is shown once, in the order of the journal; what happened between the start and the tail is not lost.
//   F4. Memory is bounded: by the folds, by what is remembered as registered, and by the tree when only one is shown.

import type { Client } from "../../sdk/index.ts";
import type { JournalEvent } from "../contracts/events.ts";
import { AionisError, isUnreadable } from "../contracts/failures.ts";
import type { TaskId } from "../contracts/ids.ts";
import type { InspectionMessage } from "../contracts/inspection.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationOutput } from "../contracts/operations/index.ts";
import type { Clock } from "../kernel/clock.ts";
import { type FoldedTask, Folds } from "./folds.ts";
import {
  runtimeAgent,
  toAgentActor,
  toAgentSession,
  toCutNotice,
  toEventMessages,
  toTaskActor,
  toTaskSession,
} from "./messages.ts";
import { Pace } from "./pace.ts";
import { type ReadPage, readAll, readTasks } from "./past.ts";

/** What a feed asks of a runtime; a connection has it. */
export interface FeedReader {
  readonly events: Pick<Client["events"], "read">;
  readonly tasks: Pick<Client["tasks"], "list">;
  readonly runtime: Pick<Client["runtime"], "status">;
}

export interface FeedOptions {
  /** For the rhythm of a replay. */
  readonly clock: Pick<Clock, "setTimer">;
  /** The sequence to replay from. If absent, the feed begins with where the open tasks stand now, and follows. */
  readonly from?: number | undefined;
  /** Whether a replay goes on with what happens after its end; false if absent. */
  readonly follow?: boolean | undefined;
  /** Only this task and what it delegated. */
  readonly task?: TaskId | undefined;
  /** How many times as fast as it was; `Infinity`, at once, if absent. No wait takes over 2 s. */
  readonly speed?: number | undefined;
  /** How many of the open tasks a live feed begins with, the most recent; 500 if absent. */
  readonly tasksShown?: number | undefined;
  /** How many tasks are kept folded; 1,000 if absent. */
  readonly tasksFolded?: number | undefined;
  /** Ends the feed at once, without a failure. */
  readonly signal?: AbortSignal | undefined;
}

export interface FeedStats {
  /** Messages built so far. */
  readonly messages: number;
  /** Events of the journal looked at. */
  readonly events: number;
  /** How often a task was folded from its own events. */
  readonly refolds: number;
  /** Tasks kept folded now. */
  readonly tasksFolded: number;
}

/** Inspection messages, in order. Leaving the loop ends it. */
export interface Feed extends AsyncGenerator<InspectionMessage, void, void> {
  stats(): FeedStats;
}

/**
 * Shows what the tasks of a scope do. Reading it rejects with `CURSOR_INVALID` when `from` lies past the journal, with `TASK_NOT_FOUND`
 * when there is no such `task`, and with what the reader fails with.
 * @throws AionisError `INPUT_INVALID` when `speed` is not over 0.
 */
export function openFeed(reader: FeedReader, options: FeedOptions): Feed {
  const { speed = Infinity } = options;
  if (!(speed > 0)) throw new AionisError("INPUT_INVALID", `A replay's speed is over 0, not ${speed}.`);
  const source = new Source(reader, options, speed);
  return Object.assign(source.run(), { stats: () => source.stats() });
}

const tasksShownDefault = 500;
const tasksFoldedDefault = 1_000;
const registeredMax = 20_000;
const tailWaitMs = 2_000; // how long one is still waited for where the transport cannot say that it was given up
const gatherMs = 100; // at the journal's end, so that a busy runtime is asked for many events at a time; nobody sees sooner what moves
const pageSize = limits.pageRows;

class Source {
  readonly #reader: FeedReader;
  readonly #options: FeedOptions;
  readonly #pace: Pace;
  readonly #folds: Folds;
  readonly #registered = new Set<string>(); // the first is the oldest
  /** The tasks of the tree that is shown; `undefined` when all are. */
  readonly #tree: Set<string> | undefined;
  #isListCut = false;
  #messages = 0;
  #events = 0;

  constructor(reader: FeedReader, options: FeedOptions, speed: number) {
    const { task, signal } = options;
    this.#reader = reader;
    this.#options = options;
    this.#pace = new Pace(options.clock, speed, signal);
    this.#tree = task === undefined ? undefined : new Set([task]);
    const tasksMax = options.tasksFolded ?? tasksFoldedDefault;
    this.#folds = new Folds({ events: reader.events, tasksMax, root: task, signal });
  }

  stats(): FeedStats {
    const { refolds, size } = this.#folds;
    return { messages: this.#messages, events: this.#events, refolds, tasksFolded: size };
  }

  async *run(): AsyncGenerator<InspectionMessage, void, void> {
    const { signal, from, follow = false } = this.#options;
    try {
      signal?.throwIfAborted();
      const { head, at } = await this.#reader.runtime.status({}, { signal });
      if (from === undefined) {
        yield* this.#present(head, at);
        yield* this.#follow(head + 1);
      } else {
        yield* this.#replay(from, head);
        if (follow) yield* this.#follow(Math.max(from, head + 1));
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  }

  /** Where the tasks stand at `head`. */
  async *#present(head: number, at: number): AsyncGenerator<InspectionMessage, void, void> {
    const { task, tasksShown = tasksShownDefault } = this.#options;
    const found = task === undefined ? await this.#listOpen(tasksShown + 1) : await this.#listTree(task);
    if (found.length > tasksShown || this.#isListCut) {
      const notice = toCutNotice(Math.min(tasksShown, found.length), at);
      yield* [...this.#registerAgent(runtimeAgent, at), ...this.#built([notice])];
    }
    const shown = task === undefined ? found.slice(0, tasksShown).reverse() : found.slice(0, tasksShown); // parents are older: F2
    for (const { id, revision } of shown) {
      const folded = await this.#folds.refold(id, head + 1, revision);
      if (folded === undefined || this.#isRegistered(folded)) continue; // one that began since comes with its events
      yield* await this.#register(folded, head + 1);
    }
  }

  async *#replay(from: number, head: number): AsyncGenerator<InspectionMessage, void, void> {
    const { task } = this.#options;
    const read: ReadPage = (next, taskId) => this.#read(next, 0, taskId);
    const range = { from, head };
    for await (const event of task === undefined ? readAll(read, range) : this.#readTree(read, task, range)) {
      const waitMs = this.#pace.next(event.at);
      if (waitMs > 0) await this.#pace.wait(waitMs);
      yield* await this.#show(event);
    }
  }

  /** The events of a task and of what it delegates. From the middle on it is asked first what it had delegated before. */
  async *#readTree(read: ReadPage, task: TaskId, range: { from: number; head: number }) {
    const { events } = await this.#reader.events.read({ taskId: task, pageSize: 1 }, { signal: this.#options.signal });
    const isWhole = range.from <= (events[0]?.seq ?? 1);
    const tasks = isWhole ? [task] : (await this.#listTree(task)).map(({ id }) => id);
    for await (const event of readTasks(read, tasks, range)) {
      this.#tree?.add(event.taskId);
      yield event;
    }
  }

  async *#follow(from: number): AsyncGenerator<InspectionMessage, void, void> {
    for (let next = from; ; ) {
      const page = await this.#read(next, tailWaitMs);
      for (const event of page.events) if (this.#isShown(event)) yield* await this.#show(event);
      next = page.next;
      if (page.events.length > 0 && next > page.head) await this.#pace.wait(gatherMs);
    }
  }

  async #read(from: number, waitMs: number, taskId?: TaskId): Promise<ReadEvents> {
    const input = { from, waitMs, pageSize, ...(taskId === undefined ? {} : { taskId }) };
    const page = await this.#reader.events.read(input, { signal: this.#options.signal });
    this.#events += page.events.length;
    return page;
  }

  /** Whether an event is of the tree that is shown; a child is of it with its first event. */
  #isShown({ taskId, type, facts }: JournalEvent): boolean {
    const tree = this.#tree;
    if (tree === undefined || tree.has(taskId)) return true;
    if (type !== "task.created" || typeof facts.parentId !== "string" || !tree.has(facts.parentId)) return false;
    tree.add(taskId);
    return true;
  }

  /** The messages of an event, those about actors that are not registered yet first. */
  async #show(event: JournalEvent): Promise<Iterable<InspectionMessage>> {
    const folds = this.#folds;
    let folded = folds.get(event.taskId);
    if (folded === undefined && event.type !== "task.created") folded = await folds.refold(event.taskId, event.seq);
    const isFirst = folded === undefined;
    folded ??= folds.create(event);
    const actors = this.#isRegistered(folded) ? [] : await this.#register(folded, event.seq);
    if (!isFirst) folds.fold(folded, event);
    actors.push(...this.#registerAgent(event.by, event.at));
    return [...actors, ...this.#built(toEventMessages(folded.task, event, folded.standing))];
  }

  #isRegistered({ task }: FoldedTask): boolean {
    return this.#registered.has(toTaskSession(task.taskId));
  }

  /** Registers a task as it stands before the event at `seq`, after those that it was delegated by (F2). */
  async #register(folded: FoldedTask, seq: number): Promise<InspectionMessage[]> {
    const before: InspectionMessage[] = [];
    const { taskId, parentId } = folded.task;
    if (parentId !== undefined && !this.#registered.has(toTaskSession(parentId))) {
      const parent = this.#folds.get(parentId) ?? (await this.#folds.refold(parentId as TaskId, seq));
      if (parent !== undefined) before.push(...(await this.#register(parent, seq)));
    }
    this.#remember(toTaskSession(taskId));
    return [...before, ...this.#built([toTaskActor(folded.task, folded.standing)])];
  }

  #registerAgent(agent: string, at: number): InspectionMessage[] {
    const sessionId = toAgentSession(agent);
    if (this.#registered.has(sessionId)) return [];
    this.#remember(sessionId);
    return this.#built([toAgentActor(agent, at)]);
  }

  /** What is forgotten is registered once more, which says nothing new (F4). */
  #remember(sessionId: string): void {
    this.#registered.add(sessionId);
    const [oldest] = this.#registered;
    if (this.#registered.size > registeredMax && oldest !== undefined) this.#registered.delete(oldest);
  }

  #built<Built extends readonly InspectionMessage[]>(messages: Built): Built {
    this.#messages += messages.length;
    return messages;
  }

  /** The open tasks, newest first, at most `count`. */
  async #listOpen(count: number): Promise<Listed[]> {
    const found: Listed[] = [];
    for await (const task of this.#list({ states: ["start", "running", "paused", "handoff", "verifying"] })) {
      if (found.push(task) >= count) break;
    }
    return found;
  }

  /** A task and what it delegated, each after who delegated it. */
  async #listTree(taskId: TaskId): Promise<Listed[]> {
    const found: Listed[] = [{ id: taskId, revision: Infinity }];
    for (const { id } of found) {
      for await (const child of this.#list({ parentId: id })) {
        found.push(child);
        this.#tree?.add(child.id);
      }
    }
    return found;
  }

  /** A page with a task that the runtime cannot fold is refused: the list ends before it. */
  async *#list(filter: Parameters<FeedReader["tasks"]["list"]>[0]): AsyncGenerator<Listed, void, void> {
    const { signal } = this.#options;
    const input = { ...filter, pageSize };
    try {
      for (let page = await this.#reader.tasks.list(input, { signal }); ; ) {
        for (const { id, revision } of page.tasks) yield { id, revision };
        if (page.cursor === undefined) return;
        page = await this.#reader.tasks.list({ ...input, cursor: page.cursor }, { signal });
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#isListCut = true;
    }
  }
}

type ReadEvents = OperationOutput<"events.read">;

interface Listed {
  readonly id: TaskId;
  /** How many events it had when it was listed. */
  readonly revision: number;
}
