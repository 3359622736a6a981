// Persistence actor
//
// Takes commands in, and out of each makes a refusal or one event with all that follows from it, in one synchronous turn over up to
// `limits.commandsPerTurn` of them: begin, decide, fold, write, commit, reply. Owns: the store's only writer, the queue, the order of
// events, and whether commands are taken at all. Does not own: what is decided (`machines/task/decide`), leases, timers, transport.
//
// Invariants:
//   P1. A caller is answered only after the commit that holds its event (I2).
//   P2. Nothing else runs between begin and commit, so nobody sees uncommitted state, and two commands of one task may share a turn.
//   P3. When a turn fails, the tasks it touched are read again from the store (I6), and its callers are told that the outcome is
//       unknown: a repeat with the same command id finds out (I13).
//   P4. A refusal, and a bug met while deciding, touch only the command that met them; an error of the store ends the whole turn.
//   P5. A chore has a turn of its own, after the commands that waited: it never delays a commit that holds theirs.
//   P6. A claim is recorded only when its answer is known. A task whose texts cannot be read is offered to nobody again.
//   P7. A turn that has taken `turnMs` leaves the commands that are left to the next one: as many as it may hold, with large texts each, would
//       hold up everything else.
//   P8. A waiting claim asked for any task: when another command of the turn takes the one that it was to get, it waits on.

import { createActor, type InspectionEvent } from "xstate";
import { type Command, claimablesOf, persistenceMachine, type TaskSnapshot } from "../machines/index.ts";
import { isDue } from "../src/contracts/due.ts";
import { AionisError, isFailure, isUnreadable, overloaded } from "../src/contracts/failures.ts";
import type { TaskId } from "../src/contracts/ids.ts";
import { limits } from "../src/contracts/limits.ts";
import type { Clock } from "../src/kernel/clock.ts";
import type { Faults } from "../src/kernel/faults.ts";
import type { Logger } from "../src/kernel/logger.ts";
import type { ScopeStore, Store } from "../src/kernel/store.ts";
import {
  createPlanner,
  type Planned,
  type PlanOptions,
  type Recorded,
  type ScopeBook,
  type Submission,
} from "./plan.ts";
import { writeEvent } from "./projections.ts";
import { createTaskBook } from "./task-book.ts";

/** What a commit brought, for those who follow it: leases, timers, outbox, publishing. */
export interface Committed {
  readonly scope: string;
  readonly recorded: Recorded;
  readonly after: TaskSnapshot;
  /** Whether the command's caller had waited (see `Submission`). */
  readonly hasWaited: boolean;
}

export interface PersistenceOptions extends PlanOptions {
  store: Store;
  clock: Clock;
  faults: Faults;
  logger: Logger;
  /** Sees what becomes of this actor; the tasks' are seen in the journal. */
  inspect?: ((event: InspectionEvent) => void) | undefined;
  /** The waiting claim that goes first for the task of `after` at `target`, and from then on waits no more: it is granted in the same commit. */
  match?(scope: string, target: string, after: TaskSnapshot): WaitingClaim | undefined;
  /**
   * What the caller of a claim is answered with: found out before the claim is recorded, so that no task is claimed for an answer that fails.
   * @throws AionisError `JOURNAL_DAMAGED`
   */
  answer?(scope: string, recorded: Recorded, after: TaskSnapshot): unknown;
  /** Writes what goes with every commit, within it. */
  beforeCommit?(): void;
  /** Called after each commit with its events in order. */
  onCommitted(events: readonly Committed[]): void;
  /** Called once when the store failed for good. */
  onFailed(failure: AionisError): void;
}

/** A claim that was waiting for a task. */
export interface WaitingClaim {
  readonly submission: Submission;
  resolve(recorded: Recorded | undefined): void;
  reject(failure: AionisError): void;
}

