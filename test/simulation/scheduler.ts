// Scheduler
//
// Virtual time for a whole system in one thread: everything that would wait is an entry of one heap, ordered by time and, where times are
// equal, by a seeded draw. The same seed gives the same order.

import type { Clock } from "../../src/kernel/clock.ts";
import type { Random } from "../../src/kernel/random.ts";

interface Entry {
  at: number;
  tie: number;
  run: () => void;
  isCancelled: boolean;
}

/** Whether the process that asked for the entry lives, and until when its event loop is blocked. */
interface Life {
  isAlive(): boolean;
  heldUntil(): number;
}

const wallStart = 1_700_000_000_000;

export interface Scheduler {
  /** Virtual milliseconds since the start. */
  time(): number;
  /**
   * A clock whose callbacks are dropped once `isAlive` says no: the clock of a process that can die. Until `heldUntil` they wait, in their
   * order: its event loop is blocked.
   */
  clock(isAlive: () => boolean, options?: { latencyMs?: number; heldUntil?(): number }): Clock;
  /** Sets the wall clock of every process. */
  jump(byMs: number): void;
  /** Runs the next entry and all that follows from it at once. Says whether there was one. */
  step(): Promise<boolean>;
}

export function createScheduler(random: Random, onError: (error: unknown) => void): Scheduler {
  const heap: Entry[] = [];
  let time = 0;
  let jumpedMs = 0;

  function push(entry: Entry): void {
    heap.push(entry);
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!isBefore(heap[child]!, heap[parent]!)) return;
      swap(heap, child, parent);
      child = parent;
    }
  }

  function pop(): Entry | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      if (left >= heap.length) return first;
      const right = left + 1;
      const child = right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left;
      if (!isBefore(heap[child]!, heap[parent]!)) return first;
      swap(heap, child, parent);
      parent = child;
    }
  }

  function schedule(delayMs: number, { isAlive, heldUntil }: Life, run: () => void): Entry {
    const entry: Entry = {
      at: time + Math.max(delayMs, 0),
      tie: random.u32(),
      isCancelled: false,
      run: () => {
        if (!isAlive()) return;
        entry.at = heldUntil();
        if (entry.at > time) push(entry);
        else run();
      },
    };
    push(entry);
    return entry;
  }

  return {
    time: () => time,
    clock: (isAlive, { latencyMs = 0, heldUntil = () => 0 } = {}) => ({
      now: () => wallStart + jumpedMs + Math.floor(time),
      mono: () => time,
      setTimer(delayMs, run) {
        const entry = schedule(delayMs, { isAlive, heldUntil }, run);
        return () => {
          entry.isCancelled = true;
        };
      },
      defer(run) {
        const delayMs = latencyMs === 0 ? 0 : (random.u32() / 2 ** 32) * latencyMs;
        schedule(delayMs, { isAlive, heldUntil }, run);
      },
    }),
    jump(byMs) {
      jumpedMs += byMs;
    },
    async step() {
      const entry = pop();
      if (entry === undefined) return false;
      time = Math.max(time, entry.at);
      if (entry.isCancelled) return true;
      try {
        entry.run();
      } catch (error) {
        onError(error);
      }
      await settle();
      return true;
    },
  };
}

const realSetImmediate = setImmediate; // kept before the simulation takes the global away

/** Lets every promise that can go on go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => void realSetImmediate(resolve));
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.at < right.at || (left.at === right.at && left.tie < right.tie);
}

function swap(heap: Entry[], left: number, right: number): void {
  const entry = heap[left]!;
  heap[left] = heap[right]!;
  heap[right] = entry;
}
