// Learner
//
// Reads the journal behind the commands, and learns: recall from finished work, lessons from runs and from what was said of them. Owns:
// how far it has read, and its pace. Does not own: what an event teaches (teacher.ts).
//
// Invariants:
//   W1. What is learned is a function of the journal: a rebuild that reads it again from its start comes to the same rows.
//   W2. Rows, the events of lessons, and how far was read are one commit: nothing is learned twice, and nothing is left out.
//   W3. The moves that an event brings about are recorded under ids made from its sequence, and take effect at its place: a rebuild finds
//       them there and does not judge again.
//   W4. It never holds up a command: at most `sliceMs` a turn, and `share` of the time while commands come in.
//   W5. An event that cannot be learned from is passed over and logged, once, and stands in no other's way.
//   W6. When what cannot be read is another's (the rows of what was learned, the task that holds memory), nothing is passed over: learning
//       waits until it can be read again, and says so once.
//   W7. A place that was removed with a part of what was learned, as by a rebuild that did not end, is one where nothing may stand: what is
//       left is removed before the journal is read again, and nothing is counted twice.

import { isFailure, isUnreadable } from "../src/contracts/failures.ts";
import { limits } from "../src/contracts/limits.ts";
import type { CancelTimer, Clock } from "../src/kernel/clock.ts";
import type { Logger } from "../src/kernel/logger.ts";
import type { ScopeStore, StoredEvent } from "../src/kernel/store.ts";
import type { RecallRows } from "../src/recall/index.ts";
import { MemoryUnreadable } from "./lesson-moves.ts";
import type { Committed, Desk, Persistence } from "./persistence.ts";
import { createTeacher, type Knowledge, partsOf, type Teacher, teaching } from "./teacher.ts";

export interface Learner {
  /** What was learned, for readers. Replaced after a commit that failed: ask for it each time. */
  knowledge(): Knowledge;
  /** The last event that taught anything: what answers rest on. It does not move while the journal grows by others. */
  learnedTo(): number;
  /** The last event that was read. */
  readTo(): number;
  /** How far a foreign history was taken over. */
  imports: Teacher["imports"];
  /** There was a commit. */
  wake(committed: readonly Committed[]): void;
  /** Resolves with whether the event `seq` was learned from before `waitMs` were over. */
  reached(seq: number, waitMs: number): Promise<boolean>;
  /** Holds it between two slices, until the returned function is called: then it reads on from where the store says. */
  pause(): Promise<() => void>;
  /** Ends it between two slices. Safe to call twice. */
  close(): Promise<void>;
}

export interface LearnerOptions {
  scope: string;
  store: ScopeStore;
  persistence: Pick<Persistence, "chore">;
  /** Whether an error came out of the store. */
  isStoreFailure(error: unknown): boolean;
  clock: Clock;
  logger: Logger;
}

const sliceMs = 2;
const share = 0.1;
const busyMs = 50; // commands count as coming in for so long after one
const pageEvents = 16;
const stride = 2_000; // events that are looked through at once for one that teaches
const strideKept = 20_000; // how far may be read without writing down how far
const retryMs = 1_000;

const teaches: ReadonlySet<string> = new Set(teaching);

