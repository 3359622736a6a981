// Folds
//
// Where tasks stand, folded from their own events by the actor that the runtime folds with.
// Owns: the tasks that are folded at present. Does not own: what is shown of them.
//
// Invariants:
//   O1. At most `tasksMax` are kept. What was let go is folded again from its own events when its next one comes.
//   O2. A task that cannot be folded is `unfoldable` from that event on, and is no failure of the feed.

import { createTaskActor, type TaskActor } from "../../actors/task-actor.ts";
import { isOpen, type TaskSnapshot, toTitle } from "../../machines/index.ts";
import type { Client } from "../../sdk/index.ts";
import type { EventHeader, JournalEvent } from "../contracts/events.ts";
import type { TaskId } from "../contracts/ids.ts";
import { type InspectedTask, type Standing, toTaskName } from "./messages.ts";

/** A task that is folded, and goes on with its next event. */
export interface FoldedTask {
  readonly task: InspectedTask;
  standing: Standing;
  readonly actor: TaskActor | undefined;
}

export interface FoldsOptions {
  readonly events: Pick<Client["events"], "read">;
  readonly tasksMax: number;
  /** The task whose tree is shown, if not all are: nothing above it is known then. */
  readonly root: string | undefined;
  readonly signal: AbortSignal | undefined;
}

export class Folds {
  readonly #options: FoldsOptions;
  readonly #tasks = new Map<string, FoldedTask>(); // the one used last is the last
  /** How often a task was folded from its first event, because it was not kept. */
  refolds = 0;

  constructor(options: FoldsOptions) {
    this.#options = options;
  }

  /** How many are kept. */
  get size(): number {
    return this.#tasks.size;
  }

  /** The task as it is kept; `undefined` when it has to be folded first. */
  get(taskId: string): FoldedTask | undefined {
    return this.#tasks.get(taskId);
  }

  /** Begins with a task's first event. */
  create(event: JournalEvent): FoldedTask {
    return this.#keep(start(event, this.#options.root));
  }

  /** Folds an event that a kept task has not got yet. */
  fold(folded: FoldedTask, event: JournalEvent): void {
    foldOne(folded, event);
    this.#tasks.delete(folded.task.taskId);
    this.#keep(folded);
  }

  /** Folds a task from its own events before `end`; `undefined` when it has none. `revision` is how many there are at most, if known. */
  async refold(taskId: TaskId, end: number, revision = Infinity): Promise<FoldedTask | undefined> {
    const { events, root, signal } = this.#options;
    let folded: FoldedTask | undefined;
    let count = 0;
    for (let from = 1; from < end && count < revision; ) {
      const page = await events.read({ taskId, from, pageSize: refoldPage }, { signal });
      for (const event of page.events) {
        if (event.seq >= end) break;
        count += 1;
        if (folded === undefined) folded = start(event, root);
        else foldOne(folded, event);
      }
      if (page.events.length === 0) break;
      from = page.next;
    }
    if (folded === undefined) return undefined;
    this.refolds += 1;
    return this.#keep(folded);
  }

  #keep(folded: FoldedTask): FoldedTask {
    if (!isGoingOn(folded.standing)) return folded;
    this.#tasks.set(folded.task.taskId, folded);
    const [oldest] = this.#tasks.keys();
    if (this.#tasks.size > this.#options.tasksMax && oldest !== undefined) this.#tasks.delete(oldest); // O1
    return folded;
  }
}

const refoldPage = 200;

/** Whether the next event may come soon: a task that ended is let go, and folded again should it be replayed or promoted. */
function isGoingOn(standing: Standing): boolean {
  return standing === "unfoldable" || isOpen(standing);
}

function start(event: JournalEvent, root: string | undefined): FoldedTask {
  const taskId = event.taskId;
  try {
    if (event.type !== "task.created") throw new Error("it does not begin with its creation");
    const actor = createTaskActor({ first: event as EventHeader<"task.created"> }); // its type was just looked at
    const standing = actor.snapshot();
    return { task: toTask(event, standing, root), standing, actor };
  } catch {
    const name = toTaskName(undefined, "task", taskId);
    const task = { taskId, rootId: root ?? taskId, parentId: undefined, name, createdAt: event.at };
    return { task, standing: "unfoldable", actor: undefined }; // O2
  }
}

function foldOne(folded: FoldedTask, event: JournalEvent): void {
  const { actor } = folded;
  if (actor === undefined || folded.standing === "unfoldable") return;
  try {
    actor.fold(event as EventHeader); // the machine itself says whether it takes it
    folded.standing = actor.snapshot();
  } catch {
    folded.standing = "unfoldable"; // O2
  }
}

function toTask({ body }: JournalEvent, { context }: TaskSnapshot, root: string | undefined): InspectedTask {
  return {
    taskId: context.id,
    rootId: root ?? context.rootId,
    parentId: context.id === root ? undefined : (context.parentId ?? undefined),
    name: toTaskName(toTitleOf(body), context.kind, context.id),
    createdAt: context.createdAt,
  };
}

/** The title of what a task began with; `undefined` when it was erased. */
function toTitleOf(body: JournalEvent["body"]): string | undefined {
  const packet = body?.packet as { brief?: unknown } | undefined; // as the journal's schema has it
  const brief = body?.brief ?? packet?.brief;
  return typeof brief === "string" ? toTitle(brief) : undefined;
}