export interface Persistence {
  /**
   * Queues a command. Resolves with its event once that is committed; with nothing when there was nothing to do.
   * @throws AionisError what it is refused with; `OVERLOADED`, `OUTCOME_UNKNOWN`, `STORE_FULL`, `STORE_FAILED`, `RUNTIME_CLOSED`.
   */
  submit(submission: Submission): Promise<Recorded | undefined>;
  /**
   * Runs `work` in a turn of its own (P5). What it writes is committed as a whole, or undone as a whole when it throws.
   * @throws what it throws; `OUTCOME_UNKNOWN`, `STORE_FULL`, `STORE_FAILED`, `RUNTIME_CLOSED`.
   */
  chore(scope: string, work: (desk: Desk) => void): Promise<void>;
  /** Where a task stands as committed, for readers. @throws AionisError `TASK_UNFOLDABLE` */
  snapshot(scope: string, taskId: TaskId): TaskSnapshot | undefined;
  /** How many commands wait for their turn. */
  waiting(): number;
  /** The same of a task that is in memory; nothing of one that is not. */
  live(scope: string, taskId: TaskId): TaskSnapshot | undefined;
  /** Takes no commands from now on; `failure` is what callers are told. After `STORE_FULL` it goes on when there is room. */
  suspend(failure: AionisError): void;
  status(): {
    state: "opening" | "ready" | "readOnly" | "failed" | "closed";
    reason: string | null;
    waiting: number;
    liveTasks: number;
  };
  /** Refuses what waits and what comes later. Does not close the store. Safe to call twice. */
  close(): void;
}

/** What a chore works with. */
export interface Desk {
  readonly store: ScopeStore;
  /** Forgets where a task stands in memory, because its rows were made again. */
  letGo(taskId: TaskId): void;
  /** Decides and writes a command of the runtime itself. @throws AionisError what it is refused with. */
  record(command: Command, by: { commandId?: string | undefined; causedBy?: string | undefined }): Recorded | undefined;
}

interface Chore {
  readonly scope: string;
  readonly work: (desk: Desk) => void;
  resolve(): void;
  reject(error: unknown): void;
}

interface Queued extends Submission {
  resolve(recorded: Recorded | undefined): void;
  reject(failure: AionisError): void;
}

const roomCheckMs = 1_000;
const turnMs = 16; // [64 commands with small texts take 5 to 6 on two busy cores; one turn in fifty takes more than 16]
const fullMs = 500; // for a full queue to be worked off, in part

