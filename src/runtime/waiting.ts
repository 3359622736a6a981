// Waiting calls
//
// Calls that wait at the runtime: claims for which there is no task yet, and watchers of a task. Owns: who waits, in order, in memory only; a
// restart loses them and their callers ask again. Does not own: granting a claim, which is decided in the journal like any other.
//
// Invariants:
//   W1. Of the claims that fit, the one that waited longest goes first, but the offerer of a handoff behind all others; each claimable task is
//       granted to one, in the commit that makes it claimable, or wakes one when its time comes.
//   W2. Every waiting call ends: by what it waits for, or by its time.

import type { Committed, Recorded, Submission, WaitingClaim } from "../../actors/index.ts";
import { claimablesOf, type TaskSnapshot } from "../../machines/index.ts";
import { isDue, type Moment } from "../contracts/due.ts";
import { overloaded } from "../contracts/failures.ts";
import type { TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { CancelTimer, Clock } from "../kernel/clock.ts";
import type { SteadyClock } from "../kernel/steady-clock.ts";
import type { ScopeStore } from "../kernel/store.ts";

/** How a waiting claim ended: by the event that granted it, by something to try for, or by its time. */
export type WaitOutcome =
  | { kind: "granted"; recorded: Recorded | undefined }
  | { kind: "claimable" }
  | { kind: "over" };

/** How long a caller waits, and whether it still does. */
export interface Patience {
  waitMs: number;
  isWanted(): boolean;
}

interface Entry {
  readonly agent: string;
  isWanted(): boolean;
  /** Nobody waits for it any more. */
  drop(): void;
  wake(): void;
  /** Ends the wait: the claim is being granted, and its outcome comes through the returned functions. */
  take(): WaitingClaim;
}

interface Watcher {
  isMet(after: TaskSnapshot): boolean;
  end(): void;
}

export interface Waiting {
  /**
   * Waits until something for one of `targets` can be claimed, or `waitMs` are over. After `claimable` the caller tries, and waits again if
   * another claim was faster.
   * @throws AionisError `OVERLOADED` when too many calls wait; what the grant failed with.
   */
  claim(submission: Submission, targets: readonly string[], patience: Patience): Promise<WaitOutcome>;
  /** The claim that goes first at `target` for the task of `after` (W1); it waits no more. */
  match(target: string, after: TaskSnapshot): WaitingClaim | undefined;
  /** Waits until the task has changed as `isMet` asks, or `waitMs` are over. @throws AionisError `OVERLOADED` */
  changed(taskId: TaskId, isMet: (after: TaskSnapshot) => boolean, waitMs: number): Promise<void>;
  /** Waits until the journal has grown, or `waitMs` are over; says which. @throws AionisError `OVERLOADED` */
  grown(waitMs: number): Promise<"grown" | "over">;
  /** Tells of a commit. */
  follow(committed: readonly Committed[]): void;
  /** Ends every wait. */
  close(): void;
}

export function createWaiting(options: {
  clock: Pick<Clock, "setTimer">;
  time: SteadyClock;
  /** The rows that say what can be claimed. */
  store: Pick<ScopeStore, "nextClaimable" | "nextClaimableIn">;
}): Waiting {
  const { clock, time, store } = options;
  const claims = new Map<string, Set<Entry>>(); // by target, each in the order of waiting
  let claiming = 0;
  const alarms = new Map<string, CancelTimer>(); // by target: when its next task becomes claimable
  const watchers = new Map<TaskId, Set<Watcher>>();
  let watching = 0;
  const readers = new Set<(outcome: "grown" | "over") => void>();
  let isClosed = false;

  function claim(
    submission: Submission,
    targets: readonly string[],
    { waitMs, isWanted }: Patience,
  ): Promise<WaitOutcome> {
    refuseTooMany(claiming);
    if (isClosed || waitMs <= 0) return Promise.resolve({ kind: "over" });
    // what became claimable after the caller last looked would wake nobody
    const now = time.now(); // one moment for both questions: what comes due between two would wake nobody
    if (store.nextClaimable(targets, now) !== undefined) return Promise.resolve({ kind: "claimable" });
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        for (const target of targets) leaveTarget(target, entry);
        claiming -= 1;
        cancel();
      };
      const end = (outcome: WaitOutcome): void => {
        leave();
        resolve(outcome);
      };
      const entry: Entry = {
        agent: submission.by,
        isWanted,
        drop: () => end({ kind: "over" }),
        wake: () => end({ kind: "claimable" }),
        take() {
          leave();
          return { submission, resolve: (recorded) => resolve({ kind: "granted", recorded }), reject };
        },
      };
      const cancel = clock.setTimer(waitMs, () => end({ kind: "over" }));
      claiming += 1;
      for (const target of targets) {
        claims.set(target, (claims.get(target) ?? new Set()).add(entry));
        setAlarm(target, now);
      }
    });
  }

  function changed(taskId: TaskId, isMet: (after: TaskSnapshot) => boolean, waitMs: number): Promise<void> {
    refuseTooMany(watching);
    return new Promise((resolve) => {
      if (isClosed || waitMs <= 0) return resolve();
      const ofTask = watchers.get(taskId) ?? new Set();
      const end = (): void => {
        if (!ofTask.delete(watcher)) return;
        watching -= 1;
        if (ofTask.size === 0) watchers.delete(taskId);
        cancel();
        resolve();
      };
      const watcher: Watcher = { isMet, end };
      const cancel = clock.setTimer(waitMs, end);
      ofTask.add(watcher);
      watchers.set(taskId, ofTask);
      watching += 1;
    });
  }

  function grown(waitMs: number): Promise<"grown" | "over"> {
    refuseTooMany(readers.size);
    if (isClosed || waitMs <= 0) return Promise.resolve("over");
    return new Promise((resolve) => {
      const end = (outcome: "grown" | "over"): void => {
        readers.delete(end);
        cancel();
        resolve(outcome);
      };
      const cancel = clock.setTimer(waitMs, () => end("over"));
      readers.add(end);
    });
  }

  function leaveTarget(target: string, entry: Entry): void {
    const ofTarget = claims.get(target);
    ofTarget?.delete(entry);
    if (ofTarget?.size === 0) claims.delete(target);
  }

  /** W1. Whoever is gone is passed over: what it was granted would wait for its lease to run out. */
  function first(target: string, { context }: TaskSnapshot): Entry | undefined {
    let ofOfferer: Entry | undefined;
    for (const entry of claims.get(target) ?? []) {
      if (!entry.isWanted()) entry.drop();
      else if (entry.agent !== context.handoff?.from.agent) return entry;
      else ofOfferer ??= entry;
    }
    return ofOfferer;
  }

  /** One timer a target, for the first of its tasks that cannot be claimed yet. */
  function setAlarm(target: string, now: Moment): void {
    alarms.get(target)?.();
    alarms.delete(target);
    const inMs = store.nextClaimableIn(target, now);
    if (inMs === undefined) return;
    const cancel = clock.setTimer(inMs, () => {
      alarms.delete(target);
      // Several tasks may be due at once: all that wait try, in their order, and who finds nothing waits again.
      for (const entry of [...(claims.get(target) ?? [])]) entry.isWanted() ? entry.wake() : entry.drop();
    });
    alarms.set(target, cancel);
  }

  /** What can be claimed now was matched in its commit; this is for what somebody came to wait for meanwhile, and for later. */
  function followClaimables(after: TaskSnapshot): void {
    const now = time.now();
    for (const { target, from, clock: on } of claimablesOf(after)) {
      if (isDue({ at: from, clock: on }, now)) first(target, after)?.wake();
      else if (hasClaimFor(target)) setAlarm(target, now);
    }
  }

  function hasClaimFor(target: string): boolean {
    return (claims.get(target)?.size ?? 0) > 0;
  }

  return {
    claim,
    match: (target, after) => first(target, after)?.take(),
    changed,
    grown,
    follow(committed) {
      if (committed.length > 0) for (const end of readers) end("grown");
      const latest = new Map(committed.map(({ recorded, after }) => [recorded.header.taskId, after]));
      for (const [taskId, after] of latest) {
        for (const watcher of watchers.get(taskId) ?? []) if (watcher.isMet(after)) watcher.end();
        if (claiming > 0) followClaimables(after);
      }
    },
    close() {
      isClosed = true;
      for (const cancel of alarms.values()) cancel();
      for (const ofTarget of claims.values()) for (const entry of ofTarget) entry.wake();
      for (const end of readers) end("over");
      for (const ofTask of watchers.values()) for (const watcher of ofTask) watcher.end();
    },
  };
}

const fullMs = 1_000;

function refuseTooMany(waiting: number): void {
  if (waiting < limits.callsWaiting) return;
  throw overloaded(`${waiting} calls wait at the runtime, which is its limit; try again in a moment.`, fullMs);
}