/** Starts to read where it left off. */
export function createLearner(options: LearnerOptions): Learner {
  const { scope, store, persistence, isStoreFailure, clock, logger } = options;
  const rows = store.learning as unknown as RecallRows; // the store keeps them by name, and knows nothing of what is in them
  let teacher = createTeacher(rows);
  let read = store.learnedTo().seq; // may be ahead of what is written down, by events that teach nothing
  let running: Promise<void> | undefined;
  let cancelRest: CancelTimer | undefined;
  let commandAt = Number.NEGATIVE_INFINITY;
  let isClosed = false;
  let isPaused = false;
  const passedOver = new Set<number>();
  let isHeld = false; // W6
  let mayHaveRemains = true; // W7
  let waiters: { seq: number; end(reached: boolean): void }[] = [];

  function wake(committed: readonly Committed[] = []): void {
    const own = committed.every(({ recorded }) => recorded.header.by === "runtime");
    if (!own) commandAt = clock.mono();
    if (isClosed || isPaused || running !== undefined || cancelRest !== undefined || passBy(committed)) return;
    running = learn().finally(() => {
      running = undefined;
      if (read < store.head().seq) rest(0);
    });
  }

  /** Most commits teach nothing: they need not be read again. */
  function passBy(committed: readonly Committed[]): boolean {
    const [first] = committed;
    const last = committed.at(-1);
    if (last === undefined || first?.recorded.header.seq !== read + 1) return false;
    if (committed.some(({ recorded }) => teaches.has(recorded.header.type))) return false;
    moveTo(last.recorded.header.seq);
    return true;
  }

  /** W4 */
  function rest(ms: number): void {
    if (isClosed || isPaused || cancelRest !== undefined) return;
    cancelRest = clock.setTimer(ms, () => {
      cancelRest = undefined;
      wake();
    });
  }

  /** W7 */
  async function clearRemains(): Promise<void> {
    const { seq, part } = store.learnedTo();
    let isLeft = mayHaveRemains && seq === 0 && part === 0;
    while (isLeft && !isClosed && !isPaused)
      await persistence.chore(scope, (desk) => {
        isLeft = desk.store.clearLearned(limits.pageRows);
      });
    mayHaveRemains = isLeft;
    teacher = createTeacher(rows);
  }

  async function learn(): Promise<void> {
    try {
      if (mayHaveRemains) await clearRemains();
      while (!isClosed && !isPaused && read < store.head().seq) {
        const page = findTeaching();
        if (page.length === 0) {
          await new Promise<void>((resolve) => clock.defer(resolve)); // W4: a long journal is looked through between the commands
          continue;
        }
        const from = clock.mono();
        await persistence.chore(scope, (desk) => teachSlice(desk, page));
        moveTo(store.learnedTo().seq);
        isHeld = false;
        const tookMs = clock.mono() - from;
        if (clock.mono() - commandAt < busyMs) return rest(tookMs * (1 / share - 1)); // W4
      }
    } catch (error) {
      teacher = createTeacher(rows); // what it holds may be of the commit that failed
      if (isClosed || isFailure(error, "RUNTIME_CLOSED", "STORE_FAILED")) return;
      if (error instanceof NothingLearned) return rest(0);
      if (isOfOthers(error)) sayHeld(error);
      else if (!isFailure(error)) logger.log("error", "learning met a bug", { scope, error: String(error) });
      rest(retryMs);
    }
  }

  /** W6 */
  function sayHeld(error: unknown): void {
    if (!isHeld)
      logger.log("error", "learning waits: what it rests on cannot be read", { scope, error: String(error) });
    isHeld = true;
  }

  /** The next events that teach. Without any, what was looked through counts as read. */
  function findTeaching(): StoredEvent[] {
    const until = Math.min(store.head().seq, read + stride);
    try {
      const page = store.events({ after: read, count: pageEvents, types: teaching, until });
      if (page.length > 0) return page;
      moveTo(until);
    } catch (error) {
      const { seq } = isFailure(error, "JOURNAL_DAMAGED") ? error.facts : {};
      if (typeof seq !== "number") throw error;
      logPassed(seq, error);
      moveTo(seq); // W5
    }
    if (read - store.learnedTo().seq > strideKept) keepPlace(read);
    return [];
  }

  function keepPlace(seq: number): void {
    persistence
      .chore(scope, (desk) => desk.store.putLearnedTo({ ...desk.store.learnedTo(), seq, part: 0 }))
      .catch((error: unknown) => logger.log("warn", "the place of learning was not kept", { error: String(error) })); // it is read again
  }

  function moveTo(seq: number): void {
    read = Math.max(read, seq);
    const over = waiters.filter((waiter) => waiter.seq <= read);
    waiters = waiters.filter((waiter) => waiter.seq > read);
    for (const { end } of over) end(true);
    for (const passed of passedOver) if (passed <= read) passedOver.delete(passed);
  }

  /** W2. As much of the page as its time allows, at least one part of one event. */
  function teachSlice(desk: Desk, page: readonly StoredEvent[]): void {
    const endsAt = clock.mono() + sliceMs;
    for (const event of page) {
      const { seq, part } = desk.store.learnedTo();
      const parts = countParts(event);
      const from = seq === event.seq - 1 ? part : 0;
      for (let next = from; next < parts; next += 1) {
        teachOne(desk, event, next);
        const isWhole = next + 1 === parts;
        const { taught } = desk.store.learnedTo();
        desk.store.putLearnedTo(
          isWhole ? { seq: event.seq, part: 0, taught: event.seq } : { seq: event.seq - 1, part: next + 1, taught },
        );
        if (clock.mono() >= endsAt) return;
      }
    }
  }

  /** Of an event whose body is damaged the first part is the one that fails. */
  function countParts(event: StoredEvent): number {
    try {
      return partsOf(event);
    } catch (error) {
      if (isUnreadable(error)) return 1;
      throw error;
    }
  }

  function logPassed(seq: number, error: unknown): void {
    logger.log("error", "an event is passed over: nothing can be learned from it", {
      scope,
      seq,
      error: String(error),
    });
  }

  /** W5 */
  function teachOne(desk: Desk, event: StoredEvent, part: number): void {
    if (passedOver.has(event.seq)) return;
    try {
      teacher.teach(desk, event, part);
    } catch (error) {
      if (isStoreFailure(error) || isOfOthers(error)) throw error; // it says nothing of the event
      passedOver.add(event.seq);
      logPassed(event.seq, error);
      throw new NothingLearned(); // what it has changed by now is undone with the slice
    }
  }

  return {
    knowledge: () => teacher,
    learnedTo: () => store.learnedTo().taught,
    readTo: () => read,
    imports: (source) => teacher.imports(source),
    wake,
    reached(seq, waitMs) {
      if (seq <= read) return Promise.resolve(true);
      if (isClosed || waitMs <= 0 || waiters.length >= limits.callsWaiting) return Promise.resolve(false);
      return new Promise((resolve) => {
        const waiter = { seq, end };
        const cancel = clock.setTimer(waitMs, () => end(false));
        function end(reached: boolean): void {
          cancel();
          waiters = waiters.filter((other) => other !== waiter);
          resolve(reached);
        }
        waiters.push(waiter);
      });
    },
    async pause() {
      isPaused = true;
      cancelRest?.();
      cancelRest = undefined;
      await running;
      return () => {
        isPaused = false;
        mayHaveRemains = true;
        teacher = createTeacher(rows);
        read = store.learnedTo().seq;
        rest(0);
      };
    },
    async close() {
      isClosed = true;
      cancelRest?.();
      cancelRest = undefined;
      for (const { end } of waiters) end(false);
      await running;
    },
  };
}

/** W6: whether what cannot be read is no event that is learned from. */
function isOfOthers(error: unknown): boolean {
  return error instanceof MemoryUnreadable || (isFailure(error, "JOURNAL_DAMAGED") && error.facts.seq === undefined);
}

/** Undoes a slice that met an event which nothing can be learned from; the next one passes over it. */
class NothingLearned extends Error {}