/** Starts the actor on an open store. It is ready when this returns. */
export function createPersistence(options: PersistenceOptions): Persistence {
  const { store, clock, faults, logger } = options;
  const planner = createPlanner(options);
  const machine = createActor(
    persistenceMachine,
    options.inspect === undefined ? {} : { inspect: options.inspect },
  ).start();
  const scopes = new Map<string, ScopeBook>();
  let queue: Queued[] = [];
  let chores: Chore[] = [];
  let isTurnDue = false;
  let suspension: AionisError | undefined;
  machine.send({ type: "store.opened" });

  function scopeOf(name: string): ScopeBook {
    const known = scopes.get(name);
    if (known !== undefined) return known;
    const scopeStore = store.scope(name);
    const opened = { store: scopeStore, book: createTaskBook(scopeStore) };
    scopes.set(name, opened);
    return opened;
  }

  function submit(submission: Submission): Promise<Recorded | undefined> {
    return new Promise((resolve, reject) => {
      const refusal = whyNotTaken(submission);
      if (refusal !== undefined) return reject(refusal);
      scopeOf(submission.scope); // a new scope is made here, outside of the turn's transaction
      queue.push({ ...submission, resolve, reject });
      scheduleTurn();
    });
  }

  function whyNotTaken(submission: Submission): AionisError | undefined {
    if (machine.getSnapshot().value === "closed") return closed();
    if (suspension !== undefined) return suspension;
    if (queue.length < limits.commandQueue || submission.isInternal === true) return undefined;
    return overloaded(`${queue.length} commands are waiting; try again in a moment.`, fullMs);
  }

  function scheduleTurn(): void {
    if (isTurnDue) return;
    isTurnDue = true;
    clock.defer(() => {
      isTurnDue = false;
      takeTurn();
    });
  }

  function takeTurn(): void {
    const batch = queue.slice(0, limits.commandsPerTurn);
    queue = queue.slice(batch.length);
    const chore = chores.shift();
    if (queue.length + chores.length > 0) scheduleTurn();
    if (batch.length > 0) takeBatch(batch);
    if (chore !== undefined) doChore(chore); // P5
  }

  function doChore({ scope, work, resolve, reject }: Chore): void {
    const { store: scopeStore, book } = scopeOf(scope);
    const committed: Committed[] = [];
    const desk: Desk = {
      store: scopeStore,
      letGo: book.letGo,
      record(command, { commandId, causedBy }) {
        const outcome = planner.plan(scopeOf(scope), { scope, by: "runtime", command, commandId, causedBy });
        return outcome.kind === "answered" ? outcome.recorded : write(scope, outcome.planned, committed);
      },
    };
    try {
      store.begin();
      work(desk);
      options.beforeCommit?.();
      faults.at("commit.before");
      store.commit();
    } catch (error) {
      const failure = rollBack() ?? store.failureOf(error);
      book.forget();
      if (failure !== undefined) suspend(failure);
      return reject(failure ?? error);
    }
    faults.at("commit.after");
    book.keep();
    announce(committed);
    resolve();
  }

  function takeBatch(batch: Queued[]): void {
    const answers: (() => void)[] = [];
    const endsAt = clock.mono() + turnMs;
    let asked = batch.length;
    const committed: Committed[] = [];
    try {
      faults.at("turn.begin");
      store.begin();
      // what a command makes claimable is granted at once to whoever waits for it: the batch grows by those claims
      for (let next = 0; next < batch.length; next += 1) {
        const known = committed.length;
        answers.push(take(batch[next] as Queued, committed)); // within the length
        batch.push(...matchAll(committed.slice(known)));
        if (next + 1 < asked && clock.mono() >= endsAt) {
          putBack(batch.splice(next + 1, asked - next - 1)); // P7; what was granted in this turn stays
          asked = next + 1;
        }
      }
      options.beforeCommit?.();
      faults.at("commit.before");
      store.commit();
    } catch (error) {
      abandon(batch, error);
      return;
    }
    faults.at("commit.after");
    for (const name of scopesOf(batch)) scopeOf(name).book.keep();
    announce(committed);
    faults.at("reply.before");
    for (const answer of answers.slice(asked)) answer(); // P1; a worker that waits for its task goes before who handed it over
    for (const answer of answers.slice(0, asked)) answer();
  }

  function putBack(left: readonly Queued[]): void {
    queue = [...left, ...queue];
    scheduleTurn();
  }

  /** At most one claim for each task that became claimable. */
  function matchAll(committed: readonly Committed[]): Queued[] {
    if (options.match === undefined) return [];
    return committed.flatMap(({ scope, recorded, after }) => {
      const { taskId } = recorded.header;
      const places = recorded.header.type.startsWith("step.") ? [] : claimablesOf(after);
      for (const { target, from, clock: on } of places) {
        const claim = isDue({ at: from, clock: on }, options.time.now())
          ? options.match?.(scope, target, after)
          : undefined;
        if (claim !== undefined) return [toQueuedClaim(claim, taskId)];
      }
      return [];
    });
  }

  /** One command within the turn; gives back what its caller is told after the commit. */
  function take(queued: Queued, committed: Committed[]): () => void {
    const scope = scopeOf(queued.scope);
    const mark = scope.book.mark();
    let planned: Planned[] = [];
    let answer: unknown;
    try {
      const outcome = planner.plan(scope, queued);
      if (outcome.kind === "answered") return () => queued.resolve(outcome.recorded);
      planned = outcome.planned;
      answer = toAnswer(queued.scope, planned);
    } catch (error) {
      if (store.failureOf(error) !== undefined) throw error;
      scope.book.undo(mark); // P4
      const claimed = planned[0]?.recorded.header.taskId; // P6
      const isOffered = queued.hasWaited === true || !("name" in queued.command);
      if (claimed !== undefined && isOffered && isUnreadable(error)) return passOver(queued, claimed, committed);
      if (isTakenAway(queued, error)) return () => queued.resolve(undefined); // P8
      const failure = toFailure(error, queued);
      return () => queued.reject(failure);
    }
    faults.at("turn.decided");
    const recorded = write(queued.scope, planned, committed, queued.hasWaited);
    return () => queued.resolve(recorded === undefined || answer === undefined ? recorded : { ...recorded, answer });
  }

  /** P6 */
  function toAnswer(scope: string, [first]: readonly Planned[]): unknown {
    const type = first?.recorded.header.type;
    if (first === undefined || (type !== "task.claimed" && type !== "handoff.claimed")) return undefined;
    return options.answer?.(scope, first.recorded, first.live.actor.snapshot());
  }

  /** Whoever asked for any task gets the next one; whoever waited asks again. */
  function passOver(queued: Queued, taskId: TaskId, committed: Committed[]): () => void {
    planner.park(scopeOf(queued.scope), taskId);
    return "name" in queued.command ? () => queued.resolve(undefined) : take(queued, committed);
  }

  /** Gives back the first event, which answers the command. */
  function write(
    name: string,
    planned: readonly Planned[],
    committed: Committed[],
    hasWaited = false,
  ): Recorded | undefined {
    const scope = scopeOf(name);
    for (const event of planned) {
      const after = writeEvent(scope.store, event);
      committed.push({ scope: name, recorded: event.recorded, after, hasWaited });
    }
    return planned[0]?.recorded;
  }

  function toFailure(error: unknown, queued: Submission): AionisError {
    if (isFailure(error)) return error;
    const name = "name" in queued.command ? queued.command.name : "tasks.claim";
    logger.log("error", "a command met a bug", { name, error: String(error) });
    return new AionisError("RUNTIME_FAULT", `${name} met a bug of the runtime; nothing was recorded.`, {
      cause: error,
    });
  }

  /** P3 */
  function abandon(batch: readonly Queued[], error: unknown): void {
    const broken = rollBack();
    const failure = store.failureOf(error) ?? broken;
    for (const name of scopesOf(batch)) scopeOf(name).book.forget();
    if (failure !== undefined) suspend(failure);
    else logger.log("error", "a turn was rolled back", { error: String(error) });
    const unknown =
      "The turn was not committed; repeat the command with the same command id to find out what was recorded.";
    const told = failure ?? new AionisError("OUTCOME_UNKNOWN", unknown, { cause: error });
    for (const queued of batch) queued.reject(told);
  }

  /** A store that cannot roll back is not used any further. */
  function rollBack(): AionisError | undefined {
    try {
      store.rollback();
      return undefined;
    } catch (error) {
      return new AionisError("STORE_FAILED", "The store failed while it rolled back; start the runtime again.", {
        cause: error,
      });
    }
  }

  function announce(committed: readonly Committed[]): void {
    try {
      options.onCommitted(committed);
    } catch (error) {
      logger.log("error", "a follower of commits failed", { error: String(error) }); // its own state is made again from rows
    }
  }

  function suspend(failure: AionisError): void {
    if (machine.getSnapshot().status !== "active") return; // it has ended already, and said so
    suspension = failure;
    const hasFailed = failure.code === "STORE_FAILED";
    machine.send({ type: hasFailed ? "store.failed" : "store.suspended", reason: failure.detail });
    rejectQueue(failure);
    if (hasFailed) options.onFailed(failure);
    if (failure.code === "STORE_FULL") waitForRoom();
  }

  function waitForRoom(): void {
    clock.setTimer(roomCheckMs, () => {
      if (machine.getSnapshot().value !== "readOnly") return;
      if (!store.hasRoom()) return waitForRoom();
      suspension = undefined;
      machine.send({ type: "store.resumed" });
    });
  }

  function rejectQueue(failure: AionisError): void {
    const rejected = [...queue, ...chores];
    queue = [];
    chores = [];
    for (const queued of rejected) queued.reject(failure);
  }

  return {
    submit,
    suspend,
    chore: (scope, work) =>
      new Promise((resolve, reject) => {
        const refusal = machine.getSnapshot().value === "closed" ? closed() : suspension;
        if (refusal !== undefined) return reject(refusal);
        scopeOf(scope); // as a command's
        chores.push({ scope, work, resolve, reject });
        scheduleTurn();
      }),
    snapshot: (scope, taskId) => scopeOf(scope).book.peek(taskId),
    live: (scope, taskId) => scopeOf(scope).book.live(taskId),
    waiting: () => queue.length,
    status() {
      const { value, context } = machine.getSnapshot();
      const liveTasks = [...scopes.values()].reduce((sum, { book }) => sum + book.size(), 0);
      return { state: value, reason: context.reason, waiting: queue.length, liveTasks };
    },
    close() {
      if (machine.getSnapshot().value === "closed") return;
      if (machine.getSnapshot().status === "active") machine.send({ type: "store.closed" });
      suspension ??= closed();
      rejectQueue(closed());
      for (const { book } of scopes.values()) book.close();
    },
  };
}

function toQueuedClaim({ submission, resolve, reject }: WaitingClaim, taskId: TaskId): Queued {
  const roles = "roles" in submission.command ? [...submission.command.roles] : [];
  const command = { name: "tasks.claim", taskId, input: { roles, waitMs: 0 } } as const;
  return { ...submission, command, hasWaited: true, resolve, reject };
}

/** Whether a claim that had waited named a task that a command before it took, ended or gave to another agent. */
function isTakenAway({ hasWaited, command }: Submission, error: unknown): boolean {
  if (hasWaited !== true || !("name" in command)) return false;
  return isFailure(error, "CLAIM_LOST", "TASK_STATE_CONFLICT", "NOT_ADDRESSED");
}

function closed(): AionisError {
  return new AionisError("RUNTIME_CLOSED", "The runtime is closed; start it again and repeat the command.");
}

function scopesOf(batch: readonly Submission[]): Set<string> {
  return new Set(batch.map(({ scope }) => scope));
}
